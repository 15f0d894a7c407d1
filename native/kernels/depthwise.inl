// Sums over taps with few result channels per group, depthwise ones above all: a matrix product would spend its time on
// packing, so these slide along the rows of the image instead, one vector of neighbouring positions at a time.
#pragma once
#include "kernels/band.inl"
#include "kernels/tap_weights.inl"

namespace ISA {
namespace {

// With more result channels per group, packing for the matrix product pays: sooner on 16 registers, where a tile of
// sums is small and most of its time goes into loads.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kDirectRegisters = 24;
constexpr int64_t kDirectRows = 32;
#else
constexpr int kDirectRegisters = 12;
constexpr int64_t kDirectRows = 8;
#endif

struct DirectGrid {
  int64_t setsY, setsX;
  int64_t bandRows, bands;
  int64_t bandFloats;
  bool zeroFirst;
};

// The set of taps with the most taps, with the most positions of any set.
INLINE Taps widestTaps(const TapSum& s, const Axis& axis) {
  Taps taps = tapsOf(s, axis, 0);
  if (s.gradient) taps.positions = ceilDiv(axis.source, axis.stride);
  return taps;
}

INLINE bool isDirect(const TapSum& s) {
  const Taps y = widestTaps(s, s.y), x = widestTaps(s, s.x);
  return s.rows <= kDirectRows && fitsBand(y, x, s.channels) && !isIdentity(Windows{y, x, 0, 0});
}

INLINE DirectGrid directGridOf(const TapSum& s) {
  const Taps y = widestTaps(s, s.y), x = widestTaps(s, s.x);
  DirectGrid grid = {};
  grid.setsY = s.gradient ? tapSets(s.y) : 1;
  grid.setsX = s.gradient ? tapSets(s.x) : 1;
  grid.zeroFirst = s.gradient && (grid.setsY < s.y.stride || grid.setsX < s.x.stride);
  grid.bandRows = rowsPerBand(y, x, s.channels);
  grid.bands = largest(1, ceilDiv(y.positions, grid.bandRows));
  grid.bandFloats = bandFloats(bandOf(y, x, grid.bandRows), s.channels);
  return grid;
}

INLINE Work planDirectSum(const TapSum& s) {
  const DirectGrid grid = directGridOf(s);
  const Taps y = widestTaps(s, s.y), x = widestTaps(s, s.x);
  const int64_t items = s.images * s.groups * grid.bands;
  const double results = static_cast<double>(resultPlane(s)) * s.images * s.groups * s.rows;
  const double cost = results * s.channels * y.count * x.count;
  Work work = parallel(grid.zeroFirst ? s.images * s.groups * s.rows : 0, grainOf(resultPlane(s)), cost);
  thenParallel(work, items, grainOf(cost / items));
  work.localFloats = grid.bandFloats + tapFloats(y.count * x.count);
  return work;
}

// A tile of results: `Rows` channels by as many vectors of positions as make some 8 to 24 sums, enough to hide the
// latency of a multiply-add. A tap costs one load per vector and one broadcast per row, for rows * vectors
// multiply-adds.
constexpr int kMostDirectVectors = 8;
constexpr int kMostDirectRows = 4;
constexpr int directVectors(int rows) {
  return kDirectRegisters / rows < kMostDirectVectors ? kDirectRegisters / rows : kMostDirectVectors;
}

struct DirectTile {
  int64_t from[kMostDirectVectors];  // where the positions of a vector lie in the band
  int64_t to[kMostDirectVectors];    // and in the result
  int64_t lanes[kMostDirectVectors];
  int64_t count;  // vectors that exist; the others repeat the last one and are not stored
};

INLINE void storeStrided(float* to, V value, int64_t lanes, int64_t step) {
  if (step == 1) {
    storeUpTo(to, value, lanes);
    return;
  }
  float values[kWidth];
  store(values, value);
  for (int64_t i = 0; i < lanes; i++) to[i * step] = values[i];
}

struct DirectRows {
  const float* band;
  const TapEntry* taps;
  int64_t count, channels, channel;  // taps; source channels, and their distance in the band
  const float* weight;
  int64_t weightRow, weightChannel;
  const float* bias;  // or nullptr
  float* result;
  int64_t plane, step;  // distances of result channels and positions
};

template <int Rows>
__attribute__((noinline)) void directTile(const DirectRows& d, const DirectTile& tile) {
  constexpr int kVectors = directVectors(Rows);
  V sum[Rows][kVectors];
  int64_t from[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; v++) from[v] = tile.from[v];
#pragma GCC unroll 4
  for (int i = 0; i < Rows; i++) {
    const V start = d.bias ? set1(d.bias[i]) : zero();
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) sum[i][v] = start;
  }
  const float* band = d.band;
  const float* weight = d.weight;
  for (int64_t c = 0; c < d.channels; c++, band += d.channel, weight += d.weightChannel) {
    for (int64_t t = 0; t < d.count; t++) {
      const float* base = band + d.taps[t].band;
      const float* left = weight + d.taps[t].weight;
      V factor[Rows];
#pragma GCC unroll 4
      for (int i = 0; i < Rows; i++) factor[i] = broadcast(left + i * d.weightRow);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; v++) {
        V right = load(base + from[v]);
        if (Rows > 1) keepInRegister(right);
#pragma GCC unroll 4
        for (int i = 0; i < Rows; i++) sum[i][v] = fmadd(factor[i], right, sum[i][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++)
      if (v < tile.count) storeStrided(d.result + i * d.plane + tile.to[v], sum[i][v], tile.lanes[v], d.step);
}

// Every position of a band for `Rows` channels; a row of `width` positions starts at from + row * pitch of the band and
// goes to row * rowStep of the result.
template <int Rows>
INLINE void directPositions(const DirectRows& d, int64_t rows, int64_t width, int64_t pitch, int64_t rowStep) {
  constexpr int kVectors = directVectors(Rows);
  int64_t row = 0, col = 0;
  while (row < rows) {
    DirectTile tile;
    tile.count = 0;
    for (int v = 0; v < kVectors; v++) {
      tile.from[v] = row * pitch + col;
      tile.to[v] = row * rowStep + col * d.step;
      tile.lanes[v] = smallest(kWidth, width - col);
      if (row == rows) {
        tile.from[v] = tile.from[v - 1];
        continue;
      }
      tile.count++;
      col += kWidth;
      if (col >= width) {
        col = 0;
        row++;
      }
    }
    directTile<Rows>(d, tile);
  }
}

// The results of one set of taps, for the bands [range.begin, range.end).
INLINE void directSet(const TapSum& s, const DirectGrid& grid, const Taps& y, const Taps& x, Range range,
                      float* local) {
  if (y.positions == 0 || x.positions == 0) return;
  const Band band = bandOf(y, x, grid.bandRows);
  TapEntry* taps = reinterpret_cast<TapEntry*>(local + grid.bandFloats);
  listTaps(band, s.x.kernel, taps);
  const int64_t plane = resultPlane(s), width = s.gradient ? s.x.source : s.x.output;
  const int64_t weights = s.rows * s.channels * s.y.kernel * s.x.kernel;
  DirectRows d = {};
  d.band = local;
  d.taps = taps;
  d.count = y.count * x.count;
  d.channels = s.channels;
  d.channel = band.channel;
  d.weightRow = s.weightRow;
  d.weightChannel = s.weightChannel;
  d.plane = plane;
  d.step = x.outputStep;
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t pair = item / grid.bands, rowBegin = item % grid.bands * grid.bandRows;  // pair: image and group
    const int64_t rows = smallest(grid.bandRows, y.positions - rowBegin), group = pair % s.groups;
    if (rows <= 0) continue;
    fillBand(band, s.source + pair * s.channels * sourcePlane(s), sourcePlane(s), s.channels, rowBegin, rows, local);
    const int64_t origin = (y.origin + rowBegin * y.outputStep) * width + x.origin, rowStep = y.outputStep * width;
    for (int64_t i = 0; i < s.rows;) {
      d.weight = s.weight + group * weights + i * s.weightRow;
      d.bias = s.bias ? s.bias + group * s.rows + i : nullptr;
      d.result = s.result + (pair * s.rows + i) * plane + origin;
      const int64_t left = smallest(kMostDirectRows, s.rows - i);
      if (left == 4) directPositions<4>(d, rows, x.positions, band.pitch, rowStep);
      if (left == 3) directPositions<3>(d, rows, x.positions, band.pitch, rowStep);
      if (left == 2) directPositions<2>(d, rows, x.positions, band.pitch, rowStep);
      if (left == 1) directPositions<1>(d, rows, x.positions, band.pitch, rowStep);
      i += left;
    }
  }
}

INLINE void runDirectSum(const TapSum& s, int phase, Range range, const Workspace& workspace) {
  if (phase == 0) {
    fillRow(s.result + range.begin * resultPlane(s), (range.end - range.begin) * resultPlane(s), 0);
    return;
  }
  const DirectGrid grid = directGridOf(s);
  for (int64_t y = 0; y < grid.setsY; y++)
    for (int64_t x = 0; x < grid.setsX; x++)
      directSet(s, grid, tapsOf(s, s.y, y), tapsOf(s, s.x, x), range, workspace.local);
}

}  // namespace
}  // namespace ISA
