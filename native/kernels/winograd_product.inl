// The multiplications of Winograd's algorithm: at each point a small matrix product, tiles by result channels, summed
// over source channels.
//
// V, the transformed patches, is [point][block of source channels][tile][kBlock]; U, the transformed kernels, is
// [point][source channel][kTileCols] for one panel of kTileCols result channels; the product M is
// [point][tile][kTileCols]. A line is left free after each point: points a multiple of 4 KiB apart would all fall into
// the same sets of a cache.
#pragma once
#include "kernels/winograd_transforms.inl"

namespace ISA {
namespace {

constexpr int64_t kPointGap = 16;

INLINE int64_t patchStep(int64_t channels, int64_t tiles) { return roundUp(channels, kBlock) * tiles + kPointGap; }
INLINE int64_t kernelStep(int64_t channels) { return channels * kTileCols + kPointGap; }
INLINE int64_t productStep(int64_t tiles) { return tiles * kTileCols + kPointGap; }

struct PointProduct {
  const float* v;
  int64_t tiles, blockStep;  // tiles of this product <= kTileRows; distance of blocks of source channels
  const float* u;
  int64_t channels;
  float* m;
  bool accumulate;  // M += V U, otherwise M = V U
};

// Channels summed in registers before the sum is added to M. Rounding grows with the length of a sum, and most of
// F(4)'s error arises here: in runs of 32 it is 1.8 instead of 2.3 times that of direct summation over 64 channels, and
// no larger than that over 256. Adding to M costs 84 cycles for 28 sums, which take 896 to make.
constexpr int64_t kRun = 2 * kBlock;

template <int Rows, int Vectors>
__attribute__((noinline)) void multiplyPoint(const PointProduct& p) {
  const float* u = p.u;
  const float* block = p.v;
  const int64_t blockStep = p.blockStep;
  bool addsToM = p.accumulate;
  for (int64_t left = p.channels; left > 0; left -= kRun) {
    V sum[Rows][Vectors];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) sum[i][j] = zero();

    for (int64_t rest = smallest(left, kRun); rest > 0; rest -= kBlock, block += blockStep) {
      const float* v = block;
      for (int64_t k = smallest(rest, kBlock); k > 0; k--) {
        V right[Vectors];
#pragma GCC unroll 2
        for (int j = 0; j < Vectors; j++) {
          right[j] = load(u + j * kWidth);
          keepInRegister(right[j]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < Rows; i++) {
          const V patch = broadcast(v + i * kBlock);
#pragma GCC unroll 2
          for (int j = 0; j < Vectors; j++) sum[i][j] = fmadd(patch, right[j], sum[i][j]);
        }
        v++;
        u += kTileCols;
      }
    }

#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) {
        float* m = p.m + i * kTileCols + j * kWidth;
        store(m, addsToM ? add(load(m), sum[i][j]) : sum[i][j]);
      }
    }
    addsToM = true;
  }
}

template <int Rows>
INLINE void multiplyPointRows(const PointProduct& p, int64_t vectors) {
  if (p.tiles == Rows) return vectors == 1 ? multiplyPoint<Rows, 1>(p) : multiplyPoint<Rows, kTileVectors>(p);
  if constexpr (Rows > 1) multiplyPointRows<Rows - 1>(p, vectors);
}

// M = V U, or M += V U if `adds`, at `points` points that are vStep apart in V; `tiles` tiles, `cols` result channels of the
// panel. `before` is called before each point.
template <class Before>
INLINE void multiplyEach(const float* v, int64_t vStep, const float* u, int64_t channels, bool adds, int64_t points,
                         int64_t tiles, int64_t cols, float* m, Before before) {
  const int64_t panels = rowPanels(tiles), vectors = smallest(ceilDiv(cols, kWidth), kTileVectors);
  PointProduct p = {};
  p.blockStep = tiles * kBlock;
  p.channels = channels;
  p.accumulate = adds;
  for (int64_t point = 0; point < points; point++) {
    before(point);
    p.u = u;
    for (int64_t panel = 0; panel < panels; panel++) {
      const int64_t tile = partBegin(tiles, panels, panel);
      p.tiles = partBegin(tiles, panels, panel + 1) - tile;
      p.v = v + tile * kBlock;
      p.m = m + tile * kTileCols;
      multiplyPointRows<kTileRows>(p, vectors);
    }
    v += vStep;
    u += kernelStep(channels);
    m += productStep(tiles);
  }
}

// The same for the source channels [begin, end), begin a multiple of kBlock. V has `channels` of them, U those of the
// range; the first ones set M.
template <class Before>
INLINE void multiplyPoints(const float* v, int64_t channels, const float* u, int64_t begin, int64_t end, int64_t points,
                           int64_t tiles, int64_t cols, float* m, Before before) {
  multiplyEach(v + begin * tiles, patchStep(channels, tiles), u, end - begin, begin > 0, points, tiles, cols, m, before);
}

INLINE void multiplyPoints(const float* v, int64_t channels, const float* u, int64_t begin, int64_t end, int64_t points,
                           int64_t tiles, int64_t cols, float* m) {
  multiplyPoints(v, channels, u, begin, end, points, tiles, cols, m, [](int64_t) {});
}

}  // namespace
}  // namespace ISA
