// Depthwise convolutions of blocked tensors and the gradient of their input: every result channel has its own few taps,
// so the vector is channels and nothing is ever summed across lanes.
//
// A tile is up to kDepthwiseTile results next to each other in a row. Row by row of the kernel, the weights of that row
// are held in registers, and each pixel under the tile is loaded once and serves all results that see it: 3x3, stride 1,
// 8 results are 3 * (3 + 10) loads for 72 multiply-adds. Loading per multiply-add instead would need 1.1 loads each,
// where Zen 4 sustains 0.95 at 512 bits.
//
// All cases come down to that. The gradient of the input is a sum whose taps run backwards: they are packed backwards.
// A strided gradient falls apart into sets of positions (gather.inl). With dilation, results `dilation` apart see
// neighbouring taps of the same pixels, so a tile takes these. Only where a source channel is not the same lane of the
// same block as its result (several results per channel) are pixels copied first, into the lanes they are needed in.
#pragma once
#include "kernels/blocked/bands.inl"
#include "kernels/blocked/finish.inl"
#include "kernels/blocked/lanes.inl"
#include "kernels/blocked/sum.inl"

namespace ISA {
namespace {

// 8 sums, a row of 5 weights and a pixel are 14 of the 16 registers that AVX2 has, and 8 chains of multiply-adds are
// what two a cycle with a latency of four need.
constexpr int kDepthwiseTile = 8;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kDepthwiseKept = 9;  // weights that stay in registers from tile to tile, of 32
#else
constexpr int kDepthwiseKept = 0;
#endif

// Results of a row of a block, or every n-th of them, as all rows of a band compute them; distances in floats.
struct DepthwiseRun {
  const float* taps;  // [channels][rows][columns][kBlock]
  const float* bias;
  const float* slopes;
  int64_t resultStep, sourceStep;                // from one result to the next
  int64_t resultRow, sourceRow;                  // from one row of results to the next
  int64_t columnUnit, rowUnit, sourceChannel;    // from one tap to the next along each axis
  int64_t channels, rows, columns;               // taps
  const Epilogue* epilogue;
};

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
INLINE void addAnyTaps(const DepthwiseRun& d, V (&sums)[Count], const float* taps, const float* source) {
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

// `height` rows of `tiles` tiles, the lanes from `part` on; `source` is what the first tap of the first result reads.
// Taps > 0 is a kernel of Taps x Taps, one source channel and Stride * columnUnit == sourceStep.
using DepthwiseTiles = void (*)(const DepthwiseRun& run, int64_t part, const float* source, float* result,
                                const float* residual, int64_t tiles, int64_t height);

template <int Taps, int Stride, int Count>
__attribute__((noinline)) void depthwiseTiles(const DepthwiseRun& run, int64_t part, const float* source, float* result,
                                              const float* residual, int64_t tiles, int64_t height) {
  const DepthwiseRun d = run;  // what is stored cannot change a copy
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
      } else {
#pragma GCC unroll 8
        for (int r = 0; r < Taps; r++) {
          if constexpr (kKept) {
            addTaps<Taps, Stride>(sums, kept + r * Taps, from + r * d.rowUnit, d.columnUnit);
          } else {
            V weights[Taps];
            loadWeights(weights, taps + r * Taps * kBlock);
            addTaps<Taps, Stride>(sums, weights, from + r * d.rowUnit, d.columnUnit);
          }
        }
      }
      finishSums(e, sums, slopes, to, rest, d.resultStep);
      from += Count * d.sourceStep;
      to += Count * d.resultStep;
      if (rest) rest += Count * d.resultStep;
    }
    source += d.sourceRow;
    result += d.resultRow;
    if (residual) residual += d.resultRow;
  }
}

template <int Taps, int Stride, int Count = kDepthwiseTile>
INLINE DepthwiseTiles depthwiseTilesOf(int64_t count) {
  if constexpr (Count > 1)
    if (count < Count) return depthwiseTilesOf<Taps, Stride, Count - 1>(count);
  return depthwiseTiles<Taps, Stride, Count>;
}

INLINE DepthwiseTiles depthwiseTilesOf(int64_t taps, int64_t stride, int64_t count) {
  if (taps == 3) return stride == 1 ? depthwiseTilesOf<3, 1>(count) : depthwiseTilesOf<3, 2>(count);
  if (taps == 5) return stride == 1 ? depthwiseTilesOf<5, 1>(count) : depthwiseTilesOf<5, 2>(count);
  return stride == 1 ? depthwiseTilesOf<0, 1>(count) : depthwiseTilesOf<0, 0>(count);
}

// One axis of a sum with its taps in the order of what they read: tap t of position p reads
// p * stride + offset + t * unit.
struct AxisRun {
  int64_t positions, origin, outputStep;  // position p is index origin + p * outputStep of the result
  int64_t stride, offset, unit, taps;
  int64_t tapsBefore;  // in the sets before this one
};

INLINE int64_t axisRuns(const BlockedSum& s, const Axis& axis) { return s.gradient ? tapSets(axis) : 1; }

INLINE AxisRun axisRun(const BlockedSum& s, const Axis& axis, int64_t set) {
  const Taps t = s.gradient ? gradientTaps(axis, set) : forwardTaps(axis);
  AxisRun run = {t.positions, t.origin, t.outputStep, t.stride, t.offset, t.tapStep, t.count, 0};
  if (!s.gradient) return run;
  run.offset += (t.count - 1) * t.tapStep;
  run.unit = -t.tapStep;
  run.tapsBefore = tapsBefore(axis, set);
  return run;
}

// Which index of the kernel tap t of a set is.
INLINE int64_t kernelIndex(const BlockedSum& s, const Axis& axis, int64_t set, int64_t t) {
  if (!s.gradient) return t;
  const Taps taps = gradientTaps(axis, set);
  return taps.first + (taps.count - 1 - t) * taps.step;
}

// Result channels of one source channel, or the other way round.
INLINE int64_t multiplierOf(const BlockedSum& s) { return s.gradient ? s.channels : s.rows; }

INLINE bool suitsDepthwise(const BlockedSum& s) { return s.gradient ? s.rows == 1 : s.channels == 1; }

// --- packed weights: for every block [kBlock] of bias, then the sets of taps, each [channels][rows][columns][kBlock]

INLINE int64_t depthwiseBlockFloats(const BlockedSum& s) {
  return (1 + s.channels * s.y.kernel * s.x.kernel) * kBlock;
}

INLINE int64_t packedDepthwiseFloats(const BlockedSum& s) {
  const int64_t taps = elements(s.channels, s.y.kernel, s.x.kernel);
  return taps < 0 ? kInvalid : elements(s.to.blocks, taps + 1, kBlock);
}

INLINE int64_t depthwiseSetOffset(const BlockedSum& s, const AxisRun& y, const AxisRun& x) {
  return (1 + s.channels * (y.tapsBefore * s.x.kernel + y.taps * x.tapsBefore)) * kBlock;
}

void packDepthwise(const float* weight, const float* bias, const BlockedSum& s, float* packed) {
  const int64_t area = s.y.kernel * s.x.kernel;
  for (int64_t block = 0; block < s.to.blocks; block++, packed += depthwiseBlockFloats(s)) {
    const int64_t channel = block * kBlock, lanes = smallest(kBlock, s.to.c - channel);
    fillRow(packed, depthwiseBlockFloats(s), 0);
    if (bias) copyRow(packed, bias + channel, lanes);
    for (int64_t setY = 0; setY < axisRuns(s, s.y); setY++) {
      for (int64_t setX = 0; setX < axisRuns(s, s.x); setX++) {
        const AxisRun y = axisRun(s, s.y, setY), x = axisRun(s, s.x, setX);
        float* to = packed + depthwiseSetOffset(s, y, x);
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
INLINE Rows sourceRowsOf(const BlockedSum& s, int64_t begin, int64_t end) {
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

Work planDepthwise(const BlockedSum& s) {
  const double taps = static_cast<double>(s.channels) * s.y.kernel * s.x.kernel;
  Work work = planBands(s.to);
  work.cost *= s.gradient ? largest(1, taps / (static_cast<double>(s.y.stride) * s.x.stride)) : taps;
  work.grain[0] = grainOf(work.cost / static_cast<double>(largest(1, work.items[0])));
  work.localFloats = depthwiseCopyFloats(s);
  return work;
}

// Rows [begin, end) of set y, their results that belong to set x. `source`, `result` and `residual` are column 0 of row 0
// of a block; d lacks what follows from x.
INLINE void depthwiseRows(const BlockedSum& s, const AxisRun& y, const AxisRun& x, DepthwiseRun d, const float* source,
                          float* result, const float* residual, Range rows) {
  const int64_t common = greatestCommonDivisor(x.stride, x.unit), stride = x.stride / common;
  const bool usual = (x.taps == 3 || x.taps == 5) && x.taps == y.taps && d.channels == 1 && stride <= 2;
  // results so far apart that their taps are neighbours; not worth it if that leaves short tiles only
  int64_t apart = x.unit / common;
  const bool shared = usual && apart * 4 <= largest(4, x.positions);
  if (!shared) apart = 1;
  d.rows = y.taps;
  d.columns = x.taps;
  d.rowUnit = y.unit * s.from.row;
  d.columnUnit = x.unit * kBlock;
  d.sourceRow = y.stride * s.from.row;
  d.resultRow = y.outputStep * s.to.row;
  d.sourceStep = x.stride * apart * kBlock;
  d.resultStep = x.outputStep * apart * kBlock;
  source += (rows.begin * y.stride + y.offset) * s.from.row + x.offset * kBlock;
  const int64_t to = (y.origin + rows.begin * y.outputStep) * s.to.row + x.origin * kBlock;
  for (int64_t first = 0; first < smallest(apart, x.positions); first++) {
    // A row is cut into tiles of two sizes that differ by one, since short tiles wait for their own multiply-adds.
    const int64_t results = ceilDiv(x.positions - first, apart), tiles = ceilDiv(results, kDepthwiseTile);
    const int64_t count = results / tiles, longer = results % tiles, done = longer * (count + 1);
    const int64_t taps = shared ? x.taps : 0, step = shared ? stride : x.stride;
    const DepthwiseTiles runLonger = depthwiseTilesOf(taps, step, smallest(kDepthwiseTile, count + 1));
    const DepthwiseTiles runShorter = depthwiseTilesOf(taps, step, count);
    // so many rows at once that the parts of their pixels find each other's lines in the first level cache
    const int64_t together = kWidth == kBlock ? rows.end - rows.begin : largest(1, 256 / s.to.w);
    for (int64_t p = rows.begin; p < rows.end; p += together) {
      const int64_t height = smallest(together, rows.end - p);
      for (int part = 0; part < kBlock; part += kWidth) {
        const float* in = source + (p - rows.begin) * d.sourceRow + first * x.stride * kBlock + part;
        const int64_t at = to + (p - rows.begin) * d.resultRow + first * x.outputStep * kBlock + part;
        const float* rest = residual ? residual + at : nullptr;
        if (longer > 0) runLonger(d, part, in, result + at, rest, longer, height);
        runShorter(d, part, in + done * d.sourceStep, result + at + done * d.resultStep,
                   rest ? rest + done * d.resultStep : nullptr, tiles - longer, height);
      }
    }
  }
}

INLINE void depthwiseBand(const BlockedSum& s, int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd,
                          float* copy) {
  const Epilogue& e = s.epilogue;
  float slopes[kBlock];
  loadSlopes(e, s.to, block, slopes);

  DepthwiseRun d = {};
  d.bias = s.packed + block * depthwiseBlockFloats(s);
  d.taps = d.bias + kBlock;
  d.slopes = slopes;
  d.epilogue = &e;
  const int64_t first = pixelAt(s.to, image, block, 0, 0);
  float* result = s.result + first;
  const float* residual = e.residual ? e.residual + first : nullptr;
  const float* source = s.source + pixelAt(s.from, image, block, 0, 0);
  if (multiplierOf(s) > 1) {
    const Rows rows = sourceRowsOf(s, rowBegin, rowEnd);
    d.sourceChannel = (rows.end - rows.begin) * s.from.row;
    for (int64_t c = 0; c < s.channels; c++) {
      const LaneSources lanes = s.gradient ? spreadLanes(s.from, block, s.channels, c, s.to.c)
                                           : repeatLanes(s.from, block, s.rows, s.to.c);
      copyLanes(s.from, s.source + image * s.from.image, lanes, rows, copy + c * d.sourceChannel);
    }
    source = copy - rows.begin * s.from.row + s.from.halo * kBlock;
  }

  const int64_t setsY = axisRuns(s, s.y), setsX = axisRuns(s, s.x);
  if (s.gradient && (setsY < s.y.stride || setsX < s.x.stride)) {
    // some results have no taps: all are given their bias first
    const AxisRun all = {s.to.w, 0, 1, 1, 0, 1, 0, 0}, y = {s.to.h, 0, 1, 0, 0, 1, 0, 0};
    depthwiseRows(s, y, all, d, source, result, residual, {rowBegin, rowEnd});
  }
  d.channels = s.channels;
  for (int64_t setY = 0; setY < setsY; setY++) {
    const AxisRun y = axisRun(s, s.y, setY);
    const int64_t begin = ceilDiv(largest(0, rowBegin - y.origin), y.outputStep);
    const int64_t end = rowEnd <= y.origin ? 0 : smallest(y.positions, ceilDiv(rowEnd - y.origin, y.outputStep));
    for (int64_t setX = 0; setX < setsX; setX++) {
      const AxisRun x = axisRun(s, s.x, setX);
      d.taps = d.bias + depthwiseSetOffset(s, y, x);
      depthwiseRows(s, y, x, d, source, result, residual, {begin, end});
    }
  }
  finishRows(e, s.to, s.result, image, block, rowBegin, rowEnd);
  zeroBorder(s.to, s.result, image, block, rowBegin, rowEnd);
}

void runDepthwise(const BlockedSum& s, int, Range range, const Workspace& workspace) {
  forEachBand(s.to, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    depthwiseBand(s, image, block, rowBegin, rowEnd, workspace.local);
  });
}

}  // namespace
}  // namespace ISA
