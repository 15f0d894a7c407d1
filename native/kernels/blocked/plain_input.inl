// Convolution that reads plain NCHW and writes blocks: a network's first layer, whose few channels would leave blocks
// of 16 mostly empty. The sum runs over exactly channels * kernel terms, 147 for the 7x7 of ResNet.
//
// An item copies the rows it needs, padding included, into scratch; then they are tiles as in direct.inl with the
// pixels of a row as steps of k. Weights are packed with blocks of one channel.
#pragma once
#include "kernels/blocked/direct.inl"

namespace ISA {
namespace {

struct PlainGrid {
  int64_t bandRows, bands;     // rows of the result in an item
  int64_t copyRows, copyCols;  // of a channel in scratch
};

INLINE PlainGrid plainGrid(const BlockedSum& s) {
  PlainGrid grid = {};
  // Eight rows: with stride 2 and 7 taps 21 rows are copied for 16, and scratch stays a part of the second level cache.
  grid.bandRows = smallest(8, s.to.h);
  grid.bands = ceilDiv(s.to.h, largest(1, grid.bandRows));
  grid.copyRows = (grid.bandRows - 1) * s.y.stride + (s.y.kernel - 1) * s.y.dilation + 1;
  grid.copyCols = (s.to.w - 1) * s.x.stride + (s.x.kernel - 1) * s.x.dilation + 1;
  return grid;
}

INLINE Work planPlain(const BlockedSum& s) {
  const PlainGrid grid = plainGrid(s);
  const int64_t scratch = elements(s.channels, grid.copyRows, grid.copyCols);
  if (scratch < 0) return refuse("blockedConv2d: the geometry is not valid");
  Work work = parallel(s.to.halo > 0 ? s.to.n * s.to.blocks : 0, 16, multiplyAdds(s));
  thenParallel(work, s.to.n * grid.bands, 1);
  work.localFloats = aligned(scratch);
  return work;
}

// Columns [-pad, cols - pad) of row y of a plane, zero outside of it.
INLINE void copyPadded(const BlockedSum& s, const float* plane, int64_t y, float* to, int64_t cols) {
  if (y < 0 || y >= s.y.source) return fillRow(to, cols, 0);
  const int64_t before = smallest(cols, s.x.pad), inside = smallest(s.x.source, cols - before);
  fillRow(to, before, 0);
  copyRow(to + before, plane + y * s.x.source, inside);
  fillRow(to + before + inside, cols - before - inside, 0);
}

INLINE TileShape plainShape(const BlockedSum& s, const PlainGrid& grid, int64_t rows) {
  const bool along = s.x.dilation == 1;  // taps of a row are neighbours, and steps of k
  TileShape t = {};
  t.blocks = s.channels;
  t.blockStep = rows * grid.copyCols;
  t.tapsY = s.y.kernel;
  t.tapStepY = s.y.dilation * grid.copyCols;
  t.tapsX = along ? 1 : s.x.kernel;
  t.tapStepX = s.x.dilation;
  t.run = t.lastRun = along ? s.x.kernel : 1;
  t.pixelStep = s.x.stride;
  t.resultStep = kBlock;
  t.resultBlock = s.to.plane;
  t.residualBlock = s.epilogue.rest.plane;
  t.isFarResult = isFar(s.to);
  t.epilogue = s.epilogue;
  return t;
}

// Rows [first, end) of the result of an image, `result` and `residual` where the first of them begins in the first block
// and `row` the distance to the next row of the result; `scratch` for the copied rows.
INLINE void computePlainRows(const BlockedSum& s, const PlainGrid& grid, const float* image, int64_t first, int64_t end,
                             float* result, int64_t row, int64_t resultBlock, const float* residual, float* scratch) {
  const int64_t plane = s.y.source * s.x.source, cols = s.to.w, tilesPerRow = ceilDiv(cols, kTileRows);
  const int64_t rows = (end - first - 1) * s.y.stride + (s.y.kernel - 1) * s.y.dilation + 1;
  for (int64_t c = 0; c < s.channels; c++) {
    for (int64_t i = 0; i < rows; i++)
      copyPadded(s, image + c * plane, first * s.y.stride - s.y.pad + i, scratch + (c * rows + i) * grid.copyCols,
                 grid.copyCols);
  }
  TileShape shape = plainShape(s, grid, rows);
  shape.resultBlock = resultBlock;
  for (int64_t y = first; y < end; y++) {
    for (int64_t part = 0; part < tilesPerRow; part++) {
      const int64_t x = partBegin(cols, tilesPerRow, part);
      Tile tile = {};
      tile.pixels = partBegin(cols, tilesPerRow, part + 1) - x;
      tile.source = scratch + (y - first) * s.y.stride * grid.copyCols + x * s.x.stride;
      tile.result = result + (y - first) * row + x * kBlock;
      if (residual) tile.residual = residual + (y - first) * s.epilogue.rest.row + x * kBlock;
      computePanels(s, shape, s.channels * kernelSize(s), 0, 0, panelsOf(s), s.packed + biasFloats(s), s.packed, tile);
    }
  }
}

INLINE void runPlain(const BlockedSum& s, int phase, Range range, const Workspace& workspace) {
  const PlainGrid grid = plainGrid(s);
  const int64_t imageFloats = s.channels * s.y.source * s.x.source;
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      zeroBorder(s.to, s.result, item / s.to.blocks, item % s.to.blocks, 0, s.to.h);
      continue;
    }
    const int64_t image = item / grid.bands, first = item % grid.bands * grid.bandRows;
    computePlainRows(s, grid, s.source + image * imageFloats, first, smallest(s.to.h, first + grid.bandRows),
                     s.result + pixelAt(s.to, image, 0, first, 0), s.to.row, s.to.plane,
                     residualAt(s.epilogue, image, 0, first, 0), workspace.local);
  }
}

}  // namespace
}  // namespace ISA
