// Packing: copies of operands in the order in which the microkernel reads them. Drawings in native/README.md.
#pragma once
#include "kernels/microkernel.inl"
#include "kernels/rows.inl"

namespace ISA {
namespace {

INLINE int64_t roundUp(int64_t value, int64_t unit) { return ceilDiv(value, unit) * unit; }

// Regions of a workspace start on a cache line.
INLINE int64_t aligned(int64_t floats) { return roundUp(floats, 16); }

// `parts` nearly equal parts of `count`: where part i begins.
INLINE int64_t partBegin(int64_t count, int64_t parts, int64_t i) { return count * i / parts; }

// m rows are cut into panels of nearly equal height (16 rows: 8 + 8, not 14 + 2), because low tiles are inefficient.
// Panel p of a packed [k][m] operand starts at float k * partBegin(m, rowPanels(m), p): no padding.
INLINE int64_t rowPanels(int64_t m) { return ceilDiv(m, kTileRows); }

// Long sums are cut into blocks of k: packed operands stay in the caches, and the blocks' sums are added in the end,
// which also bounds the rounding error of sums over many thousand terms.
INLINE int64_t kBlocksOf(int64_t k, int64_t longest) { return largest(1, ceilDiv(k, longest)); }

// Stores the first n lanes where `room` floats may be overwritten because what follows is still to be written. A whole
// vector if possible: storing part of one takes a dozen cycles on AVX2 and a branch per lane on 128-bit vectors.
INLINE void storeWithin(float* p, V v, int64_t n, int64_t room) {
  if (room >= kWidth) {
    store(p, v);
  } else {
    storeUpTo(p, v, n);
  }
}

// kWidth vectors as the rows of a matrix: interleaving row i with row i + kWidth / 2, log2(kWidth) times over,
// transposes it.
INLINE void transposeSquare(V (&v)[kWidth]) {
  V w[kWidth];
#pragma GCC unroll 4
  for (int stage = 1; stage < kWidth; stage *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kWidth / 2; i++) {
      w[2 * i] = zipLow(v[i], v[i + kWidth / 2]);
      w[2 * i + 1] = zipHigh(v[i], v[i + kWidth / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; i++) v[i] = w[i];
  }
}

// y[j][i] = x[i][j] for a kWidth x kWidth block, of which the first `rows` rows and `cols` columns of x exist; the rest
// reads as zero. The `rows` values of every column are written, and where `room` allows it kWidth.
INLINE void transposeBlock(const float* x, int64_t ldx, int64_t rows, int64_t cols, float* y, int64_t ldy,
                           int64_t room) {
  V v[kWidth];
  if (rows >= kWidth && cols >= kWidth) {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; i++) v[i] = load(x + i * ldx);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; i++) v[i] = i < rows ? loadUpTo(x + i * ldx, cols) : zero();
  }
  transposeSquare(v);
  if (cols >= kWidth && (kWidth - 1) * ldy + kWidth <= room) {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; i++) store(y + i * ldy, v[i]);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; i++)
      if (i < cols) storeWithin(y + i * ldy, v[i], rows, room - i * ldy);
  }
}

// y[j][i] = x[i][j], x of `rows` x `cols`. With `pitch` > rows the columns of y up to `pitch` are filled with zeros.
__attribute__((noinline)) void transpose(const float* x, int64_t ldx, int64_t rows, int64_t cols, float* y, int64_t ldy,
                                         int64_t pitch) {
  for (int64_t i = 0; i < pitch; i += kWidth) {
    // A vector may run over into the next column of y only if that column is written as a whole after it.
    const bool alone = pitch <= kWidth && pitch == ldy;
    for (int64_t j = 0; j < cols; j += kWidth) {
      const int64_t room = alone ? (cols - j) * ldy : pitch - i >= kWidth ? cols * ldy : 0;
      transposeBlock(x + i * ldx + j, ldx, smallest(kWidth, rows - i), cols - j, y + j * ldy + i, ldy, room);
    }
  }
}

// y[i][j] = x[i][j], x of `rows` x `cols`; the columns of y up to `pitch` are filled with zeros.
__attribute__((noinline)) void copyRows(const float* x, int64_t ldx, int64_t rows, int64_t cols, float* y, int64_t ldy,
                                        int64_t pitch) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < pitch; j += kWidth) storeUpTo(y + j, loadUpTo(x + j, cols - j), pitch - j);
    x += ldx;
    y += ldy;
  }
}

// Row i and step k of an operand A are at a[i * rowStep + k * kStep].
struct Rows {
  const float* a;
  int64_t rowStep, kStep;
};

// Floats between the rows of a packed row panel of k steps: an odd number of cache lines, so that the rows of a panel
// never meet in a set of the first level cache.
INLINE int64_t packedRowPitch(int64_t k) { return (ceilDiv(k, 16) | 1) * 16; }

// Floats that packing a row panel takes: whole vectors may be written behind the last row or step.
INLINE int64_t packedRowFloats(int64_t k) { return kTileRows * packedRowPitch(k) + kWidth; }

// A copy of a row panel of `rows` <= kTileRows rows. Rows that run along k stay rows; where a step of k lies together
// in memory, it stays together. Neither is transposed: a tile broadcasts single values and does not mind.
INLINE Rows packRowPanel(const Rows& from, int64_t rows, int64_t k, float* packed) {
  if (from.kStep == 1) {
    const int64_t pitch = packedRowPitch(k);
    for (int64_t i = 0; i < rows; i++) copyRow(packed + i * pitch, from.a + i * from.rowStep, k);
    return {packed, pitch, 1};
  }
  for (int64_t j = 0; j < k; j++) {
    const float* step = from.a + j * from.kStep;
    for (int64_t i = 0; i < rows; i += kWidth) store(packed + j * rows + i, loadUpTo(step + i, rows - i));
  }
  return {packed, 1, rows};
}

// Columns [0, cols) of k rows of B as one panel of kTileCols, filled up with zeros; one of the two strides is 1.
INLINE void packColumnPanel(const float* b, int64_t kStep, int64_t colStep, int64_t k, int64_t cols, float* packed) {
  if (colStep == 1) {
    copyRows(b, kStep, k, cols, packed, kTileCols, kTileCols);
  } else {
    transpose(b, colStep, cols, k, packed, kTileCols, kTileCols);
  }
}

}  // namespace
}  // namespace ISA
