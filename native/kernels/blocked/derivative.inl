// Derivatives of activations, as the gradients of the ops in lib/ops have them.
#pragma once
#include "kernels/math.inl"
#include "kernels/operations.h"

namespace ISA {
namespace {

// relu, hardSigmoid, sigmoid and tanh are told their result (relu may be told its argument), the others their argument.
// PReLU is missing, whose slopes have gradients of their own.
INLINE bool hasDerivative(int32_t activation) {
  return activation >= ActivationKind::identity && activation <= ActivationKind::gelu &&
         activation != ActivationKind::prelu;
}

// NaN passes dy on.
INLINE V reluGrad(V dy, V y) { return select(lessEqual(y, zero()), zero(), dy); }

// Calls use(f) with f(dy, v), dy times the derivative at v; alpha and beta as activations have them. These are the
// activations of a batch norm, all told their argument.
template <class Use>
INLINE void withSimpleDerivative(int32_t activation, double alpha, double beta, Use use) {
  const V a = set1(static_cast<float>(alpha)), b = set1(static_cast<float>(beta));
  switch (activation) {
    case ActivationKind::relu: return use([](V dy, V x) { return reluGrad(dy, x); });
    case ActivationKind::clip:
      return use([=](V dy, V x) { return select(both(lessEqual(a, x), lessEqual(x, b)), dy, zero()); });
    case ActivationKind::leakyRelu: return use([=](V dy, V x) { return select(less(zero(), x), dy, mul(dy, a)); });
    case ActivationKind::hardSwish:
      return use([](V dy, V x) {
        const V middle = mul(dy, fmadd(x, set1(1.0f / 3), set1(0.5f)));
        return select(lessEqual(x, set1(-3.0f)), zero(), select(less(x, set1(3.0f)), middle, dy));
      });
    default: return use([](V dy, V) { return dy; });
  }
}

// The same for all activations that have a derivative.
template <class Use>
INLINE void withDerivative(int32_t activation, double alpha, double beta, Use use) {
  switch (activation) {
    case ActivationKind::hardSigmoid:
      return use([a = set1(static_cast<float>(alpha))](V dy, V y) {
        return mul(dy, select(both(less(zero(), y), less(y, set1(1.0f))), a, zero()));
      });
    case ActivationKind::sigmoid: return use([](V dy, V y) { return mul(dy, sub(y, mul(y, y))); });
    case ActivationKind::tanh: return use([](V dy, V y) { return sub(dy, mul(dy, mul(y, y))); });
    case ActivationKind::silu:
      return use([](V dy, V x) {
        const V s = sigmoid(x);
        return mul(dy, fmadd(x, sub(s, mul(s, s)), s));
      });
    case ActivationKind::gelu:
      return use([](V dy, V x) {
        const V cumulative = mul(add(erf(mul(x, set1(kInverseSqrt2))), set1(1.0f)), set1(0.5f));
        const V density = mul(exp(mul(mul(x, x), set1(-0.5f))), set1(0.39894228f));
        return mul(dy, fmadd(x, density, cumulative));
      });
    default: return withSimpleDerivative(activation, alpha, beta, use);
  }
}

}  // namespace
}  // namespace ISA
