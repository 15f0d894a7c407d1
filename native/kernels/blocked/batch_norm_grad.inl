// blockedBatchNormBackward: from the gradient of activation(norm(x) + residual) those of x, residual, weight and bias.
//
// Two passes: dz, the gradient before the activation, is added up first, then dx is made of it. The activation's
// argument is computed again from x, which is read anyway: one tensor less in both passes. Only where a residual was
// added it takes y to know; then the first pass writes dz, the residual's gradient, and the second one reads it.
#pragma once
#include "kernels/blocked/batch_norm.inl"
#include "kernels/blocked/derivative.inl"

namespace ISA {
namespace {

struct NormGradientTensors {
  Blocked x, dy, y, dx, dresidual;
};
INLINE NormGradientTensors normTensors(const args::blockedBatchNormBackward& a) {
  const BlockedGeometry& g = a.g;
  const NormGradientOptions& o = a.o;
  const auto like = [&](int32_t halo, int32_t blocks) { return blocked(g.n, g.c, g.h, g.w, halo, blocks); };
  return {blocked(g), like(o.haloIn, o.blocksIn), like(o.haloValue, o.blocksValue), like(o.haloOut, o.blocksOut),
          like(o.haloResidual, o.blocksResidual)};
}

// Where dz comes from.
enum class NormGradient {
  given,    // it is dy, or was written by the first pass
  result,   // dy and y
  argument  // dy and x
};
template <NormGradient kFrom>
struct From {
  static constexpr NormGradient value = kFrom;
};

// What the kernel keeps in its workspace.
struct NormGradientSpace {
  int64_t length;  // of a row of factors
  float* affine;   // three rows: what forward has
  float* dzMeans;  // dx = scale * (dz - dzMean - (x - mean) * slope)
  float* slopes;
  double* partials;  // [part][dz, dz * (x - mean)][lane]
};
INLINE NormGradientSpace normGradientSpace(const Blocked& x, const Workspace& workspace) {
  const int64_t length = factorLength(x);
  float* p = workspace.shared;
  return {length, p, p + 3 * length, p + 4 * length, reinterpret_cast<double*>(p + 5 * length)};
}

INLINE bool needsSums(const args::blockedBatchNormBackward& a) {
  return a.o.batchStatistics || a.dweight.data || a.dbias.data || a.dresidual.data;
}

Work plan(const args::blockedBatchNormBackward& a) {
  const NormGradientTensors t = normTensors(a);
  const int64_t c = t.x.c;
  if (!isNormActivation(a.o.activation)) return refuse("blockedBatchNormBackward: there is no such activation");
  if (a.y.data && a.o.activation != ActivationKind::relu)
    return refuse("blockedBatchNormBackward: y tells the derivative of relu only");
  if (!holds(a.dy, blockedElements(t.dy))) return refuse("blockedBatchNormBackward: dy is shorter than its shape");
  if (a.y.data && !holds(a.y, blockedElements(t.y)))
    return refuse("blockedBatchNormBackward: y is shorter than its shape");
  if (!holds(a.x, blockedElements(t.x))) return refuse("blockedBatchNormBackward: x is shorter than its shape");
  if (!holds(a.mean, c)) return refuse("blockedBatchNormBackward: mean is shorter than the channels");
  if (!holds(a.variance, c)) return refuse("blockedBatchNormBackward: variance is shorter than the channels");
  if (!nullOrHolds(a.weight, c)) return refuse("blockedBatchNormBackward: weight is shorter than the channels");
  if (!nullOrHolds(a.bias, c)) return refuse("blockedBatchNormBackward: bias is shorter than the channels");
  if (!holds(a.dx, blockedElements(t.dx))) return refuse("blockedBatchNormBackward: dx is shorter than its shape");
  if (a.dresidual.data && !holds(a.dresidual, blockedElements(t.dresidual)))
    return refuse("blockedBatchNormBackward: dresidual is shorter than its shape");
  if (!nullOrHolds(a.dweight, c)) return refuse("blockedBatchNormBackward: dweight is shorter than the channels");
  if (!nullOrHolds(a.dbias, c)) return refuse("blockedBatchNormBackward: dbias is shorter than the channels");
  const BlockParts parts = partsOf(t.x);
  const double part = static_cast<double>(2 * kBlock * parts.length * parts.pixels);
  const double total = static_cast<double>(t.x.n) * t.x.blocks * t.x.h * t.x.w * kBlock;
  // the factors first, since sums may need them
  Work work = parallel(t.x.blocks, grainOf(16 * kBlock), (needsSums(a) ? 4 : 2) * total);
  work.sharedFloats = 5 * factorLength(t.x) + 2 * 2 * kBlock * parts.count;
  thenParallel(work, needsSums(a) ? parts.count : 0, grainOf(part));
  thenParallel(work, needsSums(a) ? t.x.blocks : 0, grainOf(static_cast<double>(2 * kBlock * (2 + parts.perBlock))));
  thenBands(work, a.dresidual.data && t.dx.plane == 0 ? t.dresidual : t.dx);
  return work;
}

// --- the passes ---

template <NormGradient kFrom, class Derivative>
INLINE void sumNormGradients(const args::blockedBatchNormBackward& a, Range range, const NormGradientSpace& space,
                             Derivative derivative) {
  const NormGradientTensors t = normTensors(a);
  const BlockParts parts = partsOf(t.x);
  for (int64_t item = range.begin; item < range.end; item++) {
    const BlockPart part = partAt(t.x, parts, item);
    const Affine affine = loadAffine(space.affine, space.length, part.block);
    double sums[2][kBlock] = {};
    addBands(sums, t.x, parts.bands, part.run, [&](int64_t image, int64_t row) {
      const float* x = a.x.data + pixelAt(t.x, image, part.block, row, 0);
      const float* dy = a.dy.data + pixelAt(t.dy, image, part.block, row, 0);
      const float* y = kFrom == NormGradient::result ? a.y.data + pixelAt(t.y, image, part.block, row, 0) : nullptr;
      float* dresidual =
          a.dresidual.data ? a.dresidual.data + pixelAt(t.dresidual, image, part.block, row, 0) : nullptr;
      return [=, &affine](int64_t i, int v, V* s) {
        const V centred = sub(load(x + i), affine.mean[v]);
        V dz = load(dy + i);
        if constexpr (kFrom == NormGradient::result) dz = derivative(dz, load(y + i));
        if constexpr (kFrom == NormGradient::argument)
          dz = derivative(dz, fmadd(centred, affine.scale[v], affine.bias[v]));
        if (dresidual) store(dresidual + i, dz);
        s[0] = add(s[0], dz);
        s[1] = fmadd(dz, centred, s[1]);
      };
    });
    double* to = space.partials + item * 2 * kBlock;
    for (int i = 0; i < kBlock; i++) {
      to[i] = sums[0][i];
      to[kBlock + i] = sums[1][i];
    }
  }
}

INLINE void finishNormSums(const args::blockedBatchNormBackward& a, int64_t block, const NormGradientSpace& space) {
  const Blocked b = blocked(a.g);
  const BlockParts parts = partsOf(b);
  const double count = static_cast<double>(b.n) * static_cast<double>(b.h * b.w);
  double dz[kBlock] = {}, dweight[kBlock] = {};
  for (int64_t part = 0; part < parts.perBlock; part++) {
    const double* from = space.partials + (part * b.blocks + block) * 2 * kBlock;
    for (int i = 0; i < kBlock; i++) {
      dz[i] += from[i];
      dweight[i] += from[kBlock + i];
    }
  }
  for (int i = 0; i < kBlock; i++) {
    const int64_t lane = block * kBlock + i;
    const double inverse = lane < b.c ? inverseDeviation(a.variance.data[lane], a.eps) : 0;
    dweight[i] *= inverse;
    space.dzMeans[lane] = lane < b.c ? static_cast<float>(dz[i] / count) : 0;
    space.slopes[lane] = lane < b.c ? static_cast<float>(dweight[i] * inverse / count) : 0;
  }
  if (a.dbias.data) storeChannels(a.dbias.data, dz, block, b.c);
  if (a.dweight.data) storeChannels(a.dweight.data, dweight, block, b.c);
}

template <NormGradient kFrom, bool kBatchStatistics, class Derivative>
INLINE void writeNormGradients(const args::blockedBatchNormBackward& a, Range range, const NormGradientSpace& space,
                               Derivative derivative) {
  const NormGradientTensors t = normTensors(a);
  const float* given = a.dresidual.data ? a.dresidual.data : a.dy.data;
  const Blocked& lie = a.dresidual.data ? t.dresidual : t.dy;
  forEachBand(t.dx, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    const Affine affine = loadAffine(space.affine, space.length, block);
    V dzMean[kPixelVectors], slope[kPixelVectors];
    loadFactors(dzMean, space.dzMeans, block);
    loadFactors(slope, space.slopes, block);
    for (int64_t row = rowBegin; row < rowEnd; row++) {
      const float* x = a.x.data + pixelAt(t.x, image, block, row, 0);
      const float* dy = given + pixelAt(lie, image, block, row, 0);
      const float* y = kFrom == NormGradient::result ? a.y.data + pixelAt(t.y, image, block, row, 0) : nullptr;
      float* dx = a.dx.data + pixelAt(t.dx, image, block, row, 0);
      forEachPixel(t.dx.w, [&](int64_t i, int v) {
        V centred = zero(), dz = load(dy + i);
        if constexpr (kBatchStatistics || kFrom == NormGradient::argument) centred = sub(load(x + i), affine.mean[v]);
        if constexpr (kFrom == NormGradient::result) dz = derivative(dz, load(y + i));
        if constexpr (kFrom == NormGradient::argument)
          dz = derivative(dz, fmadd(centred, affine.scale[v], affine.bias[v]));
        if constexpr (kBatchStatistics) dz = fnmadd(centred, slope[v], sub(dz, dzMean[v]));
        store(dx + i, mul(affine.scale[v], dz));
      });
    }
    zeroBorder(t.dx, a.dx.data, image, block, rowBegin, rowEnd);
    if (a.dresidual.data) zeroBorder(t.dresidual, a.dresidual.data, image, block, rowBegin, rowEnd);
  });
}

void run(const args::blockedBatchNormBackward& a, int phase, Range range, const Workspace& workspace) {
  const Blocked b = blocked(a.g);
  const NormGradientSpace space = normGradientSpace(b, workspace);
  if (phase == 0) {
    for (int64_t lane = range.begin * kBlock; lane < range.end * kBlock; lane++)
      writeAffine(space.affine, space.length, lane, b.c, a.mean.data, a.variance.data, a.weight, a.bias, a.eps);
    return;
  }
  if (phase == 2) {
    for (int64_t block = range.begin; block < range.end; block++) finishNormSums(a, block, space);
    return;
  }
  const auto pass = [&](auto from, auto derivative) {
    constexpr NormGradient kFrom = decltype(from)::value;
    if (phase == 1) return sumNormGradients<kFrom>(a, range, space, derivative);
    if (a.o.batchStatistics) return writeNormGradients<kFrom, true>(a, range, space, derivative);
    writeNormGradients<kFrom, false>(a, range, space, derivative);
  };
  const bool isWritten = phase == 3 && a.dresidual.data;
  if (isWritten || a.o.activation == ActivationKind::identity)
    return pass(From<NormGradient::given>(), [](V dz, V) { return dz; });
  if (a.y.data) return pass(From<NormGradient::result>(), [](V dy, V y) { return reluGrad(dy, y); });
  withSimpleDerivative(a.o.activation, a.alpha, a.beta,
                       [&](auto derivative) { pass(From<NormGradient::argument>(), derivative); });
}

}  // namespace
}  // namespace ISA
