// The transforms of Winograd's algorithm for the gradient of the weights. What the forward pass computes as
//   y = A^T ((G g G^T) . (B^T d B)) A
// has the gradient
//   dg = G^T ((A dy A^T) . (B^T d B)) G
// the product in the middle being summed over all tiles of all images before the last transform is applied, once.
// Matrices and points are those of winograd_transforms.inl: A and B are exact in float, all divisions are in G.
#pragma once
#include "kernels/winograd_transforms.inl"

namespace ISA {
namespace {

// A times one row, (a, b, c, d) being the coefficients of a cubic whose values at the points are wanted.
INLINE void storeGradientRow4(V a, V b, V c, V d, float* m, int64_t step) {
  const V even1 = fmadd(set1(kNear2), c, a), odd1 = fmadd(set1(kNear2), d, b);
  const V even2 = fmadd(set1(kFar2), c, a), odd2 = fmadd(set1(kFar2), d, b);
  store(m, a);
  store(m + step, fmadd(set1(kNear), odd1, even1));
  store(m + 2 * step, fnmadd(set1(kNear), odd1, even1));
  store(m + 3 * step, fmadd(set1(kFar), odd2, even2));
  store(m + 4 * step, fnmadd(set1(kFar), odd2, even2));
  store(m + 5 * step, d);
}

// Two rows, of a point and its negative. Whole columns at once would need more registers than AVX2 has.
INLINE void storeGradientPair4(const float* dy, int64_t rowStep, float point, float* m, int64_t step) {
  V plus[4], minus[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const float* p = dy + j * kBlock;
    const V even = fmadd(set1(point * point), load(p + 2 * rowStep), load(p));
    const V odd = fmadd(set1(point * point), load(p + 3 * rowStep), load(p + rowStep));
    plus[j] = fmadd(set1(point), odd, even);
    minus[j] = fnmadd(set1(point), odd, even);
  }
  storeGradientRow4(plus[0], plus[1], plus[2], plus[3], m, step);
  storeGradientRow4(minus[0], minus[1], minus[2], minus[3], m + 6 * step, step);
}

INLINE void storeGradientRow2(V a, V b, float* m, int64_t step) {
  store(m, a);
  store(m + step, add(a, b));
  store(m + 2 * step, sub(a, b));
  store(m + 3 * step, b);
}

// A dy A^T of the Out x Out pixels at dy; entry e goes to m + e * step. The absolute values of the pixels are added to
// `magnitude`.
template <int Out>
INLINE void transformGradient(const float* dy, int64_t rowStep, float* m, int64_t step, V& magnitude) {
#pragma GCC unroll 4
  for (int i = 0; i < Out; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Out; j++) magnitude = add(magnitude, abs(load(dy + i * rowStep + j * kBlock)));
  const auto pixel = [&](int i, int j) { return load(dy + i * rowStep + j * kBlock); };
  if constexpr (Out == 4) {
    storeGradientRow4(pixel(0, 0), pixel(0, 1), pixel(0, 2), pixel(0, 3), m, step);
    storeGradientPair4(dy, rowStep, kNear, m + 6 * step, step);
    storeGradientPair4(dy, rowStep, kFar, m + 18 * step, step);
    storeGradientRow4(pixel(3, 0), pixel(3, 1), pixel(3, 2), pixel(3, 3), m + 30 * step, step);
  } else {
    const V a = pixel(0, 0), b = pixel(0, 1), c = pixel(1, 0), d = pixel(1, 1);
    storeGradientRow2(a, b, m, step);
    storeGradientRow2(add(a, c), add(b, d), m + 4 * step, step);
    storeGradientRow2(sub(a, c), sub(b, d), m + 8 * step, step);
    storeGradientRow2(c, d, m + 12 * step, step);
  }
}

INLINE V scaled(double scale, V v) { return mul(set1(static_cast<float>(scale)), v); }
INLINE V addScaled(V sum, double scale, V v) { return fmadd(set1(static_cast<float>(scale)), v, sum); }

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
