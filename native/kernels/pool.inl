// Pooling over planes [h, w]: what the kernels share, and the kernels themselves in max_pool.inl and avg_pool.inl.
// An item is a plane.
#pragma once
#include "kernels/rows.inl"

namespace ISA {
namespace {

// A number known to the compiler, as an argument.
template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};

struct Span {
  int64_t begin, end;
};

// The taps k of a window with 0 <= start + k · dilation < size.
INLINE Span validTaps(int64_t start, int64_t kernel, int64_t dilation, int64_t size) {
  // this runs for every row and border window, and a division costs as much as several taps
  const auto steps = [dilation](int64_t distance) { return dilation == 1 ? distance : ceilDiv(distance, dilation); };
  const int64_t begin = start < 0 ? steps(-start) : 0;
  const int64_t end = start < size ? smallest(kernel, steps(size - start)) : 0;
  return {begin, largest(begin, end)};
}

// The windows i < count whose tap k lies inside: 0 <= i · stride - pad + k · dilation < size.
INLINE Span windowsOfTap(int64_t count, int64_t tap, int64_t dilation, int64_t stride, int64_t pad, int64_t size) {
  const int64_t shift = tap * dilation - pad;  // of window 0
  const int64_t begin = shift < 0 ? ceilDiv(-shift, stride) : 0;
  const int64_t end = shift < size ? ceilDiv(size - shift, stride) : 0;
  const int64_t clipped = smallest(count, begin);
  return {clipped, largest(clipped, smallest(count, end))};
}

// The windows all of whose taps lie inside.
INLINE Span interiorWindows(int64_t count, int64_t kernel, int64_t dilation, int64_t stride, int64_t pad,
                            int64_t size) {
  const Span first = windowsOfTap(count, 0, dilation, stride, pad, size);
  const Span last = windowsOfTap(count, kernel - 1, dilation, stride, pad, size);
  return {first.begin, largest(first.begin, smallest(first.end, last.end))};
}

// One tap of kWidth neighbouring windows: p[tap + lane · stride]. kStride is 1 or 2, or 0 for any.
//
// Stride 2 reads whole vectors from the even tap below and keeps every other element, so that taps 0 and 1 share loads.
template <int kStride>
INLINE V loadTap(const float* p, int64_t tap, int64_t stride) {
  if constexpr (kStride == 1) {
    return load(p + tap);
  } else if constexpr (kStride == 2) {
    const float* even = p + (tap & ~int64_t{1});
    const V low = load(even), high = load(even + kWidth);
    return tap & 1 ? odds(low, high) : evens(low, high);
  } else {
    float lane[kWidth];
    for (int64_t i = 0; i < kWidth; i++) lane[i] = p[tap + i * stride];
    return load(lane);
  }
}

// How far behind p loadTap reads at the last tap. Reading past a row, even for lanes nobody wants, is harmless as long
// as it stays inside the buffer; only its last rows need the careful version below.
template <int kStride>
INLINE int64_t reachOf(int64_t lastTap, int64_t stride) {
  return kStride == 1   ? lastTap + kWidth
         : kStride == 2 ? (lastTap & ~int64_t{1}) + 2 * kWidth
                        : lastTap + (kWidth - 1) * stride + 1;
}

// The same for the first `lanes` windows, reading nothing else.
INLINE V loadTapLanes(const float* p, int64_t tap, int64_t stride, int64_t lanes) {
  float lane[kWidth] = {};
  for (int64_t i = 0; i < lanes; i++) lane[i] = p[tap + i * stride];
  return load(lane);
}

// nullptr, or why a geometry is refused. All positions are clipped to the plane, so that only signs and steps matter.
INLINE const char* poolError(const Pool2dGeometry& g) {
  if (g.kh < 1 || g.kw < 1) return "pool2d: an empty window";
  if (g.strideH < 1 || g.strideW < 1 || g.dilationH < 1 || g.dilationW < 1) {
    return "pool2d: strides and dilations are at least 1";
  }
  if (g.padTop < 0 || g.padLeft < 0 || g.padBottom < 0 || g.padRight < 0) return "pool2d: negative padding";
  if (elements(g.h, g.w) > INT32_MAX) return "pool2d: a plane is larger than its indices reach";
  return nullptr;
}

struct PoolSizes {
  int64_t planes, x, y;  // elements of x and y in all
};
template <class Geometry>
INLINE PoolSizes poolSizes(const Geometry& g) {
  return {elements(g.n, g.c), elements(g.n, g.c, g.h, g.w), elements(g.n, g.c, g.oh, g.ow)};
}

INLINE Work planPlanes(const PoolSizes& sizes, double cost) {
  // without elements nothing has bounded the number of planes
  const int64_t planes = sizes.x > 0 || sizes.y > 0 ? sizes.planes : 0;
  return parallel(planes, grainOf(cost / static_cast<double>(largest(1, planes))), cost);
}

// Taps of a window that can lie inside at all; a window may be larger than the plane.
INLINE double tapsInside(const Pool2dGeometry& g) {
  return static_cast<double>(smallest(g.kh, g.h)) * static_cast<double>(smallest(g.kw, g.w));
}

}  // namespace
}  // namespace ISA

#include "kernels/avg_pool.inl"
#include "kernels/avg_pool_grad.inl"
#include "kernels/adaptive_max_pool.inl"
#include "kernels/max_pool.inl"
