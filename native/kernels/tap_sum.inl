// The sum behind conv2dForward and, seen from the other side, conv2dGradInput: for every position of a grid,
//   result[row] = bias[row] + sum over channels and taps of weight[row][channel][tap] * source[channel][tap at position]
// as a matrix product. The weights are the packed rows, packed once per call in a phase of its own; the windows are the
// columns, gathered into panels of one block of positions at a time, so the column matrix never exists as a whole.
#pragma once
#include "kernels/gather.inl"

namespace ISA {
namespace {

struct TapSum {
  const float* source;  // [images][groups * channels][plane]
  const float* weight;
  const float* bias;  // [groups * rows] or nullptr
  float* result;      // [images][groups * rows][plane]
  int64_t images, groups, rows, channels;
  int64_t weightRow, weightChannel;  // element strides; a group has rows * channels * kernel weights
  Axis y, x;
  bool gradient;  // source and result change places, and the taps run backwards
};

// One step of a row panel's k is 56 bytes: with 640 steps a panel is 35 KiB and 256 columns are 640 KiB, so the one stays
// close to the first level cache while it meets all columns, and the others stay in the second.
constexpr int64_t kSumLongestK = 640;
constexpr int64_t kSumPositions = 256;
constexpr int64_t kSumRows = 512;

struct TapSumGrid {
  int64_t setsY, setsX;
  int64_t imagesPerBlock, imageBlocks;  // either several whole images in a block of positions
  int64_t positionBlocks;               // or several blocks in an image
  int64_t rowBlocks;
  int64_t positions;  // most positions in a block, in whole column panels
  int64_t longestK;
  bool direct;     // the positions of a block are consecutive in the result
  bool zeroFirst;  // there are results no tap reaches
  bool packOnce;   // so few blocks of positions that each item packs the weights it reads
};

INLINE Taps tapsOf(const TapSum& s, const Axis& axis, int64_t set) {
  return s.gradient ? gradientTaps(axis, set) : forwardTaps(axis);
}

INLINE int64_t resultPlane(const TapSum& s) {
  return s.gradient ? s.y.source * s.x.source : s.y.output * s.x.output;
}
INLINE int64_t sourcePlane(const TapSum& s) {
  return s.gradient ? s.y.output * s.x.output : s.y.source * s.x.source;
}

INLINE TapSumGrid gridOf(const TapSum& s) {
  TapSumGrid grid = {};
  grid.setsY = s.gradient ? tapSets(s.y) : 1;
  grid.setsX = s.gradient ? tapSets(s.x) : 1;
  grid.zeroFirst = s.gradient && (grid.setsY < s.y.stride || grid.setsX < s.x.stride);
  const bool everyPosition = !s.gradient || (s.y.stride == 1 && s.x.stride == 1);

  // the first set has the most taps, and no set has more positions than stride-wise rounding up gives
  const int64_t taps = s.gradient ? (tapsBefore(s.y, 1) * tapsBefore(s.x, 1)) : s.y.kernel * s.x.kernel;
  const int64_t plane = s.gradient ? ceilDiv(s.y.source, s.y.stride) * ceilDiv(s.x.source, s.x.stride) : resultPlane(s);
  const int64_t k = s.channels * taps;
  grid.longestK = smallest(k, largest(taps, kSumLongestK));

  // Enough items for a handful of threads, as long as one is worth some 20 microseconds: first smaller blocks of
  // positions, which pack each weight panel's columns all the same, then fewer rows, which gathers columns repeatedly.
  const int64_t sums = grid.setsY * grid.setsX * s.groups;
  const double work = static_cast<double>(plane) * s.rows * k * s.images * s.groups;
  const int64_t wanted = work >= 8 << 20 ? 8 : 1 + static_cast<int64_t>(work) / (1 << 20);
  grid.imagesPerBlock = 1;
  grid.imageBlocks = s.images;
  grid.positionBlocks = largest(1, ceilDiv(plane, kSumPositions));
  if (2 * plane <= kSumPositions) {
    grid.imagesPerBlock = largest(1, smallest(s.images, kSumPositions / largest(1, plane)));
    grid.imageBlocks = ceilDiv(s.images, grid.imagesPerBlock);
  } else {
    const int64_t least = ceilDiv(plane, 4 * kTileCols > 128 ? 4 * kTileCols : 128);
    grid.positionBlocks =
        largest(grid.positionBlocks, smallest(least, ceilDiv(wanted, largest(1, sums * grid.imageBlocks))));
  }
  const int64_t items = largest(1, sums * grid.imageBlocks * grid.positionBlocks);
  const int64_t leastRowBlocks = ceilDiv(s.rows, kSumRows);
  grid.rowBlocks = largest(1, largest(leastRowBlocks, smallest(ceilDiv(wanted, items), s.rows / (8 * kTileRows))));

  const int64_t perBlock = grid.imagesPerBlock > 1 ? plane * grid.imagesPerBlock : ceilDiv(plane, grid.positionBlocks);
  grid.positions = roundUp(perBlock, kTileCols);
  grid.direct = everyPosition && grid.imagesPerBlock == 1;
  grid.packOnce = !s.gradient && grid.imageBlocks * grid.positionBlocks <= 2;
  return grid;
}

INLINE int64_t rowsPerBlock(const TapSum& s, const TapSumGrid& grid) {
  return smallest(s.rows, ceilDiv(rowPanels(s.rows), grid.rowBlocks) * kTileRows);
}

INLINE Work planTapSum(const TapSum& s) {
  const TapSumGrid grid = gridOf(s);
  const int64_t kernel = s.y.kernel * s.x.kernel;
  const int64_t sets = grid.setsY * grid.setsX;
  const int64_t items = sets * s.groups * grid.imageBlocks * grid.positionBlocks * grid.rowBlocks;
  const double macs = static_cast<double>(resultPlane(s)) * s.images * s.groups * s.rows * s.channels * kernel;
  const int64_t packed = grid.packOnce ? 0 : s.gradient ? sets * s.groups * s.channels : s.groups * rowPanels(s.rows);
  Work work = parallel(packed, grainOf(static_cast<double>(s.groups) * s.rows * s.channels * kernel / largest(1, packed)),
                       s.gradient ? macs / (s.y.stride * s.x.stride) : macs);
  thenParallel(work, grid.zeroFirst ? s.images * s.groups * s.rows : 0, grainOf(resultPlane(s)));
  thenParallel(work, items, 1);
  work.sharedFloats = grid.packOnce ? 0 : s.groups * s.rows * s.channels * kernel;
  work.localFloats = aligned(grid.longestK * grid.positions);
  if (grid.packOnce) work.localFloats += aligned(grid.longestK * kTileRows);
  if (!grid.direct) work.localFloats += aligned(rowsPerBlock(s, grid) * grid.positions);
  return work;
}

// The packed weights of one set of taps in one group: blocks of k, each a sequence of row panels.
INLINE int64_t packedWeights(const TapSum& s, int64_t group, int64_t setY, int64_t setX) {
  const int64_t pairs = s.rows * s.channels;
  if (!s.gradient) return group * pairs * s.y.kernel * s.x.kernel;
  const int64_t tapsY = tapsBefore(s.y, setY + 1) - tapsBefore(s.y, setY);
  return pairs * (group * s.y.kernel * s.x.kernel + tapsBefore(s.y, setY) * s.x.kernel + tapsY * tapsBefore(s.x, setX));
}

// Blocks of k hold whole channels.
INLINE int64_t channelBlocks(const TapSum& s, int64_t taps) {
  return largest(1, ceilDiv(s.channels, largest(1, kSumLongestK / largest(1, taps))));
}

// Forward: the weights of a row are one run, so a panel is packed at a time, all of its k or one block of it.
INLINE void packRows(const TapSum& s, int64_t group, int64_t panel, int64_t k0, int64_t k1, float* packed) {
  const int64_t panels = rowPanels(s.rows), row = partBegin(s.rows, panels, panel);
  const float* weight = s.weight + (group * s.rows + row) * s.weightRow + k0;
  const int64_t rows = partBegin(s.rows, panels, panel + 1) - row;
  transpose(weight, s.weightRow, rows, k1 - k0, packed, rows, rows);
}

INLINE void packForward(const TapSum& s, int64_t item, float* shared) {
  const int64_t panels = rowPanels(s.rows), panel = item % panels, group = item / panels;
  const int64_t taps = s.y.kernel * s.x.kernel, blocks = channelBlocks(s, taps);
  const int64_t row = partBegin(s.rows, panels, panel);
  for (int64_t b = 0; b < blocks; b++) {
    const int64_t k0 = partBegin(s.channels, blocks, b) * taps, k1 = partBegin(s.channels, blocks, b + 1) * taps;
    packRows(s, group, panel, k0, k1, shared + packedWeights(s, group, 0, 0) + k0 * s.rows + row * (k1 - k0));
  }
}

// Gradient: the weights of a channel are one run, so a channel is packed at a time, for all rows.
INLINE void packGradient(const TapSum& s, const TapSumGrid& grid, int64_t item, float* shared) {
  const int64_t channel = item % s.channels, set = item / s.channels % (grid.setsY * grid.setsX);
  const int64_t group = item / s.channels / (grid.setsY * grid.setsX);
  const int64_t setY = set / grid.setsX, setX = set % grid.setsX;
  const Taps y = gradientTaps(s.y, setY), x = gradientTaps(s.x, setX);
  const int64_t taps = y.count * x.count, blocks = channelBlocks(s, taps), panels = rowPanels(s.rows);
  int64_t block = 0;
  while (partBegin(s.channels, blocks, block + 1) <= channel) block++;
  const int64_t first = partBegin(s.channels, blocks, block), end = partBegin(s.channels, blocks, block + 1);
  const float* weight = s.weight + (group * s.channels + channel) * s.weightChannel;
  float* packed = shared + packedWeights(s, group, setY, setX) + first * taps * s.rows;
  for (int64_t panel = 0; panel < panels; panel++) {
    const int64_t row = partBegin(s.rows, panels, panel), rows = partBegin(s.rows, panels, panel + 1) - row;
    const float* from = weight + row * s.weightRow;
    float* out = packed + row * (end - first) * taps + (channel - first) * taps * rows;
    if (taps == s.weightRow) {
      if (taps == 1) {
        copyRow(out, from, rows);
      } else {
        transpose(from, taps, rows, taps, out, rows, rows);
      }
      continue;
    }
    for (int64_t ty = 0; ty < y.count; ty++) {
      for (int64_t tx = 0; tx < x.count; tx++, out += rows) {
        const float* tap = from + (y.first + ty * y.step) * s.x.kernel + x.first + tx * x.step;
        for (int64_t i = 0; i < rows; i++) out[i] = tap[i * s.weightRow];
      }
    }
  }
}

// Moves a block of results [rows][pitch] to where its positions lie in the images.
INLINE void scatter(const Windows& w, const float* block, int64_t pitch, int64_t rows, int64_t positionBegin,
                    int64_t positionEnd, float* result, int64_t resultWidth, int64_t plane, int64_t image) {
  const int64_t pixels = positionCount(w), width = w.x.positions;
  for (int64_t p = positionBegin; p < positionEnd;) {
    const int64_t row = p % pixels / width, col = p % pixels % width;
    const int64_t length = smallest(width - col, positionEnd - p), step = w.x.outputStep;
    const float* from = block + (p - positionBegin);
    float* to = result + p / pixels * image + (w.y.origin + row * w.y.outputStep) * resultWidth + w.x.origin + col * step;
    for (int64_t i = 0; i < rows; i++, from += pitch, to += plane) {
      if (step == 1) {
        copyStrided(from, 1, length, to);
      } else {
        for (int64_t j = 0; j < length; j++) to[j * step] = from[j];
      }
    }
    p += length;
  }
}

INLINE void sumBlock(const TapSum& s, const TapSumGrid& grid, int64_t item, const Workspace& workspace) {
  const int64_t rowBlock = item % grid.rowBlocks;
  item /= grid.rowBlocks;
  const int64_t positionBlock = item % grid.positionBlocks;
  item /= grid.positionBlocks;
  const int64_t group = item % s.groups;
  item /= s.groups;
  const int64_t setX = item % grid.setsX;
  item /= grid.setsX;
  const int64_t setY = item % grid.setsY, imageBlock = item / grid.setsY;

  const Taps y = tapsOf(s, s.y, setY), x = tapsOf(s, s.x, setX);
  const int64_t inPlane = sourcePlane(s), outPlane = resultPlane(s);
  Windows w = {y, x, inPlane, s.groups * s.channels * inPlane};
  const int64_t pixels = positionCount(w);
  const int64_t firstImage = imageBlock * grid.imagesPerBlock;
  const int64_t images = smallest(grid.imagesPerBlock, s.images - firstImage);
  const bool identity = isIdentity(w);
  if (identity) {  // rows need not be told apart
    w.x.positions = w.x.source = pixels;
    w.y.positions = w.y.source = 1;
  }
  const int64_t panelsPerBlock = ceilDiv(ceilDiv(pixels, kTileCols), grid.positionBlocks);
  const int64_t begin = grid.positionBlocks > 1 ? smallest(pixels, positionBlock * panelsPerBlock * kTileCols) : 0;
  const int64_t end =
      grid.positionBlocks > 1 ? smallest(pixels, begin + panelsPerBlock * kTileCols) : pixels * images;
  if (begin == end) return;

  const int64_t rowPanelCount = rowPanels(s.rows);
  const int64_t firstPanel = partBegin(rowPanelCount, grid.rowBlocks, rowBlock);
  const int64_t endPanel = partBegin(rowPanelCount, grid.rowBlocks, rowBlock + 1);
  const int64_t firstRow = partBegin(s.rows, rowPanelCount, firstPanel);
  const int64_t rows = partBegin(s.rows, rowPanelCount, endPanel) - firstRow;

  const float* source = s.source + firstImage * w.image + group * s.channels * inPlane;
  const int64_t resultImage = s.groups * s.rows * outPlane;
  float* result = s.result + firstImage * resultImage + (group * s.rows + firstRow) * outPlane;
  float* packedColumns = workspace.local;
  float* packedPanel = packedColumns + aligned(grid.longestK * grid.positions);
  float* block = packedPanel + (grid.packOnce ? aligned(grid.longestK * kTileRows) : 0);
  const float* packedRows = workspace.shared + (grid.packOnce ? 0 : packedWeights(s, group, setY, setX));

  const int64_t cols = end - begin;
  const int64_t inPlace = identity && images == 1 ? cols / kTileCols * kTileCols : 0;
  const int64_t taps = tapCount(w), blocks = channelBlocks(s, taps);
  for (int64_t b = 0; b < blocks; b++) {
    const int64_t k0 = partBegin(s.channels, blocks, b) * taps, k1 = partBegin(s.channels, blocks, b + 1) * taps;
    gatherPanels(w, source, k0, k1, begin + inPlace, end, packedColumns);
    Strip strip = {};
    strip.k = k1 - k0;
    strip.alpha = 1;
    strip.beta = b == 0 ? 0 : 1;
    strip.ldc = grid.direct ? outPlane : grid.positions;
    for (int64_t panel = firstPanel; panel < endPanel; panel++) {
      const int64_t row = partBegin(s.rows, rowPanelCount, panel);
      strip.rows = partBegin(s.rows, rowPanelCount, panel + 1) - row;
      strip.a = grid.packOnce ? packedPanel : packedRows + k0 * s.rows + row * strip.k;
      if (grid.packOnce) packRows(s, group, panel, k0, k1, packedPanel);
      strip.bias = b == 0 && s.bias ? s.bias + group * s.rows + row : nullptr;
      strip.c = grid.direct ? result + (row - firstRow) * outPlane + begin : block + (row - firstRow) * grid.positions;
      strip.b = source + k0 * inPlane + begin;
      strip.ldb = inPlane;
      strip.panelStep = kTileCols;
      strip.cols = inPlace;
      multiplyStrip(strip);
      strip.c += inPlace;
      strip.b = packedColumns;
      strip.ldb = kTileCols;
      strip.panelStep = strip.k * kTileCols;
      strip.cols = cols - inPlace;
      multiplyStrip(strip);
    }
  }
  if (!grid.direct) {
    const int64_t width = s.gradient ? s.x.source : s.x.output;
    scatter(w, block, grid.positions, rows, begin, end, result, width, outPlane, resultImage);
  }
}

INLINE void runTapSum(const TapSum& s, int phase, Range range, const Workspace& workspace) {
  const TapSumGrid grid = gridOf(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0 && s.gradient) packGradient(s, grid, item, workspace.shared);
    if (phase == 0 && !s.gradient) packForward(s, item, workspace.shared);
    if (phase == 1) fillRow(s.result + item * resultPlane(s), resultPlane(s), 0);
    if (phase == 2) sumBlock(s, grid, item, workspace);
  }
}

}  // namespace
}  // namespace ISA
