// avgPool2d and adaptiveAvgPool2d, forward and backward.
#pragma once
#include "kernels/pool.inl"

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

// x is the plane and all that follows it; kStride as in loadTap.
template <int kStride>
INLINE void avgPoolPlane(In x, float* y, const Pool2dGeometry& g) {
  const Span interior = interiorWindows(g.ow, g.kw, 1, g.strideW, g.padLeft, g.w);
  for (int64_t oh = 0; oh < g.oh; oh++) {
    const int64_t startH = oh * g.strideH - g.padTop;
    const Span rows = validTaps(startH, g.kh, 1, g.h);
    const int64_t height = rows.end - rows.begin, top = (startH + rows.begin) * g.w;
    const int64_t divisorH = divisorOf(startH, g.kh, g.h, g.padBottom, g.countIncludePad);
    const auto single = [&](int64_t ow) {
      const int64_t startW = ow * g.strideW - g.padLeft;
      const Span columns = validTaps(startW, g.kw, 1, g.w);
      const int64_t width = columns.end - columns.begin;
      const int64_t divisor = divisorH * divisorOf(startW, g.kw, g.w, g.padRight, g.countIncludePad);
      const bool empty = height == 0 || width == 0;
      const double sum = empty ? 0 : windowSum(x.data + top + startW + columns.begin, height, width, g.w);
      y[oh * g.ow + ow] = divisor > 0 ? static_cast<float>(sum / static_cast<double>(divisor)) : 0.0f;
    };
    // a window as wide as the plane is one contiguous block
    const Span inside = height > 0 && g.kw < g.w ? interior : Span{g.ow, g.ow};
    for (int64_t ow = 0; ow < inside.begin; ow++) single(ow);
    const V divisor = set1(static_cast<float>(divisorH * g.kw));
    for (int64_t ow = inside.begin; ow < inside.end; ow += kWidth) {
      const int64_t lanes = smallest(kWidth, inside.end - ow);
      const int64_t start = top + ow * g.strideW - g.padLeft;
      const bool whole = start + (height - 1) * g.w + reachOf<kStride>(g.kw - 1, g.strideW) <= x.size;
      V sum = zero();
      for (int64_t row = start; row < start + height * g.w; row += g.w) {
        const float* p = x.data + row;
        for (int64_t kw = 0; kw < g.kw; kw++)
          sum = add(sum, whole ? loadTap<kStride>(p, kw, g.strideW) : loadTapLanes(p, kw, g.strideW, lanes));
      }
      const V mean = div(sum, divisor);
      if (lanes == kWidth) {
        store(y + oh * g.ow + ow, mean);
      } else {
        storePartial(y + oh * g.ow + ow, mean, lanes);
      }
    }
    for (int64_t ow = inside.end; ow < g.ow; ow++) single(ow);
  }
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
  return planPlanes(sizes, static_cast<double>(sizes.y) * tapsInside(a.g));
}

void run(const args::avgPool2dForward& a, int, Range range, const Workspace&) {
  const Pool2dGeometry& g = a.g;
  const int64_t sizeX = int64_t{g.h} * g.w, sizeY = int64_t{g.oh} * g.ow;
  for (int64_t item = range.begin; item < range.end; item++) {
    const In x = {a.x.data + item * sizeX, a.x.size - item * sizeX};
    float* y = a.y.data + item * sizeY;
    if (g.strideW == 1) {
      avgPoolPlane<1>(x, y, g);
    } else if (g.strideW == 2) {
      avgPoolPlane<2>(x, y, g);
    } else {
      avgPoolPlane<0>(x, y, g);
    }
  }
}

// --- its gradient ---

// dx[i · stride] += shares[i]; kStride as in loadTap
template <int kStride>
INLINE void scatterRow(float* dx, const float* shares, int64_t n, int64_t stride) {
  if constexpr (kStride == 1) {
    addRow(dx, shares, n);
  } else {
    int64_t i = 0;
    if constexpr (kStride == 2) {
      // zeros go to the places between; the last place must exist, so one share is left over for the loop below
      for (; i + kWidth < n; i += kWidth) {
        const V v = load(shares + i);
        float* p = dx + 2 * i;
        store(p, add(load(p), zipLow(v, zero())));
        store(p + kWidth, add(load(p + kWidth), zipHigh(v, zero())));
      }
    }
    for (; i < n; i++) dx[i * stride] += shares[i];
  }
}

// `divisors` and `shares` hold ow floats each: the divisors of the windows along a row, and dy divided among its
// window.
template <int kStride>
INLINE void avgPoolGradPlane(const float* dy, float* dx, const float* divisors, float* shares,
                             const Pool2dGeometry& g) {
  fillRow(dx, int64_t{g.h} * g.w, 0);
  const int64_t kernel = smallest(g.kw, int64_t{g.padLeft} + g.w);  // taps behind lie outside for every window
  for (int64_t oh = 0; oh < g.oh; oh++) {
    const int64_t startH = oh * g.strideH - g.padTop;
    const Span rows = validTaps(startH, g.kh, 1, g.h);
    if (rows.begin == rows.end) continue;
    const V divisorH = set1(static_cast<float>(divisorOf(startH, g.kh, g.h, g.padBottom, g.countIncludePad)));
    mapRow(shares, dy + oh * g.ow, divisors, g.ow,
           [divisorH](V v, V divisor) { return div(v, mul(divisor, divisorH)); });
    for (int64_t kw = 0; kw < kernel; kw++) {
      const Span windows = windowsOfTap(g.ow, kw, 1, g.strideW, g.padLeft, g.w);
      if (windows.begin == windows.end) continue;
      float* target = dx + windows.begin * g.strideW - g.padLeft + kw;
      for (int64_t kh = rows.begin; kh < rows.end; kh++) {
        scatterRow<kStride>(target + (startH + kh) * g.w, shares + windows.begin, windows.end - windows.begin,
                            g.strideW);
      }
    }
  }
}

Work plan(const args::avgPool2dBackward& a) {
  const char* error = avgPoolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.dy, sizes.y)) return refuse("avgPool2dBackward: dy is shorter than its shape");
  if (!holds(a.dx, sizes.x)) return refuse("avgPool2dBackward: dx is shorter than its shape");
  Work work = planPlanes(sizes, static_cast<double>(sizes.x) + static_cast<double>(sizes.y) * tapsInside(a.g));
  work.localFloats = 2 * int64_t{a.g.ow};
  return work;
}

void run(const args::avgPool2dBackward& a, int, Range range, const Workspace& workspace) {
  const Pool2dGeometry& g = a.g;
  const int64_t sizeX = int64_t{g.h} * g.w, sizeY = int64_t{g.oh} * g.ow;
  float* divisors = workspace.local;
  float* shares = divisors + g.ow;
  for (int64_t ow = 0; ow < g.ow; ow++)
    divisors[ow] = static_cast<float>(
        divisorOf(ow * g.strideW - g.padLeft, g.kw, g.w, g.padRight, g.countIncludePad));
  for (int64_t item = range.begin; item < range.end; item++) {
    const float* dy = a.dy.data + item * sizeY;
    float* dx = a.dx.data + item * sizeX;
    if (g.strideW == 1) {
      avgPoolGradPlane<1>(dy, dx, divisors, shares, g);
    } else if (g.strideW == 2) {
      avgPoolGradPlane<2>(dy, dx, divisors, shares, g);
    } else {
      avgPoolGradPlane<0>(dy, dx, divisors, shares, g);
    }
  }
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

Work plan(const args::adaptiveAvgPool2dForward& a) {
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.x, sizes.x)) return refuse("adaptiveAvgPool2dForward: x is shorter than its shape");
  if (!holds(a.y, sizes.y)) return refuse("adaptiveAvgPool2dForward: y is shorter than its shape");
  return planPlanes(sizes, static_cast<double>(sizes.x) + 4 * static_cast<double>(sizes.y));
}

void run(const args::adaptiveAvgPool2dForward& a, int, Range range, const Workspace&) {
  const AdaptivePool2dGeometry& g = a.g;
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

Work plan(const args::adaptiveAvgPool2dBackward& a) {
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.dy, sizes.y)) return refuse("adaptiveAvgPool2dBackward: dy is shorter than its shape");
  if (!holds(a.dx, sizes.x)) return refuse("adaptiveAvgPool2dBackward: dx is shorter than its shape");
  return planPlanes(sizes, 2 * static_cast<double>(sizes.x) + 4 * static_cast<double>(sizes.y));
}

void run(const args::adaptiveAvgPool2dBackward& a, int, Range range, const Workspace&) {
  const AdaptivePool2dGeometry& g = a.g;
  for (int64_t item = range.begin; item < range.end; item++) {
    const float* dy = a.dy.data + item * g.oh * g.ow;
    float* dx = a.dx.data + item * g.h * g.w;
    fillRow(dx, int64_t{g.h} * g.w, 0);
    forEachAdaptiveWindow(g, [&](int64_t o, Span rows, Span columns) {
      const int64_t height = rows.end - rows.begin, width = columns.end - columns.begin;
      const float share = dy[o] / static_cast<float>(height * width);
      const V shares = set1(share);
      for (int64_t row = rows.begin; row < rows.end; row++) {
        float* p = dx + row * g.w + columns.begin;
        if (width >= kWidth) {
          mapRow(p, p, width, [shares](V v) { return add(v, shares); });
        } else {
          for (int64_t column = 0; column < width; column++) p[column] += share;
        }
      }
    });
  }
}

}  // namespace
}  // namespace ISA
