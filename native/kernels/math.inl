// Vector forms of the functions that elementwise and softmax kernels need. The same polynomials serve every instruction
// set. Worst error seen over four million floats spread over all exponents, in units of the last place of the result:
// exp 1.0, expm1 1.7, log 0.8, tanh 1.3, sigmoid 2.5, erf 2.3, silu 2.3 (from -88 on), softplus 1.6; gelu is within
// 1.4e-7 max(1, |x|), its far tail only absolutely. Results below 2^-126 may be zero, because kernels run with
// denormals flushed, and silu is 0 below -88.7, where e^-x overflows.
#pragma once
#include "kernels/plan.inl"

namespace ISA {
namespace {

// c0 + x c1 + x² c2 + ... by Horner's rule.
INLINE V polynomial(V, float c0) { return set1(c0); }
template <class... Coefficients>
INLINE V polynomial(V x, float c0, Coefficients... higher) {
  return fmadd(polynomial(x, higher...), x, set1(c0));
}

constexpr float kLog2e = 1.44269504f;
constexpr float kInverseSqrt2 = 0.707106781f;
// ln 2 in two parts: the first has nine significant bits, so that its product with an exponent is exact even where
// multiplication and addition round separately.
constexpr float kLn2High = 0.693359375f;
constexpr float kLn2Low = -2.12194440e-4f;

// x = n ln 2 + r with |r| <= ln 2 / 2. Clamping keeps n within scalePow2's range; both ends lie where the exponential
// has already become infinity or zero, and NaN passes because it is the second operand.
struct ExpParts {
  V n, r;
};
INLINE ExpParts splitExponent(V x) {
  const V clamped = min(set1(89.0f), max(set1(-104.0f), x));
  const V n = round(mul(clamped, set1(kLog2e)));
  return {n, fnmadd(n, set1(kLn2Low), fnmadd(n, set1(kLn2High), clamped))};
}

// (e^r - 1 - r) / r² for |r| <= ln 2 / 2; minimax in the relative error of e^r - 1, which is 1.4e-8.
INLINE V expTail(V r) {
  return polynomial(r, 4.99999970e-01f, 1.66665465e-01f, 4.16674353e-02f, 8.36626161e-03f, 1.38706574e-03f);
}

INLINE V exp(V x) {
  const ExpParts parts = splitExponent(x);
  const V r = parts.r;
  return scalePow2(add(fmadd(mul(r, r), expTail(r), r), set1(1.0f)), parts.n);
}

// e^x - 1 without cancellation near 0.
INLINE V expm1(V x) {
  const ExpParts parts = splitExponent(x);
  const V r = parts.r;
  const V fraction = fmadd(mul(r, r), expTail(r), r);
  // 2^n (1 + fraction) - 1; where 2^n leaves the float range, so has the result
  const V power = scalePow2(set1(1.0f), parts.n);
  return fmadd(power, fraction, sub(power, set1(1.0f)));
}

// log(1 + f) - f for sqrt(1/2) <= 1 + f <= sqrt(2); relative error of log(1 + f): 5.9e-9.
INLINE V logTail(V f) {
  const V series = polynomial(f, 3.33333314e-01f, -2.50008255e-01f, 2.00012490e-01f, -1.66231886e-01f,
                              1.42012224e-01f, -1.31615341e-01f, 1.27658695e-01f, -7.63580054e-02f);
  const V square = mul(f, f);
  return fmadd(mul(square, f), series, mul(square, set1(-0.5f)));
}

INLINE V log(V x) {
  const float infinity = __builtin_inff();
  V exponent = exponentOf(x);
  V mantissa = mantissaOf(x);
  const M upper = less(set1(1.41421356f), mantissa);
  exponent = select(upper, add(exponent, set1(1.0f)), exponent);
  mantissa = select(upper, mul(mantissa, set1(0.5f)), mantissa);
  const V f = sub(mantissa, set1(1.0f));
  const V low = fmadd(exponent, set1(kLn2Low), logTail(f));
  V result = fmadd(exponent, set1(kLn2High), add(f, low));
  // what exponentOf and mantissaOf do not cover
  result = select(less(x, set1(1.17549435e-38f)), set1(-infinity), result);
  result = select(less(x, zero()), set1(__builtin_nanf("")), result);
  result = select(equal(x, set1(infinity)), x, result);
  return select(isNan(x), x, result);
}

// log(1 + t) for 0 <= t <= 1, relative to the result also where t is tiny.
INLINE V log1pUnit(V t) {
  const M upper = less(set1(0.414213562f), t);
  // (1 + t) / 2 - 1 is exact, and lies within logTail's interval when 1 + t does not
  const V f = select(upper, mul(sub(t, set1(1.0f)), set1(0.5f)), t);
  const V tail = logTail(f);
  const V low = select(upper, add(tail, set1(kLn2Low)), tail);
  return add(select(upper, set1(kLn2High), zero()), add(f, low));
}

INLINE V tanh(V x) {
  const V magnitude = abs(x);
  const V square = mul(x, x);
  const V series = polynomial(square, -3.33332777e-01f, 1.33313239e-01f, -5.37295304e-02f, 2.06048712e-02f,
                              -5.66571392e-03f);
  const V small = fmadd(mul(x, square), series, x);
  const V large = sub(set1(1.0f), div(set1(2.0f), add(exp(add(magnitude, magnitude)), set1(1.0f))));
  return select(less(magnitude, set1(0.625f)), small, copySign(large, x));
}

INLINE V sigmoid(V x) { return div(set1(1.0f), add(set1(1.0f), exp(neg(x)))); }

// erf(x) for |x| < 1; relative error 5.4e-8.
INLINE V erfSmall(V x) {
  return mul(x, polynomial(mul(x, x), 1.12837911e+00f, -3.76122206e-01f, 1.12790242e-01f, -2.66644638e-02f,
                           4.83095460e-03f, -4.88854945e-04f, -2.40253812e-05f));
}

// 1 - erf(z) for z >= 1 as e^(-z²) times a polynomial without constant term in 1 / (1 + z/2), whose error is 8.7e-8.
// The rounding of z² in the exponent adds z² 6e-8, which only matters where the result is tiny.
INLINE V erfcLarge(V z) {
  const V t = div(set1(1.0f), fmadd(z, set1(0.5f), set1(1.0f)));
  const V scaled = polynomial(t, 2.82094777e-01f, 2.82099783e-01f, 2.46631607e-01f, 1.79269850e-01f, 6.27886280e-02f,
                              7.46819079e-02f, -2.15575442e-01f, 8.83567333e-02f);
  return mul(mul(t, scaled), exp(neg(mul(z, z))));
}

INLINE V erf(V x) {
  const V magnitude = abs(x);
  const V large = sub(set1(1.0f), erfcLarge(magnitude));
  return select(less(magnitude, set1(1.0f)), erfSmall(x), copySign(large, x));
}

// x/2 (1 + erf(x/√2)), the lower tail through 1 - erf so that it does not cancel.
INLINE V gelu(V x) {
  const V z = mul(x, set1(kInverseSqrt2));
  const V magnitude = abs(z);
  const V tail = erfcLarge(magnitude);
  const V near = add(set1(1.0f), erfSmall(z));
  const V far = select(less(z, zero()), tail, sub(set1(2.0f), tail));
  return mul(mul(x, set1(0.5f)), select(less(magnitude, set1(1.0f)), near, far));
}

INLINE V silu(V x) { return div(x, add(set1(1.0f), exp(neg(x)))); }

INLINE V softplus(V x) { return add(max(zero(), x), log1pUnit(exp(neg(abs(x))))); }

// C's pow, except that JavaScript has NaN for 1 to the power of NaN and for ±1 to the power of ±infinity.
INLINE float powLikeJavaScript(float base, float exponent) {
  const float infinity = __builtin_inff();
  if (exponent != exponent) return exponent;
  if ((base == 1 || base == -1) && (exponent == infinity || exponent == -infinity)) return __builtin_nanf("");
  return static_cast<float>(__builtin_pow(base, exponent));
}

INLINE V pow(V base, V exponent) {
  // squares are most of the powers a network takes, and need no double arithmetic to round correctly
  if (!any(invert(equal(exponent, set1(2.0f))))) return mul(base, base);
  float bases[kWidth], exponents[kWidth];
  store(bases, base);
  store(exponents, exponent);
  for (int i = 0; i < kWidth; i++) bases[i] = powLikeJavaScript(bases[i], exponents[i]);
  return load(bases);
}

}  // namespace
}  // namespace ISA
