// The innermost loop of everything dense on the blocked layout: a tile of pixels in a row by channels, held in
// registers, gains one outer product per step of k.
//
//   tile[i][j] = bias[j] + sum over block, tap row, tap, k of source[i * pixelStep + ...k] * weights[...k][j]
//
// The roles are those of microkernel.inl: weights are the vectors, source pixels are broadcast. The source is read where
// it lies: steps of k are neighbours in memory (the channels of a pixel, or the pixels of a row where the source is
// plain), a tap is a distance. So one loop serves any kernel, stride and dilation, matrix products with a row of A per
// pixel, and gradients.
//
// Sums are kept in registers over all of k: no partial sums in memory, and the epilogue finds them there. The price is
// (pixels * vectors) stores at two cycles each and as many registers to set: with 14 x 2 about 100 cycles beside 28 a
// step.
#pragma once
#include "kernels/blocked/finish.inl"
#include "kernels/microkernel.inl"

namespace ISA {
namespace {

// What all tiles of a call have in common. Distances in floats.
struct TileShape {
  int64_t blocks, blockStep;  // blocks of source channels
  int64_t tapsY, tapStepY;
  int64_t tapsX, tapStepX;
  int64_t run, lastRun;  // steps of k in a tap, and in the last block
  int64_t pixelStep;
  int64_t resultStep;                  // between pixels of the result, and of the residual
  int64_t resultBlock, residualBlock;  // between their blocks
  bool isFarSource, isFarResult;       // in which case they are asked for a tile ahead
  Epilogue epilogue;
};

// One tile. The weights of its panel lie in the order of the sum, [step][panel width].
struct Tile {
  const float* source;   // first tap of the first pixel
  const float* weights;
  const float* bias;     // of the panel
  float* result;         // first pixel, first channel of the panel
  const float* residual; // the same, or nullptr
  int64_t channel;       // that channel, counted through all groups
  int64_t channels;      // of the result: beyond them there are no slopes
  int64_t pixels;        // <= kTileRows
  const float* next;     // the first tap of the next tile, whose pixels are asked for meanwhile, or nullptr
};

// Vectors of a panel that fall into one block lie kWidth apart, otherwise they are of different blocks.
INLINE int64_t vectorStep(int64_t blockStep) { return kWidth == kBlock ? blockStep : kWidth; }

// The pixels of a tile seen from one step of k. With a distance known to the compiler they are displacements from one
// pointer. Otherwise three share a pointer, since x86 addresses p, p + s and p + 2s for free.
template <int Rows, int Step>
struct PixelPointers {
  static constexpr int kPointers = Step != 0 ? 1 : (Rows + 2) / 3;
  const float* first[kPointers];
  int64_t step;

  INLINE PixelPointers at(const float* source, int64_t step) {
    PixelPointers p;
    p.step = step;
#pragma GCC unroll 5
    for (int i = 0; i < kPointers; i++) p.first[i] = source + 3 * i * step;
    return p;
  }
  __attribute__((always_inline)) const float* operator[](int i) const {
    return Step != 0 ? first[0] + i * Step : first[i / 3] + i % 3 * step;
  }
  __attribute__((always_inline)) void next() {
#pragma GCC unroll 5
    for (int i = 0; i < kPointers; i++) first[i]++;
  }
};

// Steps of k after which weights are wanted that are asked for now. They come from the second level cache at best, and
// for the first tile of a group from the third: 3 to 6 percent of layers with few pixels.
constexpr int kWeightsAhead = 32;

// Half: of the last vector only the lower half counts.
template <int Rows, int Vectors, int Step, bool Half>
INLINE void addRun(V (&sum)[Vectors][Rows], const float* source, int64_t pixelStep, const float*& weights, int64_t run) {
  auto pixels = PixelPointers<Rows, Step>::at(source, pixelStep);
  const float* w = weights;
  for (; run > 0; run--) {
    V right[Vectors];
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) {
      __builtin_prefetch(w + (kWeightsAhead * Vectors + j) * kWidth, 0, 3);
      right[j] = load(w + j * kWidth);
      if (Vectors > 1) keepInRegister(right[j]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      // met by one vector only, a broadcast is best left to the multiply-add, which takes it from memory
      const V left = Vectors > 1 ? broadcast(pixels[i]) : set1(*pixels[i]);
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) {
        const bool lower = Half && j == Vectors - 1;
        sum[j][i] = lower ? fmaddLower(left, right[j], sum[j][i]) : fmadd(left, right[j], sum[j][i]);
      }
    }
    pixels.next();
    w += Vectors * kWidth;
  }
  weights = w;
}

template <int Rows, int Vectors>
INLINE void finishTile(const TileShape& t, const Tile& tile, V (&sum)[Vectors][Rows]) {
  const Epilogue& e = t.epilogue;
  const int64_t step = t.resultStep;
#pragma GCC unroll 2
  for (int j = 0; j < Vectors; j++) {
    float* result = tile.result + j * vectorStep(t.resultBlock);
    const float* residual = tile.residual ? tile.residual + j * vectorStep(t.residualBlock) : nullptr;
    finishSums(e, sum[j], slopeOf(e, tile.channel + j * kWidth, tile.channels), result, residual, step);
    if (!isCheap(e.activation))
      activateStored(e.activation, result, e.residualAfter ? residual : nullptr, Rows, step, kWidth);
  }
}

template <int Rows, int Step>
INLINE void askForPixels(const float* pixels, int64_t pixelStep) {
  const int64_t step = Step != 0 ? Step : pixelStep;
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) __builtin_prefetch(pixels + i * step, 0, 3);
}

template <int Rows, int Vectors, int Step, bool Half>
__attribute__((noinline)) void computeTile(const TileShape& t, const Tile& tile) {
  V sum[Vectors][Rows];
#pragma GCC unroll 2
  for (int j = 0; j < Vectors; j++) {
    const V bias = load(tile.bias + j * kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) sum[j][i] = bias;
  }
  const float* weights = tile.weights;
  const float* block = tile.source;
  for (int64_t b = t.blocks; b > 0; b--, block += t.blockStep) {
    const int64_t run = b == 1 ? t.lastRun : t.run;
    const float* row = block;
    for (int64_t y = t.tapsY; y > 0; y--, row += t.tapStepY) {
      if (tile.next) askForPixels<Rows, Step>(tile.next + (row - tile.source), t.pixelStep);
      const float* tap = row;
      for (int64_t x = t.tapsX; x > 0; x--, tap += t.tapStepX)
        addRun<Rows, Vectors, Step, Half>(sum, tap, t.pixelStep, weights, run);
    }
  }
  if constexpr (Half) {
    const M lower = firstLanes(kWidth / 2);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) sum[Vectors - 1][i] = select(lower, sum[Vectors - 1][i], zero());
  }
  finishTile(t, tile, sum);
}

template <int Rows, int Vectors, int Step, bool Half = false>
INLINE void computeTileOf(const TileShape& t, const Tile& tile) {
  if (tile.pixels == Rows) return computeTile<Rows, Vectors, Step, Half>(t, tile);
  if constexpr (Rows > 1) computeTileOf<Rows - 1, Vectors, Step, Half>(t, tile);
}

// `vectors`: of the panel, which is kTileVectors wide except for a last one on vectors as long as a block. `channels`:
// of the result, from the panel's first on. Where they leave half of the last vector empty, its multiply-adds are of half
// a vector, which take half the time: 24 channels, as mobile networks have them, take 3/4 of the time of 32.
INLINE void computeTile(const TileShape& t, const Tile& tile, int64_t vectors, int64_t channels) {
  const bool adjacent = t.pixelStep == kBlock;
  if constexpr (kWidth == kBlock) {
    if (adjacent && channels <= vectors * kWidth - kWidth / 2)
      return vectors == 1 ? computeTileOf<kTileRows, 1, kBlock, true>(t, tile)
                          : computeTileOf<kTileRows, kTileVectors, kBlock, true>(t, tile);
    if (vectors == 1)
      return adjacent ? computeTileOf<kTileRows, 1, kBlock>(t, tile) : computeTileOf<kTileRows, 1, 0>(t, tile);
  }
  return adjacent ? computeTileOf<kTileRows, kTileVectors, kBlock>(t, tile)
                  : computeTileOf<kTileRows, kTileVectors, 0>(t, tile);
}

}  // namespace
}  // namespace ISA
