// Four floats in the vector extensions of GCC and Clang: any architecture, and plain SSE2 on x86-64.
#pragma once
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "simd/inline.h"

namespace ISA {
namespace {

typedef float V __attribute__((vector_size(16)));
typedef int32_t I __attribute__((vector_size(16)));
typedef uint32_t Bits __attribute__((vector_size(16)));
using M = I;  // all bits of a true lane are set
constexpr int kWidth = 4;

INLINE V load(const float* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
INLINE void store(float* p, V v) { __builtin_memcpy(p, &v, sizeof(v)); }
INLINE V set1(float value) { return V{value, value, value, value}; }
INLINE V zero() { return V{}; }

INLINE I load(const int32_t* p) {
  I v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
INLINE void store(int32_t* p, I v) { __builtin_memcpy(p, &v, sizeof(v)); }
INLINE I set1(int32_t value) { return I{value, value, value, value}; }
INLINE I iota() { return I{0, 1, 2, 3}; }
INLINE I add(I a, I b) { return (I)((Bits)a + (Bits)b); }  // wraps, as the other instruction sets do

INLINE M firstLanes(int64_t n) { return iota() < static_cast<int32_t>(n); }
INLINE V loadPartial(const float* p, int64_t n) {
  return V{n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0};
}
INLINE void storePartial(float* p, V v, int64_t n) {
  if (n > 0) p[0] = v[0];
  if (n > 1) p[1] = v[1];
  if (n > 2) p[2] = v[2];
  if (n > 3) p[3] = v[3];
}
INLINE I loadPartial(const int32_t* p, int64_t n) {
  return I{n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0};
}
INLINE void storePartial(int32_t* p, I v, int64_t n) {
  if (n > 0) p[0] = v[0];
  if (n > 1) p[1] = v[1];
  if (n > 2) p[2] = v[2];
  if (n > 3) p[3] = v[3];
}

INLINE M less(V a, V b) { return a < b; }
INLINE M lessEqual(V a, V b) { return a <= b; }
INLINE M equal(V a, V b) { return a == b; }
INLINE M isNan(V v) { return v != v; }
INLINE M both(M a, M b) { return a & b; }
INLINE M either(M a, M b) { return a | b; }
INLINE M invert(M m) { return ~m; }
INLINE bool any(M m) {
#if defined(__SSE2__)
  return _mm_movemask_epi8((__m128i)m) != 0;
#else
  return (m[0] | m[1] | m[2] | m[3]) != 0;
#endif
}
INLINE I select(M m, I a, I b) { return (m & a) | (~m & b); }
INLINE V select(M m, V a, V b) { return (V)((m & (I)a) | (~m & (I)b)); }

INLINE V add(V a, V b) { return a + b; }
INLINE V sub(V a, V b) { return a - b; }
INLINE V mul(V a, V b) { return a * b; }
INLINE V div(V a, V b) { return a / b; }
INLINE V fmadd(V a, V b, V c) { return a * b + c; }
INLINE V fmaddLower(V a, V b, V c) { return fmadd(a, b, c); }
INLINE V fnmadd(V a, V b, V c) { return c - a * b; }
INLINE V abs(V v) { return (V)((I)v & 0x7fffffff); }
INLINE V neg(V v) { return -v; }
INLINE V copySign(V magnitude, V sign) { return (V)(((I)magnitude & 0x7fffffff) | (~0x7fffffff & (I)sign)); }
// The three that no vector extension spells as one instruction.
#if defined(__SSE2__)
INLINE V max(V a, V b) { return _mm_max_ps(a, b); }
INLINE V min(V a, V b) { return _mm_min_ps(a, b); }
INLINE V sqrt(V v) { return _mm_sqrt_ps(v); }
#else
INLINE V max(V a, V b) { return select(a > b, a, b); }
INLINE V min(V a, V b) { return select(a < b, a, b); }
INLINE V sqrt(V v) {
  return V{__builtin_sqrtf(v[0]), __builtin_sqrtf(v[1]), __builtin_sqrtf(v[2]), __builtin_sqrtf(v[3])};
}
#endif
// Adding 2^23 pushes the fraction out of the mantissa; from 2^23 on there is none.
INLINE V round(V v) {
  const V limit = set1(8388608.0f);
  const V rounded = copySign((abs(v) + limit) - limit, v);
  return select(abs(v) < limit, rounded, v);
}

INLINE M loadMask(const uint8_t* p) { return I{p[0], p[1], p[2], p[3]} != 0; }
INLINE void storeMask(uint8_t* p, M m) {
  for (int i = 0; i < kWidth; i++) p[i] = m[i] & 1;
}

INLINE V loadBytes(const uint8_t* p) { return __builtin_convertvector((I{p[0], p[1], p[2], p[3]}), V); }

INLINE void storeBytes(uint8_t* p, V v) {
  for (int i = 0; i < kWidth; i++) p[i] = static_cast<uint8_t>(v[i]);
}

// v * 2^n in two steps, because 2^n alone leaves the exponent range before the product does; |n| < 250.
INLINE V scalePow2(V v, V n) {
  // 1.5 * 2^23 + n holds n in its low mantissa bits
  const I whole = (I)(n + 12582912.0f) - (I)set1(12582912.0f);
  const I half = whole >> 1;
  const V first = (V)((Bits)(half + 127) << 23);
  const V second = (V)((Bits)(whole - half + 127) << 23);
  return v * first * second;
}

// v normal and positive: v = mantissaOf(v) * 2^exponentOf(v) with 1 <= mantissa < 2.
INLINE V exponentOf(V v) { return __builtin_convertvector((I)((Bits)v >> 23) - 127, V); }
INLINE V mantissaOf(V v) { return (V)(((I)v & 0x007fffff) | (I)set1(1.0f)); }

// evens(a, b) = a0 a2 .. b0 b2 ..; odds likewise. zipLow(a, b) = a0 b0 a1 b1 ..; zipHigh goes on with the upper half.
INLINE V evens(V a, V b) { return V{a[0], a[2], b[0], b[2]}; }
INLINE V odds(V a, V b) { return V{a[1], a[3], b[1], b[3]}; }
INLINE V zipLow(V a, V b) { return V{a[0], b[0], a[1], b[1]}; }
INLINE V zipHigh(V a, V b) { return V{a[2], b[2], a[3], b[3]}; }

INLINE V permute(V v, I lanes) { return V{v[lanes[0]], v[lanes[1]], v[lanes[2]], v[lanes[3]]}; }

// The vector that begins n lanes behind the start of a and goes on with b; n is 1 or 2.
template <int n>
INLINE V shiftIn(V a, V b) {
  return n == 1 ? V{a[1], a[2], a[3], b[0]} : V{a[2], a[3], b[0], b[1]};
}

INLINE float reduceAdd(V v) { return (v[0] + v[2]) + (v[1] + v[3]); }
INLINE float larger(float a, float b) { return a > b ? a : b; }
INLINE float smaller(float a, float b) { return a < b ? a : b; }
INLINE float reduceMax(V v) { return larger(larger(v[0], v[2]), larger(v[1], v[3])); }
INLINE float reduceMin(V v) { return smaller(smaller(v[0], v[2]), smaller(v[1], v[3])); }

}  // namespace
}  // namespace ISA
