// The gradient of 3x3 weights with stride 2 by Winograd's algorithm: as in winograd_weight.inl, with the four kinds of taps
// and the points of winograd_strided_transforms.inl.
//
//   phase 0   an item: a block of channels    x, a kind of its pixels ──► V [kind][point][block][tile][16], shared
//                                             dy                      ──► D [point][block][tile][16], shared
//   phase 1   an item: a point                M of each kind that has it = V^T D over all tiles
//   phase 2   an item: a panel and a block    M of all points ──► taps
//
// Where tiles are few and weights many, M, nine times the weights, would go to memory and back. Then phase 1 ends it: an item
// is a panel, and M of a block, 166 KiB, stays in the second level cache on its way to taps.
//
// V and D are written once and read once, in long runs: from the third level cache or from memory they come as fast as the
// products use them, 64 + 128 channels of a point feeding 64 * 128 multiply-adds a tile. Their size is what bounds the
// number of tiles (kMostTransformed).
#pragma once
#include "kernels/blocked/winograd_strided.inl"
#include "kernels/blocked/winograd_weight_few.inl"

namespace ISA {
namespace {

// Tiles that registers sum over before the sum is added to M, as many for as small an error as in winograd_weight.inl.
constexpr int64_t kStridedRun = 64;
// 64 MiB.
constexpr int64_t kMostTransformed = int64_t{1} << 24;

INLINE bool isStridedWeightSum(const BlockedWeightSum& s) {
  return s.groups == 1 && isStrided3x3(s.y) && isStrided3x3(s.x);
}

struct StridedWeightGrid {
  int64_t tilesY, tilesX, tiles;          // of an image; of all images
  int64_t panels, blocks, gradientBlocks;  // panels of output channels; blocks of input and of output channels
  int64_t pointStep;                       // of M
  bool byPanel;                            // phase 1: otherwise point by point
  int64_t vStep, dStep;                    // between points of V and of D
  int64_t vAt, dAt, mAt;                   // in the shared workspace, behind the sums of absolute values
};

INLINE StridedWeightGrid stridedWeightGrid(const BlockedWeightSum& s) {
  StridedWeightGrid grid = {};
  grid.tilesY = ceilDiv(s.y.output, kStridedOut);
  grid.tilesX = ceilDiv(s.x.output, kStridedOut);
  grid.tiles = s.images * grid.tilesY * grid.tilesX;
  grid.panels = ceilDiv(s.rows, kTileCols);
  grid.blocks = ceilDiv(s.channels, kBlock);
  grid.gradientBlocks = ceilDiv(s.rows, kBlock);
  grid.pointStep = grid.panels * grid.blocks * kBlock * kTileCols + kPointGap;
  grid.byPanel = grid.tiles <= kFewTiles;
  if (grid.byPanel) grid.pointStep = kSumStep;
  grid.vStep = chunkStep(grid.blocks, grid.tiles);
  grid.dStep = chunkStep(grid.gradientBlocks, grid.tiles);
  grid.vAt = aligned(kKinds * grid.blocks + grid.gradientBlocks);
  grid.dAt = grid.vAt + kKinds * kStridedPoints * grid.vStep;
  grid.mAt = grid.dAt + kStridedPoints * grid.dStep;
  return grid;
}

INLINE Work planStridedWeight(const BlockedWeightSum& s) {
  const StridedWeightGrid grid = stridedWeightGrid(s);
  const double cost = static_cast<double>(grid.tiles) * kindBegin(kKinds) * s.rows * s.channels;
  Work work = parallel(kKinds * grid.blocks + grid.gradientBlocks, 1, cost);
  work.sharedFloats = grid.mAt;
  work.localFloats = largest(kStridedPoints * kBlock, gridOf(s).slab);
  if (grid.byPanel) {
    thenParallel(work, grid.panels, 1);
    work.localFloats += kindBegin(kKinds) * kSumStep;
  } else {
    thenParallel(work, kStridedPoints, 1);
    thenParallel(work, grid.panels * grid.blocks, grainOf(static_cast<double>(kindBegin(kKinds) * kBlock * kTileCols)));
    work.sharedFloats += kindBegin(kKinds) * grid.pointStep;
  }
  return work;
}

// The values of a cubic with these coefficients at all points.
INLINE void evaluateCubic(V a, V b, V c, V d, V (&y)[kPairPoints]) {
  const V even1 = fmadd(set1(kInner2), c, a), odd1 = fmadd(set1(kInner2), d, b);
  const V even2 = fmadd(set1(kOuter2), c, a), odd2 = fmadd(set1(kOuter2), d, b);
  y[0] = fmadd(set1(kInner), odd1, even1);
  y[1] = fnmadd(set1(kInner), odd1, even1);
  y[2] = fmadd(set1(kOuter), odd2, even2);
  y[3] = fnmadd(set1(kOuter), odd2, even2);
  y[4] = d;
}

// A dy A^T of a tile; the entry of point (i, j) goes to d + (i * kPairPoints + j) * step.
INLINE void transformStridedGradient(const float* dy, int64_t rowStep, int64_t pixelStep, float* d, int64_t step,
                                     V& magnitude) {
  V columns[kStridedOut][kPairPoints];
#pragma GCC unroll 4
  for (int j = 0; j < kStridedOut; j++) {
    const float* p = dy + j * pixelStep;
    const V a = load(p), b = load(p + rowStep), c = load(p + 2 * rowStep), e = load(p + 3 * rowStep);
    magnitude = add(magnitude, add(add(abs(a), abs(b)), add(abs(c), abs(e))));
    evaluateCubic(a, b, c, e, columns[j]);
  }
#pragma GCC unroll 5
  for (int i = 0; i < kPairPoints; i++) {
    V row[kPairPoints];
    evaluateCubic(columns[0][i], columns[1][i], columns[2][i], columns[3][i], row);
#pragma GCC unroll 5
    for (int j = 0; j < kPairPoints; j++) store(d + (i * kPairPoints + j) * step, row[j]);
  }
}

// Transforms one block of a tensor, all of its tiles, by transformTile(pixels, rowStep, pixelStep, to, magnitude). Returns
// the sum of the absolute values of its channels.
template <class TransformTile>
INLINE float transformStridedBlock(const StridedWeightGrid& grid, const Blocked& b, const float* tensor, int64_t block,
                                   int64_t top, int64_t left, int64_t rows, int64_t cols, int64_t stride, float* to,
                                   float* copy, TransformTile transformTile) {
  V magnitude[kBlock / kWidth];
  for (int c = 0; c < kBlock / kWidth; c++) magnitude[c] = zero();
  for (int64_t tile = 0; tile < grid.tiles; tile++, to += kBlock) {
    const StridedPlace at = stridedPlace(grid.tilesY, grid.tilesX, tile);
    const StridedPatch patch =
        stridedPatchAt(b, tensor + at.image * b.image + block * b.plane, top + at.tileY * stride * kStridedOut,
                       left + at.tileX * stride * kStridedOut, rows, cols, stride, copy);
    for (int c = 0; c < kBlock / kWidth; c++)
      transformTile(patch.pixels + c * kWidth, patch.rowStep, patch.pixelStep, to + c * kWidth, magnitude[c]);
  }
  float total = 0;
  for (int c = 0; c < kBlock / kWidth; c++) {
    const int64_t channels = largest(0, smallest(kWidth, b.c - block * kBlock - c * kWidth));
    total += reduceAdd(select(firstLanes(channels), magnitude[c], zero()));
  }
  return total;
}

INLINE void transformStridedItem(const BlockedWeightSum& s, const StridedWeightGrid& grid, int64_t item, float* shared,
                                 float* copy) {
  if (item >= kKinds * grid.blocks) {
    const int64_t block = item - kKinds * grid.blocks;
    shared[item] = transformStridedBlock(
        grid, s.to, s.gradient, block, 0, 0, kStridedOut, kStridedOut, 1, shared + grid.dAt + block * grid.tiles * kBlock,
        copy, [&](const float* dy, int64_t rowStep, int64_t pixelStep, float* to, V& magnitude) {
          transformStridedGradient(dy, rowStep, pixelStep, to, grid.dStep, magnitude);
        });
    return;
  }
  const int64_t kind = item / grid.blocks, block = item % grid.blocks;
  withSides(kind, [&](auto sides) {
    using Sides = decltype(sides);
    shared[item] = transformStridedBlock(
        grid, s.from, s.source, block, (kind & 2 ? 1 : 0) - s.y.pad, (kind & 1) - s.x.pad, Sides::kY, Sides::kX, 2,
        shared + grid.vAt + kind * kStridedPoints * grid.vStep + block * grid.tiles * kBlock, copy,
        [&](const float* d, int64_t rowStep, int64_t pixelStep, float* to, V& magnitude) {
          transformStridedPatch<Sides::kY, Sides::kX>(d, rowStep, pixelStep, to, grid.vStep, magnitude);
        });
  });
}

// M of the kinds that have a point, for a panel and a block; place(at) is where it goes, `at` counting the points of all kinds.
template <class Place>
INLINE void multiplyStridedPoint(const BlockedWeightSum& s, const StridedWeightGrid& grid, int64_t point, int64_t panel,
                                 int64_t block, const float* shared, Place place) {
  const int64_t i = point / kPairPoints, j = point % kPairPoints, tiles = grid.tiles, channel = panel * kTileCols;
  const int64_t channels = smallest(kBlock, s.channels - block * kBlock);
  const int64_t vectors = ceilDiv(smallest(kTileCols, s.rows - channel), kWidth);
  const float* d = shared + grid.dAt + point * grid.dStep + gradientAt(channel, tiles);
  for (int64_t kind = 0; kind < kKinds; kind++) {
    if (i >= pointsAlong(kind & 2) || j >= pointsAlong(kind & 1)) continue;
    const float* v = shared + grid.vAt + (kind * kStridedPoints + point) * grid.vStep + block * tiles * kBlock;
    float* m = place(kindBegin(kind) + i * pointsAlong(kind & 1) + j);
    for (int64_t tile = 0; tile < tiles; tile += kStridedRun)
      multiplyBlock(channels, vectors, smallest(kStridedRun, tiles - tile), tiles, v + tile * kBlock, d + tile * kBlock, m,
                    tile > 0);
  }
}

INLINE void sumStridedPoint(const BlockedWeightSum& s, const StridedWeightGrid& grid, int64_t point, float* shared) {
  for (int64_t panel = 0; panel < grid.panels; panel++) {
    for (int64_t block = 0; block < grid.blocks; block++) {
      float* m = shared + grid.mAt + (panel * grid.blocks + block) * kBlock * kTileCols;
      multiplyStridedPoint(s, grid, point, panel, block, shared, [&](int64_t at) { return m + at * grid.pointStep; });
    }
  }
}

INLINE bool isTame(const StridedWeightGrid& grid, const WeightItem& item, const float* magnitudes) {
  float pixels = 0, gradients = 0;
  for (int64_t kind = 0; kind < kKinds; kind++) pixels += magnitudes[kind * grid.blocks + item.block];
  for (int64_t row = item.row; row < item.row + item.rows; row += kBlock)
    gradients += magnitudes[kKinds * grid.blocks + row / kBlock];
  return isTameGradient(pixels, gradients);
}

// G^T along an axis: the outer taps, or the single one.
template <int Points>
INLINE void gatherStridedTaps(const V (&m)[Points], V& first, V& second) {
  const V difference1 = sub(m[0], m[1]), difference2 = sub(m[2], m[3]);
  first = addScaled(mul(set1(static_cast<float>(kInnerScale)), difference1), kOuterScale, difference2);
  if constexpr (Points == kPairPoints)
    second = addScaled(addScaled(m[4], kInnerScale * kInner, add(m[0], m[1])), kOuterScale * kOuter, add(m[2], m[3]));
}

// G^T M G of a kind, entry(i) of its points; tap t of nine goes to taps + t * step.
template <int PointsY, int PointsX, class Entry>
INLINE void transformStridedSum(Entry entry, float* taps, int64_t step) {
  V first[PointsX], second[PointsX];
#pragma GCC unroll 5
  for (int j = 0; j < PointsX; j++) {
    V column[PointsY];
#pragma GCC unroll 5
    for (int i = 0; i < PointsY; i++) column[i] = entry(i * PointsX + j);
    second[j] = zero();
    gatherStridedTaps(column, first[j], second[j]);
  }
  const auto storeRow = [&](const V(&row)[PointsX], int64_t y) {
    V left, right = zero();
    gatherStridedTaps(row, left, right);
    store(taps + (3 * y + (PointsX == kPairPoints ? 0 : 1)) * step, left);
    if constexpr (PointsX == kPairPoints) store(taps + (3 * y + 2) * step, right);
  };
  storeRow(first, PointsY == kPairPoints ? 0 : 1);
  if constexpr (PointsY == kPairPoints) storeRow(second, 2);
}

// The taps of a panel and a block from M.
INLINE void finishStridedWeights(const BlockedWeightSum& s, const StridedWeightGrid& grid, const WeightItem& item,
                                 const float* sums, float* weights) {
  for (int64_t channel = 0; channel < item.channels; channel++) {
    for (int64_t row = 0; row < item.rows; row += kWidth) {
      for (int64_t kind = 0; kind < kKinds; kind++) {
        const float* m = sums + kindBegin(kind) * grid.pointStep + channel * kTileCols + row;
        withSides(kind, [&](auto sides) {
          transformStridedSum<sides.kY, sides.kX>([&](int64_t point) { return load(m + point * grid.pointStep); },
                                                  weights + channel * 9 * kTileCols + row, kTileCols);
        });
      }
    }
  }
  storeWeights(s, item, weights);
}

// All weights of a panel.
INLINE void sumStridedPanel(const BlockedWeightSum& s, const StridedWeightGrid& grid, int64_t panel, const float* shared,
                            float* local) {
  float *m = local, *weights = m + kindBegin(kKinds) * kSumStep;
  for (int64_t block = 0; block < grid.blocks; block++) {
    const WeightItem item = weightItem(s, grid.panels, grid.blocks, panel * grid.blocks + block);
    if (!isTame(grid, item, shared)) {
      sumDirectly(s, item, weights);
      continue;
    }
    for (int64_t point = 0; point < kStridedPoints; point++)
      multiplyStridedPoint(s, grid, point, panel, block, shared, [&](int64_t at) { return m + at * kSumStep; });
    finishStridedWeights(s, grid, item, m, weights);
  }
}

INLINE void finishStridedItem(const BlockedWeightSum& s, const StridedWeightGrid& grid, int64_t index, const float* shared,
                              float* weights) {
  const WeightItem item = weightItem(s, grid.panels, grid.blocks, index);
  if (!isTame(grid, item, shared)) return sumDirectly(s, item, weights);
  finishStridedWeights(s, grid, item, shared + grid.mAt + index * kBlock * kTileCols, weights);
}

// What a call costs, in cycles of a Zen 4 core with 512-bit vectors.
INLINE double stridedWeightCost(const BlockedWeightSum& s) {
  const StridedWeightGrid grid = stridedWeightGrid(s);
  const double tiles = static_cast<double>(grid.tiles), sums = static_cast<double>(s.channels) * ceilDiv(s.rows, 16);
  const double products = kindBegin(kKinds) * sums * tiles / 0.86;
  // a line of V or D is fetched to be written, some 30 cycles
  const double lines = tiles * (kindBegin(kKinds) * grid.blocks + kStridedPoints * grid.gradientBlocks);
  const bool isFar = !grid.byPanel && kindBegin(kKinds) * grid.pointStep > 1 << 22;
  return products + 30 * lines + sums * (kindBegin(kKinds) * (isFar ? 24 : 4) + 100) + 8000;
}

// Whether this is the best way to sum these weights.
INLINE bool suitsStridedWeight(const BlockedWeightSum& s) {
  if (!isStridedWeightSum(s) || elements(s.images, s.y.output, s.x.output, s.rows) < 1) return false;
  if (elements(s.rows, s.channels) < 1 || stridedWeightGrid(s).mAt > kMostTransformed) return false;
  // a tap that sees nothing but padding has weight 0, not what its neighbours round to
  const auto seesPixels = [](const Axis& a) { return 2 * (a.output - 1) >= a.pad && a.source + a.pad > 2; };
  return seesPixels(s.y) && seesPixels(s.x) && stridedWeightCost(s) < 0.9 * directWeightCost(s);
}

INLINE void runStridedWeight(const BlockedWeightSum& s, int phase, Range range, const Workspace& workspace) {
  const StridedWeightGrid grid = stridedWeightGrid(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      transformStridedItem(s, grid, item, workspace.shared, workspace.local);
    } else if (grid.byPanel) {
      sumStridedPanel(s, grid, item, workspace.shared, workspace.local);
    } else if (phase == 1) {
      sumStridedPoint(s, grid, item, workspace.shared);
    } else {
      finishStridedItem(s, grid, item, workspace.shared, workspace.local);
    }
  }
}

}  // namespace
}  // namespace ISA
