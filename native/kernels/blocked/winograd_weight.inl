// The gradient of 3x3 weights by Winograd's algorithm (transforms in winograd_weight_transforms.inl): tiles of dy and
// the patches of x under them are transformed, at each point their outer products are summed over the tiles, and the
// sums are transformed to taps in the end.
//
//   x patches  ── B^T d B ──► V [point][block of input channels][tile][16]    broadcast
//   dy tiles   ── A dy A^T ─► D [point][block of output channels][tile][16]   vectors
//                             M [point][panel][block][16][kTileCols] += V^T D over a chunk of tiles
//   dweight    ◄── G^T M G ── the sum of the M of all parts of the batch
//
// An item of the first phase is a part of the tiles by a band of points by a group of output channels. It goes through
// its tiles in chunks small enough for V, D and M to stay in the second level cache; each part has an M of its own. An
// item of the second phase adds up the parts of a panel and block and transforms them.
//
// A weight sums over the whole batch, so a pixel of NaN, infinity or too large a number spoils all sums of its channel.
// For a block of channels that contains one, the second phase sums directly instead, as if there were no transforms.
//
// Rounding, in the rms: 0.3 to 1.1 times that of one accumulator over 2048 to 32768 positions, because registers sum
// over a chunk only; 2.5 times over as few as 300. The sums of weight_sum.inl, as careful, round 2 to 3 times less.
#pragma once
#include "kernels/blocked/weight_sum.inl"
#include "kernels/blocked/winograd.inl"
#include "kernels/blocked/winograd_weight_transforms.inl"

namespace ISA {
namespace {

// The transforms make up to 33 times the largest pixel, 66 times the largest gradient and, on the way back, 5 times the
// largest sum. With sums of absolute values taken instead of maxima nothing overflows while |pixels| * |gradients| *
// 2^14 stays below 2^128; isTame() leaves room for 2^13.
INLINE bool isTameGradient(float pixels, float gradients) { return isTame(4 * pixels, gradients); }

struct WinogradWeightGrid {
  int64_t tilesY, tilesX, tiles;  // of an image; of all images
  int64_t panels, blocks;         // of output channels; of input channels
  int64_t gradientBlocks;         // blocks of output channels
  int64_t parts, groups;          // of the tiles; of the output channels
  int64_t groupBlocks;            // most gradient blocks in a group
  int64_t chunkTiles;             // most tiles at a time
  int64_t pointStep;              // of M
};

// Output channels of a group are whole panels and whole blocks on every instruction set.
constexpr int64_t kGroupBlocks = 2;

template <int Out>
INLINE WinogradWeightGrid winogradWeightGrid(const BlockedWeightSum& s) {
  WinogradWeightGrid grid = {};
  grid.tilesY = ceilDiv(s.y.output, Out);
  grid.tilesX = ceilDiv(s.x.output, Out);
  grid.tiles = s.images * grid.tilesY * grid.tilesX;
  grid.panels = ceilDiv(s.rows, kTileCols);
  grid.blocks = ceilDiv(s.channels, kBlock);
  grid.gradientBlocks = ceilDiv(s.rows, kBlock);
  grid.pointStep = grid.panels * grid.blocks * kBlock * kTileCols + kPointGap;

  // Parts of at least 128 tiles, since adding up an M costs as much as 4 tiles. Groups of some 64 channels, so that M
  // stays in the cache, although each transforms the patches again.
  grid.parts = smallest(8, largest(1, grid.tiles / 128));
  while (grid.parts > 1 && grid.parts * kPoints<Out> * grid.pointStep > int64_t{1} << 22) grid.parts--;
  grid.groups = ceilDiv(grid.gradientBlocks, 2 * kGroupBlocks);
  grid.groupBlocks = kGroupBlocks * ceilDiv(ceilDiv(grid.gradientBlocks, kGroupBlocks), grid.groups);

  // V and D of a chunk take some 256 KiB, which leaves room in the second level cache for a band of M and for the
  // pixels of the next chunk. Below 32 tiles the 80 cycles in which a tile of M is added to memory would count beside
  // 512.
  const int64_t perTile = kBandPoints<Out> * (grid.blocks + grid.groupBlocks) * kBlock;
  const int64_t partTiles = ceilDiv(grid.tiles, grid.parts);
  const int64_t most = largest(32, smallest(128, (1 << 16) / perTile));
  grid.chunkTiles = ceilDiv(partTiles, ceilDiv(partTiles, most));
  return grid;
}

// Points are a line further apart than their contents demand, as in winograd_product.inl.
INLINE int64_t chunkStep(int64_t blocks, int64_t tiles) { return blocks * tiles * kBlock + kPointGap; }

// The workspace. Shared: the sums of absolute values of x and dy, per part and block, then M of all parts. Local: V and
// D of a chunk and a patch at the edge; in the second phase one item of dweight.
INLINE int64_t magnitudeFloats(const WinogradWeightGrid& grid) {
  return aligned(grid.parts * (grid.blocks + grid.gradientBlocks));
}
template <int Out>
constexpr int64_t kPatchFloats = kPoints<Out> * kBlock;

template <int Out>
INLINE Work planWinogradWeight(const BlockedWeightSum& s) {
  const WinogradWeightGrid grid = winogradWeightGrid<Out>(s);
  const double cost = static_cast<double>(grid.tiles) * kPoints<Out> * s.rows * s.channels;
  Work work = parallel(grid.parts * grid.groups * kBands<Out>, 1, cost);
  thenParallel(work, grid.panels * grid.blocks,
               grainOf(static_cast<double>(grid.parts * kPoints<Out> * kBlock * kTileCols)));
  work.sharedFloats = magnitudeFloats(grid) + grid.parts * kPoints<Out> * grid.pointStep;
  work.localFloats = largest(kPatchFloats<Out> + kBandPoints<Out> * (chunkStep(grid.blocks, grid.chunkTiles) +
                                                                     chunkStep(grid.groupBlocks, grid.chunkTiles)),
                             gridOf(s).slab);
  return work;
}

// Some tiles of one row of tiles.
struct TileRun {
  int64_t image, tileY, tileX, count;
};

// Calls body(run, first) for the tiles [begin, end) row by row, `first` counting from `begin`.
template <class Body>
INLINE void forEachRun(const WinogradWeightGrid& grid, int64_t begin, int64_t end, Body body) {
  for (int64_t tile = begin; tile < end;) {
    const int64_t row = tile / grid.tilesX, x = tile % grid.tilesX, count = smallest(grid.tilesX - x, end - tile);
    body(TileRun{row / grid.tilesY, row % grid.tilesY, x, count}, tile - begin);
    tile += count;
  }
}

// Transforms tiles [begin, end) of a block to one band of points, adding the absolute values of its channels to
// *magnitude. `Side` is that of what is transformed, every Out pixels from (top, left) on.
template <int Out, int Side>
INLINE void transformTiles(const float* tensor, const Blocked& b, const WinogradWeightGrid& grid, int64_t band,
                           int64_t begin, int64_t end, int64_t block, int64_t top, int64_t left, float* to,
                           int64_t step, float* patch, float* magnitude) {
  forEachRun(grid, begin, end, [&](const TileRun& run, int64_t first) {
    V sums[kBlock / kWidth];
    for (int c = 0; c < kBlock / kWidth; c++) sums[c] = zero();
    for (int64_t i = 0; i < run.count; i++) {
      int64_t rowStep;
      const float* pixels = patchAt<Side>(b, tensor + run.image * b.image + block * b.plane, run.tileY * Out + top,
                                          (run.tileX + i) * Out + left, patch, &rowStep);
      float* tile = to + (first + i) * kBlock;
      for (int c = 0; c < kBlock / kWidth; c++) {
        if constexpr (Side == Out) {
          transformGradientBand<Out>(band, pixels + c * kWidth, rowStep, tile + c * kWidth, step, sums[c]);
        } else {
          transformPatchBand<Out>(band, pixels + c * kWidth, rowStep, tile + c * kWidth, step, sums[c]);
        }
      }
    }
    for (int c = 0; c < kBlock / kWidth; c++) {
      const int64_t channels = largest(0, smallest(kWidth, b.c - block * kBlock - c * kWidth));
      *magnitude += reduceAdd(select(firstLanes(channels), sums[c], zero()));
    }
  });
}

// Channels of a tile of one tap.
constexpr int64_t kChannelTile = kMostInner < kPixelRows ? kMostInner : kPixelRows;

// sum (+)= V^T D at one point over `count` tiles of blocks of `tiles`, for a block of input channels and `vectors` vectors
// of output channels from `d` on.
INLINE void multiplyBlock(int64_t channels, int64_t vectors, int64_t count, int64_t tiles, const float* v,
                          const float* d, float* sum, bool adds) {
  PixelSum p = {};
  p.xCol = kBlock;
  p.dy = d;
  p.dyVector = kWidth == kBlock ? tiles * kBlock : kWidth;
  p.cols = count;
  p.rows = p.lines = p.linesAtOnce = 1;
  p.sumInner = kTileCols;
  p.adds = adds;
  const int64_t parts = ceilDiv(channels, kChannelTile);
  for (int64_t part = 0; part < parts; part++) {
    const int64_t row = partBegin(channels, parts, part);
    p.x = v + row;
    p.sum = sum + row * kTileCols;
    sumPixels(p, 1, partBegin(channels, parts, part + 1) - row, vectors);
  }
}

// Where D has the output channel `at` of its first block.
INLINE int64_t gradientAt(int64_t at, int64_t tiles) { return at / kBlock * tiles * kBlock + at % kBlock; }

// M (+)= V^T D at one point, for the blocks of output channels [firstBlock, endBlock). `before` is called before each
// block of input channels.
template <class Before>
INLINE void multiplyTiles(const BlockedWeightSum& s, const WinogradWeightGrid& grid, int64_t firstBlock,
                          int64_t endBlock, int64_t tiles, const float* v, const float* d, float* m, bool adds,
                          Before before) {
  const int64_t firstChannel = firstBlock * kBlock, endChannel = smallest(s.rows, endBlock * kBlock);
  for (int64_t channel = firstChannel; channel < endChannel; channel += kTileCols) {
    for (int64_t block = 0; block < grid.blocks; block++) {
      before();
      multiplyBlock(smallest(kBlock, s.channels - block * kBlock), ceilDiv(endChannel - channel, kWidth), tiles,
                    tiles, v + block * tiles * kBlock, d + gradientAt(channel - firstChannel, tiles),
                    m + (channel / kTileCols * grid.blocks + block) * kBlock * kTileCols, adds);
    }
  }
}

// What an item of the first phase is.
struct WinogradWeightItem {
  int64_t part, band;
  int64_t firstBlock, endBlock;  // of output channels
  int64_t begin, tiles, chunks;  // of the part
};

template <int Out>
INLINE WinogradWeightItem winogradWeightItem(const WinogradWeightGrid& grid, int64_t index) {
  WinogradWeightItem item = {};
  const int64_t group = index % grid.groups, pairs = ceilDiv(grid.gradientBlocks, kGroupBlocks);
  item.part = index / grid.groups / kBands<Out>;
  item.band = index / grid.groups % kBands<Out>;
  item.firstBlock = kGroupBlocks * partBegin(pairs, grid.groups, group);
  item.endBlock = smallest(grid.gradientBlocks, kGroupBlocks * partBegin(pairs, grid.groups, group + 1));
  item.begin = partBegin(grid.tiles, grid.parts, item.part);
  item.tiles = partBegin(grid.tiles, grid.parts, item.part + 1) - item.begin;
  item.chunks = ceilDiv(item.tiles, grid.chunkTiles);
  return item;
}
INLINE int64_t chunkBegin(const WinogradWeightItem& item, int64_t chunk) {
  return item.begin + partBegin(item.tiles, item.chunks, chunk);
}

template <int Out>
INLINE void sumTiles(const BlockedWeightSum& s, const WinogradWeightGrid& grid, int64_t index, float* shared,
                     float* local) {
  constexpr int64_t points = kBandPoints<Out>;
  const WinogradWeightItem item = winogradWeightItem<Out>(grid, index);
  const int64_t band = item.band, firstBlock = item.firstBlock, endBlock = item.endBlock;
  float* magnitudes = shared + item.part * (grid.blocks + grid.gradientBlocks);
  float* m = shared + magnitudeFloats(grid) + item.part * kPoints<Out> * grid.pointStep;
  float* patch = local;
  float* v = patch + kPatchFloats<Out>;
  float* d = v + points * chunkStep(grid.blocks, grid.chunkTiles);
  const bool isFirstBand = band == 0 && firstBlock == 0;
  if (isFirstBand) fillRow(magnitudes, grid.blocks, 0);
  if (band == 1) fillRow(magnitudes + grid.blocks + firstBlock, endBlock - firstBlock, 0);

  for (int64_t chunk = 0; chunk < item.chunks; chunk++) {
    const int64_t first = chunkBegin(item, chunk), end = chunkBegin(item, chunk + 1), tiles = end - first;
    const int64_t vStep = chunkStep(grid.blocks, tiles), dStep = chunkStep(endBlock - firstBlock, tiles);
    float ignored = 0;
    for (int64_t block = 0; block < grid.blocks; block++)
      transformTiles<Out, Out + 2>(s.source, s.from, grid, band, first, end, block, -s.y.pad, -s.x.pad,
                                   v + block * tiles * kBlock, vStep, patch,
                                   isFirstBand ? magnitudes + block : &ignored);
    for (int64_t block = firstBlock; block < endBlock; block++)
      transformTiles<Out, Out>(s.gradient, s.to, grid, band, first, end, block, 0, 0,
                               d + (block - firstBlock) * tiles * kBlock, dStep, patch,
                               band == 1 ? magnitudes + grid.blocks + block : &ignored);

    // Transforms take their pixels far faster than the third level cache delivers them, and the products leave it idle:
    // before each of them a few lines of the next chunk are asked for, or of the next item. All lines of a point at once,
    // some 500, would fill the queues of the caches and hold the products up: 8.9 instead of 8.0 ms for 64 channels.
    const bool isLast = chunk + 1 == item.chunks;
    const WinogradWeightItem then = isLast ? winogradWeightItem<Out>(grid, index + 1) : item;
    const int64_t nextChunk = isLast ? 0 : chunk + 1;
    const int64_t next = chunkBegin(then, nextChunk), nextEnd = next >= grid.tiles ? next : chunkBegin(then, nextChunk + 1);
    const auto patchOf = [&](int64_t tile) {
      const int64_t row = tile / grid.tilesX;
      return s.source + pixelAt(s.from, row / grid.tilesY, 0, row % grid.tilesY * Out - s.y.pad,
                                tile % grid.tilesX * Out - s.x.pad);
    };
    const auto gradientOf = [&](int64_t tile) {
      const int64_t row = tile / grid.tilesX;
      return s.gradient + pixelAt(s.to, row / grid.tilesY, then.firstBlock, row % grid.tilesY * Out,
                                  tile % grid.tilesX * Out);
    };
    LineWalk patches = {patchOf(next), next, nextEnd, 0, grid.blocks, 0, Out + 2};
    LineWalk gradients = {gradientOf(next), next, nextEnd, 0, then.endBlock - then.firstBlock, 0, Out};
    const int64_t calls = points * grid.blocks * ceilDiv((endBlock - firstBlock) * kBlock, kTileCols);
    const int64_t patchRows = ceilDiv((nextEnd - next) * grid.blocks * (Out + 2), calls);
    const int64_t gradientRows = ceilDiv((nextEnd - next) * gradients.blocks * Out, calls);
    for (int64_t i = 0; i < points; i++)
      multiplyTiles(s, grid, firstBlock, endBlock, tiles, v + i * vStep, d + i * dStep,
                    m + pointOf<Out>(band, i) * grid.pointStep, chunk > 0, [&]() __attribute__((always_inline)) {
                      askForRows<Out, 0>(patches, s.from, patchRows, patchOf);
                      askForRows<Out, 0>(gradients, s.to, gradientRows, gradientOf);
                    });
  }
}

// Whether the transforms could take all numbers that an item of dweight is made of.
INLINE bool isTame(const WinogradWeightGrid& grid, const WeightItem& item, const float* magnitudes) {
  float pixels = 0, gradients = 0;
  for (int64_t part = 0; part < grid.parts; part++, magnitudes += grid.blocks + grid.gradientBlocks) {
    pixels += magnitudes[item.block];
    for (int64_t row = item.row; row < item.row + item.rows; row += kBlock)
      gradients += magnitudes[grid.blocks + row / kBlock];
  }
  return isTameGradient(pixels, gradients);
}

// The taps of an item from its part of M, of which there are `parts`, each kPoints * pointStep further.
template <int Out>
INLINE void transformSums(const WeightItem& item, const float* m, int64_t pointStep, int64_t parts, float* weights) {
  const int64_t partStep = kPoints<Out> * pointStep;
  for (int64_t channel = 0; channel < item.channels; channel++) {
    for (int64_t row = 0; row < item.rows; row += kWidth) {
      const float* at = m + channel * kTileCols + row;
      const auto entry = [&](int e) {
        V sum = load(at + e * pointStep);
        for (int64_t part = 1; part < parts; part++) sum = add(sum, load(at + part * partStep + e * pointStep));
        return sum;
      };
      transformWeightSum<Out>(entry, weights + channel * 9 * kTileCols + row, kTileCols);
    }
  }
}

template <int Out>
INLINE void finishWeights(const BlockedWeightSum& s, const WinogradWeightGrid& grid, int64_t index,
                          const float* shared, float* weights) {
  const WeightItem item = weightItem(s, grid.panels, grid.blocks, index);
  if (!isTame(grid, item, shared)) return sumDirectly(s, item, weights);
  const float* m = shared + magnitudeFloats(grid) + index * kBlock * kTileCols;
  transformSums<Out>(item, m, grid.pointStep, grid.parts, weights);
  storeWeights(s, item, weights);
}

// What a call costs, in cycles of a Zen 4 core with 512-bit vectors; on other vectors everything takes longer alike.
INLINE double directWeightCost(const BlockedWeightSum& s) {
  const double positions = static_cast<double>(s.images) * s.y.output * s.x.output;
  return positions * 9 * s.channels * ceilDiv(s.rows, 16) / 0.9;
}
template <int Out>
INLINE double winogradWeightCost(const BlockedWeightSum& s) {
  const WinogradWeightGrid grid = winogradWeightGrid<Out>(s);
  const double tiles = static_cast<double>(grid.tiles), sums = static_cast<double>(s.channels) * ceilDiv(s.rows, 16);
  // a transform of 16 channels waits for its stores, 6 cycles each
  const double sourceCost = Out == 4 ? 750 : 330, gradientCost = Out == 4 ? 600 : 270;
  const double products = kPoints<Out> * sums * tiles / 0.95 * (1 + 5.0 / static_cast<double>(grid.chunkTiles));
  const double transforms = tiles * (grid.blocks * grid.groups * sourceCost + grid.gradientBlocks * gradientCost);
  // what the second phase reads comes from the second level cache, or from further away
  const bool isFar = grid.parts * kPoints<Out> * grid.pointStep > 1 << 20;
  return products + transforms + sums * (kPoints<Out> * grid.parts * (isFar ? 16 : 4) + 100) + 8000;
}

// Whether Winograd's algorithm with tiles of side x side, side 4 or 2, is the best way to sum these weights.
INLINE bool suitsWinogradWeight(const BlockedWeightSum& s, int64_t side) {
  if (s.groups != 1 || !is3x3(s.y) || !is3x3(s.x)) return false;
  if (elements(s.images, s.y.output, s.x.output, s.rows) < 1 || elements(s.rows, s.channels) < 1) return false;
  // a tap that sees nothing but padding has weight 0, not what its neighbours round to
  const auto seesPixels = [](const Axis& a) { return a.output > a.pad && a.source + a.pad > 2; };
  if (!seesPixels(s.y) || !seesPixels(s.x)) return false;
  const double direct = 0.9 * directWeightCost(s), two = winogradWeightCost<2>(s);
  const double four = winogradWeightCost<4>(s);
  const bool isFour = four < direct && four < 0.9 * two;
  return side == 4 ? isFour : !isFour && two < direct;
}

template <int Out>
INLINE void runWinogradWeight(const BlockedWeightSum& s, int phase, Range range, const Workspace& workspace) {
  const WinogradWeightGrid grid = winogradWeightGrid<Out>(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      sumTiles<Out>(s, grid, item, workspace.shared, workspace.local);
    } else {
      finishWeights<Out>(s, grid, item, workspace.shared, workspace.local);
    }
  }
}

}  // namespace
}  // namespace ISA
