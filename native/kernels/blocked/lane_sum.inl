// Sums in which lane k of a result only needs pixels of its own block: depthwise and grouped convolutions and the
// gradients of their inputs.
//
// A tile is up to kLaneTile results next to each other in a row. Row by row of the kernel, the weights of that row are
// held in registers, and each pixel under the tile is loaded once and serves all results that see it.
//
// All cases come down to that. The gradient of the input is a sum whose taps run backwards: they are packed backwards.
// A strided gradient falls apart into sets of positions (gather.inl). With dilation, results `dilation` apart see
// neighbouring taps of the same pixels, so a tile takes these.
#pragma once
#include "kernels/blocked/bands.inl"
#include "kernels/blocked/finish.inl"
#include "kernels/blocked/sum.inl"

namespace ISA {
namespace {

// 8 sums, a row of 5 weights and a pixel are 14 of the 16 registers that AVX2 has, and 8 chains of multiply-adds are
// what two a cycle with a latency of four need.
constexpr int kLaneTile = 8;

// Results of a row of a block, or every n-th of them, as all rows of a band compute them; distances in floats.
struct LaneRun {
  const float* taps;  // the weights of a set
  const float* bias;
  const float* slopes;
  int64_t resultStep, sourceStep;                // from one result to the next
  int64_t resultRow, residualRow, sourceRow;     // from one row of results to the next
  int64_t columnUnit, rowUnit, sourceChannel;    // from one tap to the next along each axis
  int64_t channels, rows, columns;               // taps
  const int32_t* lanes;                          // of grouped.inl
  const Epilogue* epilogue;
};

// `height` rows of `tiles` tiles, the lanes from `part` on; `source` is what the first tap of the first result reads.
using LaneTiles = void (*)(const LaneRun& run, int64_t part, const float* source, float* result, const float* residual,
                           int64_t tiles, int64_t height);

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

// --- packed weights: for every block [kBlock] of bias, then the sets of taps, each [taps and channels][kBlock]

INLINE int64_t laneBlockFloats(const BlockedSum& s) {
  return (1 + s.channels * s.y.kernel * s.x.kernel) * kBlock;
}

INLINE int64_t packedLaneFloats(const BlockedSum& s) {
  const int64_t taps = elements(s.channels, s.y.kernel, s.x.kernel);
  return taps < 0 ? kInvalid : elements(s.to.blocks, taps + 1, kBlock);
}

INLINE int64_t laneSetOffset(const BlockedSum& s, const AxisRun& y, const AxisRun& x) {
  return (1 + s.channels * (y.tapsBefore * s.x.kernel + y.taps * x.tapsBefore)) * kBlock;
}

// Rows [begin, end) of set y, their results that belong to set x. `source`, `result` and `residual` are column 0 of
// row 0 of a block; d lacks what follows from x.
template <class Algorithm>
INLINE void laneRows(const BlockedSum& s, const AxisRun& y, const AxisRun& x, LaneRun d, const float* source,
                          float* result, const float* residual, Range rows) {
  const int64_t common = greatestCommonDivisor(x.stride, x.unit), stride = x.stride / common;
  const bool usual = Algorithm::shares(y.taps, x.taps, d.channels, stride);
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
  d.residualRow = y.outputStep * s.epilogue.rest.row;
  d.sourceStep = x.stride * apart * kBlock;
  d.resultStep = x.outputStep * apart * kBlock;
  source += (rows.begin * y.stride + y.offset) * s.from.row + x.offset * kBlock;
  const int64_t firstRow = y.origin + rows.begin * y.outputStep;
  result += firstRow * s.to.row + x.origin * kBlock;
  if (residual) residual += firstRow * s.epilogue.rest.row + x.origin * kBlock;
  for (int64_t first = 0; first < smallest(apart, x.positions); first++) {
    // A row is cut into tiles of two sizes that differ by one, since short tiles wait for their own multiply-adds.
    const int64_t results = ceilDiv(x.positions - first, apart), tiles = ceilDiv(results, kLaneTile);
    const int64_t count = results / tiles, longer = results % tiles, done = longer * (count + 1);
    const int64_t taps = shared ? x.taps : 0, step = shared ? stride : x.stride;
    const LaneTiles runLonger = Algorithm::tiles(taps, step, smallest(kLaneTile, count + 1));
    const LaneTiles runShorter = Algorithm::tiles(taps, step, count);
    // so many rows at once that the parts of their pixels find each other's lines in the first level cache
    const int64_t together = kWidth == kBlock ? rows.end - rows.begin : largest(1, 256 / s.to.w);
    for (int64_t p = rows.begin; p < rows.end; p += together) {
      const int64_t height = smallest(together, rows.end - p);
      for (int part = 0; part < kBlock; part += kWidth) {
        const float* in = source + (p - rows.begin) * d.sourceRow + first * x.stride * kBlock + part;
        const int64_t at = first * x.outputStep * kBlock + part;
        float* out = result + (p - rows.begin) * d.resultRow + at;
        const float* rest = residual ? residual + (p - rows.begin) * d.residualRow + at : nullptr;
        if (longer > 0) runLonger(d, part, in, out, rest, longer, height);
        runShorter(d, part, in + done * d.sourceStep, out + done * d.resultStep,
                   rest ? rest + done * d.resultStep : nullptr, tiles - longer, height);
      }
    }
  }
}

// All sets of rows [rowBegin, rowEnd) of a block. `source` is row 0, column 0 of what it reads; d has its channels and
// what follows from them.
template <class Algorithm>
INLINE void laneBand(const BlockedSum& s, LaneRun d, const float* source, int64_t image, int64_t block,
                     int64_t rowBegin, int64_t rowEnd) {
  const Epilogue& e = s.epilogue;
  float slopes[kBlock];
  loadSlopes(e, s.to, block, slopes);
  d.bias = s.packed + block * laneBlockFloats(s);
  d.slopes = slopes;
  d.epilogue = &e;
  float* result = s.result + pixelAt(s.to, image, block, 0, 0);
  const float* residual = residualAt(e, image, block, 0, 0);
  const int64_t setsY = axisRuns(s, s.y), setsX = axisRuns(s, s.x);
  if (s.gradient && (setsY < s.y.stride || setsX < s.x.stride)) {
    // some results have no taps: all are given their bias first
    const AxisRun all = {s.to.w, 0, 1, 1, 0, 1, 0, 0}, y = {s.to.h, 0, 1, 0, 0, 1, 0, 0};
    LaneRun none = d;
    none.taps = d.bias;
    none.channels = 0;
    laneRows<Algorithm>(s, y, all, none, source, result, residual, {rowBegin, rowEnd});
  }
  for (int64_t setY = 0; setY < setsY; setY++) {
    const AxisRun y = axisRun(s, s.y, setY);
    const int64_t begin = ceilDiv(largest(0, rowBegin - y.origin), y.outputStep);
    const int64_t end = rowEnd <= y.origin ? 0 : smallest(y.positions, ceilDiv(rowEnd - y.origin, y.outputStep));
    for (int64_t setX = 0; setX < setsX; setX++) {
      const AxisRun x = axisRun(s, s.x, setX);
      d.taps = d.bias + laneSetOffset(s, y, x);
      laneRows<Algorithm>(s, y, x, d, source, result, residual, {begin, end});
    }
  }
  finishRows(e, s.to, s.result, image, block, rowBegin, rowEnd);
  zeroBorder(s.to, s.result, image, block, rowBegin, rowEnd);
}

INLINE Work planLaneSum(const BlockedSum& s) {
  const double taps = static_cast<double>(s.channels) * s.y.kernel * s.x.kernel;
  Work work = planBands(s.to);
  const double strides = s.gradient ? static_cast<double>(s.y.stride) * s.x.stride : 1;
  work.cost *= taps > strides ? taps / strides : 1;
  work.grain[0] = grainOf(work.cost / static_cast<double>(largest(1, work.items[0])));
  return work;
}

}  // namespace
}  // namespace ISA
