// Convolution of blocked tensors: what is demanded of the buffers, which algorithm suits, and the way to it.
#pragma once
#include "kernels/blocked/plain_input.inl"
#include "kernels/blocked/winograd.inl"
#include "kernels/im2col.inl"

namespace ISA {
namespace {

// The sum behind a pass; source, weights and result are not set.
INLINE BlockedSum blockedSum(const Conv2dGeometry& g, int32_t pass, int64_t haloIn, int64_t haloOut) {
  BlockedSum s = {};
  s.gradient = pass == ConvolutionPass::gradInput;
  s.groups = g.groups;
  s.rows = (s.gradient ? g.ic : g.oc) / g.groups;
  s.channels = (s.gradient ? g.oc : g.ic) / g.groups;
  const Blocked x = blocked(g.n, g.ic, g.h, g.w, s.gradient ? haloOut : haloIn);
  const Blocked y = blocked(g.n, g.oc, g.oh, g.ow, s.gradient ? haloIn : haloOut);
  s.from = s.gradient ? y : x;
  s.to = s.gradient ? x : y;
  s.y = verticalAxis(g);
  s.x = horizontalAxis(g);
  return s;
}

// What an algorithm can compute at all.
INLINE bool isComputable(const BlockedSum& s, int32_t algorithm) {
  const bool wholeBlocks = s.groups == 1 || (s.rows % kBlock == 0 && s.channels % kBlock == 0);
  switch (algorithm) {
    case ConvolutionAlgorithm::direct:
      return wholeBlocks;
    case ConvolutionAlgorithm::plainInput:
      return s.groups == 1 && !s.gradient;
    case ConvolutionAlgorithm::winograd2:
    case ConvolutionAlgorithm::winograd4:
      return s.groups == 1 && is3x3(s.y) && is3x3(s.x);
    default:
      return false;
  }
}

INLINE int64_t packedFloats(const BlockedSum& s, int32_t algorithm) {
  if (algorithm == ConvolutionAlgorithm::winograd2) return packedWinogradFloats<2>(s);
  if (algorithm == ConvolutionAlgorithm::winograd4) return packedWinogradFloats<4>(s);
  return packedDirectFloats(s);
}

constexpr int32_t kNoAlgorithm = -1;

// What a sum costs, in cycles of a Zen 4 core with 512-bit vectors; on other vectors everything takes longer alike. A
// multiply-add of 16 lanes is a cycle, and the transforms take as long as they were measured per 16 channels of a tile.
INLINE double directCycles(const BlockedSum& s) { return multiplyAdds(s) / kBlock / 0.92; }
template <int Out>
INLINE double winogradCycles(const BlockedSum& s) {
  const BlockedTiles grid = blockedTiles<Out>(s);
  const double sourceCycles = Out == 4 ? 160 : 60, resultCycles = Out == 4 ? 130 : 50;
  const double tiles = static_cast<double>(grid.tiles), rows = ceilDiv(s.rows, kBlock);
  const double products = kPoints<Out> * tiles * rows * (s.channels / 0.95 + 4);
  // Kernels beyond the third level cache, of which half may be another's, come from memory: 6.7 bytes a cycle.
  const double kernels = static_cast<double>(packedWinogradFloats<Out>(s)) * sizeof(float);
  const double passes = grid.chunks;
  const double memory = kernels > (16 << 20) ? kernels * passes / 6.7 : 0;
  const double transforms = tiles * (blocksOf(s) * sourceCycles + rows * resultCycles);
  return (products > memory ? products : memory) + transforms + 3000;
}

// Depends on the shape only. The smaller tile rounds less than direct summation does, the larger one more: it has to pay.
INLINE int32_t chooseAlgorithm(const BlockedSum& s, bool exact) {
  if (!s.gradient && s.groups == 1 && s.channels < kBlock) return ConvolutionAlgorithm::plainInput;
  if (!isComputable(s, ConvolutionAlgorithm::direct)) return kNoAlgorithm;
  if (exact || !isComputable(s, ConvolutionAlgorithm::winograd4) || s.channels * s.rows < 256)
    return ConvolutionAlgorithm::direct;
  // a window that lies in padding altogether gives the bias, not the bias and what its neighbours round to
  if (s.y.pad > 2 || s.x.pad > 2) return ConvolutionAlgorithm::direct;
  const double direct = directCycles(s), four = winogradCycles<4>(s), two = winogradCycles<2>(s);
  if (four < 0.9 * two && four < 0.9 * direct) return ConvolutionAlgorithm::winograd4;
  return two < 0.95 * direct ? ConvolutionAlgorithm::winograd2 : ConvolutionAlgorithm::direct;
}

// The border the source needs along one axis, which is what `reaches` checks.
INLINE int64_t neededHalo(const BlockedSum& s, const Axis& axis) {
  int64_t low = 0, high = 1;
  if (reaches(s, axis, 0)) return 0;
  while (!reaches(s, axis, high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (reaches(s, axis, middle) ? high : low) = middle;
  }
  return high;
}

INLINE bool isValidPass(int32_t pass) {
  return pass == ConvolutionPass::forward || pass == ConvolutionPass::gradInput;
}

// Writes [algorithm, floats of the packed weights, border the source needs]; the algorithm is kNoAlgorithm where no
// kernel works on blocks.
INLINE Work plan(const args::blockedConv2dChoose& q) {
  if (!isValid(q.g) || !isValidPass(q.pass)) return refuse("blockedConv2dChoose: the geometry is not valid");
  if (!holds(q.choice, 3)) return refuse("blockedConv2dChoose: choice is shorter than 3");
  const int64_t weights = elements(q.g.oc, q.g.ic, q.g.kh, q.g.kw), reach = int64_t{q.g.kh} * q.g.dilationH;
  if (weights < 0 || weights > INT32_MAX / 8 || reach > INT32_MAX || int64_t{q.g.kw} * q.g.dilationW > INT32_MAX)
    return refuse("blockedConv2dChoose: the geometry is not valid");
  return parallel(1, 1, 0);
}

INLINE void run(const args::blockedConv2dChoose& q, int, Range, const Workspace&) {
  const BlockedSum s = blockedSum(q.g, q.pass, 0, 0);
  const int32_t algorithm = chooseAlgorithm(s, q.exact != 0);
  q.choice.data[0] = algorithm;
  q.choice.data[1] = algorithm == kNoAlgorithm ? 0 : static_cast<int32_t>(packedFloats(s, algorithm));
  q.choice.data[2] = static_cast<int32_t>(largest(neededHalo(s, s.y), neededHalo(s, s.x)));
}

INLINE Work plan(const args::blockedConv2dPack& q) {
  const Conv2dGeometry& g = q.g;
  if (!isValid(g) || !isValidPass(q.pass)) return refuse("blockedConv2dPack: the geometry is not valid");
  const BlockedSum s = blockedSum(g, q.pass, 0, 0);
  if (!isComputable(s, q.algorithm)) return refuse("blockedConv2dPack: the algorithm does not compute this convolution");
  if (!holds(q.weight, elements(g.oc, s.gradient ? s.rows : s.channels, g.kh, g.kw)))
    return refuse("blockedConv2dPack: weight is shorter than its shape");
  if (!nullOrHolds(q.bias, s.groups * s.rows)) return refuse("blockedConv2dPack: bias is shorter than its shape");
  if (!holds(q.packed, packedFloats(s, q.algorithm)))
    return refuse("blockedConv2dPack: packed is shorter than the packed weights");
  if (packedFloats(s, q.algorithm) == 0) return parallel(0, 1, 0);
  if (q.algorithm == ConvolutionAlgorithm::winograd2) return planPackWinograd<2>(s);
  if (q.algorithm == ConvolutionAlgorithm::winograd4) return planPackWinograd<4>(s);
  return planPackDirect(s);
}

INLINE void run(const args::blockedConv2dPack& q, int, Range range, const Workspace& workspace) {
  const BlockedSum s = blockedSum(q.g, q.pass, 0, 0);
  const float *weight = q.weight.data, *bias = q.bias.data;
  float* packed = q.packed.data;
  switch (q.algorithm) {
    case ConvolutionAlgorithm::winograd2:
      return runPackWinograd<2>(s, weight, bias, packed, range, workspace);
    case ConvolutionAlgorithm::winograd4:
      return runPackWinograd<4>(s, weight, bias, packed, range, workspace);
    case ConvolutionAlgorithm::plainInput:
      return runPackDirect(s, weight, bias, 1, packed, range, workspace);
    default:
      return runPackDirect(s, weight, bias, kBlock, packed, range, workspace);
  }
}

INLINE BlockedSum blockedSum(const args::blockedConv2d& q) {
  BlockedSum s = blockedSum(q.g, q.o.pass, q.o.haloIn, q.o.haloOut);
  s.source = q.x.data;
  s.packed = q.packed.data;
  s.result = q.y.data;
  s.epilogue = epilogueOf(q.o.activation, q.o.residualAfter != 0, q.residual.data, q.y.data, q.slopes.data, q.alpha,
                          q.beta);
  return s;
}

INLINE int64_t blockedElements(const Blocked& b) { return blockedElements(b.n, b.c, b.h, b.w, b.halo); }

INLINE Work plan(const args::blockedConv2d& q) {
  const Conv2dGeometry& g = q.g;
  const int32_t algorithm = q.o.algorithm;
  if (!isValid(g) || !isValidPass(q.o.pass)) return refuse("blockedConv2d: the geometry is not valid");
  if (!isValidEpilogue(q.o.activation)) return refuse("blockedConv2d: there is no such activation");
  if (q.o.haloIn < 0 || q.o.haloOut < 0) return refuse("blockedConv2d: the border is not valid");
  const BlockedSum s = blockedSum(q);
  if (!isComputable(s, algorithm)) return refuse("blockedConv2d: the algorithm does not compute this convolution");
  const bool isPlain = algorithm == ConvolutionAlgorithm::plainInput;
  const int64_t source = isPlain ? elements(g.n, g.ic, g.h, g.w) : blockedElements(s.from), result = blockedElements(s.to);
  if (!holds(q.x, source)) return refuse("blockedConv2d: x is shorter than its shape");
  if (!holds(q.packed, packedFloats(s, algorithm)))
    return refuse("blockedConv2d: packed is shorter than the packed weights");
  if (!holds(q.y, result)) return refuse("blockedConv2d: y is shorter than its shape");
  if (!nullOrHolds(q.residual, result)) return refuse("blockedConv2d: residual is shorter than y");
  if (q.o.activation == ActivationKind::prelu && !holds(q.slopes, s.groups * s.rows))
    return refuse("blockedConv2d: slopes is shorter than the channels of y");
  if (result == 0) return parallel(0, 1, 0);
  if (!isPlain && (!reaches(s, s.y, s.from.halo) || !reaches(s, s.x, s.from.halo)))
    return refuse("blockedConv2d: the border of x is narrower than the padding");
  switch (algorithm) {
    case ConvolutionAlgorithm::plainInput:
      return planPlain(s);
    case ConvolutionAlgorithm::winograd2:
      return planBlockedWinograd<2>(s);
    case ConvolutionAlgorithm::winograd4:
      return planBlockedWinograd<4>(s);
    default:
      return planDirect(s);
  }
}

INLINE void run(const args::blockedConv2d& q, int phase, Range range, const Workspace& workspace) {
  const BlockedSum s = blockedSum(q);
  switch (q.o.algorithm) {
    case ConvolutionAlgorithm::plainInput:
      return runPlain(s, phase, range, workspace);
    case ConvolutionAlgorithm::winograd2:
      return runBlockedWinograd<2>(s, phase, range, workspace);
    case ConvolutionAlgorithm::winograd4:
      return runBlockedWinograd<4>(s, phase, range, workspace);
    default:
      return runDirect(s, phase, range, workspace);
  }
}

}  // namespace
}  // namespace ISA
