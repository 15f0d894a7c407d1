// What happens to a result between the last multiply-add and the store: residual added, activation applied. (The bias
// is what the sums start from.)
#pragma once
#include "kernels/blocked/layout.inl"
#include "kernels/math.inl"
#include "kernels/operations.h"

namespace ISA {
namespace {

struct Epilogue {
  const float* residual;  // a tensor of the sizes of the result, or nullptr
  Blocked rest;           // how it lies
  bool residualAfter;     // it is added to the activation's value, not to its argument
  const float* slopes;    // one per channel, for prelu
  int32_t activation;     // ActivationKind
  float alpha, beta;      // of hardSigmoid and hardSwish; alpha the slope of leakyRelu
  float low, high;        // of relu and clip
};

// No residual. alpha and beta as a call has them: bounds of clip, slope of leakyRelu, line of hardSigmoid.
INLINE Epilogue epilogueOf(int32_t activation, const float* slopes, double alpha, double beta) {
  Epilogue e = {};
  e.slopes = slopes;
  e.activation = activation;
  e.alpha = static_cast<float>(alpha);
  e.beta = static_cast<float>(beta);
  const bool isClip = activation == ActivationKind::clip;
  e.low = isClip ? e.alpha : 0;
  e.high = isClip ? e.beta : __builtin_inff();
  if (activation == ActivationKind::hardSwish) {
    e.alpha = 1.0f / 6;
    e.beta = 0.5f;
  }
  return e;
}

// Where the residual of a pixel begins, or nullptr.
INLINE const float* residualAt(const Epilogue& e, int64_t image, int64_t block, int64_t y, int64_t x) {
  return e.residual ? e.residual + pixelAt(e.rest, image, block, y, x) : nullptr;
}

INLINE V hardSigmoid(V x, V alpha, V beta) { return min(set1(1.0f), max(zero(), fmadd(alpha, x, beta))); }
INLINE V leaky(V x, V slope) { return select(lessEqual(x, zero()), mul(x, slope), x); }

// Activations that fit between sum and store; the others work on what has been stored, since a call of exp would push
// the sums out of their registers.
INLINE bool isCheap(int32_t activation) { return activation < ActivationKind::sigmoid; }

// The slopes of leakyRelu and prelu for the channels from `channel` on, of which there are `channels` in all.
INLINE V slopeOf(const Epilogue& e, int64_t channel, int64_t channels) {
  if (e.activation != ActivationKind::prelu) return set1(e.alpha);
  return channel < channels ? loadUpTo(e.slopes + channel, channels - channel) : zero();
}

template <class Function>
INLINE void mapValues(V* values, int count, Function function) {
#pragma GCC unroll 32
  for (int i = 0; i < count; i++) values[i] = function(values[i]);
}

// The cheap activations on `Count` vectors of the same channels, `slope` being theirs for leakyRelu and prelu. NaN
// passes through all of them: max and min give their second operand when the two are unordered. Few cases, because
// every tile of every height carries a copy of them.
template <int Count>
INLINE void activateCheap(const Epilogue& e, V (&values)[Count], V slope) {
  switch (e.activation) {
    case ActivationKind::relu:
    case ActivationKind::clip: {
      const V low = set1(e.low), high = set1(e.high);
      return mapValues(values, Count, [=](V x) { return min(high, max(low, x)); });
    }
    case ActivationKind::leakyRelu:
    case ActivationKind::prelu:
      return mapValues(values, Count, [=](V x) { return leaky(x, slope); });
    case ActivationKind::hardSigmoid:
    case ActivationKind::hardSwish: {
      const V alpha = set1(e.alpha), beta = set1(e.beta), one = set1(1.0f);
      const M timesX = firstLanes(e.activation == ActivationKind::hardSwish ? kWidth : 0);
      return mapValues(values, Count, [=](V x) { return mul(select(timesX, x, one), hardSigmoid(x, alpha, beta)); });
    }
    default:
      return;
  }
}

template <class Function>
INLINE void mapStored(float* pixel, const float* residual, int64_t pixels, int64_t step, int64_t width,
                      Function function) {
  for (int64_t i = 0; i < pixels; i++) {
    for (int64_t c = 0; c < width; c += kWidth) {
      float* p = pixel + i * step + c;
      V value = function(load(p));
      if (residual) value = add(value, load(residual + i * step + c));
      store(p, value);
    }
  }
}

// The other activations on `pixels` pixels in a row of `width` channels each, `step` floats apart, as they lie in the
// result, and after it the residual if it comes late.
__attribute__((noinline)) void activateStored(int32_t activation, float* pixel, const float* residual, int64_t pixels,
                                              int64_t step, int64_t width) {
  const auto map = [=](auto function) { mapStored(pixel, residual, pixels, step, width, function); };
  switch (activation) {
    case ActivationKind::sigmoid: return map([](V x) { return sigmoid(x); });
    case ActivationKind::tanh: return map([](V x) { return tanh(x); });
    case ActivationKind::silu: return map([](V x) { return silu(x); });
    default: return map([](V x) { return gelu(x); });
  }
}

// The same on neighbouring numbers.
__attribute__((noinline)) void activateRow(int32_t activation, float* row, int64_t count) {
  switch (activation) {
    case ActivationKind::sigmoid: return mapRow(row, row, count, [](V x) { return sigmoid(x); });
    case ActivationKind::tanh: return mapRow(row, row, count, [](V x) { return tanh(x); });
    case ActivationKind::silu: return mapRow(row, row, count, [](V x) { return silu(x); });
    default: return mapRow(row, row, count, [](V x) { return gelu(x); });
  }
}

INLINE bool isValidEpilogue(int32_t activation) {
  return activation >= ActivationKind::identity && activation <= ActivationKind::gelu;
}

}  // namespace
}  // namespace ISA
