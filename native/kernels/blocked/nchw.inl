// Convolution of plain NCHW tensors on the blocked kernels. An item computes some rows of an image in some panels of
// channels: the rows of the source that it needs are blocked on the way in, its result is unblocked on the way out, and
// in between nothing leaves the second level cache.
//
// Weights are packed first, for all items, unless each panel is met by one item only, which then packs it for itself.
// The source is blocked first, for all items, where several groups of panels read the same rows.
#pragma once
#include "kernels/blocked/conv2d.inl"
#include "kernels/blocked/convert.inl"

namespace ISA {
namespace {

// A convolution of NCHW tensors.
struct NchwSum {
  BlockedSum sum;
  const float *source, *weight, *bias;
  float* result;
};

struct NchwGrid {
  bool isPlain;
  int64_t panelsAtOnce, panelGroups;
  int64_t bandRows, bands;  // of the result, in an item
  bool sharesSource, packsAlone;
  int64_t sourceRows;                    // most rows of the source that a band needs
  int64_t sourcePlane, resultPlane;      // floats of a plane of a blocked band
  int64_t packed, shared, source, result;  // floats of the workspace: packed weights, shared source; local bands
};

INLINE BlockedSum nchwSum(const Conv2dGeometry& g, int32_t pass) {
  return blockedSum(g, pass, neededHalo(blockedSum(g, pass, 0, 0)), 0);
}

// Rows of the source that rows [first, end) of the result read, those of the padding included.
INLINE RowRange sourceRows(const BlockedSum& s, int64_t first, int64_t end) {
  const int64_t reach = (s.y.kernel - 1) * s.y.dilation;
  if (!s.gradient) return {first * s.y.stride - s.y.pad, (end - 1) * s.y.stride - s.y.pad + reach + 1};
  // the gradient at row i comes from the rows (i + pad - tap) / stride, as far as that is a whole number
  const int64_t low = first + s.y.pad - reach, high = end - 1 + s.y.pad;
  return {low >= 0 ? ceilDiv(low, s.y.stride) : -(-low / s.y.stride), high / s.y.stride + 1};
}

INLINE int64_t withGap(int64_t plane) { return plane % 1024 == 0 ? plane + kBlock : plane; }

INLINE NchwGrid nchwGrid(const BlockedSum& s) {
  NchwGrid grid = {};
  grid.isPlain = !s.gradient && s.groups == 1 && s.channels < kBlock;
  const TileGrid tiles = tileGrid(s);
  grid.panelsAtOnce = grid.isPlain ? panelsOf(s) : tiles.panelsAtOnce;
  grid.panelGroups = grid.isPlain ? 1 : tiles.panelGroups;
  grid.sharesSource = grid.panelGroups > 1;

  // Both bands together are to fit the second level cache beside the weights, which take up to half of it.
  const int64_t channels = grid.panelsAtOnce * kTileCols, step = s.gradient ? 1 : s.y.stride;
  const int64_t sourcePerRow = step * s.from.blocks / s.groups * s.from.row / (s.gradient ? s.y.stride : 1);
  const int64_t perRow = (grid.sharesSource ? 0 : sourcePerRow) + roundUp(channels, kBlock) * s.to.w;
  const int64_t fitting = largest(1, (96 << 10) / largest(1, perRow));
  // Enough items for a handful of threads, but no more than twice as many rows copied as there are.
  const int64_t others = s.to.n * s.groups * grid.panelGroups;
  const int64_t least = largest(1, (s.y.kernel - 1) * s.y.dilation / step);
  const int64_t wanted = largest(least, ceilDiv(s.to.h, largest(1, ceilDiv(8, largest(1, others)))));
  grid.bands = ceilDiv(s.to.h, smallest(largest(least, fitting), wanted));
  grid.bandRows = ceilDiv(s.to.h, grid.bands);
  grid.packsAlone = !grid.isPlain && s.to.n * grid.bands == 1;
  if (grid.packsAlone) {
    grid.panelsAtOnce = 1;
    grid.panelGroups = panelsOf(s);
    grid.sharesSource = grid.panelGroups > 1;
  }

  const RowRange rows = sourceRows(s, 0, grid.bandRows);
  grid.sourceRows = rows.end - rows.begin + 1;  // where a band begins within a stride may need one more
  grid.sourcePlane = withGap(grid.sourceRows * s.from.row);
  grid.resultPlane = withGap(grid.bandRows * s.to.w * kBlock);
  grid.packed = aligned(grid.packsAlone ? (s.channels * kernelSize(s) + 1) * kTileCols : packedDirectFloats(s));
  grid.shared = grid.sharesSource ? aligned(s.from.n * s.from.image) : 0;
  grid.source = grid.sharesSource ? 0 : aligned(s.from.blocks / s.groups * grid.sourcePlane);
  if (grid.isPlain) grid.source = aligned(s.channels * grid.sourceRows * plainGrid(s).copyCols);
  grid.result = ceilDiv(grid.panelsAtOnce * kTileCols, kBlock) * grid.resultPlane;
  return grid;
}

// Whether a sum is worth the conversions. Blocks are 16 channels whether they exist or not, so few channels are not; a
// border many times the image, as a large dilation needs, is not; and a product over single pixels reads NCHW as it
// lies, unless there are so few that vectors of them are partly empty.
INLINE bool suitsBlocks(const BlockedSum& s) {
  const bool whole = s.groups == 1 || (s.rows % kBlock == 0 && s.channels % kBlock == 0);
  const bool plain = s.groups == 1 && !s.gradient && s.channels < kBlock && s.channels * kernelSize(s) >= kBlock;
  const double bordered = static_cast<double>(s.from.h + 2 * s.from.halo) * (s.from.w + 2 * s.from.halo);
  if (!whole || s.rows < kBlock || !(plain || s.channels >= kBlock) || s.from.h * s.from.w == 0) return false;
  const bool isProduct = kernelSize(s) == 1 && s.y.stride == 1 && s.x.stride == 1 && s.from.halo == 0;
  const bool isShort = s.from.n * s.from.h * s.from.w <= 64;
  return (!isProduct || isShort) && bordered < 4.0 * s.from.h * s.from.w + 256;
}

// Phases: pack the weights, block the source, the rest; the first two as far as items share them.
INLINE Work planNchw(const BlockedSum& s) {
  const NchwGrid grid = nchwGrid(s);
  Work work = planPackDirect(s);
  if (work.error) return work;
  work.cost = multiplyAdds(s);
  if (grid.packsAlone) work.items[0] = 0;
  thenParallel(work, grid.sharesSource ? bandsOf(s.from).count : 0, 1);
  thenParallel(work, s.to.n * s.groups * grid.panelGroups * grid.bands, 1);
  const int64_t taps = work.localFloats;  // for packing
  work.sharedFloats = (grid.packsAlone ? 0 : grid.packed) + grid.shared;
  work.localFloats = largest(taps, (grid.packsAlone ? grid.packed + taps : 0) + grid.source + grid.result);
  return work;
}

// One item: rows [first, end) of an image in some panels of a group.
struct RowBand {
  int64_t image, group, panelGroup;
  int64_t first, end;
};

// The blocks of a group of an image that a band reads; `rows` says which row is the first in them.
INLINE void blockBand(const NchwSum& n, const NchwGrid& grid, const RowBand& band, const RowRange& rows, float* to) {
  const BlockedSum& s = n.sum;
  Blocked b = s.from;
  b.plane = grid.sourcePlane;
  const int64_t side = b.halo * kBlock, end = smallest(b.h, rows.end), first = largest(0, rows.begin);
  const int64_t channels = s.channels, blocks = b.blocks / s.groups;
  // a kernel of one row does not read the rows between
  const int64_t every = !s.gradient && s.y.kernel == 1 ? s.y.stride : 1;
  b.c = channels;
  const float* image = n.source + (band.image * s.groups + band.group) * channels * b.h * b.w;
  for (int64_t block = 0; block < blocks; block++) {
    float* rowsTo = to + block * b.plane;
    for (int64_t row = rows.begin; row < rows.end; row++) {
      float* p = rowsTo + (row - rows.begin) * b.row;
      const bool inside = row >= 0 && row < b.h;
      fillRow(p, inside ? side : b.row, 0);
      if (inside) fillRow(p + side + b.w * kBlock, side, 0);
    }
    // blockRows counts rows from the top of the image and its border
    const float* x = image + block * kBlock * b.h * b.w;
    float* y = to - (rows.begin + b.halo) * b.row;
    if (every == 1) {
      if (first < end) blockRows(b, x, y, 0, block, first, end);
      continue;
    }
    for (int64_t row = rows.begin; row < end; row += every)
      if (row >= 0) blockRows(b, x, y, 0, block, row, row + 1);
  }
}

// Where pixels of the source lie: row r at base + (r - first) * row.
struct SourceBand {
  const float* base;
  int64_t first, plane;
};

// One set of positions of a band, result rows from band.first on at `result`.
INLINE void computeBand(const BlockedSum& s, const NchwGrid& grid, const RowBand& band, const SourceBand& source,
                        const AxisTaps& y, const AxisTaps& x, const float* weights, const float* bias, float* result) {
  TileShape shape = tileShape(s, y.taps, x.taps);
  shape.blockStep = source.plane;
  shape.resultBlock = grid.resultPlane;
  const int64_t steps = s.channels * y.taps.count * x.taps.count, cols = x.taps.positions;
  const int64_t tilesPerRow = ceilDiv(cols, kTileRows), firstPanel = band.panelGroup * grid.panelsAtOnce;
  const int64_t endPanel = smallest(panelsOf(s), firstPanel + grid.panelsAtOnce);
  const int64_t step = y.taps.outputStep, before = largest(0, band.first - y.taps.origin);
  for (int64_t row = ceilDiv(before, step); y.taps.origin + row * step < band.end; row++) {
    const float* sourceRow = source.base + (row * y.taps.stride + y.taps.offset - source.first) * s.from.row;
    float* resultRow = result + (y.taps.origin + row * step - band.first) * s.to.row;
    for (int64_t part = 0; part < tilesPerRow; part++) {
      const int64_t col = partBegin(cols, tilesPerRow, part);
      Tile tile = {};
      tile.pixels = partBegin(cols, tilesPerRow, part + 1) - col;
      tile.source = sourceRow + (col * x.taps.stride + x.taps.offset + s.from.halo) * kBlock;
      tile.result = resultRow + (x.taps.origin + col * x.taps.outputStep) * kBlock;
      computePanels(s, shape, steps, band.group, firstPanel, endPanel, weights, bias, tile);
    }
  }
}

// All sets of positions of a band. A panel packed alone is its bias, then its weights.
INLINE void computeSets(const NchwSum& n, const NchwGrid& grid, const RowBand& band, const SourceBand& source,
                        float* packed, float* result) {
  const BlockedSum& s = n.sum;
  const int64_t panel = band.panelGroup * grid.panelsAtOnce;
  const PanelPlace place = {packed + (grid.packsAlone ? kTileCols : 0), grid.packsAlone};
  const float* bias = packed + (grid.packsAlone ? 0 : band.group * paddedRows(s) + panel * kTileCols);
  for (int64_t originY = 0; originY < originsOf(s, s.y); originY++) {
    for (int64_t originX = 0; originX < originsOf(s, s.x); originX++) {
      const AxisTaps y = tapsAt(s, s.y, originY), x = tapsAt(s, s.x, originX);
      computeBand(s, grid, band, source, y, x, placeOf(s, place, band.group, panel, y, x), bias, result);
    }
  }
}

// The bias and the weights of the one panel of a band into scratch of its own.
INLINE void packBand(const NchwSum& n, const RowBand& band, float* packed, float* taps) {
  const BlockedSum& s = n.sum;
  const int64_t row = band.panelGroup * kTileCols;
  fillRow(packed, kTileCols, 0);
  if (n.bias && row < s.rows)
    copyRow(packed, n.bias + band.group * s.rows + row, smallest(kTileCols, s.rows - row));
  packPanel(s, n.weight, band.group, band.panelGroup, kBlock, {packed + kTileCols, true}, taps);
}

INLINE void runBand(const NchwSum& n, const NchwGrid& grid, const RowBand& band, const Workspace& workspace) {
  BlockedSum s = n.sum;
  float* local = workspace.local;
  float* packed = workspace.shared;
  if (grid.packsAlone) {
    packBand(n, band, local, local + grid.packed);
    packed = local;
    local += grid.packed + kTapPanel * kernelSize(s);
  }
  float* result = local + grid.source;
  if (grid.isPlain) {
    s.packed = packed;
    const float* image = n.source + band.image * s.channels * s.y.source * s.x.source;
    computePlainRows(s, plainGrid(s), image, band.first, band.end, result, s.to.row, grid.resultPlane, nullptr,
                     local);
  } else if (grid.sharesSource) {
    const float* blocks = workspace.shared + (grid.packsAlone ? 0 : grid.packed);
    const int64_t block = band.group * s.channels / kBlock;
    computeSets(n, grid, band, {blocks + band.image * s.from.image + block * s.from.plane, -s.from.halo, s.from.plane},
                packed, result);
  } else {
    const RowRange rows = sourceRows(s, band.first, band.end);
    blockBand(n, grid, band, rows, local);
    computeSets(n, grid, band, {local, rows.begin, grid.sourcePlane}, packed, result);
  }

  Blocked b = s.to;
  b.plane = grid.resultPlane;
  const int64_t channel = band.panelGroup * grid.panelsAtOnce * kTileCols;
  b.c = smallest(grid.panelsAtOnce * kTileCols, s.rows - channel);
  float* planes = n.result + ((band.image * s.groups + band.group) * s.rows + channel) * s.to.h * s.to.w;
  for (int64_t block = 0; block * kBlock < b.c; block++)
    unblockRows(b, result - band.first * b.row, planes + block * kBlock * s.to.h * s.to.w, 0, block, band.first,
                band.end);
}

INLINE void runNchw(const NchwSum& n, int phase, Range range, const Workspace& workspace) {
  const BlockedSum& s = n.sum;
  const NchwGrid grid = nchwGrid(s);
  if (phase == 0) {
    runPackDirect(s, n.weight, n.bias, grid.isPlain ? 1 : kBlock, workspace.shared, range, workspace);
    return;
  }
  if (phase == 1) {
    blockBands(s.from, n.source, workspace.shared + (grid.packsAlone ? 0 : grid.packed), range);
    return;
  }
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t part = item % grid.bands, image = item / grid.bands % s.to.n, rest = item / grid.bands / s.to.n;
    const RowBand band = {image, rest / grid.panelGroups, rest % grid.panelGroups, partBegin(s.to.h, grid.bands, part),
                       partBegin(s.to.h, grid.bands, part + 1)};
    runBand(n, grid, band, workspace);
  }
}

}  // namespace
}  // namespace ISA
