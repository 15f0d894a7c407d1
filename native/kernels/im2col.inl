// im2col writes the column matrix of gather.inl out whole; col2im is its adjoint.
#pragma once
#include "kernels/gather.inl"

namespace ISA {
namespace {

INLINE Axis verticalAxis(const Conv2dGeometry& g) {
  return {g.kh, g.h, g.strideH, g.dilationH, g.padTop, g.oh};
}
INLINE Axis horizontalAxis(const Conv2dGeometry& g) {
  return {g.kw, g.w, g.strideW, g.dilationW, g.padLeft, g.ow};
}

// Sizes not negative, strides and dilations at least 1, channels divisible by the groups. Where windows lie does not
// matter: what falls outside the image reads as zero.
INLINE bool isValid(const Conv2dGeometry& g) {
  return g.n >= 0 && g.ic >= 0 && g.h >= 0 && g.w >= 0 && g.oc >= 0 && g.kh >= 0 && g.kw >= 0 && g.oh >= 0 &&
         g.ow >= 0 && g.strideH >= 1 && g.strideW >= 1 && g.dilationH >= 1 && g.dilationW >= 1 && g.padTop >= 0 &&
         g.padLeft >= 0 && g.groups >= 1 && g.ic % g.groups == 0 && g.oc % g.groups == 0;
}

INLINE int64_t weightSize(const Conv2dGeometry& g) { return elements(g.oc, g.ic / largest(1, g.groups), g.kh, g.kw); }

INLINE Work plan(const args::im2col& q) {
  const Conv2dGeometry& g = q.g;
  const int64_t size = elements(g.n, g.ic, g.kh, g.kw, g.oh, g.ow);
  if (!isValid(g)) return refuse("im2col: the geometry is not valid");
  if (!holds(q.x, elements(g.n, g.ic, g.h, g.w))) return refuse("im2col: x is shorter than its shape");
  if (!holds(q.columns, size)) return refuse("im2col: columns is shorter than its shape");
  if (size == 0) return parallel(0, 1, 0);
  // an item is one channel under one row of the kernel
  const int64_t items = elements(g.n, g.ic, g.kh);
  return parallel(items, grainOf(size / items), static_cast<double>(size));
}

INLINE void run(const args::im2col& q, int, Range range, const Workspace&) {
  const Conv2dGeometry& g = q.g;
  const int64_t plane = int64_t{g.h} * g.w, positions = int64_t{g.oh} * g.ow;
  const Windows w = {forwardTaps(verticalAxis(g)), forwardTaps(horizontalAxis(g)), plane, plane};
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t row = item % g.kh * g.kw;
    gather(w, q.x.data + item / g.kh * plane, row, row + g.kw, 0, positions,
           q.columns.data + item * g.kw * positions, positions);
  }
}

INLINE Work plan(const args::col2im& q) {
  const Conv2dGeometry& g = q.g;
  const int64_t size = elements(g.n, g.ic, g.kh, g.kw, g.oh, g.ow), planes = elements(g.n, g.ic);
  if (!isValid(g)) return refuse("col2im: the geometry is not valid");
  if (!holds(q.columns, size)) return refuse("col2im: columns is shorter than its shape");
  if (!holds(q.x, elements(g.n, g.ic, g.h, g.w))) return refuse("col2im: x is shorter than its shape");
  if (elements(g.h, g.w) == 0) return parallel(0, 1, 0);
  return parallel(planes, grainOf(size / largest(1, planes)), static_cast<double>(size));
}

// y[i * stride] += x[i], i < n
INLINE void addStrided(const float* x, int64_t n, float* y, int64_t stride) {
  if (stride != 1) {
    for (int64_t i = 0; i < n; i++) y[i * stride] += x[i];
    return;
  }
  for (int64_t i = 0; i < n; i += kWidth) storeUpTo(y + i, add(loadUpTo(y + i, n - i), loadUpTo(x + i, n - i)), n - i);
}

INLINE void run(const args::col2im& q, int, Range range, const Workspace&) {
  const Conv2dGeometry& g = q.g;
  const int64_t plane = int64_t{g.h} * g.w, positions = int64_t{g.oh} * g.ow;
  const int64_t taps = positions == 0 ? 0 : int64_t{g.kh} * g.kw;
  const Taps y = forwardTaps(verticalAxis(g)), x = forwardTaps(horizontalAxis(g));
  for (int64_t item = range.begin; item < range.end; item++) {
    float* image = q.x.data + item * plane;
    fillRow(image, plane, 0);
    for (int64_t tap = 0; tap < taps; tap++) {
      const float* columns = q.columns.data + (item * taps + tap) * positions;
      const TapSpan span = spanOf(x, tap % g.kw, 0, g.ow);
      for (int64_t row = 0; row < g.oh; row++) {
        const TapSpan vertical = spanOf(y, tap / g.kw, row, 1);
        if (vertical.low == vertical.high || span.low == span.high) continue;
        addStrided(columns + row * g.ow + span.low, span.high - span.low,
                   image + vertical.index * g.w + span.index + span.low * g.strideW, g.strideW);
      }
    }
  }
}

}  // namespace
}  // namespace ISA
