// The innermost loop of everything dense: a tile of C, held in registers, gains one outer product per step of k.
//
// A tile is kTileRows rows by kTileVectors vectors. A step of k costs kTileVectors vector loads of B and one broadcast
// of A per row for rows * vectors multiply-adds. With 14 x 2 that is 16 loads for 28 multiply-adds, well under the one
// load per multiply-add that Zen 4 sustains at 512 bits, and 28 accumulators are far more than the 4 that hide the
// latency.
#pragma once
#include "kernels/rows.inl"

namespace ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kTileRows = 14;  // 28 accumulators + 2 of B + 2 broadcasts = 32 registers
#elif defined(__AVX2__)
constexpr int kTileRows = 6;  // 12 + 2 + 2 = 16
#elif defined(__aarch64__)
constexpr int kTileRows = 8;  // 16 + 2 + 8 of 32; more rows would not load less per multiply-add
#else
constexpr int kTileRows = 4;  // 8 + 2 + a broadcast and a product of 16, there being no fused multiply-add
#endif
constexpr int kTileVectors = 2;
constexpr int kTileCols = kTileVectors * kWidth;

INLINE V broadcast(const float* p) {
#if defined(__AVX512F__)
  // vbroadcastss occupies a pipe that multiply-adds want on Zen 4 (0.75 a cycle beside them); the integer form does
  // not.
  V v;
  __asm__("vpbroadcastd %1, %0" : "=v"(v) : "m"(*p));
  return v;
#else
  return set1(*p);
#endif
}

// A horizontal strip of C: `rows` <= kTileRows rows, any number of columns.
//   C = beta * C + alpha * (bias + A * B), and beta = 0 does not read C.
// Row i and step k of A are at a[i * rowStep + k * kStep]. Column panel j of B starts at b + j * panelStep and has row
// pitch ldb; every panel must be readable over all kTileCols columns (kWidth, if no more than that many are left).
struct Strip {
  const float* a;
  int64_t rowStep, kStep;
  int64_t rows;
  const float* b;
  int64_t ldb, panelStep;
  int64_t k, cols;
  float* c;
  int64_t ldc;
  const float* bias;  // one value per row, or nullptr
  float alpha, beta;
};

// The lines of C that a tile is going to write are asked for 32 steps before its end: 900 cycles, the time it takes to
// fetch some twenty lines from memory. Asked for earlier, A and B would push them out of the first level cache again.
constexpr int64_t kStepsAfterPrefetch = 32;

template <int Rows, int Vectors>
INLINE void prefetchTile(const float* c, int64_t ldc) {
  constexpr int kLine = 16;  // floats
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 2
    for (int j = 0; j < Vectors * kWidth; j += kLine) __builtin_prefetch(c + i * ldc + j, 1);
}

// sum[row * Vectors + vector] of the tile at b; c is where it is going to be stored.
template <int Rows, int Vectors>
INLINE void sumTile(const Strip& s, const float* b, const float* c, V (&sum)[Rows * Vectors]) {
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
    const V start = s.bias ? set1(s.bias[i]) : zero();
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) sum[i * Vectors + j] = start;
  }

  // An x86 address adds one register, scaled by 1 or 2: a pointer to every third row reaches them all, 5 for 14 rows.
  constexpr int kPointers = (Rows + 2) / 3;
  const int64_t rowStep = s.rowStep, kStep = s.kStep, ldb = s.ldb;
  const float* a[kPointers];
#pragma GCC unroll 8
  for (int p = 0; p < kPointers; p++) a[p] = s.a + 3 * p * rowStep;

  const int64_t late = s.k >= 2 * kStepsAfterPrefetch ? kStepsAfterPrefetch : 0;
  int64_t steps = s.k - late;
  for (int stage = 0; stage < 2; stage++) {
    for (; steps > 0; steps--) {
      V right[Vectors];
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) right[j] = load(b + j * kWidth);
      if constexpr (Vectors > 1) {
#pragma GCC unroll 2
        for (int j = 0; j < Vectors; j++) keepInRegister(right[j]);
      }
#pragma GCC unroll 16
      for (int i = 0; i < Rows; i++) {
        const float* value = a[i / 3] + i % 3 * rowStep;
        // used once, the broadcast may be part of the multiply-add
        const V left = Vectors > 1 ? broadcast(value) : set1(*value);
#pragma GCC unroll 2
        for (int j = 0; j < Vectors; j++) sum[i * Vectors + j] = fmadd(left, right[j], sum[i * Vectors + j]);
      }
#pragma GCC unroll 8
      for (int p = 0; p < kPointers; p++) a[p] += kStep;
      b += ldb;
    }
    if (late == 0) break;
    steps = stage == 0 ? late : 0;
    if (stage == 0) prefetchTile<Rows, Vectors>(c, s.ldc);
  }
}

// Writes a tile of which `cols` columns exist. value(sum, j, p, lanes) is what becomes of a sum of vector j, given
// where it is stored and how many of its lanes exist (kWidth or more: all).
template <int Rows, int Vectors, class Value>
INLINE void storeTile(const V (&sum)[Rows * Vectors], float* c, int64_t ldc, int64_t cols, Value value) {
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
    float* row = c + i * ldc;
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) {
      float* p = row + j * kWidth;
      const int64_t lanes = j < Vectors - 1 ? kWidth : cols - j * kWidth;
      const V result = value(sum[i * Vectors + j], j, p, lanes);
      if (lanes >= kWidth) {
        store(p, result);
      } else {
        storePartial(p, result, lanes);
      }
    }
  }
}

template <int Rows, int Vectors>
INLINE void multiplyTile(const Strip& s, const float* b, float* c, int64_t cols) {
  V sum[Rows * Vectors];
  sumTile<Rows, Vectors>(s, b, c, sum);
  const V alpha = set1(s.alpha), beta = set1(s.beta);
  if (s.beta == 0) {
    storeTile<Rows, Vectors>(sum, c, s.ldc, cols, [=](V v, int, float*, int64_t) { return mul(alpha, v); });
  } else {
    storeTile<Rows, Vectors>(sum, c, s.ldc, cols, [=](V v, int, float* p, int64_t lanes) {
      return fmadd(beta, lanes >= kWidth ? load(p) : loadPartial(p, lanes), mul(alpha, v));
    });
  }
}

// AnyStrip is Strip, or derives from it and has a multiplyTile() of its own.
template <int Rows, class AnyStrip>
__attribute__((noinline)) void multiplyRows(const AnyStrip& s) {
  const float* b = s.b;
  float* c = s.c;
  for (int64_t left = s.cols; left > 0; left -= kTileCols) {
    if (left > kWidth) {
      multiplyTile<Rows, kTileVectors>(s, b, c, left);
    } else {
      multiplyTile<Rows, 1>(s, b, c, left);
    }
    b += s.panelStep;
    c += kTileCols;
  }
}

template <int Rows, class AnyStrip>
INLINE void multiplyAtMost(const AnyStrip& s) {
  if (s.rows == Rows) return multiplyRows<Rows>(s);
  if constexpr (Rows > 1) multiplyAtMost<Rows - 1>(s);
}

template <class AnyStrip>
INLINE void multiplyStrip(const AnyStrip& s) {
  multiplyAtMost<kTileRows>(s);
}

}  // namespace
}  // namespace ISA
