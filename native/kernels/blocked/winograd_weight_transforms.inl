// The transforms of Winograd's algorithm for the gradient of the weights. What the forward pass computes as
//   y = A^T ((G g G^T) . (B^T d B)) A
// has the gradient
//   dg = G^T ((A dy A^T) . (B^T d B)) G
// the product in the middle being summed over all tiles of all images before the last transform is applied, once.
// Points are those of winograd_transforms.inl, but here all divisions are in G, and A and B are exact in float.
#pragma once
#include "kernels/winograd_transforms.inl"

namespace ISA {
namespace {

// Points are taken in bands of two rows of the (Out + 2) x (Out + 2): first and last, then a point of the y axis with
// its negative, which share the even and odd parts of their polynomials.
template <int Out>
constexpr int kBands = Out / 2 + 1;
template <int Out>
constexpr int kBandPoints = 2 * (Out + 2);

// Which of all points is point `i` of a band.
template <int Out>
INLINE int64_t pointOf(int64_t band, int64_t i) {
  constexpr int kSide = Out + 2;
  if (i < kSide) return (band == 0 ? 0 : 2 * band - 1) * kSide + i;
  return (band == 0 ? kSide - 1 : 2 * band) * kSide + i - kSide;
}

INLINE void storePatchRow2(const V (&x)[4], float* v, int64_t step) {
  store(v, sub(x[2], x[0]));
  store(v + step, add(x[2], x[1]));
  store(v + 2 * step, sub(x[2], x[1]));
  store(v + 3 * step, sub(x[3], x[1]));
}

// One band of B^T d B of the (Out + 2) x (Out + 2) pixels at d; entry i of the band goes to v + i * step. Band 0 adds
// the absolute values of the pixels to `magnitude`.
template <int Out>
INLINE void transformPatchBand(int64_t band, const float* d, int64_t rowStep, float* v, int64_t step, V& magnitude) {
  const auto at = [&](int i, int j) { return load(d + i * rowStep + j * kBlock); };
  if constexpr (Out == 4) {
    if (band == 1) return storePatchPair4(d, rowStep, kNear, kFar2, v, step);
    if (band == 2) return storePatchPair4(d, rowStep, kFar, kNear2, v, step);
#pragma GCC unroll 2
    for (int last = 0; last < 2; last++) {
      V x[6];
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) {
        const V a = at(last, j), c = at(last + 2, j), e = at(last + 4, j);
        x[j] = patchEnd(a, c, e);
        magnitude = add(magnitude, add(abs(a), add(abs(c), abs(e))));
      }
      storePatchRow4(x, v + last * 6 * step, step);
    }
  } else {
    V first[4], second[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const V b = at(1, j), c = at(2, j);
      if (band == 0) {
        const V a = at(0, j), e = at(3, j);
        first[j] = sub(c, a);
        second[j] = sub(e, b);
        magnitude = add(magnitude, add(add(abs(a), abs(b)), add(abs(c), abs(e))));
      } else {
        first[j] = add(c, b);
        second[j] = sub(c, b);
      }
    }
    storePatchRow2(first, v, step);
    storePatchRow2(second, v + 4 * step, step);
  }
}

// A times one row, (a, b, c, d) being the coefficients of a cubic whose values at the points are wanted.
INLINE void storeGradientRow(const V (&x)[4], float* m, int64_t step) {
  const V even1 = fmadd(set1(kNear2), x[2], x[0]), odd1 = fmadd(set1(kNear2), x[3], x[1]);
  const V even2 = fmadd(set1(kFar2), x[2], x[0]), odd2 = fmadd(set1(kFar2), x[3], x[1]);
  store(m, x[0]);
  store(m + step, fmadd(set1(kNear), odd1, even1));
  store(m + 2 * step, fnmadd(set1(kNear), odd1, even1));
  store(m + 3 * step, fmadd(set1(kFar), odd2, even2));
  store(m + 4 * step, fnmadd(set1(kFar), odd2, even2));
  store(m + 5 * step, x[3]);
}
INLINE void storeGradientRow(const V (&x)[2], float* m, int64_t step) {
  store(m, x[0]);
  store(m + step, add(x[0], x[1]));
  store(m + 2 * step, sub(x[0], x[1]));
  store(m + 3 * step, x[1]);
}

// One band of A dy A^T of the Out x Out pixels at dy, as above. Band 1 adds the absolute values.
template <int Out>
INLINE void transformGradientBand(int64_t band, const float* dy, int64_t rowStep, float* m, int64_t step,
                                  V& magnitude) {
  const auto at = [&](int i, int j) { return load(dy + i * rowStep + j * kBlock); };
  V first[Out], second[Out];
  if (band == 0) {
#pragma GCC unroll 4
    for (int j = 0; j < Out; j++) {
      first[j] = at(0, j);
      second[j] = at(Out - 1, j);
    }
  } else {
    const float point = Out == 2 ? 1 : band == 1 ? kNear : kFar;
#pragma GCC unroll 4
    for (int j = 0; j < Out; j++) {
      V even = at(0, j), odd = at(1, j);
      if (band == 1) magnitude = add(magnitude, add(abs(even), abs(odd)));
      if constexpr (Out == 4) {
        const V c = at(2, j), d = at(3, j);
        if (band == 1) magnitude = add(magnitude, add(abs(c), abs(d)));
        even = fmadd(set1(point * point), c, even);
        odd = fmadd(set1(point * point), d, odd);
      }
      first[j] = fmadd(set1(point), odd, even);
      second[j] = fnmadd(set1(point), odd, even);
    }
  }
  storeGradientRow(first, m, step);
  storeGradientRow(second, m + (Out + 2) * step, step);
}

INLINE V scaled(double scale, V v) { return mul(set1(static_cast<float>(scale)), v); }

// G^T of the values at all points.
INLINE void gatherTaps(const V (&m)[6], V (&taps)[3]) {
  const V sum1 = add(m[1], m[2]), difference1 = sub(m[1], m[2]), sum2 = add(m[3], m[4]), difference2 = sub(m[3], m[4]);
  taps[0] = addScaled(addScaled(scaled(kZeroScale<4>, m[0]), kNearScale, sum1), kFarScale, sum2);
  taps[1] = addScaled(scaled(kNearScale * kNear, difference1), kFarScale * kFar, difference2);
  taps[2] = addScaled(addScaled(m[5], kNearScale * kNear2, sum1), kFarScale * kFar2, sum2);
}
INLINE void gatherTaps(const V (&m)[4], V (&taps)[3]) {
  const V half = set1(0.5f), sum = mul(half, add(m[1], m[2]));
  taps[0] = sub(sum, m[0]);
  taps[1] = mul(half, sub(m[1], m[2]));
  taps[2] = add(sum, m[3]);
}

// G^T M G. entry(e) is entry e of M; tap t goes to taps + t * step.
template <int Out, class Entry>
INLINE void transformWeightSum(Entry entry, float* taps, int64_t step) {
  constexpr int kSide = Out + 2;
  V columns[3][kSide];
#pragma GCC unroll 6
  for (int j = 0; j < kSide; j++) {
    V m[kSide], x[3];
#pragma GCC unroll 6
    for (int i = 0; i < kSide; i++) m[i] = entry(i * kSide + j);
    gatherTaps(m, x);
    for (int i = 0; i < 3; i++) columns[i][j] = x[i];
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; i++) {
    V x[3];
    gatherTaps(columns[i], x);
    for (int j = 0; j < 3; j++) store(taps + (3 * i + j) * step, x[j]);
  }
}

}  // namespace
}  // namespace ISA
