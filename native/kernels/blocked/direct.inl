// Convolution of blocked tensors by direct summation: tiles of pixels in a row by panels of result channels.
#pragma once
#include "kernels/blocked/tile.inl"
#include "kernels/blocked/weights.inl"

namespace ISA {
namespace {

// Weights that stay in the second level cache, of 1 MiB, while a tile meets them one panel after the other.
constexpr int64_t kPanelGroupFloats = 1 << 17;

// How the work is cut. An item is some tiles of an image, in one set of positions and one group of panels: those whose
// weights stay in the second level cache, so that the pixels of a tile, in the first, meet all of them.
struct TileGrid {
  int64_t originsY, originsX;
  int64_t panelsAtOnce, panelGroups;
  int64_t parts;  // of an image
  bool flat;      // rows follow each other without a border, and may be cut into tiles as one
};

// Positions and tiles of a set.
struct DirectTiles {
  int64_t rows, cols;
  int64_t tilesPerRow;
};

INLINE DirectTiles directTiles(const TileGrid& grid, const Taps& y, const Taps& x) {
  DirectTiles tiles = {y.positions, x.positions, 0};
  if (grid.flat) {
    tiles.cols *= tiles.rows;
    tiles.rows = 1;
  }
  tiles.tilesPerRow = ceilDiv(tiles.cols, kTileRows);
  return tiles;
}

INLINE TileGrid tileGrid(const BlockedSum& s) {
  TileGrid grid = {};
  grid.originsY = originsOf(s, s.y);
  grid.originsX = originsOf(s, s.x);
  // the first origin of an axis has as many positions as any, and no set more taps than rounding up gives
  const AxisTaps y = tapsAt(s, s.y, 0), x = tapsAt(s, s.x, 0);
  const int64_t border = s.from.halo + s.to.halo + (s.epilogue.residual ? s.epilogue.rest.halo : 0);
  grid.flat = border == 0 && isIdentity(y.taps) && isIdentity(x.taps);
  const int64_t taps =
      s.gradient ? ceilDiv(s.y.kernel, tapSetStep(s.y)) * ceilDiv(s.x.kernel, tapSetStep(s.x)) : kernelSize(s);
  const int64_t steps = largest(1, s.channels * taps), panels = panelsOf(s);
  const int64_t most = largest(1, kPanelGroupFloats / (steps * kTileCols));
  grid.panelGroups = ceilDiv(panels, most);
  // a group begins with a block of the result
  constexpr int64_t kPanelsPerBlock = kTileCols < kBlock ? kBlock / kTileCols : 1;
  grid.panelsAtOnce = roundUp(ceilDiv(panels, largest(1, grid.panelGroups)), kPanelsPerBlock);
  grid.panelGroups = ceilDiv(panels, largest(1, grid.panelsAtOnce));

  // Items of some 50 microseconds, 2.5 M multiply-adds, but enough of them for a handful of threads as long as they
  // are worth 10.
  const DirectTiles tiles = directTiles(grid, y.taps, x.taps);
  const int64_t count = tiles.rows * tiles.tilesPerRow, others = largest(1, grid.originsY * grid.originsX * s.groups *
                                                                            s.to.n * grid.panelGroups);
  const double tile = static_cast<double>(smallest(kTileRows, tiles.cols)) * steps * grid.panelsAtOnce * kTileCols;
  const int64_t large = 1 + static_cast<int64_t>(count * tile / 2.5e6);
  const int64_t small = 1 + static_cast<int64_t>(count * tile / 5e5);
  grid.parts = largest(1, smallest(count, largest(large, smallest(small, ceilDiv(16, others)))));
  return grid;
}

// Tensors that exceed half of the second level cache come from further away. The processor does not see in time what a
// tile reads and writes, a few lines in each of many blocks, so the lines of the next tile are asked for: worth 2 to 20
// percent where channels are few.
constexpr int64_t kFarFloats = 1 << 17;

INLINE bool isFar(const Blocked& b) { return b.n * b.blocks * b.plane > kFarFloats; }

INLINE TileShape tileShape(const BlockedSum& s, const Taps& y, const Taps& x) {
  TileShape t = {};
  t.blocks = ceilDiv(s.channels, kBlock);
  t.blockStep = s.from.plane;
  t.tapsY = y.count;
  t.tapStepY = y.tapStep * s.from.row;
  t.tapsX = x.count;
  t.tapStepX = x.tapStep * kBlock;
  t.run = kBlock;
  t.lastRun = s.channels - (t.blocks - 1) * kBlock;
  t.pixelStep = x.stride * kBlock;
  t.resultStep = x.outputStep * kBlock;
  t.resultBlock = s.to.plane;
  t.residualBlock = s.epilogue.rest.plane;
  t.isFarSource = isFar(s.from);
  t.isFarResult = isFar(s.to) && panelsOf(s) > 1;  // a single stream is seen
  t.epilogue = s.epilogue;
  return t;
}

INLINE double multiplyAdds(const BlockedSum& s) {
  const double positions = static_cast<double>(s.to.n) * (s.gradient ? s.y.output * s.x.output : s.to.h * s.to.w);
  return positions * s.groups * s.rows * s.channels * kernelSize(s);
}

// Phases: the border of the result, the sums.
INLINE Work planDirect(const BlockedSum& s) {
  const TileGrid grid = tileGrid(s);
  const double cost = multiplyAdds(s);
  Work work = parallel(s.to.halo > 0 ? s.to.n * s.to.blocks : 0, 16, cost);
  thenParallel(work, s.to.n * grid.originsY * grid.originsX * s.groups * grid.panelGroups * grid.parts, 1);
  return work;
}

// Asks for what the next tile writes.
INLINE void askForResults(const TileShape& shape, const Tile& tile, int64_t channels) {
  const float* next = tile.result + tile.pixels * shape.resultStep;
  for (int64_t j = 0; j < channels; j += kBlock, next += shape.resultBlock)
    for (int64_t i = 0; i < tile.pixels; i++) __builtin_prefetch(next + i * shape.resultStep, 1, 2);
}

// Panels [first, end) of one tile. `tile` has source, pixels and, as result and residual, the first channel of the group;
// `weights` and `bias` are those of the first panel.
INLINE void computePanels(const BlockedSum& s, const TileShape& shape, int64_t steps, int64_t group, int64_t first,
                          int64_t end, const float* weights, const float* bias, Tile tile) {
  float* result = tile.result;
  const float* residual = tile.residual;
  tile.channels = s.groups * s.rows;
  for (int64_t panel = first; panel < end; panel++) {
    const int64_t channel = panel * kTileCols, ahead = channel - first * kTileCols;
    tile.weights = weights + ahead * steps;
    tile.bias = bias + ahead;
    tile.result = result + ahead / kBlock * shape.resultBlock + ahead % kBlock;
    if (residual) tile.residual = residual + ahead / kBlock * shape.residualBlock + ahead % kBlock;
    tile.channel = group * s.rows + channel;
    if (shape.isFarResult) askForResults(shape, tile, panelWidth(s, panel));
    tile.next = shape.isFarSource && panel == first ? tile.source + tile.pixels * shape.pixelStep : nullptr;
    computeTile(shape, tile, panelWidth(s, panel) / kWidth, s.rows - channel);
  }
}

// Tiles [begin, end) of one image.
INLINE void computeTiles(const BlockedSum& s, const TileGrid& grid, const AxisTaps& y, const AxisTaps& x, int64_t group,
                         int64_t panelGroup, int64_t image, int64_t begin, int64_t end, const DirectTiles& tiles) {
  const TileShape shape = tileShape(s, y.taps, x.taps);
  const int64_t steps = s.channels * y.taps.count * x.taps.count;
  const int64_t first = panelGroup * grid.panelsAtOnce, last = smallest(panelsOf(s), first + grid.panelsAtOnce);
  const int64_t channel = first * kTileCols;
  const float* weights = s.packed + packedSet(s, group, y, x) + channel * steps;
  const float* bias = s.packed + group * paddedRows(s) + channel;
  const int64_t sourceBlock = group * s.channels / kBlock, resultBlock = (group * s.rows + channel) / kBlock;
  for (int64_t index = begin; index < end; index++) {
    const int64_t row = index / tiles.tilesPerRow, part = index % tiles.tilesPerRow;
    const int64_t col = partBegin(tiles.cols, tiles.tilesPerRow, part);
    Tile tile = {};
    tile.pixels = partBegin(tiles.cols, tiles.tilesPerRow, part + 1) - col;
    tile.source = s.source + pixelAt(s.from, image, sourceBlock, row * y.taps.stride + y.taps.offset,
                                     col * x.taps.stride + x.taps.offset);
    const int64_t resultY = y.taps.origin + row * y.taps.outputStep, resultX = x.taps.origin + col * x.taps.outputStep;
    tile.result = s.result + pixelAt(s.to, image, resultBlock, resultY, resultX) + channel % kBlock;
    tile.residual = residualAt(s.epilogue, image, resultBlock, resultY, resultX);
    if (tile.residual) tile.residual += channel % kBlock;
    computePanels(s, shape, steps, group, first, last, weights, bias, tile);
  }
}

INLINE void runDirect(const BlockedSum& s, int phase, Range range, const Workspace&) {
  const TileGrid grid = tileGrid(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      zeroBorder(s.to, s.result, item / s.to.blocks, item % s.to.blocks, 0, s.to.h);
      continue;
    }
    int64_t index = item;
    const auto take = [&](int64_t count) {
      const int64_t digit = index % count;
      index /= count;
      return digit;
    };
    // images change fastest but for the parts of one: consecutive items share their weights
    const int64_t part = take(grid.parts), image = take(s.to.n), panelGroup = take(grid.panelGroups);
    const int64_t group = take(s.groups), originX = take(grid.originsX), originY = take(grid.originsY);
    const AxisTaps y = tapsAt(s, s.y, originY), x = tapsAt(s, s.x, originX);
    const DirectTiles tiles = directTiles(grid, y.taps, x.taps);
    const int64_t count = tiles.rows * tiles.tilesPerRow;
    computeTiles(s, grid, y, x, group, panelGroup, image, partBegin(count, grid.parts, part),
                 partBegin(count, grid.parts, part + 1), tiles);
  }
}

}  // namespace
}  // namespace ISA
