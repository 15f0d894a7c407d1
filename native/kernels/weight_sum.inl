// The sum behind conv2dGradWeight, per group:
//   dweight[row][k] = sum over images and output positions of dy[row][position] * columns[k][position]
// with the column matrix of gather.inl. The positions are the long axis. They are taken in units of some 256, each of
// which adds its part to dweight in a fixed order, so rounding errors do not pile up over millions of terms.
//
// Both operands run along the positions in memory, so both are transposed while they are packed: dy once per unit, the
// windows once per unit and column panel. When the blocks of dweight are too few to occupy a handful of threads, the
// units are dealt to `chunks` private copies of dweight, which a second phase adds up, always in the same order.
#pragma once
#include "kernels/gather.inl"

namespace ISA {
namespace {

struct WeightSum {
  const float* source;   // [images][groups * channels][plane]
  const float* gradient;  // [images][groups * rows][positions]
  float* result;          // [groups][rows][channels * kernel]
  int64_t images, groups, rows, channels;
  Axis y, x;
};

// 256 steps of k make a row panel of 14 KiB and a column panel of 32 KiB, and the 100 cycles in which a tile adds
// itself to dweight 1.5 percent of the 7168 it computes.
constexpr int64_t kUnitPositions = 256;
constexpr int64_t kWeightRows = 256;
constexpr int64_t kWeightCols = 576;
constexpr int64_t kMostChunks = 16;

struct WeightSumGrid {
  int64_t length;                      // columns of dweight in a group
  int64_t imagesPerUnit, unitsPerImage, units;
  int64_t positions;                   // most positions in a unit
  int64_t rowBlocks, colBlocks;
  int64_t chunks;
};

INLINE WeightSumGrid gridOf(const WeightSum& s) {
  WeightSumGrid grid = {};
  const int64_t plane = s.y.output * s.x.output;
  grid.length = s.channels * s.y.kernel * s.x.kernel;
  grid.imagesPerUnit = 1;
  grid.unitsPerImage = 1;
  if (2 * plane <= kUnitPositions) {
    grid.imagesPerUnit = largest(1, smallest(s.images, kUnitPositions / largest(1, plane)));
    grid.positions = plane * grid.imagesPerUnit;
  } else {
    grid.unitsPerImage = ceilDiv(plane, kUnitPositions);
    grid.positions = ceilDiv(plane, grid.unitsPerImage);
  }
  grid.units = plane == 0 ? 0 : ceilDiv(s.images, grid.imagesPerUnit) * grid.unitsPerImage;
  grid.rowBlocks = largest(1, ceilDiv(s.rows, kWeightRows));
  grid.colBlocks = largest(1, ceilDiv(grid.length, kWeightCols));

  const int64_t blocks = s.groups * grid.rowBlocks * grid.colBlocks;
  const int64_t size = s.groups * s.rows * grid.length;
  grid.chunks = largest(1, smallest(grid.units, smallest(kMostChunks, ceilDiv(8, largest(1, blocks)))));
  // private copies that would not stay in the caches cost more than idle threads
  while (grid.chunks > 1 && grid.chunks * size > int64_t{1} << 22) grid.chunks--;
  return grid;
}

INLINE int64_t colsPerBlock(const WeightSumGrid& grid) {
  return roundUp(ceilDiv(grid.length, grid.colBlocks), kTileCols);
}

constexpr int64_t kReducedPerItem = 4096;

INLINE Work planWeightSum(const WeightSum& s) {
  const WeightSumGrid grid = gridOf(s);
  const int64_t size = s.groups * s.rows * grid.length;
  const double cost = static_cast<double>(size) * s.images * s.y.output * s.x.output;
  Work work = parallel(grid.chunks * s.groups * grid.rowBlocks * grid.colBlocks, 1, cost);
  work.localFloats = aligned(smallest(s.rows, kWeightRows + 2 * kTileRows) * grid.positions) +
                     2 * aligned(kTileCols * grid.positions);
  if (grid.chunks > 1) {
    work.sharedFloats = grid.chunks * size;
    thenParallel(work, ceilDiv(size, kReducedPerItem), grainOf(grid.chunks * kReducedPerItem));
  }
  return work;
}

INLINE void weightBlock(const WeightSum& s, const WeightSumGrid& grid, int64_t item, const Workspace& workspace) {
  const int64_t colBlock = item % grid.colBlocks;
  item /= grid.colBlocks;
  const int64_t rowBlock = item % grid.rowBlocks;
  item /= grid.rowBlocks;
  const int64_t group = item % s.groups, chunk = item / s.groups;

  const int64_t inPlane = s.y.source * s.x.source, plane = s.y.output * s.x.output;
  const Windows w = {forwardTaps(s.y), forwardTaps(s.x), inPlane, s.groups * s.channels * inPlane};
  const int64_t panels = rowPanels(s.rows);
  const int64_t firstPanel = partBegin(panels, grid.rowBlocks, rowBlock);
  const int64_t endPanel = partBegin(panels, grid.rowBlocks, rowBlock + 1);
  const int64_t firstRow = partBegin(s.rows, panels, firstPanel), endRow = partBegin(s.rows, panels, endPanel);
  const int64_t firstCol = smallest(grid.length, colBlock * colsPerBlock(grid));
  const int64_t endCol = smallest(grid.length, firstCol + colsPerBlock(grid));
  if (firstRow == endRow || firstCol == endCol) return;

  float* result = grid.chunks > 1 ? workspace.shared + chunk * s.groups * s.rows * grid.length : s.result;
  result += group * s.rows * grid.length;
  const int64_t firstUnit = partBegin(grid.units, grid.chunks, chunk);
  const int64_t endUnit = partBegin(grid.units, grid.chunks, chunk + 1);
  if (firstUnit == endUnit)
    for (int64_t row = firstRow; row < endRow; row++)
      fillRow(result + row * grid.length + firstCol, endCol - firstCol, 0);

  float* packedRows = workspace.local;
  float* columns = packedRows + aligned(smallest(s.rows, kWeightRows + 2 * kTileRows) * grid.positions);
  float* packedColumns = columns + aligned(kTileCols * grid.positions);
  for (int64_t unit = firstUnit; unit < endUnit; unit++) {
    const int64_t firstImage = unit / grid.unitsPerImage * grid.imagesPerUnit;
    const int64_t part = unit % grid.unitsPerImage;
    const int64_t images = smallest(grid.imagesPerUnit, s.images - firstImage);
    const int64_t begin = partBegin(plane, grid.unitsPerImage, part);
    const int64_t positions =
        images * plane - begin - (grid.unitsPerImage > 1 ? plane - partBegin(plane, grid.unitsPerImage, part + 1) : 0);
    const int64_t perImage = smallest(plane, positions);

    for (int64_t panel = firstPanel; panel < endPanel; panel++) {
      const int64_t row = partBegin(s.rows, panels, panel), rows = partBegin(s.rows, panels, panel + 1) - row;
      float* packed = packedRows + (row - firstRow) * positions;
      for (int64_t image = 0; image < images; image++) {
        const float* dy = s.gradient + (((firstImage + image) * s.groups + group) * s.rows + row) * plane + begin;
        transpose(dy, plane, rows, perImage, packed + image * perImage * rows, rows, rows);
      }
    }
    const float* source = s.source + (firstImage * s.groups + group) * s.channels * inPlane;
    const bool inPlace = isIdentity(w) && images == 1;
    for (int64_t col = firstCol; col < endCol; col += kTileCols) {
      const int64_t cols = smallest(kTileCols, endCol - col);
      if (inPlace) {
        transpose(source + col * inPlane + begin, inPlane, cols, positions, packedColumns, kTileCols, kTileCols);
      } else {
        gather(w, source, col, col + cols, begin, begin + positions, columns, positions);
        transpose(columns, positions, cols, positions, packedColumns, kTileCols, kTileCols);
      }
      Strip strip = {};
      strip.rowStep = 1;
      strip.b = packedColumns;
      strip.ldb = kTileCols;
      strip.k = positions;
      strip.cols = cols;
      strip.ldc = grid.length;
      strip.alpha = 1;
      strip.beta = unit == firstUnit ? 0 : 1;
      for (int64_t panel = firstPanel; panel < endPanel; panel++) {
        const int64_t row = partBegin(s.rows, panels, panel);
        strip.rows = strip.kStep = partBegin(s.rows, panels, panel + 1) - row;
        strip.a = packedRows + (row - firstRow) * positions;
        strip.c = result + row * grid.length + col;
        multiplyStrip(strip);
      }
    }
  }
}

// result = the sum of `chunks` copies of `size` values, of which this call adds [begin, end).
INLINE void addChunks(const float* copies, int64_t chunks, int64_t size, int64_t begin, int64_t end, float* result) {
  for (int64_t i = begin; i < end; i += kWidth) {
    V sum = loadUpTo(copies + i, end - i);
    for (int64_t chunk = 1; chunk < chunks; chunk++) sum = add(sum, loadUpTo(copies + chunk * size + i, end - i));
    storeUpTo(result + i, sum, end - i);
  }
}

INLINE void runWeightSum(const WeightSum& s, int phase, Range range, const Workspace& workspace) {
  const WeightSumGrid grid = gridOf(s);
  if (phase == 1) {
    const int64_t size = s.groups * s.rows * grid.length;
    addChunks(workspace.shared, grid.chunks, size, range.begin * kReducedPerItem,
              smallest(size, range.end * kReducedPerItem), s.result);
    return;
  }
  for (int64_t item = range.begin; item < range.end; item++) weightBlock(s, grid, item, workspace);
}

}  // namespace
}  // namespace ISA
