// What a sum over taps is (see tap_sum.inl), and its weights packed as row panels.
#pragma once
#include "kernels/gather.inl"

namespace ISA {
namespace {

struct TapSum {
  const float* source;  // [images][groups * channels][plane]
  const float* weight;
  const float* bias;  // [groups * rows] or nullptr
  float* result;      // [images][groups * rows][plane]
  int64_t images, groups, rows, channels;
  int64_t weightRow, weightChannel;  // element strides; a group has rows * channels * kernel weights
  Axis y, x;
  bool gradient;  // source and result change places, and the taps run backwards
};

// A step of k of a row panel is 56 bytes: with 640 steps a panel is 35 KiB and 256 columns are 640 KiB, so the one
// stays close to the first level cache while it meets all columns, and the others stay in the second.
constexpr int64_t kSumLongestK = 640;

INLINE Taps tapsOf(const TapSum& s, const Axis& axis, int64_t set) {
  return s.gradient ? gradientTaps(axis, set) : forwardTaps(axis);
}
INLINE int64_t tapSetsOf(const TapSum& s, const Axis& axis) { return s.gradient ? tapSets(axis) : 1; }

INLINE int64_t kernelSize(const TapSum& s) { return s.y.kernel * s.x.kernel; }
INLINE int64_t resultPlane(const TapSum& s) {
  return s.gradient ? s.y.source * s.x.source : s.y.output * s.x.output;
}
INLINE int64_t sourcePlane(const TapSum& s) {
  return s.gradient ? s.y.output * s.x.output : s.y.source * s.x.source;
}

// Packed weights lie by group, set of taps, block of k, row panel. Where those of a set begin:
INLINE int64_t packedWeights(const TapSum& s, int64_t group, int64_t setY, int64_t setX) {
  int64_t taps = group * kernelSize(s);
  if (s.gradient) {
    const int64_t tapsY = tapsBefore(s.y, setY + 1) - tapsBefore(s.y, setY);
    taps += tapsBefore(s.y, setY) * s.x.kernel + tapsY * tapsBefore(s.x, setX);
  }
  return s.rows * s.channels * taps;
}

// Forward: the weights of a row are one run, so a panel is packed at a time, all of its k or one block of it.
INLINE void packRows(const TapSum& s, int64_t group, int64_t panel, int64_t k0, int64_t k1, float* packed) {
  const int64_t panels = rowPanels(s.rows), row = partBegin(s.rows, panels, panel);
  const int64_t rows = partBegin(s.rows, panels, panel + 1) - row;
  transpose(s.weight + (group * s.rows + row) * s.weightRow + k0, s.weightRow, rows, k1 - k0, packed, rows, rows);
}

INLINE void packForward(const TapSum& s, int64_t item, float* shared) {
  const int64_t panels = rowPanels(s.rows), panel = item % panels, group = item / panels;
  const int64_t length = s.channels * kernelSize(s), blocks = kBlocksOf(length, kSumLongestK);
  const int64_t row = partBegin(s.rows, panels, panel);
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t k0 = partBegin(length, blocks, block), k1 = partBegin(length, blocks, block + 1);
    packRows(s, group, panel, k0, k1, shared + packedWeights(s, group, 0, 0) + k0 * s.rows + row * (k1 - k0));
  }
}

// Gradient: the weights of a channel are one run, so a channel is packed at a time, for all rows.
INLINE void packGradient(const TapSum& s, int64_t item, float* shared) {
  const int64_t setsY = tapSets(s.y), setsX = tapSets(s.x);
  const int64_t channel = item % s.channels, set = item / s.channels % (setsY * setsX);
  const int64_t group = item / s.channels / (setsY * setsX), setY = set / setsX, setX = set % setsX;
  const Taps y = gradientTaps(s.y, setY), x = gradientTaps(s.x, setX);
  const int64_t taps = y.count * x.count, length = s.channels * taps, panels = rowPanels(s.rows);
  const int64_t blocks = kBlocksOf(length, kSumLongestK);
  const float* weight = s.weight + (group * s.channels + channel) * s.weightChannel;
  float* packed = shared + packedWeights(s, group, setY, setX);
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t k0 = partBegin(length, blocks, block), k1 = partBegin(length, blocks, block + 1);
    const int64_t begin = largest(k0, channel * taps), end = smallest(k1, (channel + 1) * taps);
    if (begin >= end) continue;
    const int64_t first = begin - channel * taps, count = end - begin;  // taps of the channel in this block
    for (int64_t panel = 0; panel < panels; panel++) {
      const int64_t row = partBegin(s.rows, panels, panel), rows = partBegin(s.rows, panels, panel + 1) - row;
      const float* from = weight + row * s.weightRow;
      float* out = packed + k0 * s.rows + row * (k1 - k0) + (begin - k0) * rows;
      if (s.weightRow == 1) {
        copyRow(out, from, rows);
      } else if (taps == s.weightRow) {
        transpose(from + first, taps, rows, count, out, rows, rows);
      } else {
        for (int64_t tap = first; tap < first + count; tap++, out += rows) {
          const int64_t ty = y.first + tap / x.count * y.step, tx = x.first + tap % x.count * x.step;
          for (int64_t i = 0; i < rows; i++) out[i] = from[i * s.weightRow + ty * s.x.kernel + tx];
        }
      }
    }
  }
}

}  // namespace
}  // namespace ISA
