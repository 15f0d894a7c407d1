// Winograd's transforms of F(2x2, 3x3) and F(4x4, 3x3), on pixels that hold kBlock channels side by side.
//
// A polynomial product evaluated at Out + 2 points takes Out + 2 multiplications where direct summation takes 3 * Out:
// in two dimensions 36 instead of 144 for 4 x 4 results, 16 instead of 36 for 2 x 2. With patches d, kernels g:
//   result = A^T ((G g G^T) . (B^T d B)) A, the product in the middle being elementwise, summed over channels.
// The points of F(2) are 0, 1, -1, infinity. Those of F(4) are 0, 3/4, -3/4, 3/2, -3/2, infinity: B and G are then
// exact in float and no entry is large, which halves the rounding error of the textbook's 0, +-1, +-2. All divisions
// are in A, where they cost nothing.
#pragma once
#include "kernels/blocked/layout.inl"

namespace ISA {
namespace {

template <int Out>
constexpr int kPoints = (Out + 2) * (Out + 2);

constexpr float kNear = 0.75f, kNear2 = kNear * kNear, kNear3 = kNear2 * kNear;
constexpr float kFar = 1.5f, kFar2 = kFar * kFar, kFar3 = kFar2 * kFar;
constexpr float kSum2 = kNear2 + kFar2, kProduct2 = kNear2 * kFar2;

// One over the product of a point's distances from the others: the factors that the textbook's G divides by.
template <int Out>
constexpr double kZeroScale = Out == 4 ? 1 / (double{kNear2} * kFar2) : -1;
constexpr double kNearScale = 0.5 / (double{kNear2} * (kNear2 - kFar2));
constexpr double kFarScale = 0.5 / (double{kFar2} * (kFar2 - kNear2));

// B^T, in pieces: the rows of a point and its negative share their even and odd parts.
// (x - near^2)(x - far^2) in x = the square of the point; also one place further on, for infinity.
INLINE V patchEnd(V a, V c, V e) { return fmadd(set1(kProduct2), a, fnmadd(set1(kSum2), c, e)); }
INLINE V patchEven(float other2, V c, V e) { return fnmadd(set1(other2), c, e); }

INLINE void storePatchRow4(const V (&x)[6], float* v, int64_t step) {
  const V even1 = fnmadd(set1(kFar2), x[2], x[4]), odd1 = fnmadd(set1(kFar2), x[1], x[3]);
  const V even2 = fnmadd(set1(kNear2), x[2], x[4]), odd2 = fnmadd(set1(kNear2), x[1], x[3]);
  store(v, patchEnd(x[0], x[2], x[4]));
  store(v + step, fmadd(set1(kNear), odd1, even1));
  store(v + 2 * step, fnmadd(set1(kNear), odd1, even1));
  store(v + 3 * step, fmadd(set1(kFar), odd2, even2));
  store(v + 4 * step, fnmadd(set1(kFar), odd2, even2));
  store(v + 5 * step, patchEnd(x[1], x[3], x[5]));
}

// Two rows of V, of a point and its negative.
INLINE void storePatchPair4(const float* d, int64_t rowStep, float point, float other2, float* v, int64_t step) {
  V plus[6], minus[6];
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) {
    const float* p = d + j * kBlock;
    const V even = fnmadd(set1(other2), load(p + 2 * rowStep), load(p + 4 * rowStep));
    const V odd = fnmadd(set1(other2), load(p + rowStep), load(p + 3 * rowStep));
    plus[j] = fmadd(set1(point), odd, even);
    minus[j] = fnmadd(set1(point), odd, even);
  }
  storePatchRow4(plus, v, step);
  storePatchRow4(minus, v + 6 * step, step);
}

// B^T d B of the (Out + 2) x (Out + 2) pixels at d; entry e goes to v + e * step. The absolute values of the pixels are
// added to `magnitude`: additions have execution ports of their own beside multiply-adds.
template <int Out>
INLINE void transformPatch(const float* d, int64_t rowStep, float* v, int64_t step, V& magnitude) {
  if constexpr (Out == 4) {
    // Rows of V are made two at a time: whole columns at once would need 36 registers.
#pragma GCC unroll 2
    for (int last = 0; last < 2; last++) {
      V x[6];
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) {
        const float* p = d + last * rowStep + j * kBlock;
        const V a = load(p), c = load(p + 2 * rowStep), e = load(p + 4 * rowStep);
        x[j] = patchEnd(a, c, e);
        magnitude = add(magnitude, add(abs(a), add(abs(c), abs(e))));
      }
      storePatchRow4(x, v + last * 30 * step, step);
    }
    storePatchPair4(d, rowStep, kNear, kFar2, v + 6 * step, step);
    storePatchPair4(d, rowStep, kFar, kNear2, v + 18 * step, step);
  } else {
    V x[4][4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const float* p = d + j * kBlock;
      const V a = load(p), b = load(p + rowStep), c = load(p + 2 * rowStep), e = load(p + 3 * rowStep);
      x[0][j] = sub(c, a);
      x[1][j] = add(c, b);
      x[2][j] = sub(c, b);
      x[3][j] = sub(e, b);
      magnitude = add(magnitude, add(add(abs(a), abs(b)), add(abs(c), abs(e))));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      store(v + (4 * i) * step, sub(x[i][2], x[i][0]));
      store(v + (4 * i + 1) * step, add(x[i][2], x[i][1]));
      store(v + (4 * i + 2) * step, sub(x[i][2], x[i][1]));
      store(v + (4 * i + 3) * step, sub(x[i][3], x[i][1]));
    }
  }
}

// A^T of one column of the product, plus `bias`. The factors of the points cost nothing here: they go into constants that
// are multiplied by anyway, or make multiply-adds of additions.
INLINE V addScaled(V sum, double scale, V v) { return fmadd(set1(static_cast<float>(scale)), v, sum); }
INLINE void combine4(V a, V b, V c, V d, V e, V f, V bias, V (&y)[4]) {
  const V sum1 = add(b, c), difference1 = sub(b, c), sum2 = add(d, e), difference2 = sub(d, e);
  y[0] = addScaled(addScaled(addScaled(bias, kZeroScale<4>, a), kFarScale, sum2), kNearScale, sum1);
  y[1] = addScaled(addScaled(bias, kFarScale * kFar, difference2), kNearScale * kNear, difference1);
  y[2] = addScaled(addScaled(bias, kFarScale * kFar2, sum2), kNearScale * kNear2, sum1);
  y[3] = addScaled(addScaled(add(f, bias), kFarScale * kFar3, difference2), kNearScale * kNear3, difference1);
}
INLINE void combine2(V a, V b, V c, V d, V bias, V (&y)[2]) {
  y[0] = sub(addScaled(bias, 0.5, add(b, c)), a);
  y[1] = add(addScaled(bias, 0.5, sub(b, c)), d);
}

// A^T M A + bias, entry e of M at m + e * step. Each row of Out pixels goes to finishRow(i, values).
template <int Out, class FinishRow>
INLINE void transformProduct(const float* m, int64_t step, V bias, FinishRow finishRow) {
  constexpr int kSide = Out + 2;
  V x[kSide][Out];
#pragma GCC unroll 6
  for (int j = 0; j < kSide; j++) {
    const float* p = m + j * step;
    const auto row = [&](int i) { return load(p + i * kSide * step); };
    if constexpr (Out == 4) {
      combine4(row(0), row(1), row(2), row(3), row(4), row(5), zero(), x[j]);
    } else {
      combine2(row(0), row(1), row(2), row(3), zero(), x[j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < Out; i++) {
    V result[Out];
    if constexpr (Out == 4) {
      combine4(x[0][i], x[1][i], x[2][i], x[3][i], x[4][i], x[5][i], bias, result);
    } else {
      combine2(x[0][i], x[1][i], x[2][i], x[3][i], bias, result);
    }
    finishRow(i, result);
  }
}

// The first `cols` pixels of a row of a tile.
template <int Out>
INLINE void storeTileRow(const V (&row)[Out], float* pixel, int64_t cols) {
  if (cols == Out) {
#pragma GCC unroll 4
    for (int j = 0; j < Out; j++) store(pixel + j * kBlock, row[j]);
  } else {
#pragma GCC unroll 4
    for (int j = 0; j < Out; j++)
      if (j < cols) store(pixel + j * kBlock, row[j]);
  }
}

// G of a row or a column of taps, but for the factors in A: the values of a polynomial with these coefficients. A point
// and its negative share the even part.
template <int Out>
INLINE void evaluateTaps(V a, V b, V c, V (&u)[Out + 2]) {
  u[0] = a;
  if constexpr (Out == 4) {
    const V near = fmadd(set1(kNear2), c, a), far = fmadd(set1(kFar2), c, a);
    u[1] = fmadd(set1(kNear), b, near);
    u[2] = fnmadd(set1(kNear), b, near);
    u[3] = fmadd(set1(kFar), b, far);
    u[4] = fnmadd(set1(kFar), b, far);
  } else {
    const V even = add(a, c);
    u[1] = add(even, b);
    u[2] = sub(even, b);
  }
  u[Out + 1] = c;
}

// G g G^T of kWidth kernels side by side, tap t at g + t * tapStep. Entry e goes to u + e * step.
template <int Out>
INLINE void transformKernels(const float* g, int64_t tapStep, float* u, int64_t step) {
  constexpr int kSide = Out + 2;
  V x[3][kSide];
#pragma GCC unroll 3
  for (int q = 0; q < 3; q++) {
    const float* tap = g + q * tapStep;
    evaluateTaps<Out>(load(tap), load(tap + 3 * tapStep), load(tap + 6 * tapStep), x[q]);
  }
#pragma GCC unroll 6
  for (int i = 0; i < kSide; i++) {
    V row[kSide];
    evaluateTaps<Out>(x[0][i], x[1][i], x[2][i], row);
#pragma GCC unroll 6
    for (int j = 0; j < kSide; j++) store(u + (i * kSide + j) * step, row[j]);
  }
}

}  // namespace
}  // namespace ISA
