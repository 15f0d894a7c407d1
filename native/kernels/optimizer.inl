// sgdUpdate, adamUpdate: one pass over all buffers. An item is a block of parameters.
#pragma once
#include "kernels/rows.inl"

namespace ISA {
namespace {

constexpr int64_t kUpdateBlock = 4096;

// Calls update(i, lanes) for the vectors of a range of blocks.
template <class Update>
INLINE void forEachVector(Range blocks, int64_t count, Update update) {
  const int64_t end = smallest(count, blocks.end * kUpdateBlock);
  int64_t i = blocks.begin * kUpdateBlock;
  for (; i + kWidth <= end; i += kWidth) {
    update([i](const float* p) { return load(p + i); }, [i](float* p, V v) { store(p + i, v); });
  }
  if (i < end) {
    const int64_t lanes = end - i;
    update([i, lanes](const float* p) { return loadPartial(p + i, lanes); },
           [i, lanes](float* p, V v) { storePartial(p + i, v, lanes); });
  }
}

INLINE Work planUpdate(int64_t count, int64_t costPerElement) {
  return parallel(ceilDiv(count, kUpdateBlock), grainOf(kUpdateBlock * costPerElement),
                  static_cast<double>(count) * static_cast<double>(costPerElement));
}

Work plan(const args::sgdUpdate& a) {
  const int64_t count = a.parameter.size;
  if (!holds(a.gradient, count)) return refuse("sgdUpdate: gradient is shorter than parameter");
  if (a.momentum != 0 && !holds(a.momentumBuffer, count)) {
    return refuse("sgdUpdate: momentumBuffer is shorter than parameter");
  }
  return planUpdate(count, 3);
}

void run(const args::sgdUpdate& a, int, Range range, const Workspace&) {
  const V weightDecay = set1(static_cast<float>(a.weightDecay));
  const V lr = set1(static_cast<float>(a.lr));
  const int64_t count = a.parameter.size;
  float* parameter = a.parameter.data;
  const float* gradient = a.gradient.data;
  if (a.momentum == 0) {
    return forEachVector(range, count, [&](auto at, auto put) {
      const V p = at(parameter);
      put(parameter, fnmadd(lr, fmadd(weightDecay, p, at(gradient)), p));
    });
  }
  const V momentum = set1(static_cast<float>(a.momentum));
  const V fresh = set1(static_cast<float>(1 - a.dampening));
  float* buffer = a.momentumBuffer.data;
  forEachVector(range, count, [&](auto at, auto put) {
    const V p = at(parameter);
    const V g = fmadd(weightDecay, p, at(gradient));
    const V b = a.firstStep ? g : fmadd(momentum, at(buffer), mul(fresh, g));
    put(buffer, b);
    put(parameter, fnmadd(lr, a.nesterov ? fmadd(momentum, b, g) : b, p));
  });
}

Work plan(const args::adamUpdate& a) {
  const int64_t count = a.parameter.size;
  if (!holds(a.gradient, count)) return refuse("adamUpdate: gradient is shorter than parameter");
  if (!holds(a.firstMoment, count)) return refuse("adamUpdate: firstMoment is shorter than parameter");
  if (!holds(a.secondMoment, count)) return refuse("adamUpdate: secondMoment is shorter than parameter");
  return planUpdate(count, 6);
}

void run(const args::adamUpdate& a, int, Range range, const Workspace&) {
  const V beta1 = set1(static_cast<float>(a.beta1));
  const V beta2 = set1(static_cast<float>(a.beta2));
  const V fresh1 = set1(static_cast<float>(1 - a.beta1));
  const V fresh2 = set1(static_cast<float>(1 - a.beta2));
  const V step = set1(static_cast<float>(a.lr / a.biasCorrection1));
  const V correction = set1(static_cast<float>(__builtin_sqrt(a.biasCorrection2)));
  const V eps = set1(static_cast<float>(a.eps));
  // one of the two is the identity
  const V keep = set1(a.decoupled ? static_cast<float>(1 - a.lr * a.weightDecay) : 1.0f);
  const V decay = set1(a.decoupled ? 0.0f : static_cast<float>(a.weightDecay));
  float* parameter = a.parameter.data;
  const float* gradient = a.gradient.data;
  float* first = a.firstMoment.data;
  float* second = a.secondMoment.data;
  forEachVector(range, a.parameter.size, [&](auto at, auto put) {
    V p = at(parameter);
    const V g = fmadd(decay, p, at(gradient));
    p = mul(p, keep);
    const V m = fmadd(beta1, at(first), mul(fresh1, g));
    const V v = fmadd(beta2, at(second), mul(fresh2, mul(g, g)));
    put(first, m);
    put(second, v);
    put(parameter, fnmadd(step, div(m, add(div(sqrt(v), correction), eps)), p));
  });
}

}  // namespace
}  // namespace ISA
