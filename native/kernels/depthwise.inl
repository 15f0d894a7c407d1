// Convolutions with few result channels per group, depthwise ones above all: a matrix product would spend its time on
// packing, so these slide along the rows of the image instead, one vector of neighbouring positions at a time.
//
// The rows an item reads are first copied to a band: with the padding written out as zeros, and for stride s dealt to s
// planes (column u goes to plane u % s), so that neighbouring positions are neighbours in memory for every tap. After
// that no tap needs a bounds check, and stride, dilation and padding are nothing but the offset of a tap in the band.
#pragma once
#include "kernels/tap_sum.inl"
#include "kernels/weight_sum.inl"

namespace ISA {
namespace {

#ifndef DR
#define DR 16
#define DW 16
#endif
constexpr int64_t kDirectRows = DR;
constexpr int64_t kDirectWeightRows = DW;
constexpr int64_t kBandFloats = 1 << 16;       // 256 KiB: a quarter of the second level cache, where there is a choice
constexpr int64_t kMostBandFloats = 1 << 18;   // beyond that a single row is too long and the matrix product takes over
constexpr int kBandSlack = 16;                 // the last vector of a row may reach behind the band

// How one axis of the taps lies in a band. Relative to its lowest tap, tap t reads index p * stride + shift(t): it lives in
// plane shift % stride at offset shift / stride. Taps t and t + planes share a plane.
INLINE int64_t lowestTap(const Taps& t) { return t.tapStep < 0 ? (t.count - 1) * t.tapStep : 0; }
INLINE int64_t shiftOf(const Taps& t, int64_t tap) { return tap * t.tapStep - lowestTap(t); }
INLINE int64_t planesOf(const Taps& t) {
  return smallest(t.count, t.stride / greatestCommonDivisor(t.stride, magnitude(t.tapStep)));
}
INLINE int64_t extentOf(const Taps& t, int64_t positions) {
  return positions + (t.count - 1) * magnitude(t.tapStep) / t.stride;
}

struct Band {
  Taps y, x;
  int64_t planesY, planesX;
  int64_t rows;    // positions along y
  int64_t height, pitch;
  int64_t channel;  // floats per source channel
};

INLINE Band bandOf(const Taps& y, const Taps& x, int64_t rows) {
  Band band = {y, x, planesOf(y), planesOf(x), rows, extentOf(y, rows), extentOf(x, x.positions), 0};
  band.channel = band.planesY * band.planesX * band.height * band.pitch;
  return band;
}

// Whether a band of a single row, the smallest there is, is reasonable.
INLINE bool fitsBand(const Taps& y, const Taps& x, int64_t channels) {
  if (y.count < 1 || x.count < 1) return false;
  const int64_t height = extentOf(y, 1), pitch = extentOf(x, x.positions), planes = planesOf(y) * planesOf(x);
  const int64_t size = elements(height, pitch, planes, channels), taps = elements(y.count, x.count);
  return size >= 0 && size <= kMostBandFloats && taps <= kBandFloats;
}

// As many rows as fit into kBandFloats, at least one and about as many as there are taps, if possible.
INLINE int64_t rowsPerBand(const Taps& y, const Taps& x, int64_t channels) {
  const int64_t reach = extentOf(y, 0);
  const int64_t row = largest(1, planesOf(y) * planesOf(x) * extentOf(x, x.positions) * channels);
  int64_t rows = kBandFloats / row - reach;
  if (rows < reach) rows = smallest(reach, kMostBandFloats / row - reach);
  const int64_t positions = largest(1, y.positions);
  return ceilDiv(positions, ceilDiv(positions, largest(1, rows)));
}

INLINE int64_t bandFloats(const Band& band, int64_t channels) { return aligned(channels * band.channel + kBandSlack); }

// Fills the band for positions [rowBegin, rowBegin + rows) of `channels` source planes.
__attribute__((noinline)) void fillBand(const Band& band, const float* source, int64_t plane, int64_t channels,
                                        int64_t rowBegin, int64_t rows, float* out) {
  Taps y = band.y, x = band.x;
  const int64_t height = band.height - band.rows + rows;
  for (int64_t py = 0; py < band.planesY; py++) {
    for (int64_t px = 0; px < band.planesX; px++) {
      y.offset = band.y.offset + lowestTap(band.y) + shiftOf(band.y, py) % band.y.stride;
      x.offset = band.x.offset + lowestTap(band.x) + shiftOf(band.x, px) % band.x.stride;
      const TapSpan down = spanOf(y, 0, rowBegin, height), across = spanOf(x, 0, 0, band.pitch);
      const int64_t width = across.high - across.low;
      const bool padded = down.low > 0 || down.high < height || width < band.pitch;
      const int64_t first = (down.index + down.low * y.stride) * x.source + across.index + across.low * x.stride;
      float* to = out + (py * band.planesX + px) * band.height * band.pitch;
      for (int64_t c = 0; c < channels; c++, to += band.channel) {
        if (padded) fillRow(to, height * band.pitch, 0);
        if (width == 0) continue;
        const float* from = source + c * plane + first;
        for (int64_t row = down.low; row < down.high; row++, from += y.stride * x.source)
          copyStrided(from, x.stride, width, to + row * band.pitch + across.low);
      }
    }
  }
}

// Where a tap lies in the band of its channel, and in the weights of its pair of channels.
struct TapEntry {
  int64_t band, weight;
};

INLINE void listTaps(const Band& band, int64_t kernelWidth, TapEntry* entries) {
  for (int64_t ty = 0; ty < band.y.count; ty++) {
    for (int64_t tx = 0; tx < band.x.count; tx++) {
      const int64_t plane = ty % band.planesY * band.planesX + tx % band.planesX;
      const int64_t row = shiftOf(band.y, ty) / band.y.stride, col = shiftOf(band.x, tx) / band.x.stride;
      entries->band = (plane * band.height + row) * band.pitch + col;
      entries->weight = (band.y.first + ty * band.y.step) * kernelWidth + band.x.first + tx * band.x.step;
      entries++;
    }
  }
}

INLINE int64_t tapFloats(int64_t taps) { return aligned(taps * int64_t{sizeof(TapEntry) / sizeof(float)}); }

// ---- forward and gradient of the input

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
  const double cost = static_cast<double>(resultPlane(s)) * s.images * s.groups * s.rows * s.channels * y.count * x.count;
  Work work = parallel(grid.zeroFirst ? s.images * s.groups * s.rows : 0, grainOf(resultPlane(s)), cost);
  thenParallel(work, items, grainOf(static_cast<int64_t>(cost / items)));
  work.localFloats = grid.bandFloats + tapFloats(y.count * x.count);
  return work;
}

// A tile of results: `Rows` channels by as many vectors of positions as make some 8 to 24 sums, enough to hide the latency
// of a multiply-add. A tap costs one load per vector and one broadcast per row, for rows * vectors multiply-adds.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kDirectRegisters = 24;
#else
constexpr int kDirectRegisters = 12;
#endif
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
INLINE void directSet(const TapSum& s, const DirectGrid& grid, const Taps& y, const Taps& x, Range range, float* local) {
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

// ---- gradient of the weights

struct DirectWeightGrid {
  int64_t bandRows, bands;  // of an image
  int64_t images;           // in a unit: several, if they fit
  int64_t units;
  int64_t imageFloats, bandFloats;
  int64_t chunks;  // private copies of the result, as in weight_sum.inl
};

INLINE bool isDirect(const WeightSum& s) {
  return (s.rows <= kDirectWeightRows || s.channels * s.y.kernel * s.x.kernel <= kWidth) &&
         fitsBand(forwardTaps(s.y), forwardTaps(s.x), s.channels);
}

INLINE DirectWeightGrid directGridOf(const WeightSum& s) {
  const Taps y = forwardTaps(s.y), x = forwardTaps(s.x);
  DirectWeightGrid grid = {};
  grid.bandRows = rowsPerBand(y, x, s.channels);
  grid.bands = ceilDiv(y.positions, grid.bandRows);
  const Band band = bandOf(y, x, grid.bandRows);
  grid.imageFloats = s.channels * band.channel;
  grid.images = 1;
  if (grid.bands == 1) grid.images = largest(1, smallest(s.images, kBandFloats / largest(1, grid.imageFloats)));
  // The sums of a unit are single precision and one after the other: some thousand rows are enough.
  grid.images = smallest(grid.images, ceilDiv(2048, largest(1, grid.bandRows)));
  grid.units = ceilDiv(s.images, grid.images) * grid.bands;
  grid.bandFloats = aligned(grid.images * grid.imageFloats + kBandSlack);
  grid.chunks = largest(1, smallest(grid.units, ceilDiv(8, s.groups)));
  return grid;
}

INLINE Work planDirectWeightSum(const WeightSum& s) {
  const DirectWeightGrid grid = directGridOf(s);
  const int64_t size = s.groups * s.rows * s.channels * s.y.kernel * s.x.kernel;
  const int64_t items = grid.chunks * s.groups;
  const double cost = static_cast<double>(size) * s.images * s.y.output * s.x.output;
  Work work = parallel(items, grainOf(static_cast<int64_t>(cost / items)), cost);
  work.localFloats = grid.bandFloats + tapFloats(s.y.kernel * s.x.kernel);
  if (grid.chunks > 1) {
    work.sharedFloats = grid.chunks * size;
    thenParallel(work, ceilDiv(size, kReducedPerItem), grainOf(grid.chunks * kReducedPerItem));
  }
  return work;
}

struct DirectWeights {
  const float* dy;
  int64_t dyRow, dyImage;  // distances of the gradient's channels and images
  const float* band;
  int64_t pitch, bandImage;
  int64_t images, height, width;
  const TapEntry* taps;
  float* result;
  int64_t resultRow;
};

// result[i][t] += sum over images, rows and columns of dy[i] * band at tap t, for `Rows` channels and `Count` taps: a tile of
// sums as in directTile, every one a vector that is folded in the end.
template <int Rows, int Count>
__attribute__((noinline)) void directWeights(const DirectWeights& d) {
  V sum[Rows][Count];
  const float* from[Count];
#pragma GCC unroll 10
  for (int t = 0; t < Count; t++) {
    from[t] = d.band + d.taps[t].band;
#pragma GCC unroll 4
    for (int i = 0; i < Rows; i++) sum[i][t] = zero();
  }
  const int64_t whole = d.width / kWidth * kWidth, rest = d.width - whole;
  for (int64_t image = 0; image < d.images; image++) {
    for (int64_t row = 0; row < d.height; row++) {
      const float* dy = d.dy + image * d.dyImage + row * d.width;
      const int64_t at = image * d.bandImage + row * d.pitch;
      for (int64_t col = 0; col < whole; col += kWidth) {
        V left[Rows];
#pragma GCC unroll 4
        for (int i = 0; i < Rows; i++) left[i] = load(dy + i * d.dyRow + col);
#pragma GCC unroll 10
        for (int t = 0; t < Count; t++) {
          V right = load(from[t] + at + col);
          if (Rows > 1) keepInRegister(right);
#pragma GCC unroll 4
          for (int i = 0; i < Rows; i++) sum[i][t] = fmadd(left[i], right, sum[i][t]);
        }
      }
      if (rest == 0) continue;
      V left[Rows];
#pragma GCC unroll 4
      for (int i = 0; i < Rows; i++) left[i] = loadPartial(dy + i * d.dyRow + whole, rest);
#pragma GCC unroll 10
      for (int t = 0; t < Count; t++) {
        const V right = loadPartial(from[t] + at + whole, rest);
#pragma GCC unroll 4
        for (int i = 0; i < Rows; i++) sum[i][t] = fmadd(left[i], right, sum[i][t]);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 10
    for (int t = 0; t < Count; t++) d.result[i * d.resultRow + d.taps[t].weight] += reduceAdd(sum[i][t]);
}

// Taps in a tile of `rows` channels.
constexpr int directTaps(int rows) {
  return kDirectRegisters / rows < 10 ? kDirectRegisters / rows : 10;
}

template <int Rows, int Count>
INLINE void directWeightsAtMost(int64_t count, const DirectWeights& d) {
  if (count == Count) return directWeights<Rows, Count>(d);
  if constexpr (Count > 1) directWeightsAtMost<Rows, Count - 1>(count, d);
}

template <int Rows>
INLINE void directTaps(DirectWeights d, int64_t count) {
  const TapEntry* taps = d.taps;
  const int64_t parts = ceilDiv(count, directTaps(Rows));
  for (int64_t part = 0; part < parts; part++) {
    const int64_t begin = partBegin(count, parts, part);
    d.taps = taps + begin;
    directWeightsAtMost<Rows, directTaps(Rows)>(partBegin(count, parts, part + 1) - begin, d);
  }
}

INLINE void directWeightGroup(const WeightSum& s, const DirectWeightGrid& grid, const Band& band, int64_t item,
                              const Workspace& workspace) {
  const int64_t group = item % s.groups, chunk = item / s.groups;
  const int64_t inPlane = s.y.source * s.x.source, plane = s.y.output * s.x.output;
  const int64_t count = s.y.kernel * s.x.kernel, size = s.rows * s.channels * count;
  float* result = (grid.chunks > 1 ? workspace.shared + chunk * s.groups * size : s.result) + group * size;
  fillRow(result, size, 0);
  DirectWeights d = {};
  d.dyRow = plane;
  d.dyImage = s.groups * s.rows * plane;
  d.pitch = band.pitch;
  d.bandImage = grid.imageFloats;
  d.width = s.x.output;
  d.taps = reinterpret_cast<const TapEntry*>(workspace.local + grid.bandFloats);
  d.resultRow = s.channels * count;
  const int64_t end = partBegin(grid.units, grid.chunks, chunk + 1);
  for (int64_t unit = partBegin(grid.units, grid.chunks, chunk); unit < end; unit++) {
    const int64_t image = unit / grid.bands * grid.images, rowBegin = unit % grid.bands * grid.bandRows;
    d.images = smallest(grid.images, s.images - image);
    d.height = smallest(grid.bandRows, s.y.output - rowBegin);
    for (int64_t i = 0; i < d.images; i++) {
      const float* source = s.source + ((image + i) * s.groups + group) * s.channels * inPlane;
      fillBand(band, source, inPlane, s.channels, rowBegin, d.height, workspace.local + i * grid.imageFloats);
    }
    for (int64_t c = 0; c < s.channels; c++) {
      d.band = workspace.local + c * band.channel;
      for (int64_t i = 0; i < s.rows;) {
        d.dy = s.gradient + ((image * s.groups + group) * s.rows + i) * plane + rowBegin * s.x.output;
        d.result = result + (i * s.channels + c) * count;
        const int64_t left = smallest(kMostDirectRows, s.rows - i);
        if (left == 4) directTaps<4>(d, count);
        if (left == 3) directTaps<3>(d, count);
        if (left == 2) directTaps<2>(d, count);
        if (left == 1) directTaps<1>(d, count);
        i += left;
      }
    }
  }
}

INLINE void runDirectWeightSum(const WeightSum& s, int phase, Range range, const Workspace& workspace) {
  const DirectWeightGrid grid = directGridOf(s);
  if (phase == 1) {
    const int64_t size = s.groups * s.rows * s.channels * s.y.kernel * s.x.kernel;
    addChunks(workspace.shared, grid.chunks, size, range.begin * kReducedPerItem,
              smallest(size, range.end * kReducedPerItem), s.result);
    return;
  }
  const Band band = bandOf(forwardTaps(s.y), forwardTaps(s.x), grid.bandRows);
  listTaps(band, s.x.kernel, reinterpret_cast<TapEntry*>(workspace.local + grid.bandFloats));
  for (int64_t item = range.begin; item < range.end; item++) directWeightGroup(s, grid, band, item, workspace);
}

}  // namespace
}  // namespace ISA
