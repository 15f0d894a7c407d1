// The sum behind conv2dForward and, seen from the other side, conv2dGradInput: for every position of a grid,
//   result[row] = bias[row] + sum over channel and tap of weight[row][channel][tap] * source[channel][tap at position]
// as a matrix product. The weights are the packed rows. The windows are the columns, gathered into panels for one block
// of positions at a time, so the column matrix never exists as a whole.
//
// Phases: pack the weights, write zeros where no tap reaches, gather columns that several items share, sum.
#pragma once
#include "kernels/tap_weights.inl"

namespace ISA {
namespace {

constexpr int64_t kSumPositions = 256;
constexpr int64_t kSumRows = 512;
constexpr int64_t kSharedColumns = 1 << 21;  // floats, 8 MiB: what sharing gathered columns may cost in memory

struct TapSumGrid {
  int64_t setsY, setsX;
  int64_t imagesPerBlock, imageBlocks;  // a block of positions is either several whole images
  int64_t positionBlocks;               // or a part of one
  int64_t blocks;                       // of positions, in all sets, groups and images
  int64_t rowBlocks;
  int64_t positions;  // most positions in a block, in whole column panels
  int64_t k;          // longest sum of any set
  bool direct;        // the positions of a block are consecutive in the result
  bool zeroFirst;     // there are results no tap reaches
  bool packInItems;   // so few blocks of positions that an item packs the weights it reads
  bool gatherFirst;   // the row blocks share gathered columns
};

INLINE TapSumGrid gridOf(const TapSum& s) {
  TapSumGrid grid = {};
  grid.setsY = tapSetsOf(s, s.y);
  grid.setsX = tapSetsOf(s, s.x);
  grid.zeroFirst = s.gradient && (grid.setsY < s.y.stride || grid.setsX < s.x.stride);

  // the first set has the most taps, and no set has more positions than rounding up gives
  const int64_t taps = s.gradient ? tapsBefore(s.y, 1) * tapsBefore(s.x, 1) : kernelSize(s);
  const int64_t plane =
      s.gradient ? ceilDiv(s.y.source, s.y.stride) * ceilDiv(s.x.source, s.x.stride) : resultPlane(s);
  grid.k = s.channels * taps;

  // Enough items for a handful of threads, as long as one is worth some 20 microseconds: at first smaller blocks of
  // positions, then of rows.
  const int64_t sums = grid.setsY * grid.setsX * s.groups;
  const double work = static_cast<double>(plane) * s.rows * grid.k * s.images * s.groups;
  const int64_t wanted = work >= 8 << 20 ? 8 : 1 + static_cast<int64_t>(work) / (1 << 20);
  grid.imagesPerBlock = 1;
  grid.imageBlocks = s.images;
  grid.positionBlocks = largest(1, ceilDiv(plane, kSumPositions));
  if (2 * plane <= kSumPositions) {
    grid.imagesPerBlock = largest(1, smallest(s.images, kSumPositions / largest(1, plane)));
    grid.imageBlocks = ceilDiv(s.images, grid.imagesPerBlock);
  } else {
    const int64_t most = ceilDiv(plane, kSumPositions / 2), perImage = sums * grid.imageBlocks;
    grid.positionBlocks = largest(grid.positionBlocks, smallest(most, ceilDiv(wanted, largest(1, perImage))));
  }
  grid.blocks = sums * grid.imageBlocks * grid.positionBlocks;
  const int64_t mostRowBlocks = largest(1, s.rows / (4 * kTileRows));
  grid.rowBlocks = smallest(mostRowBlocks, ceilDiv(wanted, largest(1, grid.blocks)));
  grid.rowBlocks = largest(grid.rowBlocks, ceilDiv(s.rows, kSumRows));

  const int64_t perBlock = grid.imagesPerBlock > 1 ? plane * grid.imagesPerBlock : ceilDiv(plane, grid.positionBlocks);
  grid.positions = roundUp(perBlock, kTileCols);
  grid.direct = grid.imagesPerBlock == 1 && (!s.gradient || (s.y.stride == 1 && s.x.stride == 1));
  grid.packInItems = !s.gradient && grid.imageBlocks * grid.positionBlocks <= 2;
  grid.gatherFirst = grid.rowBlocks > 1 && elements(grid.blocks, grid.k, grid.positions) <= kSharedColumns;
  return grid;
}

INLINE int64_t weightFloats(const TapSum& s, const TapSumGrid& grid) {
  return grid.packInItems ? 0 : aligned(s.groups * s.rows * s.channels * kernelSize(s));
}
INLINE int64_t columnFloats(const TapSumGrid& grid) {
  return aligned((grid.gatherFirst ? grid.k : smallest(grid.k, kSumLongestK)) * grid.positions);
}
INLINE int64_t panelFloats(const TapSumGrid& grid) {
  return grid.packInItems ? aligned(smallest(grid.k, kSumLongestK) * kTileRows) : 0;
}
INLINE int64_t resultFloats(const TapSum& s, const TapSumGrid& grid) {
  return grid.direct ? 0 : aligned(ceilDiv(rowPanels(s.rows), grid.rowBlocks) * kTileRows * grid.positions);
}

INLINE Work planTapSum(const TapSum& s) {
  const TapSumGrid grid = gridOf(s);
  const int64_t planes = s.images * s.groups * s.rows;
  const double weights = static_cast<double>(s.groups) * s.rows * s.channels * kernelSize(s);
  const double cost = weights * s.images * resultPlane(s) / (s.gradient ? s.y.stride * s.x.stride : 1);
  int64_t packed = s.groups * (s.gradient ? grid.setsY * grid.setsX * s.channels : rowPanels(s.rows));
  if (grid.packInItems) packed = 0;
  Work work = parallel(packed, grainOf(weights / largest(1, packed)), cost);
  thenParallel(work, grid.zeroFirst ? planes : 0, grainOf(resultPlane(s)));
  thenParallel(work, grid.gatherFirst ? grid.blocks * kBlocksOf(grid.k, kSumLongestK) : 0, 1);
  thenParallel(work, grid.blocks * grid.rowBlocks, grainOf(cost / largest(1, grid.blocks * grid.rowBlocks)));
  work.sharedFloats = weightFloats(s, grid) + (grid.gatherFirst ? grid.blocks * columnFloats(grid) : 0);
  work.localFloats = (grid.gatherFirst ? 0 : columnFloats(grid)) + panelFloats(grid) + resultFloats(s, grid);
  return work;
}

struct SumBlock {
  Windows windows;
  int64_t setY, setX, group;
  int64_t image, images;  // first one, and how many
  int64_t begin, end;     // positions, counted through these images
  int64_t inPlace;        // so many of them are read where they lie, the rest is gathered
  const float* source;    // of the group in the first image
};

INLINE SumBlock blockAt(const TapSum& s, const TapSumGrid& grid, int64_t index) {
  SumBlock block = {};
  const int64_t part = index % grid.positionBlocks;
  index /= grid.positionBlocks;
  block.group = index % s.groups;
  index /= s.groups;
  block.setX = index % grid.setsX;
  index /= grid.setsX;
  block.setY = index % grid.setsY;
  block.image = index / grid.setsY * grid.imagesPerBlock;
  block.images = smallest(grid.imagesPerBlock, s.images - block.image);

  const int64_t plane = sourcePlane(s);
  Windows& w = block.windows;
  w = {tapsOf(s, s.y, block.setY), tapsOf(s, s.x, block.setX), plane, s.groups * s.channels * plane};
  block.source = s.source + block.image * w.image + block.group * s.channels * plane;
  const bool identity = isIdentity(w);
  if (identity) {
    w.x.positions = w.x.source = plane;
    w.y.positions = w.y.source = 1;
  }
  const int64_t positions = positionCount(w);
  const int64_t perPart = ceilDiv(ceilDiv(positions, kTileCols), grid.positionBlocks) * kTileCols;
  block.begin = grid.positionBlocks > 1 ? smallest(positions, part * perPart) : 0;
  block.end = grid.positionBlocks > 1 ? smallest(positions, block.begin + perPart) : positions * block.images;
  if (identity && block.images == 1) block.inPlace = (block.end - block.begin) / kTileCols * kTileCols;
  return block;
}

INLINE void gatherColumns(const SumBlock& block, int64_t k0, int64_t k1, float* packed) {
  gatherPanels(block.windows, block.source, k0, k1, block.begin + block.inPlace, block.end, packed);
}

// One block of k of one block of positions, for all row blocks.
INLINE void gatherShared(const TapSum& s, const TapSumGrid& grid, int64_t item, float* shared) {
  const int64_t parts = kBlocksOf(grid.k, kSumLongestK), index = item / parts, part = item % parts;
  const SumBlock block = blockAt(s, grid, index);
  const int64_t length = s.channels * tapCount(block.windows), blocks = kBlocksOf(length, kSumLongestK);
  if (part >= blocks) return;  // this set of taps has fewer
  const int64_t k0 = partBegin(length, blocks, part), k1 = partBegin(length, blocks, part + 1);
  gatherColumns(block, k0, k1, shared + weightFloats(s, grid) + index * columnFloats(grid) + k0 * grid.positions);
}

// Moves a block of results [rows][pitch] to where its positions lie in the images.
INLINE void scatter(const SumBlock& block, const float* from, int64_t pitch, int64_t rows, float* result, int64_t width,
                    int64_t plane, int64_t image) {
  const Taps &y = block.windows.y, &x = block.windows.x;
  const int64_t positions = positionCount(block.windows);
  for (int64_t p = block.begin; p < block.end;) {
    const int64_t row = p % positions / x.positions, col = p % positions % x.positions;
    const int64_t length = smallest(x.positions - col, block.end - p);
    const float* line = from + (p - block.begin);
    float* to = result + p / positions * image;
    to += (y.origin + row * y.outputStep) * width + x.origin + col * x.outputStep;
    for (int64_t i = 0; i < rows; i++, line += pitch, to += plane) {
      if (x.outputStep == 1) {
        copyRow(to, line, length);
      } else {
        for (int64_t j = 0; j < length; j++) to[j * x.outputStep] = line[j];
      }
    }
    p += length;
  }
}

INLINE void sumBlock(const TapSum& s, const TapSumGrid& grid, int64_t item, const Workspace& workspace) {
  const int64_t index = item / grid.rowBlocks, rowBlock = item % grid.rowBlocks;
  const SumBlock block = blockAt(s, grid, index);
  if (block.begin == block.end) return;
  const int64_t panels = rowPanels(s.rows), plane = resultPlane(s), image = s.groups * s.rows * plane;
  const int64_t firstPanel = partBegin(panels, grid.rowBlocks, rowBlock);
  const int64_t endPanel = partBegin(panels, grid.rowBlocks, rowBlock + 1);
  const int64_t firstRow = partBegin(s.rows, panels, firstPanel), endRow = partBegin(s.rows, panels, endPanel);
  float* result = s.result + block.image * image + (block.group * s.rows + firstRow) * plane;

  const float* packedRows = workspace.shared + packedWeights(s, block.group, block.setY, block.setX);
  const float* sharedColumns = workspace.shared + weightFloats(s, grid) + index * columnFloats(grid);
  float* localColumns = workspace.local;
  float* packedPanel = localColumns + (grid.gatherFirst ? 0 : columnFloats(grid));
  float* localResult = packedPanel + panelFloats(grid);

  Strip strip = {};
  strip.rowStep = 1;
  strip.alpha = 1;
  strip.ldc = grid.direct ? plane : grid.positions;
  float* c = grid.direct ? result + block.begin : localResult;
  const int64_t length = s.channels * tapCount(block.windows), blocks = kBlocksOf(length, kSumLongestK);
  for (int64_t b = 0; b < blocks; b++) {
    const int64_t k0 = partBegin(length, blocks, b), k1 = partBegin(length, blocks, b + 1);
    if (!grid.gatherFirst) gatherColumns(block, k0, k1, localColumns);
    const float* columns = grid.gatherFirst ? sharedColumns + k0 * grid.positions : localColumns;
    strip.k = k1 - k0;
    strip.beta = b == 0 ? 0 : 1;
    for (int64_t panel = firstPanel; panel < endPanel; panel++) {
      const int64_t row = partBegin(s.rows, panels, panel);
      strip.rows = strip.kStep = partBegin(s.rows, panels, panel + 1) - row;
      strip.a = grid.packInItems ? packedPanel : packedRows + k0 * s.rows + row * strip.k;
      if (grid.packInItems) packRows(s, block.group, panel, k0, k1, packedPanel);
      strip.bias = b == 0 && s.bias ? s.bias + block.group * s.rows + row : nullptr;
      strip.c = c + (row - firstRow) * strip.ldc;
      strip.b = block.source + k0 * block.windows.plane + block.begin;
      strip.ldb = block.windows.plane;
      strip.panelStep = kTileCols;
      strip.cols = block.inPlace;
      multiplyStrip(strip);
      strip.c += block.inPlace;
      strip.b = columns;
      strip.ldb = kTileCols;
      strip.panelStep = strip.k * kTileCols;
      strip.cols = block.end - block.begin - block.inPlace;
      multiplyStrip(strip);
    }
  }
  if (!grid.direct) {
    const int64_t width = s.gradient ? s.x.source : s.x.output;
    scatter(block, localResult, grid.positions, endRow - firstRow, result, width, plane, image);
  }
}

INLINE void runTapSum(const TapSum& s, int phase, Range range, const Workspace& workspace) {
  if (phase == 1) {
    fillRow(s.result + range.begin * resultPlane(s), (range.end - range.begin) * resultPlane(s), 0);
    return;
  }
  const TapSumGrid grid = gridOf(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0 && s.gradient) packGradient(s, item, workspace.shared);
    if (phase == 0 && !s.gradient) packForward(s, item, workspace.shared);
    if (phase == 2) gatherShared(s, grid, item, workspace.shared);
    if (phase == 3) sumBlock(s, grid, item, workspace);
  }
}

}  // namespace
}  // namespace ISA
