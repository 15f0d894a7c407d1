// sgdUpdate, adamUpdate, rmspropUpdate, lionUpdate, blend: one pass over all buffers. An item is a block of parameters.
// Settings and factors are read in run(): when a program is planned they have no contents yet.
#pragma once
#include "kernels/elementwise.inl"

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
  if (!nullOrHolds(a.momentumBuffer, count)) return refuse("sgdUpdate: momentumBuffer is shorter than parameter");
  if (!holds(a.settings, 5)) return refuse("sgdUpdate: settings has fewer than 5 elements");
  return planUpdate(count, 3);
}

void run(const args::sgdUpdate& a, int, Range range, const Workspace&) {
  const float* s = a.settings.data;
  const V lr = set1(s[0]), weightDecay = set1(s[1]), momentum = set1(s[2]), fresh = set1(s[3]), sign = set1(s[4]);
  const int64_t count = a.parameter.size;
  float* parameter = a.parameter.data;
  const float* gradient = a.gradient.data;
  float* buffer = a.momentumBuffer.data;
  if (buffer == nullptr) {
    return forEachVector(range, count, [&](auto at, auto put) {
      const V p = at(parameter);
      put(parameter, fnmadd(lr, fmadd(weightDecay, p, mul(sign, at(gradient))), p));
    });
  }
  forEachVector(range, count, [&](auto at, auto put) {
    const V p = at(parameter);
    const V g = fmadd(weightDecay, p, mul(sign, at(gradient)));
    const V b = fmadd(momentum, at(buffer), mul(fresh, g));
    put(buffer, b);
    put(parameter, fnmadd(lr, a.nesterov ? fmadd(momentum, b, g) : b, p));
  });
}

Work plan(const args::adamUpdate& a) {
  const int64_t count = a.parameter.size;
  if (!holds(a.gradient, count)) return refuse("adamUpdate: gradient is shorter than parameter");
  if (!holds(a.firstMoment, count)) return refuse("adamUpdate: firstMoment is shorter than parameter");
  if (!holds(a.secondMoment, count)) return refuse("adamUpdate: secondMoment is shorter than parameter");
  if (!nullOrHolds(a.largestMoment, count)) return refuse("adamUpdate: largestMoment is shorter than parameter");
  if (!holds(a.settings, 10)) return refuse("adamUpdate: settings has fewer than 10 elements");
  return planUpdate(count, 6);
}

void run(const args::adamUpdate& a, int, Range range, const Workspace&) {
  const float* s = a.settings.data;
  const V rate = set1(s[0]), keep = set1(s[1]), decay = set1(s[2]);
  const V beta1 = set1(s[3]), fresh1 = set1(s[4]), beta2 = set1(s[5]), fresh2 = set1(s[6]);
  const V correction = set1(s[7]), eps = set1(s[8]), sign = set1(s[9]);
  float* parameter = a.parameter.data;
  const float* gradient = a.gradient.data;
  float* first = a.firstMoment.data;
  float* second = a.secondMoment.data;
  float* largest = a.largestMoment.data;
  forEachVector(range, a.parameter.size, [&](auto at, auto put) {
    const V p = at(parameter);
    const V g = fmadd(decay, p, mul(sign, at(gradient)));
    const V m = fmadd(beta1, at(first), mul(fresh1, g));
    V v = fmadd(beta2, at(second), mul(fresh2, mul(g, g)));
    put(first, m);
    put(second, v);
    if (largest != nullptr) {
      const V before = at(largest);
      v = select(isNan(before), before, max(before, v));
      put(largest, v);
    }
    put(parameter, fnmadd(rate, div(m, add(div(sqrt(v), correction), eps)), mul(keep, p)));
  });
}

Work plan(const args::rmspropUpdate& a) {
  const int64_t count = a.parameter.size;
  if (!holds(a.gradient, count)) return refuse("rmspropUpdate: gradient is shorter than parameter");
  if (!holds(a.squareAverage, count)) return refuse("rmspropUpdate: squareAverage is shorter than parameter");
  if (!nullOrHolds(a.gradientAverage, count)) return refuse("rmspropUpdate: gradientAverage is shorter than parameter");
  if (!nullOrHolds(a.momentumBuffer, count)) return refuse("rmspropUpdate: momentumBuffer is shorter than parameter");
  if (!holds(a.settings, 7)) return refuse("rmspropUpdate: settings has fewer than 7 elements");
  return planUpdate(count, 6);
}

void run(const args::rmspropUpdate& a, int, Range range, const Workspace&) {
  const float* s = a.settings.data;
  const V lr = set1(s[0]), weightDecay = set1(s[1]), alpha = set1(s[2]), fresh = set1(s[3]);
  const V eps = set1(s[4]), momentum = set1(s[5]), sign = set1(s[6]);
  float* parameter = a.parameter.data;
  const float* gradient = a.gradient.data;
  float* squares = a.squareAverage.data;
  float* mean = a.gradientAverage.data;
  float* buffer = a.momentumBuffer.data;
  forEachVector(range, a.parameter.size, [&](auto at, auto put) {
    const V p = at(parameter);
    const V g = fmadd(weightDecay, p, mul(sign, at(gradient)));
    V variance = fmadd(alpha, at(squares), mul(fresh, mul(g, g)));
    put(squares, variance);
    if (mean != nullptr) {
      const V m = fmadd(alpha, at(mean), mul(fresh, g));
      put(mean, m);
      variance = fnmadd(m, m, variance);
    }
    V step = div(g, add(sqrt(variance), eps));
    if (buffer != nullptr) {
      step = fmadd(momentum, at(buffer), step);
      put(buffer, step);
    }
    put(parameter, fnmadd(lr, step, p));
  });
}

Work plan(const args::lionUpdate& a) {
  const int64_t count = a.parameter.size;
  if (!holds(a.gradient, count)) return refuse("lionUpdate: gradient is shorter than parameter");
  if (!holds(a.momentumBuffer, count)) return refuse("lionUpdate: momentumBuffer is shorter than parameter");
  if (!holds(a.settings, 7)) return refuse("lionUpdate: settings has fewer than 7 elements");
  return planUpdate(count, 4);
}

void run(const args::lionUpdate& a, int, Range range, const Workspace&) {
  const float* s = a.settings.data;
  const V lr = set1(s[0]), keep = set1(s[1]);
  const V beta1 = set1(s[2]), fresh1 = set1(s[3]), beta2 = set1(s[4]), fresh2 = set1(s[5]), sign = set1(s[6]);
  float* parameter = a.parameter.data;
  const float* gradient = a.gradient.data;
  float* buffer = a.momentumBuffer.data;
  forEachVector(range, a.parameter.size, [&](auto at, auto put) {
    const V g = mul(sign, at(gradient));
    const V m = at(buffer);
    const V towards = fmadd(beta1, m, mul(fresh1, g));
    put(parameter, fnmadd(lr, select(isNan(towards), towards, signOf(towards)), mul(keep, at(parameter))));
    put(buffer, fmadd(beta2, m, mul(fresh2, g)));
  });
}

Work plan(const args::blend& a) {
  const int64_t count = a.y.size;
  if (!holds(a.x, count)) return refuse("blend: x is shorter than y");
  if (!holds(a.factors, 2)) return refuse("blend: factors has fewer than 2 elements");
  return planUpdate(count, 2);
}

void run(const args::blend& a, int, Range range, const Workspace&) {
  const V keep = set1(a.factors.data[0]), take = set1(a.factors.data[1]);
  float* y = a.y.data;
  const float* x = a.x.data;
  forEachVector(range, a.y.size, [&](auto at, auto put) { put(y, fmadd(keep, at(y), mul(take, at(x)))); });
}

}  // namespace
}  // namespace ISA
