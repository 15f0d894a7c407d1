// The three passes of a convolution: what they demand of their buffers, and which of the sums they are.
#pragma once
#include "kernels/blocked/nchw.inl"
#include "kernels/blocked/nchw_lanes.inl"
#include "kernels/blocked/nchw_weight.inl"
#include "kernels/depthwise.inl"
#include "kernels/depthwise_weight.inl"
#include "kernels/im2col.inl"
#include "kernels/tap_sum.inl"
#include "kernels/weight_sum.inl"
#include "kernels/winograd.inl"

namespace ISA {
namespace {

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

// Whether a sum is one that Winograd's algorithm computes, and seen that way: in the gradient an input position
// receives tap t from the output position pad - t away, so the taps run backwards from there.
INLINE Sum3x3 sum3x3(const TapSum& s) {
  Sum3x3 t = {};
  t.source = s.source;
  t.weight = s.weight;
  t.bias = s.bias;
  t.result = s.result;
  t.images = s.images;
  t.rows = s.rows;
  t.channels = s.channels;
  t.weightRow = s.weightRow;
  t.weightChannel = s.weightChannel;
  t.sourceH = s.gradient ? s.y.output : s.y.source;
  t.sourceW = s.gradient ? s.x.output : s.x.source;
  t.resultH = s.gradient ? s.y.source : s.y.output;
  t.resultW = s.gradient ? s.x.source : s.x.output;
  t.top = s.gradient ? s.y.pad - 2 : -s.y.pad;
  t.left = s.gradient ? s.x.pad - 2 : -s.x.pad;
  t.flipped = s.gradient;
  return t;
}
INLINE int64_t winogradSide(const TapSum& s, bool exact) {
  return exact || s.groups != 1 || !is3x3(s.y) || !is3x3(s.x) ? 0 : winogradSide(sum3x3(s));
}

// The ways to compute a forward pass or a gradient of the input.
enum class SumKind { winograd4, winograd2, fewChannels, blocks, lanes, columns, taps };

struct Sum {
  TapSum taps;
  BlockedSum blocks;
  SumKind kind;
};

INLINE Sum sumOf(const TapSum& taps, const Conv2dGeometry& g, int32_t pass, bool exact) {
  Sum sum = {taps, {}, SumKind::taps};
  const int64_t side = winogradSide(taps, exact);
  if (side != 0) {
    sum.kind = side == 4 ? SumKind::winograd4 : SumKind::winograd2;
    return sum;
  }
  if (taps.y.kernel > 0 && taps.x.kernel > 0) sum.blocks = nchwSum(g, pass);
  if (suitsBlocks(sum.blocks)) {
    sum.kind = SumKind::blocks;
  } else if (suitsLanes(sum.blocks)) {
    sum.kind = SumKind::lanes;
  } else if (suitsColumns(sum.blocks, 1)) {
    sum.kind = SumKind::columns;
  } else if (isDirect(taps)) {
    sum.kind = SumKind::fewChannels;
  }
  return sum;
}

INLINE Work planSum(const Sum& sum) {
  switch (sum.kind) {
    case SumKind::winograd4:
      return planWinograd<4>(sum3x3(sum.taps));
    case SumKind::winograd2:
      return planWinograd<2>(sum3x3(sum.taps));
    case SumKind::fewChannels:
      return planDirectSum(sum.taps);
    case SumKind::blocks:
      return planNchw(sum.blocks);
    case SumKind::lanes:
      return planNchwLanes(sum.blocks);
    case SumKind::columns:
      return planNchwColumns(sum.blocks);
    default:
      return planTapSum(sum.taps);
  }
}
INLINE void runSum(const Sum& sum, int phase, Range range, const Workspace& workspace) {
  const TapSum& s = sum.taps;
  switch (sum.kind) {
    case SumKind::winograd4:
      return runWinograd<4>(sum3x3(s), phase, range, workspace);
    case SumKind::winograd2:
      return runWinograd<2>(sum3x3(s), phase, range, workspace);
    case SumKind::fewChannels:
      return runDirectSum(s, phase, range, workspace);
    case SumKind::blocks:
      return runNchw({sum.blocks, s.source, s.weight, s.bias, s.result}, phase, range, workspace);
    case SumKind::lanes:
      return runNchwLanes({sum.blocks, s.source, s.weight, s.bias, s.result}, phase, range, workspace);
    case SumKind::columns:
      return runNchwColumns(sum.blocks, s.source, s.weight, s.result, phase, range, workspace);
    default:
      return runTapSum(s, phase, range, workspace);
  }
}

INLINE Work planSum(const WeightSum& s) { return isDirect(s) ? planDirectWeightSum(s) : planWeightSum(s); }
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
  return planSum(sumOf(tapSum(q), g, ConvolutionPass::forward, q.exact != 0));
}

INLINE void run(const args::conv2dForward& q, int phase, Range range, const Workspace& workspace) {
  runSum(sumOf(tapSum(q), q.g, ConvolutionPass::forward, q.exact != 0), phase, range, workspace);
}

INLINE Work plan(const args::conv2dGradInput& q) {
  const Conv2dGeometry& g = q.g;
  const int64_t size = elements(g.n, g.ic, g.h, g.w);
  if (!isValid(g)) return refuse("conv2dGradInput: the geometry is not valid");
  if (!holds(q.dy, elements(g.n, g.oc, g.oh, g.ow))) return refuse("conv2dGradInput: dy is shorter than its shape");
  if (!holds(q.weight, weightSize(g))) return refuse("conv2dGradInput: weight is shorter than its shape");
  if (!holds(q.dx, size)) return refuse("conv2dGradInput: dx is shorter than its shape");
  if (size == 0) return parallel(0, 1, 0);
  return planSum(sumOf(tapSum(q), g, ConvolutionPass::gradInput, q.exact != 0));
}

INLINE void run(const args::conv2dGradInput& q, int phase, Range range, const Workspace& workspace) {
  runSum(sumOf(tapSum(q), q.g, ConvolutionPass::gradInput, q.exact != 0), phase, range, workspace);
}

INLINE Work plan(const args::conv2dGradWeight& q) {
  const Conv2dGeometry& g = q.g;
  if (!isValid(g)) return refuse("conv2dGradWeight: the geometry is not valid");
  if (!holds(q.x, elements(g.n, g.ic, g.h, g.w))) return refuse("conv2dGradWeight: x is shorter than its shape");
  if (!holds(q.dy, elements(g.n, g.oc, g.oh, g.ow))) return refuse("conv2dGradWeight: dy is shorter than its shape");
  if (!holds(q.dweight, weightSize(g))) return refuse("conv2dGradWeight: dweight is shorter than its shape");
  if (weightSize(g) == 0) return parallel(0, 1, 0);
  const NchwWeightSum blocks = nchwWeightSum(q);
  return blocks.algorithm != kNoAlgorithm ? planNchwWeight(blocks) : planSum(weightSum(q));
}

INLINE void run(const args::conv2dGradWeight& q, int phase, Range range, const Workspace& workspace) {
  const NchwWeightSum blocks = nchwWeightSum(q);
  if (blocks.algorithm != kNoAlgorithm) return runNchwWeight(blocks, phase, range, workspace);
  runSum(weightSum(q), phase, range, workspace);
}

}  // namespace
}  // namespace ISA
