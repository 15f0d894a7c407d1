// 3x3 sums with stride 2 on blocked tensors by Winograd's algorithm (winograd_strided_transforms.inl).
//
// Forward, the source consists of four kinds of pixels, of even and odd rows and columns as the taps see them; each meets
// its own taps, and the products of all kinds are added up at the points. In the gradient of the input it is the result
// that has four kinds of pixels: one transformed source meets the taps of each. A tile of the gradient is 8 x 8 pixels, of
// which the kinds make 4 x 4 each: a pair of taps reaches the pixels of dy one before, which aligns them.
//
//   source ──► V [kind][point of 25][block][tile][16], of a chunk of tiles
//   taps   ──► U [point][32 source channels][kTileCols], of a kind in a panel of result channels
//   M [point of 25][tile][kTileCols] += V U, channels by channels, kind by kind ──► result
//
// Kernels are transformed as they are used. Kept, they would be 81 numbers for nine weights, to be fetched from memory, and
// in training to be written there in each step; made for 128 tiles at once, they cost 230 cycles a vector beside 10,368 of
// products and never leave the second level cache, and neither does M, 400 KiB. V comes from the third, in long runs.
//
// Packed weights: bias and taps as direct.inl reads them, then the sum of absolute weights of each panel.
#pragma once
#include "kernels/blocked/winograd.inl"
#include "kernels/blocked/winograd_strided_transforms.inl"

namespace ISA {
namespace {

// Tiles that meet a kernel at once.
constexpr int64_t kStridedChunk = 128;
// How far ahead pixels are asked for.
constexpr int64_t kTilesAhead = 3;
// Chunks of which V is shared: more of them are items enough, and transform their own.
constexpr int64_t kFewChunks = 4;

INLINE bool isStrided3x3(const Axis& axis) { return axis.kernel == 3 && axis.stride == 2 && axis.dilation == 1; }

// Whole blocks of source channels, since the products of all kinds run over them.
INLINE bool isStridedSum(const BlockedSum& s) {
  return s.groups == 1 && isStrided3x3(s.y) && isStrided3x3(s.x) && s.channels % kBlock == 0;
}

// Whether every result sees a pixel: one that sees none is its bias, not what the tile around it rounds to.
INLINE bool seesPixels(const BlockedSum& s, const Axis& axis) {
  if (axis.pad > 2) return false;
  if (s.gradient) return axis.source + axis.pad - 1 <= 2 * axis.output;
  return 2 * (axis.output - 1) - axis.pad < axis.source;
}

// Pixels of the result along a side of a tile.
INLINE int64_t tileSide(const BlockedSum& s) { return (s.gradient ? 2 : 1) * kStridedOut; }
// The first pixel of dy that the first tile of the gradient reads: the last one that reaches it no later than pixel 0.
INLINE int64_t firstWindow(const Axis& axis) { return axis.pad == 0 ? -1 : 0; }
// The first result of the first tile.
INLINE int64_t firstResult(const BlockedSum& s, const Axis& axis) {
  return s.gradient ? 2 * firstWindow(axis) + 1 - axis.pad : 0;
}
// The first pixel of a kind in the source, forward, or in the result; its next ones are two further each.
INLINE int64_t firstOfKind(const BlockedSum& s, const Axis& axis, bool single) {
  if (!s.gradient) return (single ? 1 : 0) - axis.pad;
  return firstResult(s, axis) + (single ? 0 : 1);
}

INLINE int64_t sourceKinds(const BlockedSum& s) { return s.gradient ? 1 : kKinds; }

// V of a kind, and M, for so many tiles.
INLINE int64_t stridedPatchFloats(const BlockedSum& s, int64_t tiles) {
  return kStridedPoints * patchStep(s.channels, tiles);
}
INLINE int64_t stridedProductFloats(int64_t tiles) { return kStridedPoints * productStep(tiles); }

INLINE BlockedTiles stridedTiles(const BlockedSum& s) {
  BlockedTiles grid = {};
  grid.tilesY = ceilDiv(s.to.h - firstResult(s, s.y), tileSide(s));
  grid.tilesX = ceilDiv(s.to.w - firstResult(s, s.x), tileSide(s));
  grid.tiles = s.to.n * grid.tilesY * grid.tilesX;
  grid.panels = panelsOf(s);
  grid.chunks = largest(1, ceilDiv(grid.tiles, kStridedChunk));
  grid.mostTiles = ceilDiv(grid.tiles, grid.chunks);
  grid.shared = grid.chunks < kFewChunks;
  grid.panelParts = grid.shared ? grid.panels : 1;
  return grid;
}

INLINE int64_t packedStridedFloats(const BlockedSum& s) {
  const int64_t direct = packedDirectFloats(s);
  return direct < 0 ? kInvalid : aligned(direct) + aligned(panelsOf(s));
}
INLINE int64_t stridedMagnitudesAt(const BlockedSum& s) { return aligned(packedDirectFloats(s)); }

template <int PointsY, int PointsX>
struct KindSides {
  static constexpr int kY = PointsY, kX = PointsX;
};

// Calls body with the KindSides of a kind.
template <class Body>
INLINE void withSides(int64_t kind, Body body) {
  switch (kind) {
    case 0: return body(KindSides<kPairPoints, kPairPoints>{});
    case 1: return body(KindSides<kPairPoints, kSinglePoints>{});
    case 2: return body(KindSides<kSinglePoints, kPairPoints>{});
    default: return body(KindSides<kSinglePoints, kSinglePoints>{});
  }
}

// Items of packing are panels; the first one does the bias as well.
INLINE Work planPackStrided(const BlockedSum& s) {
  Work work = parallel(panelsOf(s), 1, static_cast<double>(groupFloats(s)));
  work.localFloats = 9 * kTapPanel;
  return work;
}

INLINE void runPackStrided(const BlockedSum& s, const float* weight, const float* bias, float* packed, Range range,
                           const Workspace& workspace) {
  if (range.begin == 0) packBias(s, bias, packed);
  for (int64_t panel = range.begin; panel < range.end; panel++) {
    V magnitude = zero();
    for (int64_t c = 0; c < s.channels; c += kBlock) {
      loadTaps(s, weight, 0, panel, c, kBlock, workspace.local);
      dealChannels(s, workspace.local, 0, panel, c, kBlock, kBlock, {packed, false});
      for (int64_t i = 0; i < kBlock * 9 * panelWidth(s, panel); i += kWidth)
        magnitude = add(magnitude, abs(load(workspace.local + i)));
    }
    packed[stridedMagnitudesAt(s) + panel] = reduceAdd(magnitude);
  }
}

// A tile of the result: its image and where it stands in it.
struct StridedPlace {
  int64_t image, tileY, tileX;
};
INLINE StridedPlace stridedPlace(int64_t tilesY, int64_t tilesX, int64_t tile) {
  const int64_t row = tile / tilesX;
  return {row / tilesY, row % tilesY, tile % tilesX};
}
INLINE StridedPlace stridedPlace(const BlockedTiles& grid, int64_t tile) {
  return stridedPlace(grid.tilesY, grid.tilesX, tile);
}

// Asks for the 4 x 4 pixels of a kind from (y, x) on. A transform reads or writes 16 lines in as many runs, which the
// processor does not foresee: 5 to 10 percent where tensors exceed the second level cache.
template <int Write>
INLINE void askForPixels(const Blocked& b, const float* tensor, int64_t image, int64_t block, int64_t y, int64_t x,
                         int64_t stride) {
  const float* first = tensor + pixelAt(b, image, block, y, x);
#pragma GCC unroll 4
  for (int i = 0; i < kStridedOut; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < kStridedOut; j++)
      __builtin_prefetch(first + i * stride * b.row + j * stride * kBlock, Write, 3);
  }
}

// rows x cols pixels of a block of an image, `stride` apart, from (y, x) on; where they run over the border, a copy with
// the zeros they lack.
struct StridedPatch {
  const float* pixels;
  int64_t rowStep, pixelStep;
};
INLINE StridedPatch stridedPatchAt(const Blocked& b, const float* block, int64_t y, int64_t x, int64_t rows, int64_t cols,
                                   int64_t stride, float* copy) {
  const int64_t halo = b.halo, bottom = y + (rows - 1) * stride, right = x + (cols - 1) * stride;
  if (y >= -halo && x >= -halo && bottom < b.h + halo && right < b.w + halo)
    return {block + (y + halo) * b.row + (x + halo) * kBlock, stride * b.row, stride * kBlock};
  float* to = copy;
  for (int64_t i = 0; i < rows; i++) {
    const int64_t row = y + i * stride;
    for (int64_t j = 0; j < cols; j++, to += kBlock) {
      const int64_t col = x + j * stride;
      if (row >= -halo && row < b.h + halo && col >= -halo && col < b.w + halo) {
        copyRow(to, block + (row + halo) * b.row + (col + halo) * kBlock, kBlock);
      } else {
        fillRow(to, kBlock, 0);
      }
    }
  }
  return {copy, cols * kBlock, kBlock};
}

// Transforms tiles [begin, end) of a kind of source pixels, in blocks [firstBlock, endBlock), into V. Returns the sum of their
// absolute values.
INLINE float transformStridedTiles(const BlockedSum& s, const BlockedTiles& grid, int64_t kind, int64_t begin, int64_t end,
                                   int64_t firstBlock, int64_t endBlock, float* v, float* copy) {
  const int64_t tiles = end - begin, step = patchStep(s.channels, tiles);
  const int64_t stride = s.gradient ? 1 : 2;
  const int64_t top = s.gradient ? firstWindow(s.y) : firstOfKind(s, s.y, kind & 2);
  const int64_t left = s.gradient ? firstWindow(s.x) : firstOfKind(s, s.x, kind & 1);
  V magnitude = zero();
  withSides(kind, [&](auto sides) {
    for (int64_t block = firstBlock; block < endBlock; block++) {
      float* to = v + block * tiles * kBlock;
      for (int64_t tile = begin; tile < end; tile++, to += kBlock) {
        const StridedPlace next = stridedPlace(grid, smallest(tile + kTilesAhead, end - 1)), at = stridedPlace(grid, tile);
        askForPixels<0>(s.from, s.source, next.image, block, top + next.tileY * stride * kStridedOut,
                        left + next.tileX * stride * kStridedOut, stride);
        const StridedPatch patch = stridedPatchAt(s.from, s.source + at.image * s.from.image + block * s.from.plane,
                                                  top + at.tileY * stride * kStridedOut,
                                                  left + at.tileX * stride * kStridedOut, sides.kY, sides.kX, stride, copy);
        for (int c = 0; c < kBlock; c += kWidth)
          transformStridedPatch<sides.kY, sides.kX>(patch.pixels + c, patch.rowStep, patch.pixelStep, to + c, step, magnitude);
      }
    }
  });
  return reduceAdd(magnitude);
}

// M = V U for a kind, or M += V U if `adds`. V is that of the kind, U that of source channels [begin, end).
INLINE void multiplyKind(const BlockedSum& s, int64_t kind, const float* v, const float* u, int64_t begin, int64_t end,
                         bool adds, int64_t tiles, int64_t cols, float* m) {
  const int64_t vStep = patchStep(s.channels, tiles), mStep = productStep(tiles), uStep = kernelStep(end - begin);
  v += begin * tiles;
  const int64_t rows = pointsAlong(kind & 2), cells = pointsAlong(kind & 1);
  for (int64_t i = 0; i < rows; i++)
    multiplyEach(v + i * kPairPoints * vStep, vStep, u + i * cells * uStep, end - begin, adds, cells, tiles, cols,
                 m + i * kPairPoints * mStep, [](int64_t) {});
}

// What M has come to through the epilogue into the result: into all of its pixels, or those of a kind.
INLINE void storeStridedTiles(const BlockedSum& s, const BlockedTiles& grid, int64_t kind, int64_t begin, int64_t end,
                              int64_t panel, const float* m) {
  const Epilogue& e = s.epilogue;
  const int64_t step = productStep(end - begin), first = panel * kTileCols, apart = s.gradient ? 2 : 1;
  const int64_t top = s.gradient ? firstOfKind(s, s.y, kind & 2) : 0;
  const int64_t left = s.gradient ? firstOfKind(s, s.x, kind & 1) : 0;
  for (int64_t channel = first; channel < first + panelWidth(s, panel); channel += kWidth) {
    const V bias = load(s.packed + channel), slope = slopeOf(e, channel, s.rows);
    const float* product = m + channel - first;
    for (int64_t tile = begin; tile < end; tile++, product += kTileCols) {
      const StridedPlace next = stridedPlace(grid, smallest(tile + kTilesAhead, end - 1)), at = stridedPlace(grid, tile);
      askForPixels<1>(s.to, s.result, next.image, channel / kBlock, top + next.tileY * tileSide(s),
                      left + next.tileX * tileSide(s), apart);
      const int64_t y0 = top + at.tileY * tileSide(s), x0 = left + at.tileX * tileSide(s);
      const int64_t skipped = x0 < 0 ? ceilDiv(-x0, apart) : 0;
      const int64_t cols = smallest(kStridedOut, ceilDiv(s.to.w - x0, apart)) - skipped;
      if (cols <= 0) continue;
      withSides(s.gradient ? kind : 0, [&](auto sides) {
        transformStridedProduct<sides.kY, sides.kX>(product, step, bias, [&](int i, V(&row)[kStridedOut]) {
          const int64_t y = y0 + i * apart, x = x0 + skipped * apart;
          if (y < 0 || y >= s.to.h) return;
          float* result = s.result + pixelAt(s.to, at.image, channel / kBlock, y, x) + channel % kBlock;
          const float* residual = residualAt(e, at.image, channel / kBlock, y, x);
          const auto forEach = [&](auto body) {
#pragma GCC unroll 4
            for (int j = 0; j < kStridedOut; j++)
              if (j >= skipped && j < skipped + cols) body(row[j], (j - skipped) * apart * kBlock);
          };
          const auto addResidual = [&] {
            forEach([&](V& value, int64_t to) { value = add(value, load(residual + channel % kBlock + to)); });
          };
          if (residual && !e.residualAfter) addResidual();
          activateCheap(e, row, slope);
          const bool late = residual && e.residualAfter;
          if (late && isCheap(e.activation)) addResidual();
          forEach([&](V value, int64_t to) { store(result + to, value); });
          if (!isCheap(e.activation))
            activateStored(e.activation, result, late ? residual + channel % kBlock : nullptr, cols, apart * kBlock, kWidth);
        });
      });
    }
  }
}

// The positions of a set of taps whose results lie in [low, high).
struct PositionsWithin {
  int64_t begin, end;
};
INLINE PositionsWithin positionsWithin(const Taps& taps, int64_t low, int64_t high) {
  const auto before = [&](int64_t result) {
    return result <= taps.origin ? 0 : smallest(taps.positions, ceilDiv(result - taps.origin, taps.outputStep));
  };
  return {before(low), before(high)};
}

// The results of a tile by direct summation, for pixels and weights that the transforms cannot take.
__attribute__((noinline)) void sumStridedTile(const BlockedSum& s, const BlockedTiles& grid, int64_t index, int64_t panel) {
  const StridedPlace at = stridedPlace(grid, index);
  const int64_t side = tileSide(s), channel = panel * kTileCols;
  const int64_t top = firstResult(s, s.y) + at.tileY * side, left = firstResult(s, s.x) + at.tileX * side;
  for (int64_t originY = 0; originY < originsOf(s, s.y); originY++) {
    for (int64_t originX = 0; originX < originsOf(s, s.x); originX++) {
      const AxisTaps y = tapsAt(s, s.y, originY), x = tapsAt(s, s.x, originX);
      const PositionsWithin rows = positionsWithin(y.taps, top, top + side);
      const PositionsWithin cols = positionsWithin(x.taps, left, left + side);
      if (cols.begin >= cols.end) continue;
      const TileShape shape = tileShape(s, y.taps, x.taps);
      for (int64_t row = rows.begin; row < rows.end; row++) {
        const int64_t resultY = y.taps.origin + row * y.taps.outputStep;
        const int64_t resultX = x.taps.origin + cols.begin * x.taps.outputStep;
        Tile tile = {};
        tile.pixels = cols.end - cols.begin;
        tile.channel = channel;
        tile.channels = s.rows;
        tile.source = s.source + pixelAt(s.from, at.image, 0, row * y.taps.stride + y.taps.offset,
                                         cols.begin * x.taps.stride + x.taps.offset);
        tile.weights = s.packed + packedSet(s, 0, y, x) + channel * s.channels * y.taps.count * x.taps.count;
        tile.bias = s.packed + channel;
        tile.result = s.result + pixelAt(s.to, at.image, channel / kBlock, resultY, resultX) + channel % kBlock;
        tile.residual = residualAt(s.epilogue, at.image, channel / kBlock, resultY, resultX);
        if (tile.residual) tile.residual += channel % kBlock;
        computeTile(shape, tile, panelWidth(s, panel) / kWidth, s.rows - channel);
      }
    }
  }
}

// The taps of a kind in a panel, [block of source channels][tap of `count`][kBlock][width]: all of them forward, in the gradient
// those of a set of positions, where the further ones come first.
struct KindTaps {
  const float* taps;
  int64_t count, width;
  int64_t at[2][2];  // by the pixels they meet
};
INLINE KindTaps kindTaps(const BlockedSum& s, int64_t kind, int64_t panel) {
  KindTaps k = {};
  k.width = panelWidth(s, panel);
  const bool singleY = kind & 2, singleX = kind & 1;
  const auto originOf = [&](const Axis& axis, bool single) { return s.gradient ? firstOfKind(s, axis, single) & 1 : 0; };
  const AxisTaps y = tapsAt(s, s.y, originOf(s.y, singleY)), x = tapsAt(s, s.x, originOf(s.x, singleX));
  k.count = y.taps.count * x.taps.count;
  k.taps = s.packed + packedSet(s, 0, y, x) + panel * kTileCols * s.channels * k.count;
  for (int64_t i = 0; i < 2; i++) {
    for (int64_t j = 0; j < 2; j++) {
      const int64_t row = singleY ? y.taps.count / 2 : s.gradient ? 1 - i : 2 * i;
      const int64_t col = singleX ? x.taps.count / 2 : s.gradient ? 1 - j : 2 * j;
      k.at[i][j] = row * x.taps.count + col;
    }
  }
  return k;
}

// The kernels of source channels [begin, end) of a kind, as multiplyKind reads them. What follows is asked for: each tap is a
// stream of its own, more of them than the processor sees.
INLINE void transformKindTaps(const KindTaps& k, int64_t kind, int64_t begin, int64_t end, float* u) {
  const int64_t step = kernelStep(end - begin), tapStep = kBlock * k.width;
  withSides(kind, [&](auto sides) {
    using Sides = decltype(sides);
    for (int64_t channel = begin; channel < end; channel++, u += kTileCols) {
      const float* taps = k.taps + (channel / kBlock * k.count * kBlock + channel % kBlock) * k.width;
      for (int64_t lane = 0; lane < k.width; lane += kWidth)
        transformStridedKernels<Sides::kY, Sides::kX>(
            [&](int i, int j) {
              const float* tap = taps + k.at[i][j] * tapStep + lane;
              __builtin_prefetch(tap + k.count * tapStep, 0, 3);
              return load(tap);
            },
            u + lane, step);
    }
  });
}

// The workspace. Shared, where items share V: the sums of absolute values of each kind and block of pixels of each chunk,
// then V of all chunks. Local: V if it is not shared, M, and the kernels of kRun channels at the points of a kind, or a patch.
INLINE int64_t stridedChunkFloats(const BlockedSum& s, const BlockedTiles& grid) {
  return sourceKinds(s) * stridedPatchFloats(s, grid.mostTiles);
}

// Phases: the border of the result; V, if it is shared; the rest, an item being a chunk, of a panel if V is shared.
INLINE Work planStrided(const BlockedSum& s) {
  const BlockedTiles grid = stridedTiles(s);
  const int64_t transforms = grid.chunks * sourceKinds(s) * blocksOf(s), patches = stridedChunkFloats(s, grid);
  Work work = parallel(s.to.halo > 0 ? s.to.n * s.to.blocks : 0, 16, multiplyAdds(s) / 2);
  thenParallel(work, grid.shared ? transforms : 0, 1);
  thenParallel(work, grid.chunks * grid.panelParts, 1);
  work.sharedFloats = grid.shared ? aligned(transforms) + grid.chunks * patches : 0;
  work.localFloats =
      (grid.shared ? 0 : patches) + stridedProductFloats(grid.mostTiles) + kStridedPoints * kernelStep(kRun);
  return work;
}

// Tiles [begin, end) in a panel.
INLINE void runStridedPanel(const BlockedSum& s, const BlockedTiles& grid, int64_t begin, int64_t end, int64_t panel,
                            const float* v, float* m) {
  const int64_t tiles = end - begin;
  float* u = m + stridedProductFloats(tiles);
  for (int64_t kind = 0; kind < kKinds; kind++) {
    const KindTaps taps = kindTaps(s, kind, panel);
    const float* patches = v + (s.gradient ? 0 : kind) * stridedPatchFloats(s, tiles);
    for (int64_t channel = 0; channel < s.channels; channel += kRun) {
      const int64_t last = smallest(s.channels, channel + kRun);
      transformKindTaps(taps, kind, channel, last, u);
      multiplyKind(s, kind, patches, u, channel, last, channel > 0 || (!s.gradient && kind > 0), tiles,
                   panelWidth(s, panel), m);
    }
    if (s.gradient || kind == kKinds - 1) storeStridedTiles(s, grid, kind, begin, end, panel, m);
  }
}

INLINE void runStridedItem(const BlockedSum& s, const BlockedTiles& grid, int64_t item, const Workspace& workspace) {
  const int64_t chunk = item / grid.panelParts, blocks = blocksOf(s), kinds = sourceKinds(s);
  const int64_t begin = partBegin(grid.tiles, grid.chunks, chunk), end = partBegin(grid.tiles, grid.chunks, chunk + 1);
  const int64_t vFloats = stridedChunkFloats(s, grid);
  float* v = grid.shared ? workspace.shared + aligned(grid.chunks * kinds * blocks) + chunk * vFloats : workspace.local;
  float* m = workspace.local + (grid.shared ? 0 : vFloats);
  float magnitude = 0;
  if (grid.shared) {
    magnitude = total(workspace.shared + chunk * kinds * blocks, kinds * blocks);
  } else {
    for (int64_t kind = 0; kind < kinds; kind++)
      magnitude += transformStridedTiles(s, grid, kind, begin, end, 0, blocks,
                                         v + kind * stridedPatchFloats(s, end - begin), m);
  }
  const int64_t firstPanel = partBegin(grid.panels, grid.panelParts, item % grid.panelParts);
  const int64_t endPanel = partBegin(grid.panels, grid.panelParts, item % grid.panelParts + 1);
  for (int64_t panel = firstPanel; panel < endPanel; panel++) {
    if (isTame(magnitude, s.packed[stridedMagnitudesAt(s) + panel])) {
      runStridedPanel(s, grid, begin, end, panel, v, m);
    } else {
      for (int64_t tile = begin; tile < end; tile++) sumStridedTile(s, grid, tile, panel);
    }
  }
}

INLINE void runStrided(const BlockedSum& s, int phase, Range range, const Workspace& workspace) {
  const BlockedTiles grid = stridedTiles(s);
  const int64_t blocks = blocksOf(s), kinds = sourceKinds(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      zeroBorder(s.to, s.result, item / s.to.blocks, item % s.to.blocks, 0, s.to.h);
    } else if (phase == 1) {
      const int64_t chunk = item / (kinds * blocks), kind = item / blocks % kinds, block = item % blocks;
      const int64_t begin = partBegin(grid.tiles, grid.chunks, chunk), end = partBegin(grid.tiles, grid.chunks, chunk + 1);
      float* v = workspace.shared + aligned(grid.chunks * kinds * blocks) + chunk * stridedChunkFloats(s, grid);
      workspace.shared[item] = transformStridedTiles(s, grid, kind, begin, end, block, block + 1,
                                                     v + kind * stridedPatchFloats(s, end - begin), workspace.local);
    } else {
      runStridedItem(s, grid, item, workspace);
    }
  }
}

}  // namespace
}  // namespace ISA
