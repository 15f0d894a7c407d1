// blockedActivationGrad: from the gradient of an activation's result that of its argument, and the sums of that over
// each channel, which are the gradients of a bias. Either may be all there is to do.
#pragma once
#include "kernels/blocked/channel_sums.inl"
#include "kernels/blocked/derivative.inl"
#include "kernels/blocked/epilogue.inl"

namespace ISA {
namespace {

struct ActivationTensors {
  Blocked dy, value, dx;
};
INLINE ActivationTensors activationTensors(const args::blockedActivationGrad& a) {
  const BlockedGeometry& g = a.g;
  const ActivationOptions& o = a.o;
  return {blocked(g), blocked(g.n, g.c, g.h, g.w, o.haloOther, o.blocksOther),
          blocked(g.n, g.c, g.h, g.w, o.haloOut, o.blocksOut)};
}

Work plan(const args::blockedActivationGrad& a) {
  const ActivationTensors t = activationTensors(a);
  if (!hasDerivative(a.o.activation)) return refuse("blockedActivationGrad: there is no such activation");
  if (!holds(a.dy, blockedElements(t.dy))) return refuse("blockedActivationGrad: dy is shorter than its shape");
  if (a.o.activation != ActivationKind::identity && !holds(a.value, blockedElements(t.value)))
    return refuse("blockedActivationGrad: value is shorter than its shape");
  if (a.dx.data && !holds(a.dx, blockedElements(t.dx)))
    return refuse("blockedActivationGrad: dx is shorter than its shape");
  if (!nullOrHolds(a.dbias, t.dy.c)) return refuse("blockedActivationGrad: dbias is shorter than the channels");
  // where planes are nothing but a border, it is that of dx which bounds their number
  const BlockParts parts = partsOf(a.dx.data ? t.dx : t.dy);
  const double each = static_cast<double>(parts.length * parts.pixels * kBlock);
  const double times = isCheap(a.o.activation) ? 2 : 16;
  Work work = parallel(parts.count, grainOf(times * each), times * each * static_cast<double>(parts.count));
  work.sharedFloats = 2 * kBlock * parts.count;
  thenParallel(work, a.dbias.data ? t.dy.blocks : 0, grainOf(static_cast<double>(kBlock * (2 + parts.perBlock))));
  return work;
}

template <bool kHasValue, class Derivative>
INLINE void activationGrads(const args::blockedActivationGrad& a, Range range, double* partials,
                            Derivative derivative) {
  const ActivationTensors t = activationTensors(a);
  const BlockParts parts = partsOf(a.dx.data ? t.dx : t.dy);
  for (int64_t item = range.begin; item < range.end; item++) {
    const BlockPart part = partAt(t.dy, parts, item);
    double sums[1][kBlock] = {};
    addBands(sums, t.dy, parts.bands, part.run, [&](int64_t image, int64_t row) {
      const float* dy = a.dy.data + pixelAt(t.dy, image, part.block, row, 0);
      const float* value = kHasValue ? a.value.data + pixelAt(t.value, image, part.block, row, 0) : nullptr;
      float* dx = a.dx.data ? a.dx.data + pixelAt(t.dx, image, part.block, row, 0) : nullptr;
      return [=](int64_t i, int, V* s) {
        V dz = load(dy + i);
        if constexpr (kHasValue) dz = derivative(dz, load(value + i));
        if (dx) store(dx + i, dz);
        s[0] = add(s[0], dz);
      };
    });
    for (int i = 0; i < kBlock; i++) partials[item * kBlock + i] = sums[0][i];
    if (!a.dx.data) continue;
    forEachBand(t.dx, parts.bands, part.run, [&](int64_t image, int64_t rowBegin, int64_t rowEnd) {
      zeroBorder(t.dx, a.dx.data, image, part.block, rowBegin, rowEnd);
    });
  }
}

void run(const args::blockedActivationGrad& a, int phase, Range range, const Workspace& workspace) {
  double* partials = reinterpret_cast<double*>(workspace.shared);  // [part of a block][block][lane]
  if (phase == 0) {
    if (a.o.activation == ActivationKind::identity)
      return activationGrads<false>(a, range, partials, [](V dy, V) { return dy; });
    return withDerivative(a.o.activation, a.alpha, a.beta,
                          [&](auto derivative) { activationGrads<true>(a, range, partials, derivative); });
  }
  const ActivationTensors t = activationTensors(a);
  const BlockParts parts = partsOf(a.dx.data ? t.dx : t.dy);
  for (int64_t block = range.begin; block < range.end; block++) {
    double sums[kBlock] = {};
    for (int64_t part = 0; part < parts.perBlock; part++)
      for (int i = 0; i < kBlock; i++) sums[i] += partials[(part * t.dy.blocks + block) * kBlock + i];
    storeChannels(a.dbias.data, sums, block, t.dy.c);
  }
}

}  // namespace
}  // namespace ISA
