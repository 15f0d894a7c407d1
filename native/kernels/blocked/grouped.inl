// Grouped convolutions whose groups lie inside a block, with 2, 4 or 8 channels in and out, and the gradient of their
// input.
//
// Result lane l needs every channel of its group. So pixels are met once as they are and once with lanes k and k ^ j
// changed places, for every j below the group's size: lane l then holds channel l ^ j of the same group, and the
// weights are packed to match. All multiply-adds are useful. A tile permutes each pixel under it once for a row of the
// kernel: 3x3, stride 1, 8 results take 10 permutations for 24 multiply-adds. Zen 4 runs them side by side: 32 groups
// of 4 reach 92 % of the peak of multiply-adds alone.
#pragma once
#include "kernels/blocked/lane_sum.inl"

namespace ISA {
namespace {

constexpr int kMostGrouped = 8;

// Taps > 0 is the width of the kernel, and then Stride * columnUnit == sourceStep.
template <int Taps, int Stride, int Count>
INLINE void addGrouped(const LaneRun& d, V (&sums)[Count], const float* taps, const float* source, int64_t part) {
  for (int64_t r = d.rows; r > 0; r--, source += d.rowUnit) {
    for (int64_t j = 0; j < d.channels; j++) {
      // the bits of j within a vector are a permutation of it, those above choose the vector
      const I lanes = load(d.lanes + (j & (kWidth - 1)) * kWidth);
      const float* pixels = source + ((part ^ (j & ~int64_t{kWidth - 1})) - part);
      if constexpr (Taps > 0) {
        V weights[Taps];
#pragma GCC unroll 16
        for (int t = 0; t < Taps; t++) {
          weights[t] = load(taps + t * kBlock);
          keepInRegister(weights[t]);
        }
#pragma GCC unroll 32
        for (int p = 0; p < (Count - 1) * Stride + Taps; p++) {
          V pixel = permute(load(pixels), lanes);
          keepInRegister(pixel);
          pixels += d.columnUnit;
#pragma GCC unroll 16
          for (int i = 0; i < Count; i++) {
            const int t = p - i * Stride;
            if (t >= 0 && t < Taps) sums[i] = fmadd(pixel, weights[t], sums[i]);
          }
        }
        taps += Taps * kBlock;
      } else {
        for (int64_t t = d.columns; t > 0; t--, pixels += d.columnUnit, taps += kBlock) {
          V weight = load(taps);
          keepInRegister(weight);
#pragma GCC unroll 16
          for (int i = 0; i < Count; i++)
            sums[i] = fmadd(weight, permute(load(pixels + i * d.sourceStep), lanes), sums[i]);
        }
      }
    }
  }
}

template <int Taps, int Stride, int Count>
__attribute__((noinline)) void groupedTiles(const LaneRun& run, int64_t part, const float* source, float* result,
                                            const float* residual, int64_t tiles, int64_t height) {
  const LaneRun d = run;  // what is stored cannot change a copy
  const Epilogue e = *d.epilogue;
  const V bias = load(d.bias + part), slopes = load(d.slopes + part);
  for (; height > 0; height--) {
    for (int64_t tile = 0; tile < tiles; tile++) {
      V sums[Count];
#pragma GCC unroll 16
      for (int i = 0; i < Count; i++) sums[i] = bias;
      addGrouped<Taps, Stride>(d, sums, d.taps + part, source + tile * Count * d.sourceStep, part);
      const int64_t to = tile * Count * d.resultStep;
      finishSums(e, sums, slopes, result + to, residual ? residual + to : nullptr, d.resultStep);
    }
    source += d.sourceRow;
    result += d.resultRow;
    if (residual) residual += d.residualRow;
  }
}

template <int Taps, int Stride, int Count = kLaneTile>
INLINE LaneTiles groupedTilesOf(int64_t count) {
  if constexpr (Count > 1)
    if (count < Count) return groupedTilesOf<Taps, Stride, Count - 1>(count);
  return groupedTiles<Taps, Stride, Count>;
}

struct GroupedAlgorithm {
  static bool shares(int64_t, int64_t columns, int64_t, int64_t stride) {
    return columns == 3 && (stride == 1 || stride == 2);
  }
  static LaneTiles tiles(int64_t taps, int64_t stride, int64_t count) {
    if (taps == 0) return groupedTilesOf<0, 0>(count);
    return stride == 1 ? groupedTilesOf<3, 1>(count) : groupedTilesOf<3, 2>(count);
  }
};

INLINE bool suitsGrouped(const BlockedSum& s) {
  return s.rows == s.channels && (s.rows == 2 || s.rows == 4 || s.rows == kMostGrouped);
}

INLINE int64_t packedGroupedFloats(const BlockedSum& s) { return packedLaneFloats(s); }

// A set is [rows][channel distance j][columns][kBlock].
INLINE void packGrouped(const float* weight, const float* bias, const BlockedSum& s, float* packed) {
  const int64_t area = s.y.kernel * s.x.kernel, size = s.channels;
  for (int64_t block = 0; block < s.to.blocks; block++, packed += laneBlockFloats(s)) {
    const int64_t channel = block * kBlock, lanes = smallest(kBlock, s.to.c - channel);
    fillRow(packed, laneBlockFloats(s), 0);
    if (bias) copyRow(packed, bias + channel, lanes);
    for (int64_t setY = 0; setY < axisRuns(s, s.y); setY++) {
      for (int64_t setX = 0; setX < axisRuns(s, s.x); setX++) {
        const AxisRun y = axisRun(s, s.y, setY), x = axisRun(s, s.x, setX);
        float* to = packed + laneSetOffset(s, y, x);
        for (int64_t i = 0; i < y.taps * size * x.taps; i++, to += kBlock) {
          const int64_t j = i / x.taps % size;
          const int64_t tap = kernelIndex(s, s.y, setY, i / x.taps / size) * s.x.kernel +
                              kernelIndex(s, s.x, setX, i % x.taps);
          for (int64_t lane = 0; lane < lanes; lane++) {
            // lane `own` of its group meets channel `other`; weight is [output channel][input channel of its group]
            const int64_t own = lane % size, other = own ^ j, first = channel + lane - own;
            const int64_t output = first + (s.gradient ? other : own), input = s.gradient ? own : other;
            to[lane] = weight[(output * size + input) * area + tap];
          }
        }
      }
    }
  }
}

INLINE Work planGrouped(const BlockedSum& s) { return planLaneSum(s); }

INLINE void runGrouped(const BlockedSum& s, int, Range range, const Workspace&) {
  int32_t lanes[kMostGrouped * kWidth];
  for (int j = 0; j < smallest(kMostGrouped, kWidth); j++)
    for (int i = 0; i < kWidth; i++) lanes[j * kWidth + i] = i ^ j;
  LaneRun d = {};
  d.lanes = lanes;
  d.channels = s.channels;
  forEachBand(s.to, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    laneBand<GroupedAlgorithm>(s, d, s.source + pixelAt(s.from, image, block, 0, 0), image, block, rowBegin, rowEnd);
  });
}

}  // namespace
}  // namespace ISA
