// The gradient of the weights, summed directly:
//   dweight[row][channel][tap] = sum over images and output positions of dy[row][position] * x[channel][tap there]
// for x in blocks, or plain where it has few channels (the first layer).
//
// An item is a panel of kTileCols output channels and a block of input channels with all of their taps: 18 KiB at 3x3.
// It reads both tensors in units of some 2048 pixels, which stay in the second level cache while every tap and channel
// passes over them. When there are too few items for a handful of threads, the units are dealt to `chunks` private
// copies, which a second phase adds up, always in the same order.
#pragma once
#include "kernels/blocked/pixel_sum.inl"
#include "kernels/weight_sum.inl"

namespace ISA {
namespace {

struct BlockedWeightSum {
  const float* source;    // x: blocks, or [images][channels][y.source][x.source] if `plain`
  const float* gradient;  // dy
  float* result;          // [groups][rows][channels][taps]
  Blocked from, to;
  int64_t images, groups, rows, channels;  // rows and channels of a group
  Axis y, x;
  bool plain;
};

// dy of a unit takes 256 KiB at 512 bits, x as much at stride 2.
constexpr int64_t kUnitPixels = 2048;
// Longer rows are cut.
constexpr int64_t kUnitCols = 512;
// Pixels that are summed in registers before the sum is added to memory. More round worse; with fewer, the 100 cycles
// of the addition would count beside the 6144 of 24 multiply-adds a pixel.
constexpr int64_t kRunPixels = 256;
// Rows of a plain image, copied with their padding.
constexpr int64_t kPlainFloats = 1 << 15, kMostPlainFloats = 1 << 20;

struct WeightUnits {
  int64_t images, rows, cols;            // of a unit, at most
  int64_t imageParts, rowParts, colParts;
  int64_t total;
};

INLINE int64_t reach(const Axis& axis, int64_t positions) {
  return (positions - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
}
INLINE int64_t plainFloats(const BlockedWeightSum& s, int64_t rows, int64_t cols) {
  return elements(smallest(kBlock, s.channels), reach(s.y, rows), reach(s.x, cols));
}
INLINE bool fitsPlain(int64_t floats, int64_t most) { return floats >= 0 && floats <= most; }

INLINE WeightUnits weightUnits(const BlockedWeightSum& s) {
  WeightUnits u = {};
  if (s.images * s.y.output * s.x.output == 0) return u;
  u.colParts = ceilDiv(s.x.output, kUnitCols);
  u.cols = ceilDiv(s.x.output, u.colParts);
  u.rows = smallest(s.y.output, largest(1, kUnitPixels / u.cols));
  while (s.plain && u.rows > 1 && !fitsPlain(plainFloats(s, u.rows, u.cols), kPlainFloats)) u.rows /= 2;
  u.rowParts = ceilDiv(s.y.output, u.rows);
  u.rows = ceilDiv(s.y.output, u.rowParts);
  u.images = s.plain ? 1 : smallest(s.images, largest(1, kUnitPixels / (u.rows * u.cols)));
  u.imageParts = ceilDiv(s.images, u.images);
  u.total = u.imageParts * u.rowParts * u.colParts;
  return u;
}

struct BlockedWeightGrid {
  int64_t panels, blocks, items;  // panels and blocks of a group; items of all groups
  int64_t slab;                   // floats of an item, [kBlock][taps][kTileCols]
  int64_t chunks;
  WeightUnits units;
};

INLINE int64_t weightTaps(const BlockedWeightSum& s) { return s.y.kernel * s.x.kernel; }

INLINE BlockedWeightGrid gridOf(const BlockedWeightSum& s) {
  BlockedWeightGrid grid = {};
  grid.panels = ceilDiv(s.rows, kTileCols);
  grid.blocks = ceilDiv(s.channels, kBlock);
  grid.items = s.groups * grid.panels * grid.blocks;
  grid.slab = kBlock * weightTaps(s) * kTileCols;
  grid.units = weightUnits(s);
  const int64_t enough = ceilDiv(8, largest(1, grid.items));
  grid.chunks = largest(1, smallest(grid.units.total, enough));
  while (grid.chunks > 1 && grid.chunks * grid.items * grid.slab > int64_t{1} << 22) grid.chunks--;
  return grid;
}

INLINE Work planBlockedWeightSum(const BlockedWeightSum& s) {
  const BlockedWeightGrid grid = gridOf(s);
  const double cost = static_cast<double>(s.groups) * s.rows * s.channels * weightTaps(s) * s.images * s.y.output *
                      s.x.output;
  Work work = parallel(grid.chunks * grid.items, 1, cost);
  work.localFloats = grid.slab;
  if (s.plain && grid.units.total > 0) work.localFloats += plainFloats(s, grid.units.rows, grid.units.cols) + kBlock;
  if (grid.chunks > 1) {
    work.sharedFloats = grid.chunks * grid.items * grid.slab;
    thenParallel(work, grid.items, grainOf(static_cast<double>(grid.chunks * grid.slab)));
  }
  return work;
}

// Where an item stands.
struct WeightItem {
  int64_t group, panel, block;
  int64_t row, rows;         // output channels of the panel, counted in the group
  int64_t channel, channels;  // input channels of the block
};

INLINE WeightItem weightItem(const BlockedWeightSum& s, int64_t panels, int64_t blocks, int64_t index) {
  WeightItem item = {};
  item.block = index % blocks;
  item.panel = index / blocks % panels;
  item.group = index / blocks / panels;
  item.row = item.panel * kTileCols;
  item.rows = smallest(kTileCols, s.rows - item.row);
  item.channel = item.block * kBlock;
  item.channels = smallest(kBlock, s.channels - item.channel);
  return item;
}

// A rectangle of output positions in some images.
struct PositionRange {
  int64_t image, images, y, rows, x, cols;
};

INLINE PositionRange unitAt(const BlockedWeightSum& s, const WeightUnits& u, int64_t index) {
  const int64_t col = index % u.colParts, row = index / u.colParts % u.rowParts, part = index / u.colParts / u.rowParts;
  PositionRange r = {};
  r.image = part * u.images;
  r.images = smallest(u.images, s.images - r.image);
  r.y = partBegin(s.y.output, u.rowParts, row);
  r.rows = partBegin(s.y.output, u.rowParts, row + 1) - r.y;
  r.x = partBegin(s.x.output, u.colParts, col);
  r.cols = partBegin(s.x.output, u.colParts, col + 1) - r.x;
  return r;
}

// What all tiles of an item share in a unit.
INLINE PixelSum pixelsOf(const BlockedWeightSum& s, const WeightItem& item, const PositionRange& r) {
  const int64_t channel = item.group * s.rows + item.row;
  PixelSum p = {};
  p.dy = s.gradient + pixelAt(s.to, r.image, channel / kBlock, r.y, r.x) + channel % kBlock;
  p.dyVector = kWidth == kBlock ? s.to.plane : kWidth;
  p.dyRow = s.to.row;
  p.dyImage = s.to.image - r.rows * s.to.row;
  p.cols = r.cols;
  p.rows = r.rows;
  p.lines = r.images * r.rows;
  p.linesAtOnce = largest(1, kRunPixels / r.cols);
  p.adds = true;
  p.isHalf = item.rows <= kBlock / 2;
  return p;
}

// A tile is some taps of a row of the kernel by some channels.
constexpr int64_t kMostTaps = kPixelRows >= 14 ? 7 : (kPixelRows + 1) / 2;

INLINE void addBlockUnit(const BlockedWeightSum& s, const WeightItem& item, const PositionRange& r, float* sum) {
  const int64_t vectors = ceilDiv(item.rows, kWidth), taps = weightTaps(s);
  const int64_t block = item.group * s.channels / kBlock + item.block;
  PixelSum p = pixelsOf(s, item, r);
  p.xCol = s.x.stride * kBlock;
  p.xRow = s.y.stride * s.from.row;
  p.xImage = s.from.image - r.rows * p.xRow;
  p.outerStep = s.x.dilation * kBlock;
  p.sumOuter = kTileCols;
  p.sumInner = taps * kTileCols;
  const int64_t tapParts = ceilDiv(s.x.kernel, kMostTaps);
  for (int64_t ky = 0; ky < s.y.kernel; ky++) {
    for (int64_t tapPart = 0; tapPart < tapParts; tapPart++) {
      const int64_t kx = partBegin(s.x.kernel, tapParts, tapPart);
      const int64_t outer = partBegin(s.x.kernel, tapParts, tapPart + 1) - kx;
      const int64_t parts = ceilDiv(item.channels, smallest(kMostInner, kPixelRows / outer));
      const float* x = s.source + pixelAt(s.from, r.image, block, r.y * s.y.stride - s.y.pad + ky * s.y.dilation,
                                          r.x * s.x.stride - s.x.pad + kx * s.x.dilation);
      for (int64_t part = 0; part < parts; part++) {
        const int64_t channel = partBegin(item.channels, parts, part);
        p.x = x + channel;
        p.sum = sum + (channel * taps + ky * s.x.kernel + kx) * kTileCols;
        sumPixels(p, outer, partBegin(item.channels, parts, part + 1) - channel, vectors);
      }
    }
  }
}

// Rows of the channels of an item under a rectangle of positions, zero where there is no pixel.
INLINE void copyPlain(const BlockedWeightSum& s, const WeightItem& item, const PositionRange& r, float* band) {
  const int64_t height = reach(s.y, r.rows), pitch = reach(s.x, r.cols), plane = s.y.source * s.x.source;
  const int64_t top = r.y * s.y.stride - s.y.pad, left = r.x * s.x.stride - s.x.pad;
  const int64_t begin = smallest(pitch, largest(0, -left));
  const int64_t end = largest(begin, smallest(pitch, s.x.source - left));
  for (int64_t c = 0; c < item.channels; c++) {
    const float* image = s.source + (r.image * s.channels + item.channel + c) * plane;
    for (int64_t i = 0; i < height; i++, band += pitch) {
      const bool inside = top + i >= 0 && top + i < s.y.source;
      fillRow(band, inside ? begin : pitch, 0);
      if (!inside) continue;
      copyRow(band + begin, image + (top + i) * s.x.source + left + begin, end - begin);
      fillRow(band + end, pitch - end, 0);
    }
  }
}

// A tile is some taps of a row of the kernel, for some of its rows. Taps that are not neighbours are taken one by one.
INLINE void addPlainUnit(const BlockedWeightSum& s, const WeightItem& item, const PositionRange& r, float* band,
                         float* sum) {
  copyPlain(s, item, r, band);
  const int64_t vectors = ceilDiv(item.rows, kWidth);
  const int64_t pitch = reach(s.x, r.cols), height = reach(s.y, r.rows);
  const int64_t kx = s.x.kernel, ky = s.y.kernel, colParts = ceilDiv(kx, s.x.dilation == 1 ? kMostTaps : 1);
  PixelSum p = pixelsOf(s, item, r);
  p.xCol = s.x.stride;
  p.xRow = s.y.stride * pitch;
  p.outerStep = s.y.dilation * pitch;
  p.sumOuter = kx * kTileCols;
  p.sumInner = kTileCols;
  for (int64_t c = 0; c < item.channels; c++) {
    for (int64_t colPart = 0; colPart < colParts; colPart++) {
      const int64_t col = partBegin(kx, colParts, colPart), inner = partBegin(kx, colParts, colPart + 1) - col;
      const int64_t parts = ceilDiv(ky, smallest(kMostOuter, kPixelRows / inner));
      for (int64_t part = 0; part < parts; part++) {
        const int64_t row = partBegin(ky, parts, part);
        p.x = band + (c * height + row * s.y.dilation) * pitch + col * s.x.dilation;
        p.sum = sum + ((c * ky + row) * kx + col) * kTileCols;
        sumPixels(p, partBegin(ky, parts, part + 1) - row, inner, vectors);
      }
    }
  }
}

// [channel][tap][output channel] of an item to its places in dweight.
INLINE void storeWeights(const BlockedWeightSum& s, const WeightItem& item, const float* sum) {
  const int64_t taps = weightTaps(s), length = s.channels * taps;
  float* to = s.result + (item.group * s.rows + item.row) * length + item.channel * taps;
  transpose(sum, kTileCols, item.channels * taps, item.rows, to, length, item.channels * taps);
}

// The sums of an item over units [begin, end).
INLINE void sumUnits(const BlockedWeightSum& s, const BlockedWeightGrid& grid, const WeightItem& item, int64_t begin,
                     int64_t end, float* sum, float* band) {
  fillRow(sum, grid.slab, 0);
  for (int64_t unit = begin; unit < end; unit++) {
    const PositionRange r = unitAt(s, grid.units, unit);
    if (s.plain) {
      addPlainUnit(s, item, r, band, sum);
    } else {
      addBlockUnit(s, item, r, sum);
    }
  }
}

// An item of dweight by itself, `weights` being room for it: for numbers that no transform can take.
INLINE void sumDirectly(const BlockedWeightSum& s, const WeightItem& item, float* weights) {
  const BlockedWeightGrid grid = gridOf(s);
  sumUnits(s, grid, item, 0, grid.units.total, weights, nullptr);
  storeWeights(s, item, weights);
}

INLINE void runBlockedWeightSum(const BlockedWeightSum& s, int phase, Range range, const Workspace& workspace) {
  const BlockedWeightGrid grid = gridOf(s);
  for (int64_t index = range.begin; index < range.end; index++) {
    const WeightItem item = weightItem(s, grid.panels, grid.blocks, index % grid.items);
    if (phase == 1) {
      addChunks(workspace.shared + index * grid.slab, grid.chunks, grid.items * grid.slab, 0, grid.slab,
                workspace.local);
      storeWeights(s, item, workspace.local);
      continue;
    }
    const int64_t chunk = index / grid.items;
    float* sum = grid.chunks > 1 ? workspace.shared + index * grid.slab : workspace.local;
    sumUnits(s, grid, item, partBegin(grid.units.total, grid.chunks, chunk),
             partBegin(grid.units.total, grid.chunks, chunk + 1), sum, workspace.local + grid.slab);
    if (grid.chunks == 1) storeWeights(s, item, sum);
  }
}

}  // namespace
}  // namespace ISA
