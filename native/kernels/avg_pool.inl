// avgPool2d and adaptiveAvgPool2d. Their gradients are in avg_pool_grad.inl.
#pragma once
#include "kernels/pool_rows.inl"

namespace ISA {
namespace {

// --- average over windows of one size ---

// The number of positions along one axis that a window is divided by.
INLINE int64_t divisorOf(int64_t start, int64_t kernel, int64_t size, int64_t padAfter, bool countIncludePad) {
  if (countIncludePad) return smallest(start + kernel, size + padAfter) - start;
  const Span taps = validTaps(start, kernel, 1, size);
  return taps.end - taps.begin;
}

INLINE double windowSum(const float* x, int64_t rows, int64_t columns, int64_t stride) {
  if (columns == stride) return sumRow(x, rows * columns);
  double sum = 0;
  for (int64_t row = 0; row < rows; row++) {
    if (columns >= kWidth) {
      sum += sumRow(x + row * stride, columns);
    } else {
      for (int64_t column = 0; column < columns; column++) sum += static_cast<double>(x[row * stride + column]);
    }
  }
  return sum;
}

// 1 / the divisors of the windows along a row of outputs, or along a column: the divisor of a window is the product of
// the two. 0 for a window that nothing is divided by, which holds no element.
INLINE float inverseDivisor(int64_t start, int64_t kernel, int64_t size, int64_t padAfter, bool countIncludePad) {
  const int64_t divisor = divisorOf(start, kernel, size, padAfter, countIncludePad);
  return divisor > 0 ? 1.0f / static_cast<float>(divisor) : 0.0f;
}
INLINE float inverseHeight(const Pool2dGeometry& g, int64_t oh) {
  return inverseDivisor(oh * g.strideH - g.padTop, g.kh, g.h, g.padBottom, g.countIncludePad);
}
INLINE void writeInverseWidths(const Pool2dGeometry& g, float* inverse) {
  for (int64_t ow = 0; ow < g.ow; ow++)
    inverse[ow] = inverseDivisor(ow * g.strideW - g.padLeft, g.kw, g.w, g.padRight, g.countIncludePad);
}

// Window by window, for rows that fit into no buffer.
INLINE void avgPoolWindows(const float* x, float* y, const Pool2dGeometry& g) {
  for (int64_t oh = 0; oh < g.oh; oh++) {
    const Span rows = validTaps(oh * g.strideH - g.padTop, g.kh, 1, g.h);
    const int64_t top = (oh * g.strideH - g.padTop + rows.begin) * g.w;
    for (int64_t ow = 0; ow < g.ow; ow++) {
      const int64_t startW = ow * g.strideW - g.padLeft;
      const Span columns = validTaps(startW, g.kw, 1, g.w);
      const double inverse = static_cast<double>(inverseHeight(g, oh)) *
                             inverseDivisor(startW, g.kw, g.w, g.padRight, g.countIncludePad);
      const int64_t height = rows.end - rows.begin, width = columns.end - columns.begin;
      const bool empty = height == 0 || width == 0;
      const double sum = empty ? 0 : windowSum(x + top + startW + columns.begin, height, width, g.w);
      y[oh * g.ow + ow] = static_cast<float>(sum * inverse);
    }
  }
}

INLINE void avgPoolPlanes(const float* x, float* y, const Pool2dGeometry& g, Range range, float* local) {
  const int64_t sizeX = int64_t{g.h} * g.w, sizeY = int64_t{g.oh} * g.ow;
  const RowBuffer buffer = rowBufferOf(g);
  if (buffer.pitch == kInvalid) {
    for (int64_t item = range.begin; item < range.end; item++) avgPoolWindows(x + item * sizeX, y + item * sizeY, g);
    return;
  }
  float* inverse = local + kPoolRows * buffer.pitch;
  writeInverseWidths(g, inverse);
  clearRows<Total>(buffer, local);
  withWindow(g, [&](auto kernel, auto stride) {
    constexpr int kKernel = decltype(kernel)::value, kStride = decltype(stride)::value;
    for (int64_t item = range.begin; item < range.end; item++) {
      for (int64_t oh = 0; oh < g.oh; oh += kPoolRows) {
        const auto divide = [&g, inverse](int64_t row) {
          const V height = set1(inverseHeight(g, row));
          return [height, inverse](V sum, int64_t ow) { return mul(sum, mul(height, load(inverse + ow))); };
        };
        poolRows<Total, kKernel, kStride>(x + item * sizeX, y + item * sizeY, g, buffer, oh,
                                          smallest(g.oh, oh + kPoolRows), local, divide);
      }
    }
  });
}
INLINE int64_t avgPoolFloats(const Pool2dGeometry& g) {
  const int64_t rows = rowBufferFloats(g);
  return rows > 0 ? rows + ceilDiv(g.ow, kWidth) * kWidth : 0;
}

// y[plane] = the mean of `size` elements.
INLINE void meansOfPlanes(const float* x, float* y, int64_t size, Range range) {
  const V inverse = set1(1.0f / static_cast<float>(size));
  if (size > kShortRow) {
    for (int64_t item = range.begin; item < range.end; item++)
      y[item] = static_cast<float>(sumRow(x + item * size, size) / static_cast<double>(size));
    return;
  }
  for (int64_t item = range.begin; item < range.end; item += kWidth) {
    const int64_t planes = smallest(kWidth, range.end - item);
    storeUpTo(y + item, mul(sumsOfRows(x + item * size, size, planes, size), inverse), planes);
  }
}

// Whether a plane is one window.
INLINE bool isWholePlane(const Pool2dGeometry& g) {
  return g.oh == 1 && g.ow == 1 && g.kh == g.h && g.kw == g.w && g.padTop == 0 && g.padLeft == 0 && g.h > 0 && g.w > 0;
}

INLINE const char* avgPoolError(const Pool2dGeometry& g) {
  if (g.dilationH != 1 || g.dilationW != 1) return "avgPool2d: dilation is 1";
  return poolError(g);
}

Work plan(const args::avgPool2dForward& a) {
  const char* error = avgPoolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.x, sizes.x)) return refuse("avgPool2dForward: x is shorter than its shape");
  if (!holds(a.y, sizes.y)) return refuse("avgPool2dForward: y is shorter than its shape");
  Work work = planPlanes(sizes, static_cast<double>(sizes.y) * tapsInside(a.g));
  work.localFloats = avgPoolFloats(a.g);
  return work;
}

void run(const args::avgPool2dForward& a, int, Range range, const Workspace& workspace) {
  if (isWholePlane(a.g)) return meansOfPlanes(a.x.data, a.y.data, int64_t{a.g.h} * a.g.w, range);
  avgPoolPlanes(a.x.data, a.y.data, a.g, range, workspace.local);
}

// --- average over windows that share the plane ---

// Window i of `count` over an axis: [floor(i · size / count), ceil((i + 1) · size / count)).
INLINE Span adaptiveWindow(int64_t i, int64_t count, int64_t size) {
  return {i * size / count, ceilDiv((i + 1) * size, count)};
}

// Calls window(o, rows, columns) for the outputs of a plane.
template <class Window>
INLINE void forEachAdaptiveWindow(const AdaptivePool2dGeometry& g, Window window) {
  for (int64_t oh = 0; oh < g.oh; oh++) {
    const Span rows = adaptiveWindow(oh, g.oh, g.h);
    for (int64_t ow = 0; ow < g.ow; ow++) window(oh * g.ow + ow, rows, adaptiveWindow(ow, g.ow, g.w));
  }
}

// Windows of one size side by side, as average pooling has them.
INLINE bool isEven(const AdaptivePool2dGeometry& g) {
  return g.oh > 0 && g.ow > 0 && g.h > 0 && g.w > 0 && g.h % g.oh == 0 && g.w % g.ow == 0;
}
INLINE Pool2dGeometry evenWindows(const AdaptivePool2dGeometry& g) {
  const int32_t kh = g.h / g.oh, kw = g.w / g.ow;
  return {g.n, g.c, g.h, g.w, kh, kw, g.oh, g.ow, kh, kw, 1, 1, 0, 0, 0, 0, 1};
}

Work plan(const args::adaptiveAvgPool2dForward& a) {
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.x, sizes.x)) return refuse("adaptiveAvgPool2dForward: x is shorter than its shape");
  if (!holds(a.y, sizes.y)) return refuse("adaptiveAvgPool2dForward: y is shorter than its shape");
  Work work = planPlanes(sizes, static_cast<double>(sizes.x) + 4 * static_cast<double>(sizes.y));
  if (isEven(a.g)) work.localFloats = avgPoolFloats(evenWindows(a.g));
  return work;
}

void run(const args::adaptiveAvgPool2dForward& a, int, Range range, const Workspace& workspace) {
  const AdaptivePool2dGeometry& g = a.g;
  if (isEven(g)) {
    if (g.oh == 1 && g.ow == 1) return meansOfPlanes(a.x.data, a.y.data, int64_t{g.h} * g.w, range);
    return avgPoolPlanes(a.x.data, a.y.data, evenWindows(g), range, workspace.local);
  }
  for (int64_t item = range.begin; item < range.end; item++) {
    const float* x = a.x.data + item * g.h * g.w;
    float* y = a.y.data + item * g.oh * g.ow;
    forEachAdaptiveWindow(g, [&](int64_t o, Span rows, Span columns) {
      const int64_t height = rows.end - rows.begin, width = columns.end - columns.begin;
      const double sum = windowSum(x + rows.begin * g.w + columns.begin, height, width, g.w);
      y[o] = static_cast<float>(sum / static_cast<double>(height * width));
    });
  }
}

}  // namespace
}  // namespace ISA
