// Depthwise convolutions of blocked tensors and the gradient of their input: every result channel has its own few taps.
//
// 3x3 with stride 1 loads 3 * 10 pixels for the 72 multiply-adds of a tile of 8. Loading per multiply-add, as kernels
// of unusual sizes do, needs 1.1 loads each, where Zen 4 sustains 0.95 at 512 bits.
//
// Where a source channel is not the same lane of the same block as its result (several results per channel), pixels are
// copied first, into the lanes they are needed in.
#pragma once
#include "kernels/blocked/lane_sum.inl"
#include "kernels/blocked/lanes.inl"

namespace ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kDepthwiseKept = 9;  // weights that stay in registers from tile to tile, of 32
#else
constexpr int kDepthwiseKept = 0;
#endif

// sums[i] += the pixels of one row under a tile, `unit` apart, times that row's weights.
template <int Taps, int Stride, int Count>
INLINE void addTaps(V (&sums)[Count], const V* weights, const float* pixels, int64_t unit) {
#pragma GCC unroll 32
  for (int p = 0; p < (Count - 1) * Stride + Taps; p++) {
    V pixel = load(pixels);
    keepInRegister(pixel);
    pixels += unit;
#pragma GCC unroll 16
    for (int i = 0; i < Count; i++) {
      const int t = p - i * Stride;
      if (t >= 0 && t < Taps) sums[i] = fmadd(pixel, weights[t], sums[i]);
    }
  }
}

template <int Count>
INLINE void loadWeights(V (&weights)[Count], const float* taps) {
#pragma GCC unroll 16
  for (int t = 0; t < Count; t++) {
    weights[t] = load(taps + t * kBlock);
    keepInRegister(weights[t]);
  }
}

// The same for kernels and strides of any size, a load per multiply-add. Stride = 1 says that sourceStep is kBlock.
template <int Stride, int Count>
INLINE void addAnyTaps(const LaneRun& d, V (&sums)[Count], const float* taps, const float* source) {
  const int64_t step = Stride == 1 ? kBlock : d.sourceStep;
  for (int64_t c = d.channels; c > 0; c--, source += d.sourceChannel) {
    const float* row = source;
    for (int64_t r = d.rows; r > 0; r--, row += d.rowUnit) {
      const float* pixels = row;
      for (int64_t t = d.columns; t > 0; t--, pixels += d.columnUnit, taps += kBlock) {
        V weight = load(taps);
        keepInRegister(weight);
#pragma GCC unroll 16
        for (int i = 0; i < Count; i++) sums[i] = fmadd(weight, load(pixels + i * step), sums[i]);
      }
    }
  }
}

// Taps > 0 is a kernel of Taps x Taps, one source channel and Stride * columnUnit == sourceStep.
template <int Taps, int Stride, int Count>
__attribute__((noinline)) void depthwiseTiles(const LaneRun& run, int64_t part, const float* source, float* result,
                                              const float* residual, int64_t tiles, int64_t height) {
  const LaneRun d = run;  // what is stored cannot change a copy
  const Epilogue e = *d.epilogue;
  const V bias = load(d.bias + part), slopes = load(d.slopes + part);
  const float* taps = d.taps + part;
  constexpr bool kKept = Taps > 0 && Taps * Taps <= kDepthwiseKept;
  V kept[kKept ? Taps * Taps : 1];
  if constexpr (kKept) loadWeights(kept, taps);
  for (; height > 0; height--) {
    const float* from = source;
    float* to = result;
    const float* rest = residual;
    for (int64_t tile = tiles; tile > 0; tile--) {
      V sums[Count];
#pragma GCC unroll 16
      for (int i = 0; i < Count; i++) sums[i] = bias;
      if constexpr (Taps == 0) {
        addAnyTaps<Stride>(d, sums, taps, from);
      } else if constexpr (kKept) {
#pragma GCC unroll 8
        for (int r = 0; r < Taps; r++)
          addTaps<Taps, Stride>(sums, kept + r * Taps, from + r * d.rowUnit, d.columnUnit);
      } else {
#pragma GCC unroll 1
        for (int r = 0; r < Taps; r++) {
          V weights[Taps];
          loadWeights(weights, taps + r * Taps * kBlock);
          addTaps<Taps, Stride>(sums, weights, from + r * d.rowUnit, d.columnUnit);
        }
      }
      finishSums(e, sums, slopes, to, rest, d.resultStep);
      from += Count * d.sourceStep;
      to += Count * d.resultStep;
      if (rest) rest += Count * d.resultStep;
    }
    source += d.sourceRow;
    result += d.resultRow;
    if (residual) residual += d.residualRow;
  }
}

template <int Taps, int Stride, int Count = kLaneTile>
INLINE LaneTiles depthwiseTilesOf(int64_t count) {
  if constexpr (Count > 1)
    if (count < Count) return depthwiseTilesOf<Taps, Stride, Count - 1>(count);
  return depthwiseTiles<Taps, Stride, Count>;
}

struct DepthwiseAlgorithm {
  static bool shares(int64_t rows, int64_t columns, int64_t channels, int64_t stride) {
    return (columns == 3 || columns == 5) && rows == columns && channels == 1 && stride <= 2;
  }
  static LaneTiles tiles(int64_t taps, int64_t stride, int64_t count) {
    if (taps == 3) return stride == 1 ? depthwiseTilesOf<3, 1>(count) : depthwiseTilesOf<3, 2>(count);
    if (taps == 5) return stride == 1 ? depthwiseTilesOf<5, 1>(count) : depthwiseTilesOf<5, 2>(count);
    return stride == 1 ? depthwiseTilesOf<0, 1>(count) : depthwiseTilesOf<0, 0>(count);
  }
};

// Result channels of one source channel, or the other way round.
INLINE int64_t multiplierOf(const BlockedSum& s) { return s.gradient ? s.channels : s.rows; }

INLINE bool suitsDepthwise(const BlockedSum& s) { return s.gradient ? s.rows == 1 : s.channels == 1; }

INLINE int64_t packedDepthwiseFloats(const BlockedSum& s) { return packedLaneFloats(s); }

// A set is [channels][rows][columns][kBlock].
INLINE void packDepthwise(const float* weight, const float* bias, const BlockedSum& s, float* packed) {
  const int64_t area = s.y.kernel * s.x.kernel;
  for (int64_t block = 0; block < s.to.blocks; block++, packed += laneBlockFloats(s)) {
    const int64_t channel = block * kBlock, lanes = smallest(kBlock, s.to.c - channel);
    fillRow(packed, laneBlockFloats(s), 0);
    if (bias) copyRow(packed, bias + channel, lanes);
    for (int64_t setY = 0; setY < axisRuns(s, s.y); setY++) {
      for (int64_t setX = 0; setX < axisRuns(s, s.x); setX++) {
        const AxisRun y = axisRun(s, s.y, setY), x = axisRun(s, s.x, setX);
        float* to = packed + laneSetOffset(s, y, x);
        for (int64_t c = 0; c < s.channels; c++) {
          const float* from = weight + (channel * s.channels + c) * area;
          for (int64_t i = 0; i < y.taps; i++) {
            for (int64_t j = 0; j < x.taps; j++, to += kBlock) {
              const int64_t tap = kernelIndex(s, s.y, setY, i) * s.x.kernel + kernelIndex(s, s.x, setX, j);
              for (int64_t lane = 0; lane < lanes; lane++) to[lane] = from[lane * s.channels * area + tap];
            }
          }
        }
      }
    }
  }
}

// --- plan and run ---

// Source rows that result rows [begin, end) need, within what the tensor has.
INLINE RowRange sourceRowsOf(const BlockedSum& s, int64_t begin, int64_t end) {
  const int64_t reach = (s.y.kernel - 1) * s.y.dilation;
  int64_t first = begin * s.y.stride - s.y.pad, last = (end - 1) * s.y.stride - s.y.pad + reach;
  if (s.gradient) {
    first = (begin + s.y.pad - reach) / s.y.stride - 1;
    last = (end - 1 + s.y.pad) / s.y.stride;
  }
  first = largest(first, -s.from.halo);
  return {first, largest(first, smallest(last + 1, s.from.h + s.from.halo))};
}

// Floats of the copied source rows of a band.
INLINE int64_t depthwiseCopyFloats(const BlockedSum& s) {
  if (multiplierOf(s) == 1) return 0;
  const int64_t rows = bandsOf(s.to).rows, reach = (s.y.kernel - 1) * s.y.dilation + 1;
  const int64_t sourceRows = s.gradient ? (rows + reach) / s.y.stride + 3 : (rows - 1) * s.y.stride + reach;
  return s.channels * smallest(sourceRows, s.from.h + 2 * s.from.halo) * s.from.row;
}

INLINE Work planDepthwise(const BlockedSum& s) {
  Work work = planLaneSum(s);
  work.localFloats = depthwiseCopyFloats(s);
  return work;
}

INLINE void depthwiseBand(const BlockedSum& s, int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd,
                          float* copy) {
  LaneRun d = {};
  d.channels = s.channels;
  const float* source = s.source + pixelAt(s.from, image, block, 0, 0);
  if (multiplierOf(s) > 1) {
    const RowRange rows = sourceRowsOf(s, rowBegin, rowEnd);
    d.sourceChannel = (rows.end - rows.begin) * s.from.row;
    for (int64_t c = 0; c < s.channels; c++) {
      const LaneSources lanes = s.gradient ? spreadLanes(s.from, block, s.channels, c, s.to.c)
                                           : repeatLanes(s.from, block, s.rows, s.to.c);
      copyLanes(s.from, s.source + image * s.from.image, lanes, rows, copy + c * d.sourceChannel);
    }
    source = copy - rows.begin * s.from.row + s.from.halo * kBlock;
  }
  laneBand<DepthwiseAlgorithm>(s, d, source, image, block, rowBegin, rowEnd);
}

INLINE void runDepthwise(const BlockedSum& s, int, Range range, const Workspace& workspace) {
  forEachBand(s.to, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    depthwiseBand(s, image, block, rowBegin, rowEnd, workspace.local);
  });
}

}  // namespace
}  // namespace ISA
