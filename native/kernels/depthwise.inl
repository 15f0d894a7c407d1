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
#define DR 4
#endif
constexpr int64_t kDirectRows = DR;             // more result channels per group are worth packing for
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
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t py = 0; py < band.planesY; py++) {
      y.offset = band.y.offset + lowestTap(band.y) + shiftOf(band.y, py) % band.y.stride;
      for (int64_t px = 0; px < band.planesX; px++) {
        x.offset = band.x.offset + lowestTap(band.x) + shiftOf(band.x, px) % band.x.stride;
        const TapSpan span = spanOf(x, 0, 0, band.pitch);
        float* to = out + c * band.channel + (py * band.planesX + px) * band.height * band.pitch;
        for (int64_t row = 0; row < height; row++, to += band.pitch) {
          const TapSpan vertical = spanOf(y, 0, rowBegin + row, 1);
          if (vertical.low == vertical.high || span.low == span.high) {
            fill(to, band.pitch, 0);
            continue;
          }
          fill(to, span.low, 0);
          copyStrided(source + c * plane + vertical.index * x.source + span.index + span.low * x.stride, x.stride,
                      span.high - span.low, to + span.low);
          fill(to + span.high, band.pitch - span.high, 0);
        }
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

INLINE void directBand(const TapSum& s, const DirectGrid& grid, int64_t item, float* local) {
  const int64_t rowBegin = item % grid.bands * grid.bandRows;
  const int64_t group = item / grid.bands % s.groups, image = item / grid.bands / s.groups;
  const int64_t inPlane = sourcePlane(s), kernel = s.y.kernel * s.x.kernel;
  const int64_t width = s.gradient ? s.x.source : s.x.output;
  const float* source = s.source + (image * s.groups + group) * s.channels * inPlane;
  TapEntry* taps = reinterpret_cast<TapEntry*>(local + grid.bandFloats);
  DirectRows d = {};
  d.band = local;
  d.taps = taps;
  d.channels = s.channels;
  d.weightRow = s.weightRow;
  d.weightChannel = s.weightChannel;
  d.plane = resultPlane(s);

  for (int64_t setY = 0; setY < grid.setsY; setY++) {
    for (int64_t setX = 0; setX < grid.setsX; setX++) {
      const Taps y = tapsOf(s, s.y, setY), x = tapsOf(s, s.x, setX);
      const int64_t rows = smallest(grid.bandRows, y.positions - rowBegin);
      if (rows <= 0 || x.positions == 0) continue;
      const Band band = bandOf(y, x, grid.bandRows);
      fillBand(band, source, inPlane, s.channels, rowBegin, rows, local);
      listTaps(band, s.x.kernel, taps);
      d.count = y.count * x.count;
      d.channel = band.channel;
      d.step = x.outputStep;
      const int64_t rowStep = y.outputStep * width;
      float* result = s.result + (image * s.groups + group) * s.rows * d.plane + x.origin +
                      (y.origin + rowBegin * y.outputStep) * width;
      for (int64_t i = 0; i < s.rows;) {
        d.weight = s.weight + group * s.rows * s.channels * kernel + i * s.weightRow;
        d.bias = s.bias ? s.bias + group * s.rows + i : nullptr;
        d.result = result + i * d.plane;
        const int64_t left = s.rows - i;
        if (left >= 4) {
          directPositions<4>(d, rows, x.positions, band.pitch, rowStep);
        } else if (left == 3) {
          directPositions<3>(d, rows, x.positions, band.pitch, rowStep);
        } else if (left == 2) {
          directPositions<2>(d, rows, x.positions, band.pitch, rowStep);
        } else {
          directPositions<1>(d, rows, x.positions, band.pitch, rowStep);
        }
        i += smallest(4, left);
      }
    }
  }
}

INLINE void runDirectSum(const TapSum& s, int phase, Range range, const Workspace& workspace) {
  const DirectGrid grid = directGridOf(s);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) fill(s.result + item * resultPlane(s), resultPlane(s), 0);
    if (phase == 1) directBand(s, grid, item, workspace.local);
  }
}

// ---- gradient of the weights

struct DirectWeightGrid {
  int64_t bandRows, bands;
  int64_t bandFloats;
  int64_t chunks;  // private copies of the result, as in weight_sum.inl
};

INLINE bool isDirect(const WeightSum& s) {
  return s.rows <= kDirectRows && fitsBand(forwardTaps(s.y), forwardTaps(s.x), s.channels);
}

INLINE DirectWeightGrid directGridOf(const WeightSum& s) {
  const Taps y = forwardTaps(s.y), x = forwardTaps(s.x);
  DirectWeightGrid grid = {};
  grid.bandRows = rowsPerBand(y, x, s.channels);
  grid.bands = ceilDiv(y.positions, grid.bandRows);
  grid.bandFloats = bandFloats(bandOf(y, x, grid.bandRows), s.channels);
  grid.chunks = largest(1, smallest(s.images * grid.bands, ceilDiv(8, s.groups)));
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

// result[t] += sum over rows and columns of dy * band at tap t, for `Count` taps, whose sums share each load of dy.
template <int Count>
__attribute__((noinline)) void directWeights(const float* dy, int64_t rows, int64_t width, const float* band,
                                             int64_t pitch, const TapEntry* taps, float* result) {
  V sum[Count];
  const float* from[Count];
#pragma GCC unroll 10
  for (int t = 0; t < Count; t++) {
    sum[t] = zero();
    from[t] = band + taps[t].band;
  }
  const int64_t whole = width / kWidth * kWidth, rest = width - whole;
  for (int64_t row = 0; row < rows; row++) {
    const int64_t at = row * pitch;
    for (int64_t col = 0; col < whole; col += kWidth) {
      const V right = load(dy + col);
#pragma GCC unroll 10
      for (int t = 0; t < Count; t++) sum[t] = fmadd(load(from[t] + at + col), right, sum[t]);
    }
    if (rest > 0) {
      const V right = loadPartial(dy + whole, rest);
#pragma GCC unroll 10
      for (int t = 0; t < Count; t++) sum[t] = fmadd(loadPartial(from[t] + at + whole, rest), right, sum[t]);
    }
    dy += width;
  }
#pragma GCC unroll 10
  for (int t = 0; t < Count; t++) result[taps[t].weight] += reduceAdd(sum[t]);
}

constexpr int kMostTaps = 10;

template <int Count>
INLINE void directWeightsAtMost(int64_t count, const float* dy, int64_t rows, int64_t width, const float* band,
                                int64_t pitch, const TapEntry* taps, float* result) {
  if (count == Count) return directWeights<Count>(dy, rows, width, band, pitch, taps, result);
  if constexpr (Count > 1) directWeightsAtMost<Count - 1>(count, dy, rows, width, band, pitch, taps, result);
}

INLINE void directWeightGroup(const WeightSum& s, const DirectWeightGrid& grid, int64_t item,
                              const Workspace& workspace) {
  const int64_t group = item % s.groups, chunk = item / s.groups;
  const int64_t inPlane = s.y.source * s.x.source, plane = s.y.output * s.x.output;
  const int64_t count = s.y.kernel * s.x.kernel, size = s.rows * s.channels * count;
  const Band band = bandOf(forwardTaps(s.y), forwardTaps(s.x), grid.bandRows);
  float* local = workspace.local;
  TapEntry* taps = reinterpret_cast<TapEntry*>(local + grid.bandFloats);
  listTaps(band, s.x.kernel, taps);
  float* result = (grid.chunks > 1 ? workspace.shared + chunk * s.groups * size : s.result) + group * size;
  fill(result, size, 0);

  const int64_t units = s.images * grid.bands, parts = ceilDiv(count, kMostTaps);
  for (int64_t unit = partBegin(units, grid.chunks, chunk); unit < partBegin(units, grid.chunks, chunk + 1); unit++) {
    const int64_t image = unit / grid.bands, rowBegin = unit % grid.bands * grid.bandRows;
    const int64_t rows = smallest(grid.bandRows, s.y.output - rowBegin), first = image * s.groups + group;
    fillBand(band, s.source + first * s.channels * inPlane, inPlane, s.channels, rowBegin, rows, local);
    for (int64_t i = 0; i < s.rows; i++) {
      const float* dy = s.gradient + (first * s.rows + i) * plane + rowBegin * s.x.output;
      for (int64_t c = 0; c < s.channels; c++) {
        for (int64_t part = 0; part < parts; part++) {
          const int64_t begin = partBegin(count, parts, part), end = partBegin(count, parts, part + 1);
          directWeightsAtMost<kMostTaps>(end - begin, dy, rows, s.x.output, local + c * band.channel, band.pitch,
                                         taps + begin, result + (i * s.channels + c) * count);
        }
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
  for (int64_t item = range.begin; item < range.end; item++) directWeightGroup(s, grid, item, workspace);
}

}  // namespace
}  // namespace ISA
