// The innermost loop of everything dense: a tile of C, held in registers, gains one outer product per step of k.
//
// A tile is kTileRows rows by kTileVectors vectors. A step of k costs kTileVectors vector loads of B and one broadcast
// of A per row for rows * vectors multiply-adds. With 14 x 2 that is 16 loads for 28 multiply-adds, well under the one
// load per multiply-add that Zen 4 sustains at 512 bits, and 28 accumulators are far more than the 4 that hide the
// latency.
#pragma once
#include "kernels/plan.inl"

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

// GCC would rather repeat a load inside each multiply-add that uses it; hiding where the value came from keeps it in a
// register. Without this the tile runs at the speed of its loads, about half.
INLINE void keepInRegister(V& v) {
#if defined(__x86_64__) && !defined(__clang__)
  __asm__("" : "+v"(v));
#else
  (void)v;
#endif
}

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
// A is packed [k][rows]. Column panel j of B starts at b + j * panelStep and has row pitch ldb; every panel must be
// readable over all kTileCols columns (kWidth, if no more than that many are left).
struct Strip {
  const float* a;
  int64_t rows;
  const float* b;
  int64_t ldb, panelStep;
  int64_t k, cols;
  float* c;
  int64_t ldc;
  const float* bias;  // one value per row, or nullptr
  float alpha, beta;
};

template <int Rows, int Vectors>
INLINE void multiplyTile(const Strip& s, const float* b, float* c, int64_t cols) {
  V sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
    const V start = s.bias ? set1(s.bias[i]) : zero();
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) sum[i][j] = start;
  }

  const float* a = s.a;
  const int64_t ldb = s.ldb;
  for (int64_t k = s.k; k > 0; k--) {
    V right[Vectors];
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) {
      right[j] = load(b + j * kWidth);
      keepInRegister(right[j]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const V left = broadcast(a + i);
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) sum[i][j] = fmadd(left, right[j], sum[i][j]);
    }
    a += Rows;
    b += ldb;
  }

  const V alpha = set1(s.alpha), beta = set1(s.beta);
  const int64_t last = cols - (Vectors - 1) * kWidth;  // lanes of the last vector that exist in C
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
    float* row = c + i * s.ldc;
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) {
      float* p = row + j * kWidth;
      const bool whole = j < Vectors - 1 || last >= kWidth;
      V value = mul(alpha, sum[i][j]);
      if (s.beta != 0) value = fmadd(beta, whole ? load(p) : loadPartial(p, last), value);
      if (whole) {
        store(p, value);
      } else {
        storePartial(p, value, last);
      }
    }
  }
}

template <int Rows>
__attribute__((noinline)) void multiplyRows(const Strip& s) {
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

template <int Rows>
INLINE void multiplyAtMost(const Strip& s) {
  if (s.rows == Rows) return multiplyRows<Rows>(s);
  if constexpr (Rows > 1) multiplyAtMost<Rows - 1>(s);
}

INLINE void multiplyStrip(const Strip& s) { multiplyAtMost<kTileRows>(s); }

}  // namespace
}  // namespace ISA
