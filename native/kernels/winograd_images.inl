// Where Winograd's transforms take their pixels from and where the results go: rows of NCHW tensors, turned into blocks
// of channels on the way in and back on the way out. And the same sum computed directly, for numbers the transforms
// cannot take.
#pragma once
#include "kernels/winograd_transforms.inl"

namespace ISA {
namespace {

// A 3x3 sum with stride 1 over images, as the forward pass and the gradient of the input have it:
//   result[r][i][j] = bias[r] + sum over c, p, q of weight[r][c][p][q] * source[c][i + top + p][j + left + q]
struct Sum3x3 {
  const float* source;  // [images][channels][sourceH][sourceW]
  const float* weight;
  const float* bias;  // [rows] or nullptr
  float* result;      // [images][rows][resultH][resultW]
  int64_t images, rows, channels;
  int64_t weightRow, weightChannel;
  int64_t sourceH, sourceW, resultH, resultW;
  int64_t top, left;
  bool flipped;  // tap (p, q) is weight [2 - p][2 - q]
};

INLINE int64_t sourcePlane(const Sum3x3& s) { return s.sourceH * s.sourceW; }
INLINE int64_t resultPlane(const Sum3x3& s) { return s.resultH * s.resultW; }
INLINE int64_t clamp(int64_t value, int64_t low, int64_t high) { return smallest(high, largest(low, value)); }

// A rectangle of one image, in pixels.
struct Area {
  int64_t image, y, x, h, w;
};

// The pixels of an area of the source as [h][w][kBlock], for kBlock channels from `channel` on: zero where there is no
// pixel and where there is no channel.
INLINE void loadArea(const Sum3x3& s, const Area& a, int64_t channel, float* pixels) {
  const int64_t plane = sourcePlane(s), channels = smallest(kBlock, s.channels - channel);
  const float* from = s.source + (a.image * s.channels + channel) * plane;
  const int64_t begin = clamp(-a.x, 0, a.w), end = clamp(s.sourceW - a.x, begin, a.w);
  for (int64_t i = 0; i < a.h; i++, pixels += a.w * kBlock) {
    const int64_t y = a.y + i;
    if (y < 0 || y >= s.sourceH || begin == end) {
      fillRow(pixels, a.w * kBlock, 0);
      continue;
    }
    fillRow(pixels, begin * kBlock, 0);
    transpose(from + y * s.sourceW + a.x + begin, plane, channels, end - begin, pixels + begin * kBlock, kBlock,
              kBlock);
    fillRow(pixels + end * kBlock, (a.w - end) * kBlock, 0);
  }
}

// The other way round for the result: `channels` <= kBlock channels from `channel` on.
INLINE void storeArea(const Sum3x3& s, const Area& a, int64_t channel, int64_t channels, const float* pixels) {
  const int64_t plane = resultPlane(s);
  float* to = s.result + (a.image * s.rows + channel) * plane + a.y * s.resultW + a.x;
  const bool whole = a.w == s.resultW;  // rows follow each other without a gap
  const int64_t runs = whole ? 1 : a.h, length = whole ? a.h * a.w : a.w;
  for (int64_t i = 0; i < runs; i++)
    transpose(pixels + i * a.w * kBlock, kBlock, length, channels, to + i * s.resultW, plane, length);
}

// Pixels x .. x + kWidth - 1 of a row of `length`, zero outside of it.
INLINE V loadAround(const float* row, int64_t x, int64_t length) {
  if (x >= 0) return loadUpTo(row + x, length - x);
  float lanes[kWidth];
  for (int i = 0; i < kWidth; i++) lanes[i] = x + i >= 0 && x + i < length ? row[x + i] : 0;
  return load(lanes);
}

// Result channels [row, rowEnd) of an area by direct summation. It serves areas with NaN, infinity or huge numbers
// only.
__attribute__((noinline)) void sumArea(const Sum3x3& s, const Area& a, int64_t row, int64_t rowEnd) {
  constexpr int kRows = 4;  // result channels that share each load
  const int64_t plane = sourcePlane(s);
  const float* image = s.source + a.image * s.channels * plane;
  for (; row < rowEnd; row += kRows) {
    const int64_t rows = smallest(kRows, rowEnd - row);
    const float* weight[kRows];
    for (int r = 0; r < kRows; r++)
      weight[r] = s.weight + (row + smallest(r, rows - 1)) * s.weightRow + (s.flipped ? 8 : 0);
    for (int64_t y = a.y; y < a.y + a.h; y++) {
      for (int64_t x = a.x; x < a.x + a.w; x += kWidth) {
        V total[kRows], sum[kRows];
        for (int r = 0; r < kRows; r++) {
          total[r] = set1(s.bias ? s.bias[row + smallest(r, rows - 1)] : 0);
          sum[r] = zero();
        }
        for (int64_t c = 0; c < s.channels; c++) {
          for (int64_t tap = 0; tap < 9; tap++) {
            const int64_t sourceY = y + s.top + tap / 3, at = c * s.weightChannel + (s.flipped ? -tap : tap);
            const bool inside = sourceY >= 0 && sourceY < s.sourceH;
            // padding is multiplied like any other number: an infinite weight makes it NaN
            const V pixels =
                inside ? loadAround(image + c * plane + sourceY * s.sourceW, x + s.left + tap % 3, s.sourceW) : zero();
            for (int r = 0; r < kRows; r++) sum[r] = fmadd(set1(weight[r][at]), pixels, sum[r]);
          }
          if (c % kBlock < kBlock - 1 && c + 1 < s.channels) continue;
          for (int r = 0; r < kRows; r++) {
            total[r] = add(total[r], sum[r]);
            sum[r] = zero();
          }
        }
        float* to = s.result + (a.image * s.rows + row) * resultPlane(s) + y * s.resultW + x;
        for (int64_t r = 0; r < rows; r++) storeUpTo(to + r * resultPlane(s), total[r], a.x + a.w - x);
      }
    }
  }
}

}  // namespace
}  // namespace ISA
