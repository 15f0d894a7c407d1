// Winograd's transforms of 3x3 sums with stride 2, on pixels that hold kBlock channels side by side.
//
// Along an axis a kernel with stride 2 is two kernels with stride 1: its outer taps see every other pixel, its middle tap
// the pixels in between. The pair makes 4 results of 5 pixels at 5 points, F(4, 2); the single tap makes them of 4 pixels at
// the same points but infinity, where its kernel is zero. So the four kinds of taps of two dimensions, pair or single in
// each, take 25 + 20 + 20 + 16 = 81 multiplications for 16 results instead of 144.
//
// The points are 1/2, -1/2, 5/4, -5/4, infinity: squares are exact in float, and of those tried they round least. In the rms
// errors are 0.5 (256 channels) to 1 (64) times those of direct summation forward, 0.8 to 1.6 times in the gradient of the
// input, whose direct sums are shorter; +-1, +-2 would make them 4 times as large.
#pragma once
#include "kernels/winograd_transforms.inl"

namespace ISA {
namespace {

// Results along a side of a tile, and points: all of them for a pair of taps, those that are finite for a single one.
constexpr int kStridedOut = 4;
constexpr int kPairPoints = 5, kSinglePoints = 4;
constexpr int kStridedPoints = kPairPoints * kPairPoints;

// The kinds of taps, numbered 2 * (single in y) + (single in x).
constexpr int kKinds = 4;
constexpr int64_t pointsAlong(bool single) { return single ? kSinglePoints : kPairPoints; }
constexpr int64_t kindPoints(int64_t kind) { return pointsAlong(kind & 2) * pointsAlong(kind & 1); }
// Points of the kinds before one; before the end, of all.
constexpr int64_t kindBegin(int64_t kind) { return kind == 0 ? 0 : kindBegin(kind - 1) + kindPoints(kind - 1); }

constexpr float kInner = 0.5f, kInner2 = kInner * kInner, kInner3 = kInner2 * kInner;
constexpr float kOuter = 1.25f, kOuter2 = kOuter * kOuter, kOuter3 = kOuter2 * kOuter;

// One over the product of a point's distances from the others.
constexpr double kInnerScale = 0.5 / (double{kInner} * (kInner2 - kOuter2));
constexpr double kOuterScale = 0.5 / (double{kOuter} * (kOuter2 - kInner2));

// B^T in pieces: a point and its negative share odd and even parts.
INLINE void patchPair(float point, float other2, V a, V b, V c, V d, V& plus, V& minus) {
  const V odd = fnmadd(set1(other2), b, d), even = fnmadd(set1(other2), a, c);
  plus = fmadd(set1(point), even, odd);
  minus = fnmadd(set1(point), even, odd);
}
INLINE V patchInfinity(V a, V c, V e) {
  return fmadd(set1(kInner2 * kOuter2), a, fnmadd(set1(kInner2 + kOuter2), c, e));
}

template <int Points>
INLINE void storeStridedRow(const V (&x)[Points], float* v, int64_t step) {
  V plus, minus;
  patchPair(kInner, kOuter2, x[0], x[1], x[2], x[3], plus, minus);
  store(v, plus);
  store(v + step, minus);
  patchPair(kOuter, kInner2, x[0], x[1], x[2], x[3], plus, minus);
  store(v + 2 * step, plus);
  store(v + 3 * step, minus);
  if constexpr (Points == kPairPoints) store(v + 4 * step, patchInfinity(x[0], x[2], x[4]));
}

// B^T d B of PointsY x PointsX pixels at d; the entry of point (i, j) goes to v + (i * kPairPoints + j) * step. The absolute
// values of the pixels are added to `magnitude`.
template <int PointsY, int PointsX>
INLINE void transformStridedPatch(const float* d, int64_t rowStep, int64_t pixelStep, float* v, int64_t step,
                                  V& magnitude) {
  const int64_t line = kPairPoints * step;
#pragma GCC unroll 2
  for (int pair = 0; pair < 2; pair++) {
    V plus[PointsX], minus[PointsX];
#pragma GCC unroll 5
    for (int j = 0; j < PointsX; j++) {
      const float* p = d + j * pixelStep;
      const V a = load(p), b = load(p + rowStep), c = load(p + 2 * rowStep), e = load(p + 3 * rowStep);
      if (pair == 0) {
        magnitude = add(magnitude, add(add(abs(a), abs(b)), add(abs(c), abs(e))));
        patchPair(kInner, kOuter2, a, b, c, e, plus[j], minus[j]);
      } else {
        patchPair(kOuter, kInner2, a, b, c, e, plus[j], minus[j]);
      }
    }
    storeStridedRow(plus, v + 2 * pair * line, step);
    storeStridedRow(minus, v + (2 * pair + 1) * line, step);
  }
  if constexpr (PointsY == kPairPoints) {
    V x[PointsX];
#pragma GCC unroll 5
    for (int j = 0; j < PointsX; j++) {
      const float* p = d + j * pixelStep;
      const V last = load(p + 4 * rowStep);
      magnitude = add(magnitude, abs(last));
      x[j] = patchInfinity(load(p), load(p + 2 * rowStep), last);
    }
    storeStridedRow(x, v + 4 * line, step);
  }
}

// A^T of the products at the points of an axis, plus `bias`.
template <int Points>
INLINE void combineStrided(const V (&m)[Points], V bias, V (&y)[kStridedOut]) {
  const V sum1 = add(m[0], m[1]), difference1 = sub(m[0], m[1]), sum2 = add(m[2], m[3]), difference2 = sub(m[2], m[3]);
  y[0] = addScaled(addScaled(bias, kInnerScale, difference1), kOuterScale, difference2);
  y[1] = addScaled(addScaled(bias, kInnerScale * kInner, sum1), kOuterScale * kOuter, sum2);
  y[2] = addScaled(addScaled(bias, kInnerScale * kInner2, difference1), kOuterScale * kOuter2, difference2);
  y[3] = addScaled(addScaled(bias, kInnerScale * kInner3, sum1), kOuterScale * kOuter3, sum2);
  if constexpr (Points == kPairPoints) y[3] = add(y[3], m[4]);
}

// A^T M A + bias, the entry of point (i, j) at m + (i * kPairPoints + j) * step. Each row of results goes to
// finishRow(i, values).
template <int PointsY, int PointsX, class FinishRow>
INLINE void transformStridedProduct(const float* m, int64_t step, V bias, FinishRow finishRow) {
  V x[PointsX][kStridedOut];
#pragma GCC unroll 5
  for (int j = 0; j < PointsX; j++) {
    V column[PointsY];
#pragma GCC unroll 5
    for (int i = 0; i < PointsY; i++) column[i] = load(m + (i * kPairPoints + j) * step);
    combineStrided(column, zero(), x[j]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kStridedOut; i++) {
    V row[PointsX], result[kStridedOut];
#pragma GCC unroll 5
    for (int j = 0; j < PointsX; j++) row[j] = x[j][i];
    combineStrided(row, bias, result);
    finishRow(i, result);
  }
}

// G of the taps of an axis: those of a pair in the order of the pixels they meet, or the single one.
INLINE void evaluateStrided(V first, V second, V (&u)[kPairPoints]) {
  u[0] = fmadd(set1(kInner), second, first);
  u[1] = fnmadd(set1(kInner), second, first);
  u[2] = fmadd(set1(kOuter), second, first);
  u[3] = fnmadd(set1(kOuter), second, first);
  u[4] = second;
}

// G g G^T of the taps of a kind of kWidth kernels side by side; tap(i, j) meets the pixel (i, j) of those that a result sees,
// along an axis two of a pair or a single one. The points of the kind go to u, u + step, ...
template <int PointsY, int PointsX, class Tap>
INLINE void transformStridedKernels(Tap tap, float* u, int64_t step) {
  // along y, for each of the taps along x
  V left[kPairPoints], right[kPairPoints];
  if constexpr (PointsY == kPairPoints) {
    evaluateStrided(tap(0, 0), tap(1, 0), left);
    if constexpr (PointsX == kPairPoints) evaluateStrided(tap(0, 1), tap(1, 1), right);
  } else {
#pragma GCC unroll 5
    for (int i = 0; i < PointsY; i++) {
      left[i] = tap(0, 0);
      if constexpr (PointsX == kPairPoints) right[i] = tap(0, 1);
    }
  }
#pragma GCC unroll 5
  for (int i = 0; i < PointsY; i++) {
    V row[kPairPoints];
    if constexpr (PointsX == kPairPoints) evaluateStrided(left[i], right[i], row);
#pragma GCC unroll 5
    for (int j = 0; j < PointsX; j++)
      store(u + (i * PointsX + j) * step, PointsX == kPairPoints ? row[j] : left[i]);
  }
}

}  // namespace
}  // namespace ISA
