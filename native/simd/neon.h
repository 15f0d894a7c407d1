// Four floats on AArch64, whose NEON always has fused multiply-add.
#pragma once
#include <arm_neon.h>

#include "simd/inline.h"

namespace ISA {
namespace {

using V = float32x4_t;
using M = uint32x4_t;  // all bits of a true lane are set
using I = int32x4_t;
constexpr int kWidth = 4;

INLINE V load(const float* p) { return vld1q_f32(p); }
INLINE void store(float* p, V v) { vst1q_f32(p, v); }
INLINE V set1(float value) { return vdupq_n_f32(value); }
INLINE V zero() { return vdupq_n_f32(0); }

INLINE I load(const int32_t* p) { return vld1q_s32(p); }
INLINE void store(int32_t* p, I v) { vst1q_s32(p, v); }
INLINE I set1(int32_t value) { return vdupq_n_s32(value); }
INLINE I iota() { return I{0, 1, 2, 3}; }
INLINE I add(I a, I b) { return vaddq_s32(a, b); }

INLINE M firstLanes(int64_t n) { return vcltq_s32(iota(), vdupq_n_s32(static_cast<int32_t>(n))); }
INLINE V loadPartial(const float* p, int64_t n) {
  V v = zero();
  if (n > 0) v = vld1q_lane_f32(p, v, 0);
  if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
  if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
  if (n > 3) v = vld1q_lane_f32(p + 3, v, 3);
  return v;
}
INLINE void storePartial(float* p, V v, int64_t n) {
  if (n > 0) vst1q_lane_f32(p, v, 0);
  if (n > 1) vst1q_lane_f32(p + 1, v, 1);
  if (n > 2) vst1q_lane_f32(p + 2, v, 2);
  if (n > 3) vst1q_lane_f32(p + 3, v, 3);
}
INLINE I loadPartial(const int32_t* p, int64_t n) {
  I v = vdupq_n_s32(0);
  if (n > 0) v = vld1q_lane_s32(p, v, 0);
  if (n > 1) v = vld1q_lane_s32(p + 1, v, 1);
  if (n > 2) v = vld1q_lane_s32(p + 2, v, 2);
  if (n > 3) v = vld1q_lane_s32(p + 3, v, 3);
  return v;
}
INLINE void storePartial(int32_t* p, I v, int64_t n) {
  if (n > 0) vst1q_lane_s32(p, v, 0);
  if (n > 1) vst1q_lane_s32(p + 1, v, 1);
  if (n > 2) vst1q_lane_s32(p + 2, v, 2);
  if (n > 3) vst1q_lane_s32(p + 3, v, 3);
}

INLINE M less(V a, V b) { return vcltq_f32(a, b); }
INLINE M lessEqual(V a, V b) { return vcleq_f32(a, b); }
INLINE M equal(V a, V b) { return vceqq_f32(a, b); }
INLINE M isNan(V v) { return vmvnq_u32(vceqq_f32(v, v)); }
INLINE M both(M a, M b) { return vandq_u32(a, b); }
INLINE M either(M a, M b) { return vorrq_u32(a, b); }
INLINE M invert(M m) { return vmvnq_u32(m); }
INLINE bool any(M m) { return vmaxvq_u32(m) != 0; }
INLINE V select(M m, V a, V b) { return vbslq_f32(m, a, b); }
INLINE I select(M m, I a, I b) { return vbslq_s32(m, a, b); }

INLINE V add(V a, V b) { return vaddq_f32(a, b); }
INLINE V sub(V a, V b) { return vsubq_f32(a, b); }
INLINE V mul(V a, V b) { return vmulq_f32(a, b); }
INLINE V div(V a, V b) { return vdivq_f32(a, b); }
INLINE V fmadd(V a, V b, V c) { return vfmaq_f32(c, a, b); }
INLINE V fmaddLower(V a, V b, V c) { return fmadd(a, b, c); }
INLINE V fnmadd(V a, V b, V c) { return vfmsq_f32(c, a, b); }
// NEON's own max and min let either NaN win; the wrapper promises the second operand, as x86 does.
INLINE V max(V a, V b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
INLINE V min(V a, V b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
INLINE V sqrt(V v) { return vsqrtq_f32(v); }
INLINE V abs(V v) { return vabsq_f32(v); }
INLINE V neg(V v) { return vnegq_f32(v); }
INLINE V copySign(V magnitude, V sign) { return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude); }
INLINE V round(V v) { return vrndnq_f32(v); }

INLINE M loadMask(const uint8_t* p) {
  const M lanes = {p[0], p[1], p[2], p[3]};
  return vtstq_u32(lanes, lanes);
}
INLINE void storeMask(uint8_t* p, M m) {
  p[0] = vgetq_lane_u32(m, 0) & 1;
  p[1] = vgetq_lane_u32(m, 1) & 1;
  p[2] = vgetq_lane_u32(m, 2) & 1;
  p[3] = vgetq_lane_u32(m, 3) & 1;
}

INLINE V loadBytes(const uint8_t* p) {
  const I lanes = {p[0], p[1], p[2], p[3]};
  return vcvtq_f32_s32(lanes);
}

INLINE void storeBytes(uint8_t* p, V v) {
  const I lanes = vcvtq_s32_f32(v);
  p[0] = static_cast<uint8_t>(vgetq_lane_s32(lanes, 0));
  p[1] = static_cast<uint8_t>(vgetq_lane_s32(lanes, 1));
  p[2] = static_cast<uint8_t>(vgetq_lane_s32(lanes, 2));
  p[3] = static_cast<uint8_t>(vgetq_lane_s32(lanes, 3));
}

// v * 2^n in two steps, because 2^n alone leaves the exponent range before the product does; |n| < 250.
INLINE V scalePow2(V v, V n) {
  const I whole = vcvtq_s32_f32(n);
  const I half = vshrq_n_s32(whole, 1);
  const I bias = vdupq_n_s32(127);
  const V first = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23));
  const V second = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23));
  return vmulq_f32(vmulq_f32(v, first), second);
}

// v normal and positive: v = mantissaOf(v) * 2^exponentOf(v) with 1 <= mantissa < 2.
INLINE V exponentOf(V v) {
  const I biased = vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_f32(v), 23));
  return vcvtq_f32_s32(vsubq_s32(biased, vdupq_n_s32(127)));
}
INLINE V mantissaOf(V v) { return vbslq_f32(vdupq_n_u32(0x007fffffu), v, set1(1.0f)); }

// evens(a, b) = a0 a2 .. b0 b2 ..; odds likewise. zipLow(a, b) = a0 b0 a1 b1 ..; zipHigh goes on with the upper half.
INLINE V evens(V a, V b) { return vuzp1q_f32(a, b); }
INLINE V odds(V a, V b) { return vuzp2q_f32(a, b); }
INLINE V zipLow(V a, V b) { return vzip1q_f32(a, b); }
INLINE V zipHigh(V a, V b) { return vzip2q_f32(a, b); }

// byte by byte: lane i starts at byte 4 * lanes[i]
INLINE V permute(V v, I lanes) {
  const uint32x4_t first = vmulq_n_u32(vreinterpretq_u32_s32(lanes), 0x04040404u);
  const uint8x16_t bytes = vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x03020100u)));
  return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(v), bytes));
}

// The vector that begins n lanes behind the start of a and goes on with b; n is 1 or 2.
template <int n>
INLINE V shiftIn(V a, V b) {
  return vextq_f32(a, b, n);
}

INLINE float reduceAdd(V v) { return vaddvq_f32(v); }
INLINE float reduceMax(V v) { return vmaxvq_f32(v); }
INLINE float reduceMin(V v) { return vminvq_f32(v); }

}  // namespace
}  // namespace ISA
