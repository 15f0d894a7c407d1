// The gradient of the weights with few result channels per group, or few weights in all: dot products of the rows of dy
// with the rows of a band, one vector of neighbouring positions at a time.
#pragma once
#include "kernels/band.inl"
#include "kernels/depthwise.inl"
#include "kernels/weight_sum.inl"

namespace ISA {
namespace {

// Up to so many result channels, or weights of one of them, the matrix product would spend more time on transposing its
// operands than on their product.
constexpr int64_t kDirectWeightRows = 16;
constexpr int64_t kDirectWeightLength = 64;

struct DirectWeightGrid {
  int64_t bandRows, bands;  // of an image
  int64_t images;           // in a unit: several, if they fit
  int64_t units;
  int64_t imageFloats, bandFloats;
  int64_t chunks;  // private copies of the result, as in weight_sum.inl
};

INLINE bool isDirect(const WeightSum& s) {
  const int64_t taps = s.y.kernel * s.x.kernel;
  const bool few = s.rows <= kDirectWeightRows || s.channels * taps <= kDirectWeightLength;
  // the sums of a tile share their loads along the taps, so there must be some
  return few && (taps >= 4 || s.rows * s.channels <= 4) && fitsBand(forwardTaps(s.y), forwardTaps(s.x), s.channels);
}

INLINE DirectWeightGrid directGridOf(const WeightSum& s) {
  const Taps y = forwardTaps(s.y), x = forwardTaps(s.x);
  DirectWeightGrid grid = {};
  grid.bandRows = rowsPerBand(y, x, s.channels);
  grid.bands = x.positions == 0 ? 0 : ceilDiv(y.positions, grid.bandRows);
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
  Work work = parallel(items, grainOf(cost / items), cost);
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

// result[i][t] += sum over images, rows and columns of dy[i] * band at tap t, for `Rows` channels and `Count` taps: a
// tile of sums as in directTile, every one a vector that is folded in the end.
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
