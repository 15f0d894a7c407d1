// Sixteen floats on x86-64 with AVX-512 F, BW, DQ and VL.
#pragma once
#if defined(__GNUC__) && !defined(__clang__)
// GCC's header writes `__m512 x = x;` for a register whose contents do not matter, and then warns about it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif

#include "simd/inline.h"

namespace ISA {
namespace {

using V = __m512;
using M = __mmask16;
using I = __m512i;
constexpr int kWidth = 16;

INLINE V load(const float* p) { return _mm512_loadu_ps(p); }
INLINE void store(float* p, V v) { _mm512_storeu_ps(p, v); }
INLINE V set1(float value) { return _mm512_set1_ps(value); }
INLINE V zero() { return _mm512_setzero_ps(); }

INLINE I load(const int32_t* p) { return _mm512_loadu_si512(p); }
INLINE void store(int32_t* p, I v) { _mm512_storeu_si512(p, v); }
INLINE I set1(int32_t value) { return _mm512_set1_epi32(value); }
INLINE I iota() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
INLINE I add(I a, I b) { return _mm512_add_epi32(a, b); }

INLINE M firstLanes(int64_t n) { return static_cast<M>((1u << n) - 1); }
INLINE V loadPartial(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(firstLanes(n), p); }
INLINE void storePartial(float* p, V v, int64_t n) { _mm512_mask_storeu_ps(p, firstLanes(n), v); }
INLINE I loadPartial(const int32_t* p, int64_t n) { return _mm512_maskz_loadu_epi32(firstLanes(n), p); }
INLINE void storePartial(int32_t* p, I v, int64_t n) { _mm512_mask_storeu_epi32(p, firstLanes(n), v); }

INLINE V add(V a, V b) { return _mm512_add_ps(a, b); }
INLINE V sub(V a, V b) { return _mm512_sub_ps(a, b); }
INLINE V mul(V a, V b) { return _mm512_mul_ps(a, b); }
INLINE V div(V a, V b) { return _mm512_div_ps(a, b); }
INLINE V fmadd(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
// Zen 4 and others run two of these a cycle, one of the above.
INLINE V fmaddLower(V a, V b, V c) {
  const __m256 sum = _mm256_fmadd_ps(_mm512_castps512_ps256(a), _mm512_castps512_ps256(b), _mm512_castps512_ps256(c));
  return _mm512_castps256_ps512(sum);
}
INLINE V fnmadd(V a, V b, V c) { return _mm512_fnmadd_ps(a, b, c); }
INLINE V max(V a, V b) { return _mm512_max_ps(a, b); }
INLINE V min(V a, V b) { return _mm512_min_ps(a, b); }
INLINE V sqrt(V v) { return _mm512_sqrt_ps(v); }
INLINE V abs(V v) { return _mm512_andnot_ps(set1(-0.0f), v); }
INLINE V neg(V v) { return _mm512_xor_ps(set1(-0.0f), v); }
INLINE V copySign(V magnitude, V sign) {
  return _mm512_or_ps(abs(magnitude), _mm512_and_ps(set1(-0.0f), sign));
}
INLINE V round(V v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

INLINE M less(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
INLINE M lessEqual(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
INLINE M equal(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
INLINE M isNan(V v) { return _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q); }
INLINE M both(M a, M b) { return static_cast<M>(a & b); }
INLINE M either(M a, M b) { return static_cast<M>(a | b); }
INLINE M invert(M m) { return static_cast<M>(~m); }
INLINE bool any(M m) { return m != 0; }
INLINE V select(M m, V a, V b) { return _mm512_mask_blend_ps(m, b, a); }
INLINE I select(M m, I a, I b) { return _mm512_mask_blend_epi32(m, b, a); }

INLINE M loadMask(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm_test_epi8_mask(bytes, bytes);
}
INLINE void storeMask(uint8_t* p, M m) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(m, 1));
}

INLINE V loadBytes(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

INLINE void storeBytes(uint8_t* p, V v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(v)));
}

// v * 2^n, n integral; overflow and underflow end in infinity and zero.
INLINE V scalePow2(V v, V n) { return _mm512_scalef_ps(v, n); }

// v normal and positive: v = mantissaOf(v) * 2^exponentOf(v) with 1 <= mantissa < 2.
INLINE V exponentOf(V v) { return _mm512_getexp_ps(v); }
INLINE V mantissaOf(V v) { return _mm512_getmant_ps(v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src); }

// evens(a, b) = a0 a2 .. b0 b2 ..; odds likewise. zipLow(a, b) = a0 b0 a1 b1 ..; zipHigh goes on with the upper half.
INLINE V evens(V a, V b) {
  const I lanes = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return _mm512_permutex2var_ps(a, lanes, b);
}
INLINE V odds(V a, V b) {
  const I lanes = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return _mm512_permutex2var_ps(a, lanes, b);
}
INLINE V zipLow(V a, V b) {
  const I lanes = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return _mm512_permutex2var_ps(a, lanes, b);
}
INLINE V zipHigh(V a, V b) {
  const I lanes = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return _mm512_permutex2var_ps(a, lanes, b);
}

INLINE V permute(V v, I lanes) { return _mm512_permutexvar_ps(lanes, v); }

// The vector that begins n lanes behind the start of a and goes on with b; n is 1 or 2.
template <int n>
INLINE V shiftIn(V a, V b) {
  return _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(b), _mm512_castps_si512(a), n));
}

INLINE __m256 upperHalf(V v) { return _mm512_extractf32x8_ps(v, 1); }
INLINE float reduceAdd(V v) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), upperHalf(v));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
INLINE float reduceMax(V v) {
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(v), upperHalf(v));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
INLINE float reduceMin(V v) {
  const __m256 eight = _mm256_min_ps(_mm512_castps512_ps256(v), upperHalf(v));
  const __m128 four = _mm_min_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)));
}

}  // namespace
}  // namespace ISA
