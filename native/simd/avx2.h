// Eight floats on x86-64 with AVX2 and FMA.
#pragma once
#include <immintrin.h>

#include "simd/inline.h"

namespace ISA {
namespace {

using V = __m256;
using M = __m256;  // all bits of a true lane are set
using I = __m256i;
constexpr int kWidth = 8;

INLINE V load(const float* p) { return _mm256_loadu_ps(p); }
INLINE void store(float* p, V v) { _mm256_storeu_ps(p, v); }
INLINE V set1(float value) { return _mm256_set1_ps(value); }
INLINE V zero() { return _mm256_setzero_ps(); }

INLINE I load(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
INLINE void store(int32_t* p, I v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
INLINE I set1(int32_t value) { return _mm256_set1_epi32(value); }
INLINE I iota() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
INLINE I add(I a, I b) { return _mm256_add_epi32(a, b); }

INLINE I below(int64_t n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), iota()); }
INLINE M firstLanes(int64_t n) { return _mm256_castsi256_ps(below(n)); }
INLINE V loadPartial(const float* p, int64_t n) { return _mm256_maskload_ps(p, below(n)); }
// In halves: masked stores are slow on AMD. Copies of three-float rows took a third of the time this way on Zen 4.
INLINE void storePartial(float* p, V v, int64_t n) {
  if (n & 8) return store(p, v);
  __m128 rest = _mm256_castps256_ps128(v);
  if (n & 4) {
    _mm_storeu_ps(p, rest);
    p += 4;
    rest = _mm256_extractf128_ps(v, 1);
  }
  if (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), rest);
    p += 2;
    rest = _mm_movehl_ps(rest, rest);
  }
  if (n & 1) _mm_store_ss(p, rest);
}
INLINE I loadPartial(const int32_t* p, int64_t n) { return _mm256_maskload_epi32(p, below(n)); }
INLINE void storePartial(int32_t* p, I v, int64_t n) {
  if (n & 8) return store(p, v);
  __m128i rest = _mm256_castsi256_si128(v);
  if (n & 4) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), rest);
    p += 4;
    rest = _mm256_extracti128_si256(v, 1);
  }
  if (n & 2) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), rest);
    p += 2;
    rest = _mm_unpackhi_epi64(rest, rest);
  }
  if (n & 1) *p = _mm_cvtsi128_si32(rest);
}

INLINE V add(V a, V b) { return _mm256_add_ps(a, b); }
INLINE V sub(V a, V b) { return _mm256_sub_ps(a, b); }
INLINE V mul(V a, V b) { return _mm256_mul_ps(a, b); }
INLINE V div(V a, V b) { return _mm256_div_ps(a, b); }
INLINE V fmadd(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
INLINE V fmaddLower(V a, V b, V c) { return fmadd(a, b, c); }
INLINE V fnmadd(V a, V b, V c) { return _mm256_fnmadd_ps(a, b, c); }
INLINE V max(V a, V b) { return _mm256_max_ps(a, b); }
INLINE V min(V a, V b) { return _mm256_min_ps(a, b); }
INLINE V sqrt(V v) { return _mm256_sqrt_ps(v); }
INLINE V abs(V v) { return _mm256_andnot_ps(set1(-0.0f), v); }
INLINE V neg(V v) { return _mm256_xor_ps(set1(-0.0f), v); }
INLINE V copySign(V magnitude, V sign) {
  return _mm256_or_ps(abs(magnitude), _mm256_and_ps(set1(-0.0f), sign));
}
INLINE V round(V v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

INLINE M less(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
INLINE M lessEqual(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
INLINE M equal(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
INLINE M isNan(V v) { return _mm256_cmp_ps(v, v, _CMP_UNORD_Q); }
INLINE M both(M a, M b) { return _mm256_and_ps(a, b); }
INLINE M either(M a, M b) { return _mm256_or_ps(a, b); }
INLINE M invert(M m) { return _mm256_xor_ps(m, _mm256_castsi256_ps(_mm256_set1_epi32(-1))); }
INLINE bool any(M m) { return _mm256_movemask_ps(m) != 0; }
INLINE V select(M m, V a, V b) { return _mm256_blendv_ps(b, a, m); }
INLINE I select(M m, I a, I b) { return _mm256_blendv_epi8(b, a, _mm256_castps_si256(m)); }

INLINE M loadMask(const uint8_t* p) {
  int64_t bytes;
  __builtin_memcpy(&bytes, p, sizeof(bytes));
  const __m256i lanes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes));
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(lanes, _mm256_setzero_si256()));
}
INLINE void storeMask(uint8_t* p, M m) {
  const __m256i lanes = _mm256_castps_si256(m);
  const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  const __m128i ones = _mm_and_si128(_mm_packs_epi16(halves, halves), _mm_set1_epi8(1));
  const int64_t bytes = _mm_cvtsi128_si64(ones);
  __builtin_memcpy(p, &bytes, sizeof(bytes));
}

INLINE V loadBytes(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

INLINE void storeBytes(uint8_t* p, V v) {
  const __m256i lanes = _mm256_cvttps_epi32(v);
  const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  const int64_t bytes = _mm_cvtsi128_si64(_mm_packus_epi16(halves, halves));
  __builtin_memcpy(p, &bytes, sizeof(bytes));
}

// v * 2^n in two steps, because 2^n alone leaves the exponent range before the product does; |n| < 250.
INLINE V scalePow2(V v, V n) {
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const V first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const V second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return mul(mul(v, first), second);
}

// v normal and positive: v = mantissaOf(v) * 2^exponentOf(v) with 1 <= mantissa < 2.
INLINE V exponentOf(V v) {
  const __m256i biased = _mm256_srli_epi32(_mm256_castps_si256(v), 23);
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(biased, _mm256_set1_epi32(127)));
}
INLINE V mantissaOf(V v) {
  const V fraction = _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32(0x007fffff)));
  return _mm256_or_ps(fraction, set1(1.0f));
}

// evens(a, b) = a0 a2 .. b0 b2 ..; odds likewise. zipLow(a, b) = a0 b0 a1 b1 ..; zipHigh goes on with the upper half.
INLINE V evens(V a, V b) {
  const V pairs = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0));
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(pairs), _MM_SHUFFLE(3, 1, 2, 0)));
}
INLINE V odds(V a, V b) {
  const V pairs = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1));
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(pairs), _MM_SHUFFLE(3, 1, 2, 0)));
}
INLINE V zipLow(V a, V b) { return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20); }
INLINE V zipHigh(V a, V b) { return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31); }

INLINE V permute(V v, I lanes) { return _mm256_permutevar8x32_ps(v, lanes); }

// The vector that begins n lanes behind the start of a and goes on with b; n is 1 or 2.
template <int n>
INLINE V shiftIn(V a, V b) {
  const __m256i middle = _mm256_castps_si256(_mm256_permute2f128_ps(a, b, 0x21));
  return _mm256_castsi256_ps(_mm256_alignr_epi8(middle, _mm256_castps_si256(a), 4 * n));
}

INLINE float reduceAdd(V v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
INLINE float reduceMax(V v) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
INLINE float reduceMin(V v) {
  const __m128 four = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)));
}

}  // namespace
}  // namespace ISA
