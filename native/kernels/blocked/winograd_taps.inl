// F(4x4, 3x3) with kernels that are transformed as they are used. Packed as direct.inl reads them, they are a quarter of
// their transforms: for the few tiles of a small image with many channels, less memory to read and for a network to keep.
//
// V of all tiles first, shared. Then an item is a panel of result channels, whose weights are read once, a part of the
// source channels at a time and a row of six points at a time. For a handful of tiles the points of a row live in
// registers only: kernels are transformed between the multiply-adds. For more tiles they pass through the first level
// cache.
//
// Packed weights: bias, the sum of absolute weights of each panel, then panels as in weights.inl.
#pragma once
#include "kernels/blocked/winograd.inl"

namespace ISA {
namespace {

constexpr int kSidePoints = 6;

// Tiles whose sums at a row of points are held in registers: 24 of 32, or 12 of 16.
constexpr int kRowTiles = kTileRows < 8 ? 2 : 4;

// A single chunk: kernels that were transformed once meet all tiles.
INLINE BlockedTiles allTiles(const BlockedSum& s) {
  BlockedTiles grid = {};
  grid.tilesY = ceilDiv(s.to.h, 4);
  grid.tilesX = ceilDiv(s.to.w, 4);
  grid.tiles = grid.mostTiles = s.to.n * grid.tilesY * grid.tilesX;
  grid.panels = panelsOf(s);
  grid.chunks = grid.panelParts = 1;
  return grid;
}

INLINE int64_t packedTapsFloats(const BlockedSum& s) {
  const int64_t direct = packedDirectFloats(s);
  return direct < 0 ? kInvalid : direct + aligned(panelsOf(s));
}
INLINE int64_t tapsOfPanel(const BlockedSum& s, int64_t panel) {
  return biasFloats(s) + aligned(panelsOf(s)) + panel * kTileCols * s.channels * 9;
}

// Items of packing are panels; the first one does the bias as well.
INLINE Work planPackTaps(const BlockedSum& s) {
  Work work = parallel(panelsOf(s), 1, static_cast<double>(groupFloats(s)));
  work.localFloats = 9 * kTapPanel;
  return work;
}

INLINE void runPackTaps(const BlockedSum& s, const float* weight, const float* bias, float* packed, Range range,
                        const Workspace& workspace) {
  if (range.begin == 0) packBias(s, bias, packed);
  for (int64_t panel = range.begin; panel < range.end; panel++) {
    float* taps = packed + tapsOfPanel(s, panel);
    packTapsInOrder(s, weight, panel, taps, workspace.local);
    V magnitude = zero();
    const int64_t floats = panelWidth(s, panel) * s.channels * 9;
    for (int64_t i = 0; i < floats; i += kWidth) magnitude = add(magnitude, abs(load(taps + i)));
    packed[biasFloats(s) + panel] = reduceAdd(magnitude);
  }
}

// Source channels [begin, end) at one of the six rows of points: a panel of weights meets all tiles.
struct RowPart {
  const float* v;  // at the row's first point, with all `channels`
  int64_t channels, begin, end;
  int64_t tiles;
  const float* taps;  // of channel `begin`
  int64_t width;      // of the panel
  float* m;           // at the row's first point
};

// What a column of taps comes to at row `Row` of the points.
template <int Row>
INLINE V tapsAtRow(const float* top, int64_t rowStep) {
  if constexpr (Row == 0) return load(top);
  if constexpr (Row == kSidePoints - 1) return load(top + 2 * rowStep);
  constexpr float kPoint = Row < 3 ? kNear : kFar;
  const V even = fmadd(set1(kPoint * kPoint), load(top + 2 * rowStep), load(top)), middle = load(top + rowStep);
  return Row % 2 ? fmadd(set1(kPoint), middle, even) : fnmadd(set1(kPoint), middle, even);
}

// The points of row `Row` of the kernels whose first tap is at `taps`.
template <int Row>
INLINE void transformRow(const float* taps, int64_t tapStep, V (&u)[kSidePoints]) {
  const int64_t rowStep = 3 * tapStep;
  evaluateTaps<4>(tapsAtRow<Row>(taps, rowStep), tapsAtRow<Row>(taps + tapStep, rowStep),
                  tapsAtRow<Row>(taps + 2 * tapStep, rowStep), u);
}

// One vector of result channels, kernels in registers only. `ahead` are weights to be read later, asked for two lines a
// channel: nine short streams are more than the processor foresees.
template <int Row, int Tiles>
__attribute__((noinline)) void multiplyRow(const RowPart& p, const float* taps, float* m, const float* ahead) {
  V sum[kSidePoints][Tiles];
#pragma GCC unroll 6
  for (int e = 0; e < kSidePoints; e++)
#pragma GCC unroll 4
    for (int i = 0; i < Tiles; i++) sum[e][i] = zero();

  const int64_t pointStep = patchStep(p.channels, Tiles);
  for (int64_t channel = p.begin; channel < p.end; channel += kBlock) {
    const int64_t channels = smallest(p.end - channel, kBlock), tapStep = channels * p.width;
    const float* v = p.v + channel * Tiles;
    for (int64_t k = channels; k > 0; k--, v++, taps += p.width, ahead += p.width * 3 / 4) {
      __builtin_prefetch(ahead, 0, 2);
      __builtin_prefetch(ahead + 16, 0, 2);
      V u[kSidePoints];
      transformRow<Row>(taps, tapStep, u);
#pragma GCC unroll 6
      for (int e = 0; e < kSidePoints; e++)
#pragma GCC unroll 4
        for (int i = 0; i < Tiles; i++)
          sum[e][i] = fmadd(broadcast(v + e * pointStep + i * kBlock), u[e], sum[e][i]);
    }
    taps += 8 * tapStep;
  }

#pragma GCC unroll 6
  for (int e = 0; e < kSidePoints; e++) {
#pragma GCC unroll 4
    for (int i = 0; i < Tiles; i++) {
      float* product = m + e * productStep(Tiles) + i * kTileCols;
      store(product, p.begin > 0 ? add(load(product), sum[e][i]) : sum[e][i]);
    }
  }
}

template <int Row, int Tiles>
INLINE void multiplyRowTiles(const RowPart& p, const float* taps, float* m, const float* ahead) {
  if (p.tiles == Tiles) return multiplyRow<Row, Tiles>(p, taps, m, ahead);
  if constexpr (Tiles > 1) multiplyRowTiles<Row, Tiles - 1>(p, taps, m, ahead);
}

// The kernels of a part at one row of points, as multiplyPoints reads them.
template <int Row>
__attribute__((noinline)) void storeRow(const RowPart& p, float* u) {
  const float* taps = p.taps;
  const int64_t step = kernelStep(p.end - p.begin);
  for (int64_t channel = p.begin; channel < p.end; channel += kBlock) {
    const int64_t channels = smallest(p.end - channel, kBlock), tapStep = channels * p.width;
    for (int64_t k = channels; k > 0; k--, taps += p.width, u += kTileCols) {
      for (int64_t lane = 0; lane < p.width; lane += kWidth) {
        V row[kSidePoints];
        transformRow<Row>(taps + lane, tapStep, row);
#pragma GCC unroll 6
        for (int e = 0; e < kSidePoints; e++) store(u + lane + e * step, row[e]);
      }
    }
    taps += 8 * tapStep;
  }
}

// Meanwhile the weights of the next part are asked for, a share of them with each row. The next panel's follow this one's.
template <int Row>
INLINE void runRow(const RowPart& p, float* u) {
  const int64_t floats = (p.end - p.begin) * 9 * p.width;
  const float* ahead = p.taps + floats + Row * floats / kSidePoints;
  if (p.tiles <= kRowTiles) {
    for (int64_t lane = 0; lane < p.width; lane += kWidth)
      multiplyRowTiles<Row, kRowTiles>(p, p.taps + lane, p.m + lane, ahead + lane / kWidth * floats / (2 * kSidePoints));
    return;
  }
  storeRow<Row>(p, u);
  const int64_t share = ceilDiv(floats, kPoints<4>);
  multiplyPoints(p.v, p.channels, u, p.begin, p.end, kSidePoints, p.tiles, p.width, p.m,
                 [&](int64_t) __attribute__((always_inline)) {
                   for (int64_t i = 0; i < share; i += 16) __builtin_prefetch(ahead + i, 0, 2);
                   ahead += share;
                 });
}

// All rows of points from `Row` on.
template <int Row = 0>
INLINE void runRows(RowPart& p, float* u) {
  runRow<Row>(p, u);
  p.v += kSidePoints * patchStep(p.channels, p.tiles);
  p.m += kSidePoints * productStep(p.tiles);
  if constexpr (Row + 1 < kSidePoints) runRows<Row + 1>(p, u);
}

// The workspace. Shared: the magnitudes of blocks of pixels, then V. Local: M and the kernels of a part at a row of
// points, or a patch.
// Phases: the border of the result; V; the panels.
INLINE Work planWinogradTaps(const BlockedSum& s) {
  const BlockedTiles grid = allTiles(s);
  const int64_t blocks = blocksOf(s);
  Work work = parallel(s.to.halo > 0 ? s.to.n * s.to.blocks : 0, 16, multiplyAdds(s) / 4);
  thenParallel(work, blocks, 1);
  thenParallel(work, grid.panels, 1);
  work.sharedFloats = aligned(blocks) + patchFloats<4>(s, grid);
  work.localFloats = largest(kPoints<4> * productStep(grid.tiles) + kSidePoints * kernelStep(smallest(s.channels, kRun)),
                             kPoints<4> * kBlock);
  return work;
}

INLINE void runTapsPanel(const BlockedSum& s, const BlockedTiles& grid, int64_t panel, float magnitude, const float* v,
                         float* m) {
  const float* taps = s.packed + tapsOfPanel(s, panel);
  if (!isTame(magnitude, s.packed[biasFloats(s) + panel])) return sumTiles(s, grid, 4, 0, grid.tiles, panel, taps);
  float* u = m + kPoints<4> * productStep(grid.tiles);
  const int64_t width = panelWidth(s, panel);
  for (int64_t begin = 0; begin < s.channels; begin += kRun) {
    const int64_t end = smallest(s.channels, begin + kRun);
    RowPart part = {v, s.channels, begin, end, grid.tiles, taps + begin * 9 * width, width, m};
    runRows(part, u);
  }
  storeTiles<4>(s, grid, 0, grid.tiles, panel, m);
}

INLINE void runWinogradTaps(const BlockedSum& s, int phase, Range range, const Workspace& workspace) {
  const BlockedTiles grid = allTiles(s);
  const int64_t blocks = blocksOf(s);
  float* v = workspace.shared + aligned(blocks);
  const float magnitude = phase == 2 ? total(workspace.shared, blocks) : 0;
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      zeroBorder(s.to, s.result, item / s.to.blocks, item % s.to.blocks, 0, s.to.h);
    } else if (phase == 1) {
      workspace.shared[item] = transformTiles<4>(s, grid, 0, grid.tiles, item, v, workspace.local);
    } else {
      runTapsPanel(s, grid, item, magnitude, v, workspace.local);
    }
  }
}

}  // namespace
}  // namespace ISA
