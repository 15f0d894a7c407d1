// The gradients of avgPool2d and adaptiveAvgPool2d: every element of dy, divided, goes to all elements of its window.
//
// As in the forward pass (pool_rows.inl), the two axes are dealt with one after the other. A row of dy is written to a
// buffer with its elements strideW apart and zeros between; an element of its spread row is the sum of kw neighbours
// there. An element of dx is the sum of the spread rows above it.
#pragma once
#include "kernels/avg_pool.inl"

namespace ISA {
namespace {

// The zeros in front of a row of dy are so many that the sums begin on a cache line.
struct SpreadBuffer {
  int64_t lead;   // where the first element of a row of dy lies
  int64_t apart;  // floats of the row of dy, and of a spread row
  int64_t spread;
  int64_t rows;   // spread rows that an element of dx may need
};

// kInvalid rows if it would be too large.
INLINE SpreadBuffer spreadBufferOf(const Pool2dGeometry& g) {
  const int64_t first = largest(0, ceilDiv(int64_t{g.padLeft} + 1, 16)) * 16;  // first summand of the first sum
  const int64_t lead = first - g.padLeft + g.kw - 1;
  const int64_t row = ceilDiv(g.ow, kWidth) * kWidth * g.strideW;
  const int64_t apart = lead + largest(row, int64_t{g.w} + g.padLeft) + 2 * kWidth;
  const int64_t spread = ceilDiv(g.w, 16) * 16, rows = smallest(g.oh, ceilDiv(g.kh, g.strideH));
  const int64_t size = elements(rows, largest(1, spread));
  const bool fits = apart <= kPoolRows * kMostPoolPitch && size >= 0 && size <= kPoolRows * kMostPoolPitch;
  return {lead, ceilDiv(apart, 16) * 16, spread, fits ? rows : kInvalid};
}
INLINE int64_t avgPoolGradFloats(const Pool2dGeometry& g) {
  const SpreadBuffer buffer = spreadBufferOf(g);
  if (buffer.rows == kInvalid) return 0;
  return buffer.apart + buffer.rows * buffer.spread + ceilDiv(g.ow, kWidth) * kWidth;
}

// Row oh of dy, divided and spread over the columns of its windows.
template <int kStride>
INLINE void spreadRow(const float* dy, int64_t oh, const Pool2dGeometry& g, const SpreadBuffer& buffer,
                      const float* inverse, float* apart, float* spread) {
  const V height = set1(inverseHeight(g, oh));
  const float* from = dy + oh * g.ow;
  float* to = apart + buffer.lead;
  for (int64_t ow = 0; ow < g.ow; ow += kWidth) {
    const V share = mul(loadUpTo(from + ow, g.ow - ow), mul(height, loadUpTo(inverse + ow, g.ow - ow)));
    if constexpr (kStride == 1) {
      store(to + ow, share);
    } else if constexpr (kStride == 2) {
      store(to + 2 * ow, zipLow(share, zero()));
      store(to + 2 * ow + kWidth, zipHigh(share, zero()));
    } else {
      float lane[kWidth];
      store(lane, share);
      for (int64_t i = 0; i < kWidth; i++) to[(ow + i) * g.strideW] = lane[i];
    }
  }
  const float* first = to + g.padLeft - (g.kw - 1);
  V v = load(first);
  for (int64_t i = 0; i < g.w; i += kWidth) {
    const V next = load(first + i + kWidth);
    V sum = v;
    if (g.kw == 2 || g.kw == 3) {
      sum = add(sum, shiftIn<1>(v, next));
      if (g.kw == 3) sum = add(sum, shiftIn<2>(v, next));
    } else {
      for (int64_t kw = 1; kw < g.kw; kw++) sum = add(sum, load(first + i + kw));
    }
    store(spread + i, sum);
    v = next;
  }
}

template <int kStride>
INLINE void avgPoolGradPlane(const float* dy, float* dx, const Pool2dGeometry& g, const SpreadBuffer& buffer,
                             const float* inverse, float* apart, float* rows) {
  int64_t ready = 0;  // rows of dy that have been spread
  for (int64_t h = 0; h < g.h; h++) {
    // row h of dx lies in the windows of these rows of dy
    const int64_t above = h + g.padTop;
    const int64_t end = smallest(g.oh, above / g.strideH + 1);
    const int64_t begin = above < g.kh ? 0 : smallest(end, (above - g.kh) / g.strideH + 1);
    for (ready = largest(ready, begin); ready < end; ready++)
      spreadRow<kStride>(dy, ready, g, buffer, inverse, apart, rows + ready % buffer.rows * buffer.spread);
    float* to = dx + h * g.w;
    if (begin == end) {
      fillRow(to, g.w, 0);
    } else if (end - begin == 1) {
      copyRow(to, rows + begin % buffer.rows * buffer.spread, g.w);
    } else {
      for (int64_t i = 0; i < g.w; i += kWidth) {
        V sum = load(rows + begin % buffer.rows * buffer.spread + i);
        for (int64_t oh = begin + 1, at = oh % buffer.rows; oh < end; oh++, at = at + 1 == buffer.rows ? 0 : at + 1)
          sum = add(sum, load(rows + at * buffer.spread + i));
        storeUpTo(to + i, sum, g.w - i);
      }
    }
  }
}

// Window by window, for rows that fit into no buffer.
INLINE void avgPoolGradWindows(const float* dy, float* dx, const Pool2dGeometry& g) {
  fillRow(dx, int64_t{g.h} * g.w, 0);
  for (int64_t oh = 0; oh < g.oh; oh++) {
    const int64_t startH = oh * g.strideH - g.padTop;
    const Span rows = validTaps(startH, g.kh, 1, g.h);
    for (int64_t ow = 0; ow < g.ow; ow++) {
      const int64_t startW = ow * g.strideW - g.padLeft;
      const Span columns = validTaps(startW, g.kw, 1, g.w);
      const float width = inverseDivisor(startW, g.kw, g.w, g.padRight, g.countIncludePad);
      const V share = set1(dy[oh * g.ow + ow] * (inverseHeight(g, oh) * width));
      for (int64_t kh = rows.begin; kh < rows.end; kh++) {
        float* p = dx + (startH + kh) * g.w + startW + columns.begin;
        mapRow(p, p, columns.end - columns.begin, [share](V v) { return add(v, share); });
      }
    }
  }
}

INLINE void avgPoolGradPlanes(const float* dy, float* dx, const Pool2dGeometry& g, Range range, float* local) {
  const int64_t sizeX = int64_t{g.h} * g.w, sizeY = int64_t{g.oh} * g.ow;
  const SpreadBuffer buffer = spreadBufferOf(g);
  float* apart = local;
  float* rows = apart + buffer.apart;
  float* inverse = rows + buffer.rows * buffer.spread;
  if (buffer.rows != kInvalid) {
    fillRow(apart, buffer.apart, 0);
    writeInverseWidths(g, inverse);
  }
  for (int64_t item = range.begin; item < range.end; item++) {
    const float* from = dy + item * sizeY;
    float* to = dx + item * sizeX;
    if (buffer.rows == kInvalid) {
      avgPoolGradWindows(from, to, g);
    } else if (g.strideW == 1) {
      avgPoolGradPlane<1>(from, to, g, buffer, inverse, apart, rows);
    } else if (g.strideW == 2) {
      avgPoolGradPlane<2>(from, to, g, buffer, inverse, apart, rows);
    } else {
      avgPoolGradPlane<0>(from, to, g, buffer, inverse, apart, rows);
    }
  }
}

// dx = dy / size all over each plane.
INLINE void spreadOverPlanes(const float* dy, float* dx, int64_t size, Range range) {
  const float inverse = 1.0f / static_cast<float>(size);
  for (int64_t item = range.begin; item < range.end; item++) fillRow(dx + item * size, size, dy[item] * inverse);
}

Work plan(const args::avgPool2dBackward& a) {
  const char* error = avgPoolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.dy, sizes.y)) return refuse("avgPool2dBackward: dy is shorter than its shape");
  if (!holds(a.dx, sizes.x)) return refuse("avgPool2dBackward: dx is shorter than its shape");
  Work work = planPlanes(sizes, static_cast<double>(sizes.x) + static_cast<double>(sizes.y) * tapsInside(a.g));
  work.localFloats = avgPoolGradFloats(a.g);
  return work;
}

void run(const args::avgPool2dBackward& a, int, Range range, const Workspace& workspace) {
  if (isWholePlane(a.g)) return spreadOverPlanes(a.dy.data, a.dx.data, int64_t{a.g.h} * a.g.w, range);
  avgPoolGradPlanes(a.dy.data, a.dx.data, a.g, range, workspace.local);
}

Work plan(const args::adaptiveAvgPool2dBackward& a) {
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.dy, sizes.y)) return refuse("adaptiveAvgPool2dBackward: dy is shorter than its shape");
  if (!holds(a.dx, sizes.x)) return refuse("adaptiveAvgPool2dBackward: dx is shorter than its shape");
  Work work = planPlanes(sizes, 2 * static_cast<double>(sizes.x) + 4 * static_cast<double>(sizes.y));
  if (isEven(a.g)) work.localFloats = avgPoolGradFloats(evenWindows(a.g));
  return work;
}

void run(const args::adaptiveAvgPool2dBackward& a, int, Range range, const Workspace& workspace) {
  const AdaptivePool2dGeometry& g = a.g;
  if (isEven(g)) {
    if (g.oh == 1 && g.ow == 1) return spreadOverPlanes(a.dy.data, a.dx.data, int64_t{g.h} * g.w, range);
    return avgPoolGradPlanes(a.dy.data, a.dx.data, evenWindows(g), range, workspace.local);
  }
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
