// The three passes of a convolution: what they demand of their buffers, and which of the sums they are.
#pragma once
#include "kernels/depthwise.inl"
#include "kernels/depthwise_weight.inl"
#include "kernels/im2col.inl"
#include "kernels/tap_sum.inl"
#include "kernels/weight_sum.inl"

namespace ISA {
namespace {

INLINE int64_t weightSize(const Conv2dGeometry& g) { return elements(g.oc, g.ic / largest(1, g.groups), g.kh, g.kw); }

INLINE TapSum tapSum(const args::conv2dForward& q) {
  const Conv2dGeometry& g = q.g;
  TapSum s = {};
  s.source = q.x.data;
  s.weight = q.weight.data;
  s.bias = q.bias.data;
  s.result = q.y.data;
  s.images = g.n;
  s.groups = g.groups;
  s.rows = g.oc / g.groups;
  s.channels = g.ic / g.groups;
  s.weightChannel = int64_t{g.kh} * g.kw;
  s.weightRow = s.channels * s.weightChannel;
  s.y = verticalAxis(g);
  s.x = horizontalAxis(g);
  return s;
}

INLINE TapSum tapSum(const args::conv2dGradInput& q) {
  const Conv2dGeometry& g = q.g;
  TapSum s = {};
  s.source = q.dy.data;
  s.weight = q.weight.data;
  s.result = q.dx.data;
  s.images = g.n;
  s.groups = g.groups;
  s.rows = g.ic / g.groups;
  s.channels = g.oc / g.groups;
  s.weightRow = int64_t{g.kh} * g.kw;
  s.weightChannel = s.rows * s.weightRow;
  s.y = verticalAxis(g);
  s.x = horizontalAxis(g);
  s.gradient = true;
  // Without any output no buffer vouches for the size of the kernel; no taps is the same sum.
  if (elements(g.oc, g.oh, g.ow) == 0) s.y.kernel = s.x.kernel = 0;
  return s;
}

INLINE WeightSum weightSum(const args::conv2dGradWeight& q) {
  const Conv2dGeometry& g = q.g;
  return {q.x.data, q.dy.data, q.dweight.data, g.n, g.groups, g.oc / g.groups, g.ic / g.groups, verticalAxis(g),
          horizontalAxis(g)};
}

INLINE Work planSum(const TapSum& s) { return isDirect(s) ? planDirectSum(s) : planTapSum(s); }
INLINE Work planSum(const WeightSum& s) { return isDirect(s) ? planDirectWeightSum(s) : planWeightSum(s); }
INLINE void runSum(const TapSum& s, int phase, Range range, const Workspace& workspace) {
  return isDirect(s) ? runDirectSum(s, phase, range, workspace) : runTapSum(s, phase, range, workspace);
}
INLINE void runSum(const WeightSum& s, int phase, Range range, const Workspace& workspace) {
  return isDirect(s) ? runDirectWeightSum(s, phase, range, workspace) : runWeightSum(s, phase, range, workspace);
}

INLINE Work plan(const args::conv2dForward& q) {
  const Conv2dGeometry& g = q.g;
  const int64_t size = elements(g.n, g.oc, g.oh, g.ow);
  if (!isValid(g)) return refuse("conv2dForward: the geometry is not valid");
  if (!holds(q.x, elements(g.n, g.ic, g.h, g.w))) return refuse("conv2dForward: x is shorter than its shape");
  if (!holds(q.weight, weightSize(g))) return refuse("conv2dForward: weight is shorter than its shape");
  if (!nullOrHolds(q.bias, g.oc)) return refuse("conv2dForward: bias is shorter than its shape");
  if (!holds(q.y, size)) return refuse("conv2dForward: y is shorter than its shape");
  if (size == 0) return parallel(0, 1, 0);
  return planSum(tapSum(q));
}

INLINE void run(const args::conv2dForward& q, int phase, Range range, const Workspace& workspace) {
  runSum(tapSum(q), phase, range, workspace);
}

INLINE Work plan(const args::conv2dGradInput& q) {
  const Conv2dGeometry& g = q.g;
  const int64_t size = elements(g.n, g.ic, g.h, g.w);
  if (!isValid(g)) return refuse("conv2dGradInput: the geometry is not valid");
  if (!holds(q.dy, elements(g.n, g.oc, g.oh, g.ow))) return refuse("conv2dGradInput: dy is shorter than its shape");
  if (!holds(q.weight, weightSize(g))) return refuse("conv2dGradInput: weight is shorter than its shape");
  if (!holds(q.dx, size)) return refuse("conv2dGradInput: dx is shorter than its shape");
  if (size == 0) return parallel(0, 1, 0);
  return planSum(tapSum(q));
}

INLINE void run(const args::conv2dGradInput& q, int phase, Range range, const Workspace& workspace) {
  runSum(tapSum(q), phase, range, workspace);
}

INLINE Work plan(const args::conv2dGradWeight& q) {
  const Conv2dGeometry& g = q.g;
  if (!isValid(g)) return refuse("conv2dGradWeight: the geometry is not valid");
  if (!holds(q.x, elements(g.n, g.ic, g.h, g.w))) return refuse("conv2dGradWeight: x is shorter than its shape");
  if (!holds(q.dy, elements(g.n, g.oc, g.oh, g.ow))) return refuse("conv2dGradWeight: dy is shorter than its shape");
  if (!holds(q.dweight, weightSize(g))) return refuse("conv2dGradWeight: dweight is shorter than its shape");
  if (weightSize(g) == 0) return parallel(0, 1, 0);
  return planSum(weightSum(q));
}

INLINE void run(const args::conv2dGradWeight& q, int phase, Range range, const Workspace& workspace) {
  runSum(weightSum(q), phase, range, workspace);
}

}  // namespace
}  // namespace ISA
