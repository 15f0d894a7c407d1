// Convolution of blocked tensors: what is demanded of the buffers, and the way to the algorithm.
#pragma once
#include "kernels/blocked/grad_weight.inl"

namespace ISA {
namespace {

INLINE bool isValidPass(int32_t pass) {
  return pass == ConvolutionPass::forward || pass == ConvolutionPass::gradInput;
}

// Writes [algorithm, floats of the packed weights, border the source needs]; the algorithm is kNoAlgorithm where no
// kernel works on blocks. For the gradient of the weights the source is x.
INLINE Work plan(const args::blockedConv2dChoose& q) {
  const bool isPass = isValidPass(q.pass) || q.pass == ConvolutionPass::gradWeight;
  if (!isValid(q.g) || !isPass) return refuse("blockedConv2dChoose: the geometry is not valid");
  if (!holds(q.choice, 3)) return refuse("blockedConv2dChoose: choice is shorter than 3");
  const int64_t weights = elements(q.g.oc, q.g.ic, q.g.kh, q.g.kw), reach = int64_t{q.g.kh} * q.g.dilationH;
  if (weights < 0 || weights > INT32_MAX / 8 || reach > INT32_MAX || int64_t{q.g.kw} * q.g.dilationW > INT32_MAX)
    return refuse("blockedConv2dChoose: the geometry is not valid");
  return parallel(1, 1, 0);
}

INLINE void run(const args::blockedConv2dChoose& q, int, Range, const Workspace&) {
  if (q.pass == ConvolutionPass::gradWeight) {
    const BlockedWeightSum s = blockedWeightSum(q.g);
    q.choice.data[0] = chooseWeightAlgorithm(s, q.exact != 0);
    q.choice.data[1] = 0;
    q.choice.data[2] = static_cast<int32_t>(smallest(INT32_MAX, largest(windowHalo(s.y), windowHalo(s.x))));
    return;
  }
  const BlockedSum s = blockedSum(q.g, q.pass, 0, 0);
  const int32_t algorithm = chooseAlgorithm(s, q.exact != 0);
  q.choice.data[0] = algorithm;
  q.choice.data[1] = algorithm == kNoAlgorithm ? 0 : static_cast<int32_t>(packedFloats(s, algorithm));
  q.choice.data[2] = static_cast<int32_t>(smallest(INT32_MAX, neededHalo(s, algorithm)));
}

INLINE Work plan(const args::blockedConv2dPack& q) {
  const Conv2dGeometry& g = q.g;
  if (!isValid(g) || !isValidPass(q.pass)) return refuse("blockedConv2dPack: the geometry is not valid");
  const BlockedSum s = blockedSum(g, q.pass, 0, 0);
  if (!isComputable(s, q.algorithm))
    return refuse("blockedConv2dPack: the algorithm does not compute this convolution");
  if (!holds(q.weight, elements(g.oc, s.gradient ? s.rows : s.channels, g.kh, g.kw)))
    return refuse("blockedConv2dPack: weight is shorter than its shape");
  if (!nullOrHolds(q.bias, s.groups * s.rows)) return refuse("blockedConv2dPack: bias is shorter than its shape");
  if (!holds(q.packed, packedFloats(s, q.algorithm)))
    return refuse("blockedConv2dPack: packed is shorter than the packed weights");
  if (packedFloats(s, q.algorithm) == 0) return parallel(0, 1, 0);
  switch (q.algorithm) {
    case ConvolutionAlgorithm::winograd2:
      return planPackWinograd<2>(s);
    case ConvolutionAlgorithm::winograd4:
      return planPackWinograd<4>(s);
    case ConvolutionAlgorithm::winograd4Taps:
      return planPackTaps(s);
    case ConvolutionAlgorithm::winogradStrided:
      return planPackStrided(s);
    case ConvolutionAlgorithm::depthwise:
    case ConvolutionAlgorithm::grouped:
    case ConvolutionAlgorithm::columns:
      return parallel(1, 1, 0);  // few weights
    default:
      return planPackDirect(s);
  }
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
    case ConvolutionAlgorithm::winograd4Taps:
      return runPackTaps(s, weight, bias, packed, range, workspace);
    case ConvolutionAlgorithm::winogradStrided:
      return runPackStrided(s, weight, bias, packed, range, workspace);
    case ConvolutionAlgorithm::plainInput:
      return runPackDirect(s, weight, bias, 1, packed, range, workspace);
    case ConvolutionAlgorithm::depthwise:
      return packDepthwise(weight, bias, s, packed);
    case ConvolutionAlgorithm::grouped:
      return packGrouped(weight, bias, s, packed);
    case ConvolutionAlgorithm::columns:
      return packColumns(s, weight, bias, packed);
    default:
      return runPackDirect(s, weight, bias, kBlock, packed, range, workspace);
  }
}

INLINE BlockedSum blockedSum(const args::blockedConv2d& q) {
  BlockedSum s = blockedSum(q.g, q.o.pass, q.o.haloIn, q.o.haloOut, q.o.blocksIn, q.o.blocksOut);
  s.source = q.x.data;
  s.packed = q.packed.data;
  s.result = q.y.data;
  s.epilogue = epilogueOf(q.o.activation, q.slopes.data, q.alpha, q.beta);
  s.epilogue.residual = q.residual.data;
  s.epilogue.rest = blocked(s.to.n, s.to.c, s.to.h, s.to.w, q.o.haloResidual, q.o.blocksResidual);
  s.epilogue.residualAfter = q.o.residualAfter != 0;
  return s;
}

INLINE Work plan(const args::blockedConv2d& q) {
  const Conv2dGeometry& g = q.g;
  const int32_t algorithm = q.o.algorithm;
  if (!isValid(g) || !isValidPass(q.o.pass)) return refuse("blockedConv2d: the geometry is not valid");
  if (!isValidEpilogue(q.o.activation)) return refuse("blockedConv2d: there is no such activation");
  if (q.o.haloIn < 0 || q.o.haloOut < 0) return refuse("blockedConv2d: the border is not valid");
  const BlockedSum s = blockedSum(q);
  if (!isComputable(s, algorithm)) return refuse("blockedConv2d: the algorithm does not compute this convolution");
  const bool isPlain = algorithm == ConvolutionAlgorithm::plainInput;
  const int64_t source = isPlain ? elements(g.n, g.ic, g.h, g.w) : blockedElements(s.from);
  const int64_t result = blockedElements(s.to);
  if (!holds(q.x, source)) return refuse("blockedConv2d: x is shorter than its shape");
  if (!holds(q.packed, packedFloats(s, algorithm)))
    return refuse("blockedConv2d: packed is shorter than the packed weights");
  if (!holds(q.y, result)) return refuse("blockedConv2d: y is shorter than its shape");
  if (q.residual.data && !holds(q.residual, blockedElements(s.epilogue.rest)))
    return refuse("blockedConv2d: residual is shorter than its shape");
  if (q.o.activation == ActivationKind::prelu && !holds(q.slopes, s.groups * s.rows))
    return refuse("blockedConv2d: slopes is shorter than the channels of y");
  if (result == 0) return parallel(0, 1, 0);
  if (!isPlain && s.from.halo < neededHalo(s, algorithm))
    return refuse("blockedConv2d: the border of x is narrower than the padding");
  switch (algorithm) {
    case ConvolutionAlgorithm::plainInput:
      return planPlain(s);
    case ConvolutionAlgorithm::winograd2:
      return planBlockedWinograd<2>(s);
    case ConvolutionAlgorithm::winograd4:
      return planBlockedWinograd<4>(s);
    case ConvolutionAlgorithm::winograd4Taps:
      return planWinogradTaps(s);
    case ConvolutionAlgorithm::winogradStrided:
      return planStrided(s);
    case ConvolutionAlgorithm::depthwise:
      return planDepthwise(s);
    case ConvolutionAlgorithm::grouped:
      return planGrouped(s);
    case ConvolutionAlgorithm::columns:
      return planColumns(s);
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
    case ConvolutionAlgorithm::winograd4Taps:
      return runWinogradTaps(s, phase, range, workspace);
    case ConvolutionAlgorithm::winogradStrided:
      return runStrided(s, phase, range, workspace);
    case ConvolutionAlgorithm::depthwise:
      return runDepthwise(s, phase, range, workspace);
    case ConvolutionAlgorithm::grouped:
      return runGrouped(s, phase, range, workspace);
    case ConvolutionAlgorithm::columns:
      return runColumns(s, range, workspace);
    default:
      return runDirect(s, phase, range, workspace);
  }
}

}  // namespace
}  // namespace ISA
