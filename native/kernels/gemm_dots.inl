// Inner products of the rows of a large matrix x with those of a small one y: each vector of x is loaded once and meets
// several rows of y, so a product with few rows is as fast as memory delivers x.
#pragma once
#include "kernels/pack.inl"

namespace ISA {
namespace {

// Rows of x times rows of y in registers. 4 x 4 is 16 sums for 8 loads, half of what the load pipes of AVX-512 deliver.
constexpr int kDotRows = 4;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kDotCount = 4;
#else
constexpr int kDotCount = 2;
#endif

// So many rows of y are worth reading x without packing it: each kDotCount of them read it again from a cache.
constexpr int64_t kMostDots = 16;

// c[i * rowC + j * countC] = alpha * (row i of x . row j of y) + beta * itself
struct Dots {
  const float* x;
  int64_t ldx, rows;
  const float* y;
  int64_t ldy, count;
  int64_t k;
  float* c;
  int64_t rowC, countC;
  float alpha, beta;
};

template <int Count>
INLINE void dotTile(const Dots& d, int64_t i, int64_t j) {
  const float* x[kDotRows];
  for (int r = 0; r < kDotRows; r++) x[r] = d.x + smallest(i + r, d.rows - 1) * d.ldx;
  const float* y = d.y + j * d.ldy;
  V sum[kDotRows][Count];
#pragma GCC unroll 4
  for (int r = 0; r < kDotRows; r++)
#pragma GCC unroll 4
    for (int s = 0; s < Count; s++) sum[r][s] = zero();
  const auto step = [&](auto at) {
    V right[Count];
#pragma GCC unroll 4
    for (int s = 0; s < Count; s++) {
      right[s] = at(y + s * d.ldy);
      keepInRegister(right[s]);
    }
#pragma GCC unroll 4
    for (int r = 0; r < kDotRows; r++) {
      V left = at(x[r]);
      keepInRegister(left);
#pragma GCC unroll 4
      for (int s = 0; s < Count; s++) sum[r][s] = fmadd(left, right[s], sum[r][s]);
    }
  };
  int64_t k = 0;
  for (; k + kWidth <= d.k; k += kWidth) step([k](const float* p) { return load(p + k); });
  if (k < d.k) step([k, &d](const float* p) { return loadPartial(p + k, d.k - k); });

  for (int r = 0; r < kDotRows && i + r < d.rows; r++) {
    for (int s = 0; s < Count; s++) {
      float* c = d.c + (i + r) * d.rowC + (j + s) * d.countC;
      const float value = d.alpha * reduceAdd(sum[r][s]);
      *c = d.beta == 0 ? value : value + d.beta * *c;
    }
  }
}

template <int Count>
INLINE void dotTileAtMost(const Dots& d, int64_t i, int64_t j, int64_t count) {
  if (count == Count) return dotTile<Count>(d, i, j);
  if constexpr (Count > 1) dotTileAtMost<Count - 1>(d, i, j, count);
}

__attribute__((noinline)) void multiplyDots(const Dots& d) {
  for (int64_t i = 0; i < d.rows; i += kDotRows)
    for (int64_t j = 0; j < d.count; j += kDotCount)
      dotTileAtMost<kDotCount>(d, i, j, smallest(kDotCount, d.count - j));
}

}  // namespace
}  // namespace ISA
