// The gradient of the weights of NCHW tensors on the blocked kernels: both tensors are blocked first.
#pragma once
#include "kernels/blocked/convert.inl"
#include "kernels/blocked/grad_weight.inl"

namespace ISA {
namespace {

// Floats of blocked tensors, 256 MiB: what this may cost in memory.
constexpr int64_t kMostBlockedFloats = int64_t{1} << 26;

struct NchwWeightSum {
  BlockedWeightSum sum;  // of NCHW tensors
  int32_t algorithm;     // kNoAlgorithm where blocks do not suit
};

INLINE NchwWeightSum nchwWeightSum(const args::conv2dGradWeight& q) {
  const Conv2dGeometry& g = q.g;
  NchwWeightSum n = {blockedWeightSum(g), kNoAlgorithm};
  BlockedWeightSum& s = n.sum;
  s.source = q.x.data;
  s.gradient = q.dy.data;
  s.result = q.dweight.data;
  if (s.rows < kBlock || s.images * s.y.output * s.x.output == 0) return n;
  const int32_t algorithm = chooseWeightAlgorithm(s, q.exact != 0);
  s.plain = algorithm == ConvolutionAlgorithm::plainInput;
  // blocks are 16 channels whether they exist or not
  const bool suits = s.plain ? s.channels * weightTaps(s) >= kBlock : s.channels >= kBlock;
  if (!suits || algorithm == ConvolutionAlgorithm::depthwise) return n;
  const int64_t halo = largest(windowHalo(s.y), windowHalo(s.x));
  if (!s.plain) s.from = blocked(g.n, g.ic, g.h, g.w, halo);
  s.to = blocked(g.n, g.oc, g.oh, g.ow, 0);
  const int64_t floats = blockedElements(s.from);
  const bool bordered = (g.h + 2 * halo) * (g.w + 2 * halo) > 4 * int64_t{g.h} * g.w + 256;
  const bool fits = floats >= 0 && floats + s.to.n * s.to.image <= kMostBlockedFloats;
  if (fits && (s.plain || !bordered)) n.algorithm = algorithm;
  return n;
}

INLINE int64_t sourceFloats(const BlockedWeightSum& s) { return aligned(s.plain ? 0 : s.from.n * s.from.image); }
INLINE int64_t gradientFloats(const BlockedWeightSum& s) { return aligned(s.to.n * s.to.image); }

// Phases: block x, block dy, and those of the sum.
INLINE Work planNchwWeight(const NchwWeightSum& n) {
  const BlockedWeightSum& s = n.sum;
  const Work sum = planWeightSum(s, n.algorithm);
  Work work = parallel(s.plain ? 0 : bandsOf(s.from).count, 1, sum.cost);
  thenParallel(work, bandsOf(s.to).count, 1);
  for (int phase = 0; phase < sum.phases; phase++) thenParallel(work, sum.items[phase], sum.grain[phase]);
  work.sharedFloats = sourceFloats(s) + gradientFloats(s) + sum.sharedFloats;
  work.localFloats = sum.localFloats;
  return work;
}

INLINE void runNchwWeight(const NchwWeightSum& n, int phase, Range range, const Workspace& workspace) {
  BlockedWeightSum s = n.sum;
  float* source = workspace.shared;
  float* gradient = source + sourceFloats(s);
  if (phase == 0) return blockBands(s.from, s.source, source, range);
  if (phase == 1) return blockBands(s.to, s.gradient, gradient, range);
  if (!s.plain) s.source = source;
  s.gradient = gradient;
  const Workspace rest = {gradient + gradientFloats(s), workspace.local};
  runWeightSum(s, n.algorithm, phase - 2, range, rest);
}

}  // namespace
}  // namespace ISA
