// The gradient of 3x3 weights by Winograd's algorithm (winograd_weight.inl) where tiles are few and channels many, as in
// the last layers of a network: there M, four times the weights, would go to memory and back, and every group of output
// channels would transform all patches again.
//
//   phase 0   an item: a block of input channels      x patches ──► V [point][block][tile][16], of all points, shared
//   phase 1   an item: a group of output channels     dy tiles  ──► D [point][block][tile][16], its own
//             block by block of input channels        M = V^T D [point][16][kTileCols] ──► taps
//
// D, V of a block and M are used at once: with 32 tiles 144 + 72 + 72 KiB of the second level cache, with 128 tiles
// 576 + 288 + 72. V comes from the third level, once per group: 2.4 MB for 512 channels and 32 tiles, at 60 GB/s 40 us
// beside 450 us of products.
#pragma once
#include "kernels/blocked/winograd_weight.inl"

namespace ISA {
namespace {

// Half of the second level cache for D.
constexpr int64_t kFewTiles = 128;
// Registers sum over so many, which keeps rounding at that of winograd_weight.inl.
constexpr int64_t kTilesAtOnce = 32;

INLINE bool hasFewTiles(const WinogradWeightGrid& grid) {
  return grid.tiles <= kFewTiles && grid.blocks > 1;
}

// Where a point of a band lies in V and D.
template <int Out>
INLINE int64_t slotOf(int64_t band, int64_t i) {
  return band * kBandPoints<Out> + i;
}

constexpr int64_t kSumStep = kBlock * kTileCols + kPointGap;  // of M

struct FewTilesGrid {
  WinogradWeightGrid grid;
  int64_t groups;                 // of output channels
  int64_t vStep, dStep;           // between points
  int64_t dAt, sumsAt, weightsAt;  // in the local workspace, behind the patch
};

template <int Out>
INLINE FewTilesGrid fewTilesGrid(const BlockedWeightSum& s) {
  FewTilesGrid few = {};
  few.grid = winogradWeightGrid<Out>(s);
  few.grid.parts = 1;
  few.groups = ceilDiv(few.grid.gradientBlocks, kGroupBlocks);
  few.vStep = chunkStep(few.grid.blocks, few.grid.tiles);
  few.dStep = chunkStep(kGroupBlocks, few.grid.tiles);
  few.dAt = kPatchFloats<Out>;
  few.sumsAt = few.dAt + kPoints<Out> * few.dStep;
  few.weightsAt = few.sumsAt + kPoints<Out> * kSumStep;
  return few;
}

template <int Out>
INLINE Work planFewTiles(const BlockedWeightSum& s) {
  const FewTilesGrid few = fewTilesGrid<Out>(s);
  const double products = static_cast<double>(few.grid.tiles) * kPoints<Out> * kBlock;
  Work work = parallel(few.grid.blocks, grainOf(4 * products), products * s.rows * s.channels / kBlock);
  thenParallel(work, few.groups, 1);
  work.sharedFloats = magnitudeFloats(few.grid) + kPoints<Out> * few.vStep;
  work.localFloats = few.weightsAt + gridOf(s).slab;
  return work;
}

// V of a block of input channels.
template <int Out>
INLINE void transformBlock(const BlockedWeightSum& s, const FewTilesGrid& few, int64_t block, float* shared,
                           float* patch) {
  const WinogradWeightGrid& grid = few.grid;
  float ignored = 0;
  shared[block] = 0;
  for (int64_t band = 0; band < kBands<Out>; band++)
    transformTiles<Out, Out + 2>(
        s.source, s.from, grid, band, 0, grid.tiles, block, -s.y.pad, -s.x.pad,
        shared + magnitudeFloats(grid) + slotOf<Out>(band, 0) * few.vStep + block * grid.tiles * kBlock, few.vStep, patch,
        band == 0 ? shared + block : &ignored);
}

// The weights of a group of output channels.
template <int Out>
INLINE void sumGroup(const BlockedWeightSum& s, const FewTilesGrid& few, int64_t group, float* shared, float* local) {
  const WinogradWeightGrid& grid = few.grid;
  const int64_t tiles = grid.tiles, firstBlock = group * kGroupBlocks;
  const int64_t endBlock = smallest(grid.gradientBlocks, firstBlock + kGroupBlocks);
  float *d = local + few.dAt, *sums = local + few.sumsAt, *weights = local + few.weightsAt;
  float* magnitudes = shared + grid.blocks + firstBlock;
  float ignored = 0;
  fillRow(magnitudes, endBlock - firstBlock, 0);
  for (int64_t block = firstBlock; block < endBlock; block++)
    for (int64_t band = 0; band < kBands<Out>; band++)
      transformTiles<Out, Out>(s.gradient, s.to, grid, band, 0, tiles, block, 0, 0,
                               d + slotOf<Out>(band, 0) * few.dStep + (block - firstBlock) * tiles * kBlock, few.dStep,
                               local, band == 1 ? magnitudes + block - firstBlock : &ignored);

  const int64_t firstChannel = firstBlock * kBlock, endChannel = smallest(s.rows, endBlock * kBlock);
  for (int64_t block = 0; block < grid.blocks; block++) {
    const float* v = shared + magnitudeFloats(grid) + block * tiles * kBlock;
    for (int64_t channel = firstChannel; channel < endChannel; channel += kTileCols) {
      const WeightItem item = weightItem(s, grid.panels, grid.blocks, channel / kTileCols * grid.blocks + block);
      if (!isTame(grid, item, shared)) {
        sumDirectly(s, item, weights);
        continue;
      }
      for (int64_t band = 0; band < kBands<Out>; band++)
        for (int64_t i = 0; i < kBandPoints<Out>; i++) {
          const int64_t slot = slotOf<Out>(band, i);
          for (int64_t tile = 0; tile < tiles; tile += kTilesAtOnce)
            multiplyBlock(item.channels, ceilDiv(endChannel - channel, kWidth), smallest(kTilesAtOnce, tiles - tile),
                          tiles, v + slot * few.vStep + tile * kBlock,
                          d + slot * few.dStep + gradientAt(channel - firstChannel, tiles) + tile * kBlock,
                          sums + pointOf<Out>(band, i) * kSumStep, tile > 0);
        }
      transformSums<Out>(item, sums, kSumStep, 1, weights);
      storeWeights(s, item, weights);
    }
  }
}

template <int Out>
INLINE void runFewTiles(const BlockedWeightSum& s, int phase, Range range, const Workspace& workspace) {
  const FewTilesGrid few = fewTilesGrid<Out>(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      transformBlock<Out>(s, few, item, workspace.shared, workspace.local);
    } else {
      sumGroup<Out>(s, few, item, workspace.shared, workspace.local);
    }
  }
}

}  // namespace
}  // namespace ISA
