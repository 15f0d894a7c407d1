// 3x3 sums with stride 1 by Winograd's algorithm (transforms in winograd_transforms.inl), fused: patches are
// transformed, multiplied and transformed back for a chunk of tiles at a time, small enough that nothing in between
// leaves the second level cache.
//
// Two orders of work. With many tiles: the kernels are transformed first, into shared memory, then each item is a chunk
// of tiles for all result channels. With fewer tiles than channels: the patches of all tiles are transformed first,
// then each item is a panel of result channels, whose kernels it transforms on the way, so that they are never written
// to memory.
#pragma once
#include "kernels/winograd_images.inl"
#include "kernels/winograd_product.inl"

namespace ISA {
namespace {

// The transforms make up to 33 times the largest pixel, 23 times the largest weight and, on the way back, 5.4 times the
// largest product. With sums of absolute values taken instead of maxima, nothing overflows while
// |pixels of a chunk| * |weights of a panel| * 2^12 stays below 2^127. Larger numbers and NaN are summed directly.
constexpr float kMostMagnitude = 0x1p115f;

INLINE bool isTame(float pixels, float weights) {
  return pixels < kMostMagnitude && weights < kMostMagnitude && pixels * weights < kMostMagnitude;
}

struct WinogradGrid {
  int64_t tilesY, tilesX;      // of an image
  int64_t tileRows;            // rows of tiles, counted through all images
  int64_t rowParts, colParts;  // chunks are a part of these rows by a part of their columns
  int64_t chunks, mostTiles;   // tiles of the largest chunk
  int64_t mostRows, mostCols;  // its sides
  int64_t panels, blocks;      // of result channels; of source channels
  bool byPanel;
  int64_t blocksAtOnce;        // blocks of source channels whose kernels are held at a time
};

// A rectangle of tiles: rows counted through all images, and columns.
struct Chunk {
  int64_t row, rows, col, cols;
};
INLINE int64_t tilesOf(const Chunk& chunk) { return chunk.rows * chunk.cols; }

// Part `i` of `count` in `parts` nearly equal parts, the larger ones first: threads that run out of work then wait for
// a small one.
INLINE int64_t unevenBegin(int64_t count, int64_t parts, int64_t i) {
  return count / parts * i + smallest(i, count % parts);
}

INLINE Chunk chunkAt(const WinogradGrid& grid, int64_t index) {
  const int64_t y = index / grid.colParts, x = index % grid.colParts;
  const int64_t row = unevenBegin(grid.tileRows, grid.rowParts, y), col = unevenBegin(grid.tilesX, grid.colParts, x);
  return {row, unevenBegin(grid.tileRows, grid.rowParts, y + 1) - row, col,
          unevenBegin(grid.tilesX, grid.colParts, x + 1) - col};
}

template <int Out>
INLINE WinogradGrid winogradGrid(const Sum3x3& s) {
  WinogradGrid grid = {};
  grid.tilesY = ceilDiv(s.resultH, Out);
  grid.tilesX = ceilDiv(s.resultW, Out);
  grid.tileRows = s.images * grid.tilesY;
  grid.panels = ceilDiv(s.rows, kTileCols);
  grid.blocks = ceilDiv(s.channels, kBlock);
  const int64_t tiles = grid.tileRows * grid.tilesX;
  // of V and U the smaller is shared, and there are to be items for a handful of threads
  grid.byPanel = tiles <= s.rows && grid.panels >= 4;
  // by panel the kernels are used as soon as they are made: those of 128 channels, 576 KiB, stay in the second level
  // cache
  grid.blocksAtOnce = grid.byPanel ? smallest(grid.blocks, 8) : grid.blocks;

  // V and M of a chunk take about a megabyte, which is what a second level cache holds beside the kernels passing
  // through.
  const int64_t perTile = kPoints<Out> * (grid.blocks * kBlock + kTileCols);
  const int64_t most = grid.byPanel ? 2 * kTileRows : largest(kTileRows, (1 << 18) / perTile);
  grid.colParts = ceilDiv(grid.tilesX, most);
  const int64_t cols = ceilDiv(grid.tilesX, grid.colParts), rowsPerChunk = largest(1, most / cols);
  grid.rowParts = ceilDiv(grid.tileRows, rowsPerChunk);
  if (!grid.byPanel) {
    // a multiple of eight chunks, so that two, four or eight threads get the same number of them; none below half a
    // tile
    const int64_t eights = smallest(grid.tileRows, ceilDiv(roundUp(grid.rowParts * grid.colParts, 8), grid.colParts));
    grid.rowParts = largest(grid.rowParts, smallest(eights, ceilDiv(tiles, kTileRows / 2 * grid.colParts)));
  }
  grid.chunks = grid.rowParts * grid.colParts;
  grid.mostRows = ceilDiv(grid.tileRows, grid.rowParts);
  grid.mostCols = cols;
  grid.mostTiles = grid.mostRows * grid.mostCols;
  return grid;
}

// The workspace. Shared: the magnitudes of what is transformed first, then U of all panels or V of all chunks. Local:
// the other of the two for one item, M of one chunk or of all, then what a step of it needs.
template <int Out>
INLINE int64_t kernelFloats(const Sum3x3& s, const WinogradGrid& grid) {
  return kPoints<Out> * kernelStep(smallest(s.channels, grid.blocksAtOnce * kBlock));
}
template <int Out>
INLINE int64_t patchFloats(const Sum3x3& s, const WinogradGrid& grid) {
  return kPoints<Out> * patchStep(s.channels, grid.mostTiles);
}
template <int Out>
INLINE int64_t productFloats(const WinogradGrid& grid) {
  return kPoints<Out> * productStep(grid.mostTiles);
}
INLINE int64_t magnitudeFloats(const WinogradGrid& grid) {
  return aligned((grid.byPanel ? grid.chunks : grid.panels) * grid.blocks);
}
// The pixels under the tiles of a chunk in one image, with the border of the patches.
template <int Out>
INLINE int64_t pixelFloats(const WinogradGrid& grid) {
  return (smallest(grid.mostRows, grid.tilesY) * Out + 2) * (grid.mostCols * Out + 2) * kBlock;
}
constexpr int64_t kTapFloats = 9 * kBlock * kWidth;

template <int Out>
INLINE Work planWinograd(const Sum3x3& s) {
  const WinogradGrid grid = winogradGrid<Out>(s);
  const double cost = static_cast<double>(s.images) * resultPlane(s) * s.rows * s.channels * 9 / (Out == 4 ? 4 : 2);
  Work work = parallel((grid.byPanel ? grid.chunks : grid.panels) * grid.blocks, 1, cost);
  thenParallel(work, grid.byPanel ? grid.panels : grid.chunks, 1);
  const int64_t kernels = kernelFloats<Out>(s, grid), patches = patchFloats<Out>(s, grid);
  const int64_t products = productFloats<Out>(grid), step = largest(kTapFloats, pixelFloats<Out>(grid));
  work.sharedFloats = magnitudeFloats(grid) + (grid.byPanel ? grid.chunks * patches : grid.panels * kernels);
  work.localFloats = (grid.byPanel ? kernels + grid.chunks * products : patches + products) + step;
  return work;
}

// What a call costs, in cycles of a Zen 4 core with 512-bit vectors; on other vectors everything takes longer alike. A
// multiply-add of 16 lanes is a cycle; per 16 channels of a tile or 16 kernels the transforms were measured as below,
// conversion from and to rows included.
INLINE double directCost(const Sum3x3& s) {
  return static_cast<double>(s.images) * resultPlane(s) * s.rows * s.channels * 9 / 16 / 0.75;
}
template <int Out>
INLINE double winogradCost(const Sum3x3& s) {
  const WinogradGrid grid = winogradGrid<Out>(s);
  const double tiles = static_cast<double>(grid.tileRows) * grid.tilesX, rows = ceilDiv(s.rows, 16);
  const double sourceCost = Out == 4 ? 450 : 180, resultCost = Out == 4 ? 260 : 110, kernelCost = Out == 4 ? 220 : 120;
  // kernels beyond the second level cache are written to and read from the third
  const double kernels = rows * s.channels;
  const bool isFar = !grid.byPanel && kernels * kPoints<Out> > (1 << 14);
  const double products = kPoints<Out> * tiles * rows * (s.channels / 0.93 + 4);
  const double transforms = tiles * (grid.blocks * sourceCost + rows * resultCost);
  return products + transforms + kernels * (kernelCost + (isFar ? kPoints<Out> * 12 : 0)) + 4000;
}

// Whether every window has a pixel in it. One that lies in padding altogether gives the bias, not the bias and what its
// neighbours round to.
INLINE bool seesPixels(const Sum3x3& s) {
  return s.top >= -2 && s.left >= -2 && s.resultH + s.top <= s.sourceH && s.resultW + s.left <= s.sourceW;
}

// The side of the result tiles that suits a sum best, 4 or 2, or 0 for direct summation.
INLINE int64_t winogradSide(const Sum3x3& s) {
  if (s.channels * s.rows < 64) return 0;
  if (!seesPixels(s)) return 0;
  const double direct = directCost(s), four = winogradCost<4>(s), two = winogradCost<2>(s);
  // 2 rounds less than direct summation does, and 4 more: it has to pay
  if (four < 0.9 * two && four < 0.9 * direct) return 4;
  return two < 0.9 * direct ? 2 : 0;
}

// Asks for the weights that follow in the next block of source channels. They come in pieces too short for the
// processor to see where they lead. Asking past the end does no harm.
INLINE void prefetchWeights(const Sum3x3& s, const float* weight, int64_t row, int64_t channel) {
  const float* next = weight + row * s.weightRow + channel * s.weightChannel;
  for (int64_t i = 0; i < 9 * kBlock; i += 16) __builtin_prefetch(next + i, 0, 2);
}

// Transforms the kernels of one panel and one block of source channels to u, the place of the block's first channel at
// the first point. Returns the sum of their absolute values.
template <int Out>
INLINE float transformWeights(const Sum3x3& s, int64_t panel, int64_t block, float* u, int64_t step, float* taps) {
  const int64_t channel = block * kBlock, channels = smallest(kBlock, s.channels - channel);
  const bool alongChannels = s.weightChannel == 9, isLast = channel + channels == s.channels;
  V magnitude = zero();
  for (int64_t j = 0; j < kTileCols; j += kWidth) {
    const int64_t row = panel * kTileCols + j, rows = smallest(kWidth, s.rows - row);
    if (rows <= 0) break;
    const float* weight = s.weight + row * s.weightRow + channel * s.weightChannel;
    if (alongChannels) {
      transpose(weight, s.weightRow, rows, 9 * channels, taps, kWidth, kWidth);
    } else {
      for (int64_t c = 0; c < channels; c++)
        transpose(weight + c * s.weightChannel, s.weightRow, rows, 9, taps + c * 9 * kWidth, kWidth, kWidth);
    }
    for (int64_t c = 0; c < channels; c++) {
      if (!isLast && alongChannels && c < rows) prefetchWeights(s, weight, c, kBlock);
      if (!isLast && !alongChannels) prefetchWeights(s, weight, 0, kBlock + c);
      const float* g = taps + c * 9 * kWidth;
      for (int t = 0; t < 9; t++) magnitude = add(magnitude, abs(load(g + t * kWidth)));
      transformKernels<Out>(g + (s.flipped ? 8 * kWidth : 0), s.flipped ? -kWidth : kWidth, u + c * kTileCols + j, step);
    }
  }
  return reduceAdd(magnitude);
}

// Calls body(area, first, rows) for the tile rows of a chunk in each image: `area` the pixels of the result under them,
// not yet clipped, `first` the number of their first tile in the chunk.
template <int Out, class Body>
INLINE void forEachImage(const WinogradGrid& grid, const Chunk& chunk, Body body) {
  const int64_t end = chunk.row + chunk.rows;
  for (int64_t row = chunk.row; row < end;) {
    const int64_t y = row % grid.tilesY, rows = smallest(end - row, grid.tilesY - y);
    const Area area = {row / grid.tilesY, y * Out, chunk.col * Out, rows * Out, chunk.cols * Out};
    body(area, (row - chunk.row) * chunk.cols, rows);
    row += rows;
  }
}

INLINE Area clipped(const Sum3x3& s, Area area) {
  area.h = smallest(area.h, s.resultH - area.y);
  area.w = smallest(area.w, s.resultW - area.x);
  return area;
}

// Transforms the patches of a chunk in one block of source channels into V. Returns the sum of their absolute values.
template <int Out>
INLINE float transformSource(const Sum3x3& s, const WinogradGrid& grid, const Chunk& chunk, int64_t block, float* v,
                             float* pixels) {
  const int64_t tiles = tilesOf(chunk), step = patchStep(s.channels, tiles);
  V magnitude = zero();
  forEachImage<Out>(grid, chunk, [&](const Area& area, int64_t first, int64_t rows) {
    const Area window = {area.image, area.y + s.top, area.x + s.left, area.h + 2, area.w + 2};
    loadArea(s, window, block * kBlock, pixels);
    const int64_t rowStep = window.w * kBlock;
    float* to = v + (block * tiles + first) * kBlock;
    for (int64_t y = 0; y < rows; y++) {
      for (int64_t x = 0; x < chunk.cols; x++, to += kBlock) {
        const float* patch = pixels + (y * window.w + x) * Out * kBlock;
        for (int c = 0; c < kBlock; c += kWidth) transformPatch<Out>(patch + c, rowStep, to + c, step, magnitude);
      }
    }
  });
  return reduceAdd(magnitude);
}

// Transforms the product M of a chunk and a panel back.
template <int Out>
INLINE void storeResult(const Sum3x3& s, const WinogradGrid& grid, const Chunk& chunk, int64_t panel, const float* m,
                        float* pixels) {
  constexpr int64_t kPart = kTileCols < kBlock ? kTileCols : kBlock;  // channels of the panel that go into one pixel
  const int64_t step = productStep(tilesOf(chunk)), end = smallest(s.rows, (panel + 1) * kTileCols);
  for (int64_t channel = panel * kTileCols; channel < end; channel += kPart, m += kPart) {
    const int64_t channels = smallest(kPart, end - channel);
    forEachImage<Out>(grid, chunk, [&](const Area& whole, int64_t first, int64_t rows) {
      const Area area = clipped(s, whole);
      const int64_t rowStep = area.w * kBlock;
      for (int64_t c = 0; c < channels; c += kWidth) {
        const V bias = s.bias ? loadUpTo(s.bias + channel + c, channels - c) : zero();
        const float* tile = m + first * kTileCols + c;
        for (int64_t y = 0; y < rows; y++) {
          for (int64_t x = 0; x < chunk.cols; x++, tile += kTileCols) {
            float* corner = pixels + (y * area.w + x) * Out * kBlock + c;
            const int64_t height = area.h - y * Out, width = smallest(Out, area.w - x * Out);
            transformProduct<Out>(tile, step, bias, [&](int i, const V(&row)[Out]) {
              if (i < height) storeTileRow<Out>(row, corner + i * rowStep, width);
            });
          }
        }
      }
      storeArea(s, area, channel, channels, pixels);
    });
  }
}

// The result of one panel of a chunk from M, or without it if the numbers were too large for the transforms.
template <int Out>
INLINE void finishChunk(const Sum3x3& s, const WinogradGrid& grid, const Chunk& chunk, int64_t panel, bool tame,
                        const float* m, float* pixels) {
  if (tame) return storeResult<Out>(s, grid, chunk, panel, m, pixels);
  const int64_t row = panel * kTileCols, rowEnd = smallest(s.rows, row + kTileCols);
  forEachImage<Out>(grid, chunk,
                    [&](const Area& area, int64_t, int64_t) { sumArea(s, clipped(s, area), row, rowEnd); });
}

INLINE float total(const float* values, int64_t count) {
  float sum = 0;
  for (int64_t i = 0; i < count; i++) sum += values[i];
  return sum;
}

// One chunk for all panels.
template <int Out>
INLINE void runChunk(const Sum3x3& s, const WinogradGrid& grid, int64_t item, const float* magnitudes, const float* u,
                     float* local) {
  const Chunk chunk = chunkAt(grid, item);
  float* v = local;
  float* m = v + patchFloats<Out>(s, grid);
  float* step = m + productFloats<Out>(grid);
  float magnitude = 0;
  for (int64_t block = 0; block < grid.blocks; block++)
    magnitude += transformSource<Out>(s, grid, chunk, block, v, step);
  for (int64_t panel = 0; panel < grid.panels; panel++, u += kernelFloats<Out>(s, grid)) {
    const bool tame = isTame(magnitude, total(magnitudes + panel * grid.blocks, grid.blocks));
    const int64_t cols = s.rows - panel * kTileCols;
    if (tame) multiplyPoints(v, s.channels, u, 0, s.channels, kPoints<Out>, tilesOf(chunk), cols, m);
    finishChunk<Out>(s, grid, chunk, panel, tame, m, step);
  }
}

// One panel for all chunks.
template <int Out>
INLINE void runPanel(const Sum3x3& s, const WinogradGrid& grid, int64_t panel, const float* magnitudes, const float* v,
                     float* local) {
  const int64_t patches = patchFloats<Out>(s, grid), products = productFloats<Out>(grid);
  float* u = local;
  float* m = u + kernelFloats<Out>(s, grid);
  float* step = m + grid.chunks * products;
  float magnitude = 0;
  for (int64_t first = 0; first < grid.blocks; first += grid.blocksAtOnce) {
    const int64_t end = smallest(grid.blocks, first + grid.blocksAtOnce);
    const int64_t begin = first * kBlock, channels = smallest(s.channels, end * kBlock) - begin;
    for (int64_t block = first; block < end; block++)
      magnitude += transformWeights<Out>(s, panel, block, u + (block - first) * kBlock * kTileCols,
                                         kernelStep(channels), step);
    for (int64_t i = 0; i < grid.chunks; i++)
      multiplyPoints(v + i * patches, s.channels, u, begin, begin + channels, kPoints<Out>, tilesOf(chunkAt(grid, i)),
                     s.rows - panel * kTileCols, m + i * products);
  }
  for (int64_t i = 0; i < grid.chunks; i++) {
    const bool tame = isTame(magnitude, total(magnitudes + i * grid.blocks, grid.blocks));
    finishChunk<Out>(s, grid, chunkAt(grid, i), panel, tame, m + i * products, step);
  }
}

template <int Out>
INLINE void runWinograd(const Sum3x3& s, int phase, Range range, const Workspace& workspace) {
  const WinogradGrid grid = winogradGrid<Out>(s);
  float* magnitudes = workspace.shared;
  float* shared = magnitudes + magnitudeFloats(grid);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t index = item / grid.blocks, block = item % grid.blocks;
    if (phase == 0 && grid.byPanel) {
      float* v = shared + index * patchFloats<Out>(s, grid);
      magnitudes[item] = transformSource<Out>(s, grid, chunkAt(grid, index), block, v, workspace.local);
    } else if (phase == 0) {
      float* u = shared + index * kernelFloats<Out>(s, grid) + block * kBlock * kTileCols;
      magnitudes[item] = transformWeights<Out>(s, index, block, u, kernelStep(s.channels), workspace.local);
    } else if (grid.byPanel) {
      runPanel<Out>(s, grid, item, magnitudes, shared, workspace.local);
    } else {
      runChunk<Out>(s, grid, item, magnitudes, shared, workspace.local);
    }
  }
}

}  // namespace
}  // namespace ISA
