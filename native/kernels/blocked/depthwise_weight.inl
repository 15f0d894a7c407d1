// The gradient of depthwise weights:
//   dweight[channel][tap] = sum over images and output positions of dy[channel][position] * x[its channel][tap there]
// dy and the x it meets are lanes of the same block (copied into them if a channel has several results), so nothing is
// summed across lanes.
//
// A tile is some taps of the kernel, all of them if the registers suffice. A position costs a load of dy and a load of
// x for each multiply-add, which Zen 4 sustains at 0.92 a cycle as long as x is in the first level cache: positions go
// by runs of a line or a few, over which all taps pass.
//
// A lane adds up to kRunPositions products one after the other, then up to kRunSums such sums, and those in double
// precision: errors stay as small as those of a tree of additions.
#pragma once
#include "kernels/blocked/depthwise.inl"
#include "kernels/weight_sum.inl"

namespace ISA {
namespace {

struct DepthwiseWeightSum {
  const float* source;    // x
  const float* gradient;  // dy
  float* result;          // [channels of dy][taps]
  Blocked from, to;       // how x and dy lie
  int64_t multiplier;     // channels of dy for one of x
  Axis y, x;
};

constexpr int64_t kRunPositions = 64, kRunSums = 32;
constexpr int kMostWeightSide = 5;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kMostWeightTaps = 25;
#else
constexpr int kMostWeightTaps = 10;  // and dy, and a product where there is no fused multiply-add: 12 of 16 registers
#endif

// Positions of some lines and the taps that a tile sums over them; distances in floats.
struct WeightRun {
  const float* source;  // the first tap of the first position
  const float* gradient;
  float* sums;  // [taps][kBlock]; the tile's own are sumRow apart along the rows of the kernel
  int64_t lines, positions;
  int64_t sourceLine, sourceStep, gradientLine;
  int64_t rowUnit, columnUnit, sumRow;
};

template <int Rows, int Columns>
__attribute__((noinline)) void addWeightTile(const WeightRun& given) {
  const WeightRun run = given;
  V sums[Rows][Columns];
#pragma GCC unroll 5
  for (int r = 0; r < Rows; r++)
#pragma GCC unroll 5
    for (int c = 0; c < Columns; c++) sums[r][c] = zero();
  for (int64_t line = 0; line < run.lines; line++) {
    const float* source = run.source + line * run.sourceLine;
    const float* gradient = run.gradient + line * run.gradientLine;
    for (int64_t i = run.positions; i > 0; i--, source += run.sourceStep, gradient += kBlock) {
      V dy = load(gradient);
      keepInRegister(dy);
#pragma GCC unroll 5
      for (int r = 0; r < Rows; r++)
#pragma GCC unroll 5
        for (int c = 0; c < Columns; c++)
          sums[r][c] = fmadd(dy, load(source + r * run.rowUnit + c * run.columnUnit), sums[r][c]);
    }
  }
#pragma GCC unroll 5
  for (int r = 0; r < Rows; r++) {
#pragma GCC unroll 5
    for (int c = 0; c < Columns; c++) {
      float* to = run.sums + r * run.sumRow + c * kBlock;
      store(to, add(load(to), sums[r][c]));
    }
  }
}

template <int Rows, int Columns>
INLINE void addWeightTileOf(int64_t rows, int64_t columns, const WeightRun& run) {
  if constexpr (Rows > 1)
    if (rows < Rows) return addWeightTileOf<Rows - 1, Columns>(rows, columns, run);
  if constexpr (Columns > 1)
    if (columns < Columns) return addWeightTileOf<Rows, Columns - 1>(rows, columns, run);
  if constexpr (Rows * Columns <= kMostWeightTaps) addWeightTile<Rows, Columns>(run);
}

// All taps over some lines, tile by tile.
INLINE void addWeightTiles(const DepthwiseWeightSum& s, WeightRun run) {
  const int64_t columnParts = ceilDiv(s.x.kernel, kMostWeightSide);
  const float *source = run.source, *gradient = run.gradient;
  float* sums = run.sums;
  for (int64_t columnPart = 0; columnPart < columnParts; columnPart++) {
    const int64_t column = partBegin(s.x.kernel, columnParts, columnPart);
    const int64_t columns = partBegin(s.x.kernel, columnParts, columnPart + 1) - column;
    const int64_t rowParts = ceilDiv(s.y.kernel, smallest(kMostWeightSide, kMostWeightTaps / columns));
    for (int64_t rowPart = 0; rowPart < rowParts; rowPart++) {
      const int64_t row = partBegin(s.y.kernel, rowParts, rowPart);
      const int64_t rows = partBegin(s.y.kernel, rowParts, rowPart + 1) - row;
      for (int part = 0; part < kBlock; part += kWidth) {
        run.source = source + row * run.rowUnit + column * run.columnUnit + part;
        run.gradient = gradient + part;
        run.sums = sums + row * run.sumRow + column * kBlock + part;
        addWeightTileOf<kMostWeightSide, kMostWeightSide>(rows, columns, run);
      }
    }
  }
}

// The sums of a block: single precision for the runs of a while, and what they were added to.
struct WeightTotals {
  float* sums;     // [taps][kBlock]
  double* totals;  // [taps][kBlock]
  int64_t size;
  int64_t runs;    // in `sums`
};

INLINE void flush(WeightTotals& t) {
  for (int64_t i = 0; i < t.size; i++) t.totals[i] += static_cast<double>(t.sums[i]);
  fillRow(t.sums, t.size, 0);
  t.runs = 0;
}

// --- plan and run ---

struct DepthwiseWeightGrid {
  int64_t taps, size;       // sums of a block
  int64_t units;            // bands of dy over all images
  int64_t chunks;           // private copies of the result
  int64_t copyRows;         // source rows of a band, if they are copied
};

INLINE DepthwiseWeightGrid gridOf(const DepthwiseWeightSum& s) {
  DepthwiseWeightGrid grid = {};
  const Bands bands = bandsOf(s.to);
  grid.taps = s.y.kernel * s.x.kernel;
  grid.size = grid.taps * kBlock;
  grid.units = s.to.h * s.to.w == 0 ? 0 : s.to.n * bands.perBlock;
  // enough items for a handful of threads
  grid.chunks = largest(1, smallest(grid.units, ceilDiv(8, largest(1, s.to.blocks))));
  const int64_t reach = (s.y.kernel - 1) * s.y.dilation + 1;
  const int64_t rows = smallest((bands.rows - 1) * s.y.stride + reach, s.from.h + 2 * s.from.halo);
  if (s.multiplier > 1) grid.copyRows = rows;
  return grid;
}

INLINE Work planDepthwiseWeight(const DepthwiseWeightSum& s) {
  const DepthwiseWeightGrid grid = gridOf(s);
  const int64_t items = grid.chunks * s.to.blocks;
  const double cost = static_cast<double>(s.to.n) * s.to.c * s.to.h * s.to.w * grid.taps;
  Work work = parallel(items, grainOf(cost / static_cast<double>(largest(1, items))), cost);
  work.localFloats = 3 * grid.size + grid.copyRows * s.from.row;
  if (grid.chunks > 1) {
    work.sharedFloats = items * grid.size;
    thenParallel(work, s.to.blocks, grainOf(static_cast<double>(grid.chunks * grid.size)));
  }
  return work;
}

// Adds the products of a band of dy.
INLINE void addWeightBand(const DepthwiseWeightSum& s, int64_t image, int64_t block, RowRange rows, float* copy,
                          WeightTotals& totals) {
  const float* source = s.source + pixelAt(s.from, image, block, 0, 0);
  if (s.multiplier > 1) {
    const RowRange needed = {rows.begin * s.y.stride - s.y.pad,
                         (rows.end - 1) * s.y.stride - s.y.pad + (s.y.kernel - 1) * s.y.dilation + 1};
    copyLanes(s.from, s.source + image * s.from.image, repeatLanes(s.from, block, s.multiplier, s.to.c), needed, copy);
    source = copy - needed.begin * s.from.row + s.from.halo * kBlock;
  }
  const float* gradient = s.gradient + pixelAt(s.to, image, block, 0, 0);
  WeightRun run = {};
  run.sums = totals.sums;
  run.sumRow = s.x.kernel * kBlock;
  run.sourceLine = s.y.stride * s.from.row;
  run.sourceStep = s.x.stride * kBlock;
  run.gradientLine = s.to.row;
  run.rowUnit = s.y.dilation * s.from.row;
  run.columnUnit = s.x.dilation * kBlock;
  const int64_t lines = largest(1, kRunPositions / s.to.w);
  for (int64_t y = rows.begin; y < rows.end; y += lines) {
    run.lines = smallest(lines, rows.end - y);
    for (int64_t x = 0; x < s.to.w; x += kRunPositions) {
      run.positions = smallest(kRunPositions, s.to.w - x);
      run.source = source + (y * s.y.stride - s.y.pad) * s.from.row + (x * s.x.stride - s.x.pad) * kBlock;
      run.gradient = gradient + y * s.to.row + x * kBlock;
      addWeightTiles(s, run);
      if (++totals.runs == kRunSums) flush(totals);
    }
  }
}

// Sums of a block, [taps][kBlock], to their places in the result.
INLINE void storeBlockWeights(const DepthwiseWeightSum& s, int64_t block, int64_t taps, const float* sums) {
  const int64_t channel = block * kBlock;
  transpose(sums, kBlock, taps, smallest(kBlock, s.to.c - channel), s.result + channel * taps, taps, taps);
}

INLINE void runDepthwiseWeight(const DepthwiseWeightSum& s, int phase, Range range, const Workspace& workspace) {
  const DepthwiseWeightGrid grid = gridOf(s);
  const Bands bands = bandsOf(s.to);
  float* sums = workspace.local;
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t block = item % s.to.blocks, chunk = item / s.to.blocks;
    if (phase == 1) {
      addChunks(workspace.shared + block * grid.size, grid.chunks, s.to.blocks * grid.size, 0, grid.size, sums);
      storeBlockWeights(s, block, grid.taps, sums);
      continue;
    }
    double* doubles = reinterpret_cast<double*>(workspace.local + grid.size);
    WeightTotals totals = {sums, doubles, grid.size, 0};
    for (int64_t i = 0; i < grid.size; i++) doubles[i] = 0;
    fillRow(sums, grid.size, 0);
    const int64_t end = partBegin(grid.units, grid.chunks, chunk + 1);
    for (int64_t unit = partBegin(grid.units, grid.chunks, chunk); unit < end; unit++) {
      const int64_t row = unit % bands.perBlock * bands.rows;
      addWeightBand(s, unit / bands.perBlock, block, {row, smallest(s.to.h, row + bands.rows)},
                    workspace.local + 3 * grid.size, totals);
    }
    flush(totals);
    for (int64_t i = 0; i < grid.size; i++) sums[i] = static_cast<float>(doubles[i]);
    if (grid.chunks > 1) {
      copyRow(workspace.shared + item * grid.size, sums, grid.size);
    } else {
      storeBlockWeights(s, block, grid.taps, sums);
    }
  }
}

}  // namespace
}  // namespace ISA
