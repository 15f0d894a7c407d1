// Pooling in two steps: down the columns of the windows of an output row, then along the row that results. A window of
// kh by kw costs kh + kw operations instead of kh times kw, and the row in between has room for the padding, so that no
// window is a special case.
#pragma once
#include "kernels/pool.inl"

namespace ISA {
namespace {

// Output rows that go through the row buffer together: a row is read a few hundred cycles after it was written, when
// its stores have left the store queue, from which a load of parts of two of them could not be served.
constexpr int64_t kPoolRows = 8;

// A row this long is left to the loops that need no buffer. It only occurs with absurd strides or padding.
constexpr int64_t kMostPoolPitch = 1 << 15;

// Windows begin on a cache line; x lies behind the padding, since stores do not mind crossing lines and loads do.
struct RowBuffer {
  int64_t lead;  // where element 0 of a row of x lies
  int64_t pitch;
};

// kInvalid pitch if the rows are too long.
INLINE RowBuffer rowBufferOf(const Pool2dGeometry& g) {
  const int64_t lead = g.padLeft, lastTap = (int64_t{g.kw} - 1) * g.dilationW;
  const int64_t windows = ceilDiv(g.ow, kWidth) * kWidth * g.strideW + lastTap;
  // whole vectors are stored behind the last element and read behind the last window
  const int64_t pitch = largest(lead + g.w, windows) + 4 * kWidth;
  return {lead, pitch <= kMostPoolPitch ? ceilDiv(pitch, 16) * 16 : kInvalid};
}
INLINE int64_t rowBufferFloats(const Pool2dGeometry& g) {
  const RowBuffer buffer = rowBufferOf(g);
  return buffer.pitch == kInvalid ? 0 : kPoolRows * buffer.pitch;
}

// The two ways to combine the elements of a window. A largest element is found by max alone if no element is NaN, which
// the sum of the elements tells: it runs in pipes that max leaves idle. (Infinities of both signs make it NaN as well,
// and the caller only takes the longer way.)
struct Largest {
  static constexpr bool kWatchesNan = true;
  INLINE V identity() { return set1(-__builtin_inff()); }
  INLINE V combine(V a, V b) { return max(a, b); }
};
struct Total {
  static constexpr bool kWatchesNan = false;
  INLINE V identity() { return zero(); }
  INLINE V combine(V a, V b) { return add(a, b); }
};

// One vector of a row of the buffer: `taps` rows of x, `step` apart. kTaps is their number if it is known, or 0.
template <class Way, int kTaps, class Load>
INLINE V combineRows(const float* x, int64_t step, int64_t taps, V& watch, Load load) {
  const int64_t count = kTaps > 0 ? kTaps : taps;
  V best = load(x);
  if (Way::kWatchesNan) keepInRegister(best);
  V sum = best;
#pragma GCC unroll 2
  for (int64_t k = 1; k < count; k++) {
    V v = load(x + k * step);
    if (Way::kWatchesNan) keepInRegister(v);
    best = Way::combine(best, v);
    if (Way::kWatchesNan) sum = add(sum, v);
  }
  if (Way::kWatchesNan) watch = add(watch, sum);
  return best;
}

// A row of the buffer, from element 0 of x on; what follows the last element in its vector becomes the identity.
template <class Way, int kTaps>
INLINE void combineRow(float* to, const float* x, int64_t step, int64_t taps, int64_t w, V& watch) {
  int64_t i = 0;
  for (; i + kWidth <= w; i += kWidth)
    store(to + i, combineRows<Way, kTaps>(x + i, step, taps, watch, [](const float* p) { return load(p); }));
  if (i < w) {
    const int64_t lanes = w - i;
    const auto loadLast = [lanes](const float* p) { return loadPartial(p, lanes); };
    const V v = combineRows<Way, kTaps>(x + i, step, taps, watch, loadLast);
    store(to + i, select(firstLanes(lanes), v, Way::identity()));
  }
}

// One output row from a row of the buffer; finish(v, ow) turns what a vector of windows came to into results. The
// usual windows read aligned vectors only and shift them against each other: a load that crosses cache lines takes two
// and a half times as long as a shift.
template <class Way, int kKernel, int kStride, class Finish>
INLINE void combineAlong(float* y, const float* windows, const Pool2dGeometry& g, Finish finish) {
  if constexpr (kKernel > 0 && kStride == 1) {
    V v = load(windows);
    for (int64_t ow = 0; ow < g.ow; ow += kWidth) {
      const V next = load(windows + ow + kWidth);
      V best = Way::combine(v, shiftIn<1>(v, next));
      if (kKernel == 3) best = Way::combine(best, shiftIn<2>(v, next));
      storeUpTo(y + ow, finish(best, ow), g.ow - ow);
      v = next;
    }
  } else if constexpr (kKernel > 0 && kStride == 2) {
    V low = load(windows), high = load(windows + kWidth), even = evens(low, high);
    for (int64_t ow = 0; ow < g.ow; ow += kWidth) {
      V best = Way::combine(even, odds(low, high));
      low = load(windows + 2 * ow + 2 * kWidth);
      high = load(windows + 2 * ow + 3 * kWidth);
      const V next = evens(low, high);
      if (kKernel == 3) best = Way::combine(best, shiftIn<1>(even, next));
      storeUpTo(y + ow, finish(best, ow), g.ow - ow);
      even = next;
    }
  } else {
    for (int64_t ow = 0; ow < g.ow; ow += kWidth) {
      const float* p = windows + ow * g.strideW;
      V v = loadTap<kStride>(p, 0, g.strideW);
      for (int64_t kw = 1; kw < g.kw; kw++) v = Way::combine(v, loadTap<kStride>(p, kw * g.dilationW, g.strideW));
      storeUpTo(y + ow, finish(v, ow), g.ow - ow);
    }
  }
}

// Output rows [begin, end) of a plane, at most kPoolRows of them, through `rows`, whose padding holds the identity.
// finishOf(oh) gives finish(v, ow) of an output row. Returns false, with y undefined, if there was a NaN.
template <class Way, int kKernel, int kStride, class FinishOf>
INLINE bool poolRows(const float* x, float* y, const Pool2dGeometry& g, const RowBuffer& buffer, int64_t begin,
                     int64_t end, float* rows, FinishOf finishOf) {
  V watch = zero();
  const int64_t step = int64_t{g.dilationH} * g.w;
  for (int64_t oh = begin; oh < end; oh++) {
    float* row = rows + (oh - begin) * buffer.pitch + buffer.lead;
    const int64_t startH = oh * g.strideH - g.padTop;
    const Span taps = validTaps(startH, g.kh, g.dilationH, g.h);
    const int64_t count = taps.end - taps.begin;
    const float* from = x + (startH + taps.begin * g.dilationH) * g.w;
    if (count == 3) {
      combineRow<Way, 3>(row, from, step, count, g.w, watch);
    } else if (count == 2) {
      combineRow<Way, 2>(row, from, step, count, g.w, watch);
    } else if (count > 0) {
      combineRow<Way, 0>(row, from, step, count, g.w, watch);
    } else {
      for (int64_t i = 0; i < g.w; i += kWidth) store(row + i, Way::identity());
    }
  }
  if (Way::kWatchesNan && any(isNan(watch))) return false;
  for (int64_t oh = begin; oh < end; oh++) {
    const float* windows = rows + (oh - begin) * buffer.pitch;
    combineAlong<Way, kKernel, kStride>(y + oh * g.ow, windows, g, finishOf(oh));
  }
  return true;
}

// Fills the buffer with what lies outside of x. The rows of x are written later, and nothing else ever is.
template <class Way>
INLINE void clearRows(const RowBuffer& buffer, float* rows) {
  for (int64_t i = 0; i < kPoolRows * buffer.pitch; i += kWidth) store(rows + i, Way::identity());
}

// Calls body(kernel, stride), whose values are those of g as constants, for the windows networks use; 0 stands for any.
template <class Body>
INLINE void withWindow(const Pool2dGeometry& g, Body body) {
  const int kernel = g.dilationW == 1 ? g.kw : 0;
  if (kernel == 2 && g.strideW == 2) return body(Constant<2>(), Constant<2>());
  if (kernel == 3 && g.strideW == 2) return body(Constant<3>(), Constant<2>());
  if (kernel == 3 && g.strideW == 1) return body(Constant<3>(), Constant<1>());
  if (g.strideW == 1) return body(Constant<0>(), Constant<1>());
  if (g.strideW == 2) return body(Constant<0>(), Constant<2>());
  body(Constant<0>(), Constant<0>());
}

}  // namespace
}  // namespace ISA
