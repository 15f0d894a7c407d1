// The gradient of the weights for blocked tensors: what it demands of its buffers, and which algorithm sums it.
#pragma once
#include "kernels/blocked/algorithm.inl"
#include "kernels/blocked/depthwise_weight.inl"
#include "kernels/blocked/winograd_weight_strided.inl"

namespace ISA {
namespace {

// The sum a geometry stands for, without its tensors.
INLINE BlockedWeightSum blockedWeightSum(const Conv2dGeometry& g) {
  BlockedWeightSum s = {};
  s.images = g.n;
  s.groups = g.groups;
  s.rows = g.oc / g.groups;
  s.channels = g.ic / g.groups;
  s.y = verticalAxis(g);
  s.x = horizontalAxis(g);
  return s;
}

INLINE BlockedWeightSum blockedWeightSum(const args::blockedConv2dGradWeight& q) {
  const Conv2dGeometry& g = q.g;
  BlockedWeightSum s = blockedWeightSum(g);
  s.source = q.x.data;
  s.gradient = q.dy.data;
  s.result = q.dweight.data;
  s.plain = q.o.algorithm == ConvolutionAlgorithm::plainInput;
  if (!s.plain) s.from = blocked(g.n, g.ic, g.h, g.w, q.o.haloIn, q.o.blocksIn);
  s.to = blocked(g.n, g.oc, g.oh, g.ow, q.o.haloOut, q.o.blocksOut);
  return s;
}

// The same where groups have a single channel.
INLINE DepthwiseWeightSum depthwiseWeightSum(const BlockedWeightSum& s) {
  return {s.source, s.gradient, s.result, s.from, s.to, s.rows, s.y, s.x};
}

// The side of the tiles of Winograd's algorithm, or 0 for direct summation. Without positions there is nothing to tile.
INLINE int64_t winogradWeightSide(const BlockedWeightSum& s, int32_t algorithm) {
  if (s.images * s.y.output * s.x.output == 0) return 0;
  return algorithm == ConvolutionAlgorithm::winograd4 ? 4 : algorithm == ConvolutionAlgorithm::winograd2 ? 2 : 0;
}

INLINE bool isStridedWeight(const BlockedWeightSum& s, int32_t algorithm) {
  return algorithm == ConvolutionAlgorithm::winogradStrided && s.images * s.y.output * s.x.output > 0;
}

// Direct or Winograd's.
INLINE Work planWeightSum(const BlockedWeightSum& s, int32_t algorithm) {
  if (isStridedWeight(s, algorithm)) return planStridedWeight(s);
  const int64_t side = winogradWeightSide(s, algorithm);
  if (side == 0) return planBlockedWeightSum(s);
  if (side == 4) return hasFewTiles(winogradWeightGrid<4>(s)) ? planFewTiles<4>(s) : planWinogradWeight<4>(s);
  return planWinogradWeight<2>(s);
}
INLINE void runWeightSum(const BlockedWeightSum& s, int32_t algorithm, int phase, Range range,
                         const Workspace& workspace) {
  if (isStridedWeight(s, algorithm)) return runStridedWeight(s, phase, range, workspace);
  const int64_t side = winogradWeightSide(s, algorithm);
  if (side == 4 && hasFewTiles(winogradWeightGrid<4>(s))) return runFewTiles<4>(s, phase, range, workspace);
  if (side == 4) return runWinogradWeight<4>(s, phase, range, workspace);
  if (side == 2) return runWinogradWeight<2>(s, phase, range, workspace);
  runBlockedWeightSum(s, phase, range, workspace);
}

// Depends on the shape only.
INLINE int32_t chooseWeightAlgorithm(const BlockedWeightSum& s, bool exact) {
  if (s.groups > 1 && s.channels == 1) return ConvolutionAlgorithm::depthwise;
  const int64_t plainRow = plainFloats(s, 1, smallest(s.x.output, kUnitCols));
  if (s.groups == 1 && s.channels < kBlock && fitsPlain(plainRow, kPlainFloats))
    return ConvolutionAlgorithm::plainInput;
  if (s.groups > 1 && (s.rows % kBlock != 0 || s.channels % kBlock != 0)) return kNoAlgorithm;
  if (!exact && suitsWinogradWeight(s, 4)) return ConvolutionAlgorithm::winograd4;
  if (!exact && suitsWinogradWeight(s, 2)) return ConvolutionAlgorithm::winograd2;
  if (!exact && suitsStridedWeight(s)) return ConvolutionAlgorithm::winogradStrided;
  return ConvolutionAlgorithm::direct;
}

INLINE Work plan(const args::blockedConv2dGradWeight& q) {
  const Conv2dGeometry& g = q.g;
  const bool plain = q.o.algorithm == ConvolutionAlgorithm::plainInput;
  if (!isValid(g)) return refuse("blockedConv2dGradWeight: the geometry is not valid");
  if (q.o.pass != ConvolutionPass::gradWeight) return refuse("blockedConv2dGradWeight: the pass is another one");
  const BlockedWeightSum s = blockedWeightSum(q);
  if (!holds(q.x, plain ? elements(g.n, g.ic, g.h, g.w) : blockedElements(s.from)))
    return refuse("blockedConv2dGradWeight: x is shorter than its shape");
  if (!holds(q.dy, blockedElements(s.to))) return refuse("blockedConv2dGradWeight: dy is shorter than its shape");
  if (!holds(q.dweight, weightSize(g))) return refuse("blockedConv2dGradWeight: dweight is shorter than its shape");
  if (weightSize(g) == 0) return parallel(0, 1, 0);

  const bool empty = elements(g.n, g.oh, g.ow) == 0;
  if (!plain && !empty && q.o.haloIn < largest(windowHalo(s.y), windowHalo(s.x)))
    return refuse("blockedConv2dGradWeight: windows reach beyond the border of x");
  if (q.o.algorithm == ConvolutionAlgorithm::depthwise) {
    if (s.channels != 1) return refuse("blockedConv2dGradWeight: groups are more than a channel");
    return planDepthwiseWeight(depthwiseWeightSum(s));
  }
  if (g.groups > 1 && (plain || s.rows % kBlock != 0 || s.channels % kBlock != 0))
    return refuse("blockedConv2dGradWeight: groups are not whole blocks of channels");
  switch (q.o.algorithm) {
    case ConvolutionAlgorithm::direct:
      break;
    case ConvolutionAlgorithm::plainInput:
      if (!empty && !fitsPlain(plainFloats(s, 1, smallest(g.ow, kUnitCols)), kMostPlainFloats))
        return refuse("blockedConv2dGradWeight: the kernel reaches too far for plain input");
      break;
    case ConvolutionAlgorithm::winograd4:
    case ConvolutionAlgorithm::winograd2:
      if (g.groups != 1 || !is3x3(s.y) || !is3x3(s.x))
        return refuse("blockedConv2dGradWeight: Winograd's algorithm is for 3x3 kernels with stride 1");
      break;
    case ConvolutionAlgorithm::winogradStrided:
      if (!isStridedWeightSum(s))
        return refuse("blockedConv2dGradWeight: this algorithm is for 3x3 kernels with stride 2");
      break;
    default:
      return refuse("blockedConv2dGradWeight: no such algorithm");
  }
  return planWeightSum(s, q.o.algorithm);
}

INLINE void run(const args::blockedConv2dGradWeight& q, int phase, Range range, const Workspace& workspace) {
  const BlockedWeightSum s = blockedWeightSum(q);
  if (q.o.algorithm == ConvolutionAlgorithm::depthwise)
    return runDepthwiseWeight(depthwiseWeightSum(s), phase, range, workspace);
  runWeightSum(s, q.o.algorithm, phase, range, workspace);
}

}  // namespace
}  // namespace ISA
