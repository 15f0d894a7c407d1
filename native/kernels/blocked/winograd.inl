// 3x3 sums with stride 1 on blocked tensors by Winograd's algorithm (winograd_transforms.inl), kernels transformed
// beforehand. Fused: a chunk of tiles is transformed, multiplied panel by panel and transformed back, and neither V nor
// M leaves the second level cache. Pixels lie as the transforms want them, so nothing is converted on the way.
//
// Packed weights: bias, the sum of absolute weights of each panel, then panels as [point][source channel][kTileCols]
// (winograd_product.inl). A panel with NaN, infinity or huge weights, which a transform would spread over the whole
// tile, holds its weights as direct.inl packs them instead.
#pragma once
#include "kernels/blocked/direct.inl"
#include "kernels/winograd.inl"

namespace ISA {
namespace {

// A tensor that fits a second level cache may still be there when it is wanted; asking for it again costs 5 to 10
// percent.
constexpr int64_t kNearFloats = 1 << 18;

// Tiles of a chunk: those of one row panel of the products. Kernels beyond the second level cache come from the third at
// 4.6 bytes a cycle, which 14 rows use up; chunks of 8, such as half of an image of 16 tiles, would wait for them twice,
// so up to so many tiles stay together.
constexpr int64_t kChunkTiles = 14, kMostChunkTiles = 20;
constexpr int64_t kFarKernels = 1 << 18;

INLINE bool is3x3(const Axis& axis) { return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1; }
// Where the window of the first result begins in the source.
INLINE int64_t firstTap(const BlockedSum& s, const Axis& axis) { return s.gradient ? axis.pad - 2 : -axis.pad; }
INLINE int64_t blocksOf(const BlockedSum& s) { return ceilDiv(s.channels, kBlock); }

struct BlockedTiles {
  int64_t tilesY, tilesX, tiles;  // of an image; of all
  int64_t chunks, mostTiles;
  int64_t panels, panelParts;     // an item is a chunk and a part of the panels
  bool shared;                    // several items share V, which a phase of its own makes
};

// The sum as the eager Winograd sees it, for packing and for what it costs.
INLINE Sum3x3 sum3x3(const BlockedSum& s, const float* weight) {
  Sum3x3 t = {};
  const WeightSteps w = weightSteps(s);
  t.weight = weight;
  t.weightRow = w.row;
  t.weightChannel = w.channel;
  t.images = s.to.n;
  t.rows = s.rows;
  t.channels = s.channels;
  t.sourceH = s.from.h;
  t.sourceW = s.from.w;
  t.resultH = s.to.h;
  t.resultW = s.to.w;
  t.top = firstTap(s, s.y);
  t.left = firstTap(s, s.x);
  t.flipped = s.gradient;
  return t;
}

template <int Out>
INLINE BlockedTiles blockedTiles(const BlockedSum& s) {
  BlockedTiles grid = {};
  grid.tilesY = ceilDiv(s.to.h, Out);
  grid.tilesX = ceilDiv(s.to.w, Out);
  grid.tiles = s.to.n * grid.tilesY * grid.tilesX;
  grid.panels = ceilDiv(s.rows, kTileCols);
  const bool isFar = grid.panels * kPoints<Out> * kernelStep(s.channels) > kFarKernels;
  grid.chunks = isFar && grid.tiles <= kMostChunkTiles ? 1 : largest(1, ceilDiv(grid.tiles, kChunkTiles));
  grid.mostTiles = ceilDiv(grid.tiles, grid.chunks);
  grid.shared = grid.chunks < 8;
  grid.panelParts = grid.shared ? smallest(grid.panels, ceilDiv(8, grid.chunks)) : 1;
  return grid;
}

// A panel as direct.inl reads it, taps in the order of the sum.
INLINE void packTapsInOrder(const BlockedSum& s, const float* weight, int64_t panel, float* to, float* taps) {
  const int64_t width = panelWidth(s, panel);
  for (int64_t channel = 0; channel < s.channels; channel += kBlock) {
    const int64_t channels = smallest(kBlock, s.channels - channel);
    loadTaps(s, weight, 0, panel, channel, channels, taps);
    for (int64_t tap = 0; tap < 9; tap++) {
      for (int64_t k = 0; k < channels; k++, to += width)
        copyRow(to, taps + (k * 9 + (s.gradient ? 8 - tap : tap)) * width, width);
    }
  }
}

template <int Out>
INLINE int64_t panelFloats(const BlockedSum& s) {
  return kPoints<Out> * kernelStep(s.channels);
}
template <int Out>
INLINE int64_t packedWinogradFloats(const BlockedSum& s) {
  const int64_t panels = ceilDiv(s.rows, kTileCols);
  const int64_t kernels = elements(panels, kPoints<Out>, s.channels, kTileCols + kPointGap);
  return kernels < 0 ? kInvalid : paddedRows(s) + aligned(panels) + panels * panelFloats<Out>(s);
}

// Items of packing are panels; the first one does the bias as well.
template <int Out>
INLINE Work planPackWinograd(const BlockedSum& s) {
  Work work = parallel(ceilDiv(s.rows, kTileCols), 1, static_cast<double>(s.rows) * s.channels * kPoints<Out>);
  work.localFloats = largest(kTapFloats, 9 * kTapPanel);
  return work;
}

template <int Out>
INLINE void runPackWinograd(const BlockedSum& s, const float* weight, const float* bias, float* packed, Range range,
                            const Workspace& workspace) {
  const Sum3x3 sum = sum3x3(s, weight);
  float* magnitudes = packed + paddedRows(s);
  if (range.begin == 0) packBias(s, bias, packed);
  for (int64_t panel = range.begin; panel < range.end; panel++) {
    float* kernels = magnitudes + aligned(ceilDiv(s.rows, kTileCols)) + panel * panelFloats<Out>(s);
    fillRow(kernels, panelFloats<Out>(s), 0);
    magnitudes[panel] = 0;
    for (int64_t c = 0; c < s.channels; c += kBlock)
      magnitudes[panel] += transformWeights<Out>(sum, panel, c / kBlock, kernels + c * kTileCols,
                                                 kernelStep(s.channels), workspace.local);
    if (!isTame(0, magnitudes[panel])) packTapsInOrder(s, weight, panel, kernels, workspace.local);
  }
}

// The kernels of a panel as direct.inl packs them, recovered from their transforms. Points 0 and infinity hold the
// outer taps, a point and its negative differ by the middle one.
template <int Out>
__attribute__((noinline)) void recoverWeights(const BlockedSum& s, const float* u, int64_t width, float* to) {
  constexpr int kSide = Out + 2;
  constexpr double kMiddle = Out == 4 ? 0.5 / kNear : 0.5;
  const int64_t step = kernelStep(s.channels);
  const auto point = [&](int i, int j) { return u + (i * kSide + j) * step; };
  for (int64_t c = 0; c < s.channels; c += kBlock) {
    const int64_t channels = smallest(kBlock, s.channels - c);
    for (int64_t k = 0; k < channels; k++) {
      for (int64_t lane = 0; lane < width; lane++) {
        const int64_t at = (c + k) * kTileCols + lane;
        const auto tap = [&](int i, int q) {
          const double zero = point(i, 0)[at];
          const double one = (static_cast<double>(point(i, 1)[at]) - point(i, 2)[at]) * kMiddle;
          return q == 0 ? zero : q == 1 ? one : static_cast<double>(point(i, kSide - 1)[at]);
        };
        for (int q = 0; q < 3; q++) {
          const double rows[3] = {tap(0, q), (tap(1, q) - tap(2, q)) * kMiddle, tap(kSide - 1, q)};
          for (int p = 0; p < 3; p++)
            to[(c * 9 + (p * 3 + q) * channels + k) * width + lane] = static_cast<float>(rows[p]);
        }
      }
    }
  }
}

// A tile of the result: its image and its corner.
struct TilePlace {
  int64_t image, y, x;
};
template <int Out>
INLINE TilePlace tilePlace(const BlockedTiles& grid, int64_t tile) {
  const int64_t row = tile / grid.tilesX;
  return {row / grid.tilesY, row % grid.tilesY * Out, tile % grid.tilesX * Out};
}

// The Side x Side pixels of a block of an image from (y, x) on. If they run over the border, as at the right and the
// bottom of images that are no multiple of a tile, they are copied together with the zeros they lack.
template <int Side>
INLINE const float* patchAt(const Blocked& b, const float* block, int64_t y, int64_t x, float* copy, int64_t* rowStep) {
  const int64_t halo = b.halo;
  if (y >= -halo && x >= -halo && y + Side <= b.h + halo && x + Side <= b.w + halo) {
    *rowStep = b.row;
    return block + (y + halo) * b.row + (x + halo) * kBlock;
  }
  *rowStep = Side * kBlock;
  fillRow(copy, Side * Side * kBlock, 0);
  const int64_t low = largest(x, -halo), high = smallest(x + Side, b.w + halo);
  for (int64_t i = largest(y, -halo); i < smallest(y + Side, b.h + halo) && low < high; i++)
    copyRow(copy + ((i - y) * Side + low - x) * kBlock, block + (i + halo) * b.row + (low + halo) * kBlock,
            (high - low) * kBlock);
  return copy;
}

// Transforms tiles [begin, end) of one block of source channels into V. Returns the sum of their absolute values.
template <int Out>
INLINE float transformTiles(const BlockedSum& s, const BlockedTiles& grid, int64_t begin, int64_t end, int64_t block,
                            float* v, float* copy) {
  const int64_t tiles = end - begin, step = patchStep(s.channels, tiles);
  const int64_t top = firstTap(s, s.y), left = firstTap(s, s.x);
  float* to = v + block * tiles * kBlock;
  V magnitude = zero();
  for (int64_t tile = begin; tile < end; tile++, to += kBlock) {
    const TilePlace at = tilePlace<Out>(grid, tile);
    int64_t rowStep;
    const float* patch = patchAt<Out + 2>(s.from, s.source + at.image * s.from.image + block * s.from.plane,
                                          at.y + top, at.x + left, copy, &rowStep);
    for (int c = 0; c < kBlock; c += kWidth) transformPatch<Out>(patch + c, rowStep, to + c, step, magnitude);
  }
  return reduceAdd(magnitude);
}

// Rows of a tile through the epilogue into the result.
template <int Out>
INLINE void storeTiles(const BlockedSum& s, const BlockedTiles& grid, int64_t begin, int64_t end, int64_t panel,
                       const float* m) {
  const Epilogue& e = s.epilogue;
  const int64_t step = productStep(end - begin), first = panel * kTileCols;
  const int64_t channelEnd = smallest(paddedRows(s), first + kTileCols);
  for (int64_t channel = first; channel < channelEnd; channel += kWidth) {
    const V bias = load(s.packed + channel), slope = slopeOf(e, channel, s.rows);
    const float* product = m + channel - first;
    for (int64_t tile = begin; tile < end; tile++, product += kTileCols) {
      const TilePlace at = tilePlace<Out>(grid, tile);
      float* corner = s.result + pixelAt(s.to, at.image, channel / kBlock, at.y, at.x) + channel % kBlock;
      const float* rest = residualAt(e, at.image, channel / kBlock, at.y, at.x);
      const int64_t height = s.to.h - at.y, width = smallest(Out, s.to.w - at.x);
      transformProduct<Out>(product, step, bias, [&](int i, V(&row)[Out]) {
        if (i >= height) return;
        float* result = corner + i * s.to.row;
        const float* residual = rest ? rest + i * e.rest.row + channel % kBlock : nullptr;
        const auto addResidual = [&] {
#pragma GCC unroll 4
          for (int j = 0; j < Out; j++)
            if (j < width) row[j] = add(row[j], load(residual + j * kBlock));
        };
        if (residual && !e.residualAfter) addResidual();
        activateCheap(e, row, slope);
        const bool late = residual && e.residualAfter;
        if (late && isCheap(e.activation)) addResidual();
        storeTileRow<Out>(row, result, width);
        if (!isCheap(e.activation)) activateStored(e.activation, result, late ? residual : nullptr, width, kBlock, kWidth);
      });
    }
  }
}

// The same results by direct summation, for pixels and weights that the transforms cannot take.
__attribute__((noinline)) void sumTiles(const BlockedSum& s, const BlockedTiles& grid, int64_t side, int64_t begin,
                                        int64_t end, int64_t panel, const float* weights) {
  Taps y = {}, x = {};
  y.count = x.count = 3;
  y.tapStep = x.tapStep = x.stride = x.outputStep = 1;
  const TileShape shape = tileShape(s, y, x);
  const int64_t top = firstTap(s, s.y), left = firstTap(s, s.x);
  for (int64_t index = begin; index < end; index++) {
    const int64_t row = index / grid.tilesX, image = row / grid.tilesY, cornerX = index % grid.tilesX * side;
    const int64_t cornerY = row % grid.tilesY * side;
    for (int64_t i = cornerY; i < smallest(s.to.h, cornerY + side); i++) {
      Tile tile = {};
      tile.pixels = smallest(side, s.to.w - cornerX);
      tile.channel = panel * kTileCols;
      tile.channels = s.rows;
      tile.source = s.source + pixelAt(s.from, image, 0, i + top, cornerX + left);
      tile.weights = weights;
      tile.bias = s.packed + tile.channel;
      tile.result = s.result + pixelAt(s.to, image, tile.channel / kBlock, i, cornerX) + tile.channel % kBlock;
      tile.residual = residualAt(s.epilogue, image, tile.channel / kBlock, i, cornerX);
      if (tile.residual) tile.residual += tile.channel % kBlock;
      computeTile(shape, tile, panelWidth(s, panel) / kWidth, s.rows - tile.channel);
    }
  }
}

// Transforms wait for pixels that are not in the caches, products do not: between products the lines are asked for that
// the transforms will want. Worth 10 to 20 percent where tensors exceed the second level cache, as long as finding the
// lines costs nothing: a product takes some 900 cycles and a division 15, so places are found once a tile.
struct LineWalk {
  const float* tile;  // first pixel of the current tile in the first block
  int64_t at, end;    // tiles
  int64_t block, blocks, row, rows;
};

// Asks for the next `count` rows of `Out` pixels, tile after tile, and in each block after block.
template <int Out, int Write, class Place>
INLINE void askForRows(LineWalk& walk, const Blocked& b, int64_t count, Place place) {
  for (; count > 0 && walk.at < walk.end; count--) {
    const float* pixel = walk.tile + walk.block * b.plane + walk.row * b.row;
#pragma GCC unroll 4
    for (int i = 0; i < Out; i++) __builtin_prefetch(pixel + i * kBlock, Write, 2);
    if (++walk.row < walk.rows) continue;
    walk.row = 0;
    if (++walk.block < walk.blocks) continue;
    walk.block = 0;
    if (++walk.at < walk.end) walk.tile = place(walk.at);
  }
}

// The workspace. Shared, if items share V: the magnitudes of each chunk's blocks, then V of all chunks. Local: V if it
// is not shared, M, and room for a patch or for the recovered weights of a panel.
template <int Out>
INLINE int64_t patchFloats(const BlockedSum& s, const BlockedTiles& grid) {
  return kPoints<Out> * patchStep(s.channels, grid.mostTiles);
}

// Phases: the border of the result; V, if it is shared; the rest.
template <int Out>
INLINE Work planBlockedWinograd(const BlockedSum& s) {
  const BlockedTiles grid = blockedTiles<Out>(s);
  const int64_t blocks = blocksOf(s), patches = patchFloats<Out>(s, grid);
  Work work = parallel(s.to.halo > 0 ? s.to.n * s.to.blocks : 0, 16, multiplyAdds(s) / (Out == 4 ? 4 : 2));
  thenParallel(work, grid.shared ? grid.chunks * blocks : 0, 1);
  thenParallel(work, grid.chunks * grid.panelParts, 1);
  work.sharedFloats = grid.shared ? aligned(grid.chunks * blocks) + grid.chunks * patches : 0;
  work.localFloats = (grid.shared ? 0 : patches) + kPoints<Out> * productStep(grid.mostTiles) +
                     largest(9 * s.channels * kTileCols, kPoints<Out> * kBlock);
  return work;
}

template <int Out>
INLINE void runWinogradItem(const BlockedSum& s, const BlockedTiles& grid, int64_t item, const Workspace& workspace) {
  const int64_t chunk = item / grid.panelParts, part = item % grid.panelParts, blocks = blocksOf(s);
  const int64_t begin = partBegin(grid.tiles, grid.chunks, chunk), end = partBegin(grid.tiles, grid.chunks, chunk + 1);
  const int64_t vFloats = patchFloats<Out>(s, grid);
  float* v = grid.shared ? workspace.shared + aligned(grid.chunks * blocks) + chunk * vFloats : workspace.local;
  float* m = workspace.local + (grid.shared ? 0 : vFloats);
  float* scratch = m + kPoints<Out> * productStep(grid.mostTiles);
  float magnitude = 0;
  for (int64_t block = 0; block < blocks; block++)
    magnitude += grid.shared ? workspace.shared[chunk * blocks + block]
                             : transformTiles<Out>(s, grid, begin, end, block, v, scratch);

  const float* magnitudes = s.packed + paddedRows(s);
  const float* kernels = magnitudes + aligned(grid.panels);
  const int64_t firstPanel = partBegin(grid.panels, grid.panelParts, part);
  const int64_t endPanel = partBegin(grid.panels, grid.panelParts, part + 1);
  const int64_t nextEnd = chunk + 1 < grid.chunks ? partBegin(grid.tiles, grid.chunks, chunk + 2) : end;
  const int64_t top = firstTap(s, s.y), left = firstTap(s, s.x);
  const auto patchOf = [&](int64_t tile) {
    const TilePlace at = tilePlace<Out>(grid, tile);
    return s.source + pixelAt(s.from, at.image, 0, at.y + top, at.x + left);
  };
  // the patches of the next chunk, a part of their rows at each point of each panel
  LineWalk patches = {patchOf(end), end, nextEnd, 0, blocks, 0, Out + 2};
  const int64_t points = (endPanel - firstPanel) * kPoints<Out>;
  const int64_t patchRows = ceilDiv((nextEnd - end) * blocks * (Out + 2), largest(1, points));
  const bool isFarIn = !grid.shared && nextEnd > end && s.from.n * s.from.image > kNearFloats;
  const bool isFarOut = s.to.n * s.to.image > kNearFloats;
  for (int64_t panel = firstPanel; panel < endPanel; panel++) {
    const float* u = kernels + panel * panelFloats<Out>(s);
    if (isTame(magnitude, magnitudes[panel])) {
      // and what the transforms of this panel will write
      const int64_t block = panel * kTileCols / kBlock, resultBlocks = ceilDiv(panelWidth(s, panel), kBlock);
      const auto resultOf = [&](int64_t tile) {
        const TilePlace at = tilePlace<Out>(grid, tile);
        return s.result + pixelAt(s.to, at.image, block, at.y, at.x);
      };
      LineWalk results = {resultOf(begin), begin, end, 0, resultBlocks, 0, Out};
      const int64_t resultRows = ceilDiv((end - begin) * resultBlocks * Out, kPoints<Out>);
      multiplyPoints(v, s.channels, u, 0, s.channels, kPoints<Out>, end - begin, panelWidth(s, panel), m,
                     [&](int64_t) __attribute__((always_inline)) {
                       if (isFarIn) askForRows<Out, 0>(patches, s.from, patchRows, patchOf);
                       if (isFarOut) askForRows<Out, 1>(results, s.to, resultRows, resultOf);
                     });
      storeTiles<Out>(s, grid, begin, end, panel, m);
    } else {
      const bool isTransformed = isTame(0, magnitudes[panel]);
      if (isTransformed) recoverWeights<Out>(s, u, panelWidth(s, panel), scratch);
      sumTiles(s, grid, Out, begin, end, panel, isTransformed ? scratch : u);
    }
  }
}

template <int Out>
INLINE void runBlockedWinograd(const BlockedSum& s, int phase, Range range, const Workspace& workspace) {
  const BlockedTiles grid = blockedTiles<Out>(s);
  const int64_t blocks = blocksOf(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      zeroBorder(s.to, s.result, item / s.to.blocks, item % s.to.blocks, 0, s.to.h);
    } else if (phase == 1) {
      const int64_t chunk = item / blocks, block = item % blocks;
      float* v = workspace.shared + aligned(grid.chunks * blocks) + chunk * patchFloats<Out>(s, grid);
      workspace.shared[item] =
          transformTiles<Out>(s, grid, partBegin(grid.tiles, grid.chunks, chunk),
                              partBegin(grid.tiles, grid.chunks, chunk + 1), block, v, workspace.local);
    } else {
      runWinogradItem<Out>(s, grid, item, workspace);
    }
  }
}

}  // namespace
}  // namespace ISA
