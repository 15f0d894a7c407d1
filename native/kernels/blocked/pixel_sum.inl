// The innermost loop of the gradient of the weights: sums of outer products along pixels,
//   sum[outer][inner][v] (+)= total over pixels of x[pixel][outer * outerStep + inner] * dy[pixel][v]
// A tile of `sum` stays in registers while the pixels pass by. Rows of the tile are neighbouring values of x (channels
// of a block, or taps in a plain row) for several taps at once, columns are output channels.
//
// A pixel costs Outer * Inner broadcasts and two vectors of dy for 2 * Outer * Inner multiply-adds: with 4 channels and
// 3 taps 14 loads for 24, well under the one load per multiply-add of Zen 4 at 512 bits.
#pragma once
#include "kernels/blocked/layout.inl"

namespace ISA {
namespace {

// Rows of a tile, with registers as in microkernel.inl.
#if defined(__aarch64__)
constexpr int kPixelRows = 12;  // 24 sums + 2 of dy + broadcasts of 32
#else
constexpr int kPixelRows = kTileRows;
#endif
constexpr int kMostInner = 8, kMostOuter = 7;

// A sum over `lines` runs of `cols` pixels: `rows` of them make an image.
struct PixelSum {
  const float* x;
  int64_t outerStep, xCol, xRow, xImage;
  const float* dy;
  int64_t dyVector, dyRow, dyImage;  // dyVector: distance of the two vectors of a pixel; pixels are kBlock apart
  int64_t cols, rows, lines;
  int64_t linesAtOnce;  // after so many the registers are emptied into `sum`
  float* sum;           // [outer][inner][kTileCols]
  int64_t sumOuter, sumInner;
  bool adds;    // to what `sum` holds, instead of overwriting it
  bool isHalf;  // of a single vector only the lower half counts
};

// `p` is a copy, so that stores to `sum` cannot change it: its fields need not be read again after each.
template <int Outer, int Inner, int Vectors, bool Half = false>
__attribute__((noinline)) void sumPixels(PixelSum p) {
  const int64_t outerStep = p.outerStep, xCol = p.xCol, dyVector = p.dyVector;
  int64_t row = 0;
  for (int64_t lines = p.lines; lines > 0; lines -= p.linesAtOnce) {
    V sum[Outer][Inner][Vectors];
#pragma GCC unroll 16
    for (int o = 0; o < Outer; o++)
#pragma GCC unroll 16
      for (int i = 0; i < Inner; i++)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; v++) sum[o][i][v] = zero();

    for (int64_t line = smallest(lines, p.linesAtOnce); line > 0; line--) {
      const float* x = p.x;
      const float* dy = p.dy;
      for (int64_t col = p.cols; col > 0; col--) {
        V gradient[Vectors];
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; v++) {
          gradient[v] = load(dy + v * dyVector);
          keepInRegister(gradient[v]);
        }
#pragma GCC unroll 16
        for (int o = 0; o < Outer; o++) {
#pragma GCC unroll 16
          for (int i = 0; i < Inner; i++) {
            const V value = broadcast(x + o * outerStep + i);
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; v++)
              sum[o][i][v] = Half ? fmaddLower(value, gradient[v], sum[o][i][v])
                                  : fmadd(value, gradient[v], sum[o][i][v]);
          }
        }
        x += xCol;
        dy += kBlock;
      }
      p.x += p.xRow;
      p.dy += p.dyRow;
      if (++row == p.rows) {
        row = 0;
        p.x += p.xImage;
        p.dy += p.dyImage;
      }
    }

    if (p.adds) {
#pragma GCC unroll 16
      for (int o = 0; o < Outer; o++) {
#pragma GCC unroll 16
        for (int i = 0; i < Inner; i++) {
#pragma GCC unroll 2
          for (int v = 0; v < Vectors; v++)
            sum[o][i][v] = add(load(p.sum + o * p.sumOuter + i * p.sumInner + v * kWidth), sum[o][i][v]);
        }
      }
    }
#pragma GCC unroll 16
    for (int o = 0; o < Outer; o++) {
#pragma GCC unroll 16
      for (int i = 0; i < Inner; i++) {
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; v++)
          store(p.sum + o * p.sumOuter + i * p.sumInner + v * kWidth, sum[o][i][v]);
      }
    }
    p.adds = true;
  }
}

// The tile of given sides, Outer * Inner being at most kPixelRows.
template <int Outer, int Inner>
INLINE void sumPixelsOf(const PixelSum& p, int64_t vectors) {
  if constexpr (kWidth == kBlock)
    if (vectors == 1) return p.isHalf ? sumPixels<Outer, Inner, 1, true>(p) : sumPixels<Outer, Inner, 1>(p);
  (void)vectors;
  sumPixels<Outer, Inner, kTileVectors>(p);
}
template <int Outer, int Inner>
INLINE void sumPixelsInner(const PixelSum& p, int64_t inner, int64_t vectors) {
  if (inner == Inner) return sumPixelsOf<Outer, Inner>(p, vectors);
  if constexpr (Inner < kMostInner && Outer * (Inner + 1) <= kPixelRows)
    sumPixelsInner<Outer, Inner + 1>(p, inner, vectors);
}
template <int Outer = 1>
INLINE void sumPixels(const PixelSum& p, int64_t outer, int64_t inner, int64_t vectors) {
  if (outer == Outer) return sumPixelsInner<Outer, 1>(p, inner, vectors);
  if constexpr (Outer < kMostOuter && Outer < kPixelRows) sumPixels<Outer + 1>(p, outer, inner, vectors);
}

}  // namespace
}  // namespace ISA
