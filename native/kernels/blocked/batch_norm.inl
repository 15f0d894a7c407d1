// blockedBatchNorm: y = activation((x - mean) * weight / sqrt(variance + eps) + bias + residual) in one pass.
#pragma once
#include "kernels/blocked/channel_sums.inl"
#include "kernels/blocked/epilogue.inl"
#include "kernels/norm.inl"

namespace ISA {
namespace {

// Activations that a batch norm applies, and whose derivatives blockedBatchNormBackward takes.
INLINE bool isNormActivation(int32_t activation) {
  return activation == ActivationKind::identity || activation == ActivationKind::relu ||
         activation == ActivationKind::clip || activation == ActivationKind::leakyRelu ||
         activation == ActivationKind::hardSwish;
}

// --- factors of channels: rows of whole blocks in the workspace, 0 for lanes that are no channel ---

INLINE int64_t factorLength(const Blocked& b) { return b.blocks * kBlock; }

INLINE void loadFactors(V (&vectors)[kPixelVectors], const float* row, int64_t block) {
#pragma GCC unroll 4
  for (int part = 0; part < kPixelVectors; part++) vectors[part] = load(row + block * kBlock + part * kWidth);
}

// Writes mean, weight / sqrt(variance + eps) and bias of a lane. Forward and back this is the same arithmetic, so that
// the way back finds the very argument that the activation had.
INLINE void writeAffine(float* factors, int64_t length, int64_t lane, int64_t c, const float* mean,
                        const float* variance, In weight, In bias, double eps) {
  const bool isChannel = lane < c;
  const double scale = isChannel ? weightOf(weight, lane) * inverseDeviation(variance[lane], eps) : 0;
  factors[lane] = isChannel ? mean[lane] : 0;
  factors[length + lane] = static_cast<float>(scale);
  factors[2 * length + lane] = isChannel && bias.data ? bias.data[lane] : 0;
}

struct Affine {
  V mean[kPixelVectors], scale[kPixelVectors], bias[kPixelVectors];
};
INLINE Affine loadAffine(const float* factors, int64_t length, int64_t block) {
  Affine affine;
  loadFactors(affine.mean, factors, block);
  loadFactors(affine.scale, factors + length, block);
  loadFactors(affine.bias, factors + 2 * length, block);
  return affine;
}
// Subtracting the mean first does not cancel when the mean is large.
INLINE V normalise(const Affine& affine, V x, int part) {
  return fmadd(sub(x, affine.mean[part]), affine.scale[part], affine.bias[part]);
}

// A phase of `items` bands; tensors whose planes are empty have nothing to write.
INLINE void thenBands(Work& work, const Blocked& b) {
  const Bands bands = bandsOf(b);
  const double pixels = static_cast<double>(largest(1, smallest(b.h, bands.rows) * b.w));
  thenParallel(work, b.plane == 0 ? 0 : bands.count, grainOf(pixels * kBlock));
}

// --- forward ---

struct NormTensors {
  Blocked x, residual, y;
};
INLINE NormTensors normTensors(const args::blockedBatchNorm& a) {
  const BlockedGeometry& g = a.g;
  const ActivationOptions& o = a.o;
  return {blocked(g), blocked(g.n, g.c, g.h, g.w, o.haloOther, o.blocksOther),
          blocked(g.n, g.c, g.h, g.w, o.haloOut, o.blocksOut)};
}

Work plan(const args::blockedBatchNorm& a) {
  const NormTensors t = normTensors(a);
  if (!isNormActivation(a.o.activation)) return refuse("blockedBatchNorm: there is no such activation");
  if (!holds(a.x, blockedElements(t.x))) return refuse("blockedBatchNorm: x is shorter than its shape");
  if (!holds(a.mean, t.x.c)) return refuse("blockedBatchNorm: mean is shorter than the channels");
  if (!holds(a.variance, t.x.c)) return refuse("blockedBatchNorm: variance is shorter than the channels");
  if (!nullOrHolds(a.weight, t.x.c)) return refuse("blockedBatchNorm: weight is shorter than the channels");
  if (!nullOrHolds(a.bias, t.x.c)) return refuse("blockedBatchNorm: bias is shorter than the channels");
  if (a.residual.data && !holds(a.residual, blockedElements(t.residual)))
    return refuse("blockedBatchNorm: residual is shorter than its shape");
  if (!holds(a.y, blockedElements(t.y))) return refuse("blockedBatchNorm: y is shorter than its shape");
  // the factors first: a root and a division take as long as a small plane
  Work work = parallel(t.x.blocks, grainOf(16 * kBlock), static_cast<double>(t.y.n) * t.y.blocks * t.y.plane);
  work.sharedFloats = 3 * factorLength(t.x);
  thenBands(work, t.y);
  return work;
}

template <class Activation>
INLINE void normaliseBands(const args::blockedBatchNorm& a, Range range, const float* factors, Activation activation) {
  const NormTensors t = normTensors(a);
  forEachBand(t.y, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    const Affine affine = loadAffine(factors, factorLength(t.x), block);
    for (int64_t row = rowBegin; row < rowEnd; row++) {
      const float* x = a.x.data + pixelAt(t.x, image, block, row, 0);
      float* y = a.y.data + pixelAt(t.y, image, block, row, 0);
      if (a.residual.data) {
        const float* residual = a.residual.data + pixelAt(t.residual, image, block, row, 0);
        forEachPixel(t.y.w, [&](int64_t i, int part) {
          store(y + i, activation(add(normalise(affine, load(x + i), part), load(residual + i))));
        });
      } else {
        forEachPixel(t.y.w, [&](int64_t i, int part) {
          store(y + i, activation(normalise(affine, load(x + i), part)));
        });
      }
    }
    zeroBorder(t.y, a.y.data, image, block, rowBegin, rowEnd);
  });
}

void run(const args::blockedBatchNorm& a, int phase, Range range, const Workspace& workspace) {
  float* factors = workspace.shared;
  if (phase == 0) {
    const Blocked b = blocked(a.g);
    for (int64_t lane = range.begin * kBlock; lane < range.end * kBlock; lane++)
      writeAffine(factors, factorLength(b), lane, b.c, a.mean.data, a.variance.data, a.weight, a.bias, a.eps);
    return;
  }
  const auto with = [&](auto activation) { normaliseBands(a, range, factors, activation); };
  const Epilogue e = epilogueOf(a.o.activation, nullptr, a.alpha, a.beta);
  switch (a.o.activation) {
    case ActivationKind::relu: return with([](V x) { return max(zero(), x); });
    case ActivationKind::clip:
      return with([low = set1(e.low), high = set1(e.high)](V x) { return min(high, max(low, x)); });
    case ActivationKind::leakyRelu: return with([slope = set1(e.alpha)](V x) { return leaky(x, slope); });
    case ActivationKind::hardSwish:
      return with([alpha = set1(e.alpha), beta = set1(e.beta)](V x) { return mul(x, hardSigmoid(x, alpha, beta)); });
    default: return with([](V x) { return x; });
  }
}

}  // namespace
}  // namespace ISA
