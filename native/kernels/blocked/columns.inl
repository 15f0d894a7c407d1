// The gradient of the input where a convolution has few input channels: the other way round than in direct.inl.
//
// Vectors of 6 channels would leave most lanes empty, and a kernel that shrinks the image meets mostly padding. Here a
// pixel of dy is multiplied by all the weights that it meets, [kh][kw * input channel], in vectors that run across
// columns of the kernel, and the products are added to the pixels they belong to: those of a row of the kernel are
// neighbours in an image of interleaved channels.
//
//   dy, a row       W [channel][kh][kw * ic]        columns [pixel][kh][kw * ic]      dx, [row][pixel * ic]
//   p0 p1 p2 ...  x                             =                                  +=  kh rows, each kw * ic floats
//
// No multiply-add meets padding. 5x5 kernels between 6 and 16 channels take 2 vectors for 30 columns.
#pragma once
#include "kernels/blocked/finish.inl"
#include "kernels/blocked/sum.inl"
#include "kernels/blocked/weights.inl"

namespace ISA {
namespace {

// dx of an image is to fit the second level cache.
constexpr int64_t kMostColumnFloats = int64_t{1} << 16;

struct ColumnGrid {
  int64_t run, width;       // floats of a row of the kernel; in whole vectors
  int64_t cols;             // of W
  int64_t imageRow, image;  // floats of dx with its padding
  int64_t packed;
};

INLINE ColumnGrid columnGrid(const BlockedSum& s) {
  ColumnGrid grid = {};
  grid.run = s.x.kernel * s.rows;
  grid.width = roundUp(grid.run, kWidth);
  grid.cols = s.y.kernel * grid.width;
  const int64_t reachX = (s.x.output - 1) * s.x.stride + s.x.kernel;
  const int64_t reachY = (s.y.output - 1) * s.y.stride + (s.y.kernel - 1) * s.y.dilation + 1;
  // whole vectors may be read and written at the end of a row
  grid.imageRow = aligned(largest(reachX, s.x.pad + s.x.source) * s.rows + kBlock);
  grid.image = largest(reachY, s.y.pad + s.y.source) * grid.imageRow;
  grid.packed = biasFloats(s) + ceilDiv(grid.cols, kTileCols) * kTileCols * s.channels;
  return grid;
}

INLINE bool isColumnSum(const BlockedSum& s) {
  if (!s.gradient || s.groups != 1 || s.rows < 1 || s.rows > kBlock || s.channels < 1) return false;
  if (s.x.dilation != 1 || s.x.kernel < 1 || s.y.kernel < 1 || s.x.output < 1 || s.y.output < 1) return false;
  const int64_t width = s.x.output * s.x.stride + s.x.kernel + s.x.pad + s.x.source;
  const int64_t height = s.y.output * s.y.stride + s.y.kernel * s.y.dilation + s.y.pad + s.y.source;
  if (elements(width, height) < 0 || width * height > kMostElements / 64) return false;
  return columnGrid(s).image <= kMostColumnFloats && elements(s.y.kernel, s.x.kernel, s.channels) <= kMostColumnFloats;
}

// In cycles of a Zen 4 core with 512-bit vectors: products, additions to dx, and what becomes of dx.
INLINE double columnCycles(const BlockedSum& s) {
  const ColumnGrid grid = columnGrid(s);
  const double pixels = static_cast<double>(s.to.n) * s.y.output * s.x.output;
  const double vectors = static_cast<double>(s.y.kernel * ceilDiv(grid.run, kBlock));
  return pixels * vectors * (s.channels / 0.92 + 3) + static_cast<double>(s.to.n) * s.to.h * s.to.w * 4 + 2000;
}

// Bias, then W in panels as microkernel.inl reads them.
INLINE void packColumns(const BlockedSum& s, const float* weight, const float* bias, float* packed) {
  const ColumnGrid grid = columnGrid(s);
  packBias(s, bias, packed);
  float* panels = packed + biasFloats(s);
  fillRow(panels, grid.packed - biasFloats(s), 0);
  for (int64_t channel = 0; channel < s.channels; channel++) {
    for (int64_t row = 0; row < s.rows; row++) {
      for (int64_t ky = 0; ky < s.y.kernel; ky++) {
        for (int64_t kx = 0; kx < s.x.kernel; kx++) {
          const int64_t col = ky * grid.width + kx * s.rows + row;
          panels[(col / kTileCols * s.channels + channel) * kTileCols + col % kTileCols] = *weight++;
        }
      }
    }
  }
}

// Where dy of an image lies: distances of rows and pixels, of channels, and of every `together` channels.
struct ColumnSource {
  const float* dy;
  int64_t row, pixel, channel, together, next;
};

// The products of a row of pixels, columns [pixel][grid.cols].
INLINE void multiplyPixels(const BlockedSum& s, const ColumnGrid& grid, const ColumnSource& from, const float* dy,
                           int64_t pixels, const float* panels, float* columns) {
  for (int64_t channel = 0; channel < s.channels; channel += from.together, dy += from.next) {
    Strip strip = {};
    strip.a = dy;
    strip.rowStep = from.pixel;
    strip.kStep = from.channel;
    strip.rows = pixels;
    strip.b = panels + channel * kTileCols;
    strip.ldb = kTileCols;
    strip.panelStep = s.channels * kTileCols;
    strip.k = smallest(from.together, s.channels - channel);
    strip.cols = grid.cols;
    strip.c = columns;
    strip.ldc = grid.cols;
    strip.alpha = 1;
    strip.beta = channel > 0 ? 1 : 0;
    multiplyStrip(strip);
  }
}

// dx of an image, [row][pixel * channel], with its padding.
INLINE void addColumns(const BlockedSum& s, const ColumnGrid& grid, const ColumnSource& from, const float* panels,
                       float* image, float* columns) {
  fillRow(image, grid.image, 0);
  const int64_t tiles = ceilDiv(s.x.output, kTileRows), lineStep = s.y.dilation * grid.imageRow;
  for (int64_t y = 0; y < s.y.output; y++) {
    for (int64_t tile = 0; tile < tiles; tile++) {
      const int64_t begin = partBegin(s.x.output, tiles, tile), end = partBegin(s.x.output, tiles, tile + 1);
      multiplyPixels(s, grid, from, from.dy + y * from.row + begin * from.pixel, end - begin, panels, columns);
      // Neighbouring pixels overlap in dx: between a store and a load that needs a part of it lie the other rows.
      for (int64_t x = begin; x < end; x++) {
        const float* products = columns + (x - begin) * grid.cols;
        float* to = image + y * s.y.stride * grid.imageRow + x * s.x.stride * s.rows;
        for (int64_t ky = 0; ky < s.y.kernel; ky++, products += grid.width, to += lineStep) {
          int64_t i = 0;
          for (; i + kWidth <= grid.run; i += kWidth) store(to + i, add(load(to + i), load(products + i)));
          if (i == grid.run) continue;
          const V before = load(to + i);
          store(to + i, select(firstLanes(grid.run - i), add(before, load(products + i)), before));
        }
      }
    }
  }
}

INLINE int64_t columnLocalFloats(const ColumnGrid& grid) { return aligned(grid.image) + kTileRows * grid.cols; }

// --- blocked tensors ---

INLINE Work planColumns(const BlockedSum& s) {
  const double cost = columnCycles(s) * kBlock;
  Work work = parallel(s.to.n, grainOf(cost / static_cast<double>(largest(1, s.to.n))), cost);
  work.localFloats = columnLocalFloats(columnGrid(s));
  return work;
}

INLINE void finishColumns(const BlockedSum& s, const ColumnGrid& grid, int64_t image, const float* dx) {
  const Epilogue& e = s.epilogue;
  for (int64_t y = 0; y < s.to.h; y++) {
    const float* line = dx + (y + s.y.pad) * grid.imageRow + s.x.pad * s.rows;
    float* result = s.result + pixelAt(s.to, image, 0, y, 0);
    const float* residual = residualAt(e, image, 0, y, 0);
    for (int part = 0; part < kBlock; part += kWidth) {
      const int64_t lanes = largest(0, smallest(kWidth, s.rows - part));
      const V bias = load(s.packed + part), slope = slopeOf(e, part, s.to.c);
      const M exists = firstLanes(lanes);
      for (int64_t x = 0; x < s.to.w; x++) {
        const float* from = line + x * s.rows + part;
        V sum[1] = {add(bias, lanes > 0 ? select(exists, load(from), zero()) : zero())};
        const float* rest = residual ? residual + x * kBlock + part : nullptr;
        finishSums(e, sum, slope, result + x * kBlock + part, rest, kBlock);
      }
    }
  }
  finishRows(e, s.to, s.result, image, 0, 0, s.to.h);
  zeroBorder(s.to, s.result, image, 0, 0, s.to.h);
}

INLINE void runColumns(const BlockedSum& s, Range range, const Workspace& workspace) {
  const ColumnGrid grid = columnGrid(s);
  float* dx = workspace.local;
  for (int64_t image = range.begin; image < range.end; image++) {
    const ColumnSource from = {s.source + pixelAt(s.from, image, 0, 0, 0), s.from.row, kBlock, 1, kBlock, s.from.plane};
    addColumns(s, grid, from, s.packed + biasFloats(s), dx, dx + aligned(grid.image));
    finishColumns(s, grid, image, dx);
  }
}

// --- NCHW tensors ---

INLINE Work planNchwColumns(const BlockedSum& s) {
  const ColumnGrid grid = columnGrid(s);
  Work work = planColumns(s);
  const double cost = work.cost;
  const int64_t grain = work.grain[0];
  work = parallel(1, 1, cost);
  thenParallel(work, s.to.n, grain);
  work.sharedFloats = grid.packed;
  work.localFloats = columnLocalFloats(grid);
  return work;
}

// source and result are dy and dx; weight is OIHW.
INLINE void runNchwColumns(const BlockedSum& s, const float* source, const float* weight, float* result, int phase,
                           Range range, const Workspace& workspace) {
  if (phase == 0) return packColumns(s, weight, nullptr, workspace.shared);
  const ColumnGrid grid = columnGrid(s);
  float* dx = workspace.local;
  const int64_t plane = s.y.output * s.x.output, size = s.to.h * s.to.w;
  for (int64_t image = range.begin; image < range.end; image++) {
    const ColumnSource from = {source + image * s.channels * plane, s.x.output, 1, plane, s.channels, 0};
    addColumns(s, grid, from, workspace.shared + biasFloats(s), dx, dx + aligned(grid.image));
    const float* first = dx + s.y.pad * grid.imageRow + s.x.pad * s.rows;
    float* to = result + image * s.rows * size;
    for (int64_t y = 0; y < s.to.h; y++)
      transpose(first + y * grid.imageRow, s.rows, s.to.w, s.rows, to + y * s.to.w, size, s.to.w);
  }
}

}  // namespace
}  // namespace ISA
