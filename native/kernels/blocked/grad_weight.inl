// The gradient of the weights for blocked tensors: what it demands of its buffers, and which algorithm sums it.
#pragma once
#include "kernels/blocked/winograd_weight.inl"
#include "kernels/conv2d.inl"
#include "kernels/operations.h"

namespace ISA {
namespace {

INLINE BlockedWeightSum blockedWeightSum(const args::blockedConv2dGradWeight& q) {
  const Conv2dGeometry& g = q.g;
  BlockedWeightSum s = {};
  s.source = q.x.data;
  s.gradient = q.dy.data;
  s.result = q.dweight.data;
  s.to = blocked(g.n, g.oc, g.oh, g.ow, q.o.haloOut);
  s.images = g.n;
  s.groups = g.groups;
  s.rows = g.oc / g.groups;
  s.channels = g.ic / g.groups;
  s.y = verticalAxis(g);
  s.x = horizontalAxis(g);
  s.plain = q.o.algorithm == ConvolutionAlgorithm::plainInput;
  if (!s.plain) s.from = blocked(g.n, g.ic, g.h, g.w, q.o.haloIn);
  return s;
}

// Whether every window lies inside the border of x.
INLINE bool staysInside(const Axis& axis, int64_t halo) {
  return axis.pad <= halo && reach(axis, axis.output) - axis.pad <= axis.source + halo;
}

INLINE Work plan(const args::blockedConv2dGradWeight& q) {
  const Conv2dGeometry& g = q.g;
  const bool plain = q.o.algorithm == ConvolutionAlgorithm::plainInput;
  if (!isValid(g)) return refuse("blockedConv2dGradWeight: the geometry is not valid");
  if (q.o.pass != ConvolutionPass::gradWeight) return refuse("blockedConv2dGradWeight: the pass is another one");
  if (!holds(q.x, plain ? elements(g.n, g.ic, g.h, g.w) : blockedElements(g.n, g.ic, g.h, g.w, q.o.haloIn)))
    return refuse("blockedConv2dGradWeight: x is shorter than its shape");
  if (!holds(q.dy, blockedElements(g.n, g.oc, g.oh, g.ow, q.o.haloOut)))
    return refuse("blockedConv2dGradWeight: dy is shorter than its shape");
  if (!holds(q.dweight, weightSize(g))) return refuse("blockedConv2dGradWeight: dweight is shorter than its shape");
  if (weightSize(g) == 0) return parallel(0, 1, 0);

  const BlockedWeightSum s = blockedWeightSum(q);
  const bool empty = elements(g.n, g.oh, g.ow) == 0;
  if (!plain && !empty && (!staysInside(s.y, q.o.haloIn) || !staysInside(s.x, q.o.haloIn)))
    return refuse("blockedConv2dGradWeight: windows reach beyond the border of x");
  if (g.groups > 1 && (plain || s.rows % kBlock != 0 || s.channels % kBlock != 0))
    return refuse("blockedConv2dGradWeight: groups are not whole blocks of channels");
  switch (q.o.algorithm) {
    case ConvolutionAlgorithm::direct:
      return planBlockedWeightSum(s);
    case ConvolutionAlgorithm::plainInput:
      if (!empty && !fitsPlain(plainFloats(s, 1, smallest(g.ow, kUnitCols)), kMostPlainFloats))
        return refuse("blockedConv2dGradWeight: the kernel reaches too far for plain input");
      return planBlockedWeightSum(s);
    case ConvolutionAlgorithm::winograd4:
      return empty ? planBlockedWeightSum(s) : planWinogradWeight<4>(s);
    case ConvolutionAlgorithm::winograd2:
      return empty ? planBlockedWeightSum(s) : planWinogradWeight<2>(s);
    default:
      return refuse("blockedConv2dGradWeight: no such algorithm");
  }
}

INLINE void run(const args::blockedConv2dGradWeight& q, int phase, Range range, const Workspace& workspace) {
  const BlockedWeightSum s = blockedWeightSum(q);
  const bool empty = elements(q.g.n, q.g.oh, q.g.ow) == 0;
  if (!empty && q.o.algorithm == ConvolutionAlgorithm::winograd4)
    return runWinogradWeight<4>(s, phase, range, workspace);
  if (!empty && q.o.algorithm == ConvolutionAlgorithm::winograd2)
    return runWinogradWeight<2>(s, phase, range, workspace);
  runBlockedWeightSum(s, phase, range, workspace);
}

}  // namespace
}  // namespace ISA
