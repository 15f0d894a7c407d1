// Sums over the channels of blocked tensors: every lane of a block adds up its own pixels.
//
// The bands of a block, those of all images one after the other, are cut into parts. A part is an item of work and
// leaves its sums in the workspace; a later phase adds them in order. Parts depend on nothing but the sizes.
#pragma once
#include "kernels/blocked/bands.inl"

namespace ISA {
namespace {

constexpr int kPixelVectors = kBlock / kWidth;

// Pixels added side by side: with the vectors of a pixel four additions, since one takes four cycles.
constexpr int kPixelChains = kPixelVectors < 4 ? 4 / kPixelVectors : 1;

// Additions a lane takes in single precision before it moves to doubles: up to 8 units of rounding in the worst case,
// when all terms are equal.
constexpr int64_t kRunTerms = 16;

// 256 KiB of each tensor.
constexpr int64_t kPartPixels = 4096;

// Bands [begin, end) of a block, counted over all images.
struct BandRun {
  int64_t begin, end;
};

struct BlockParts {
  Bands bands;
  int64_t pixels;  // of a band, at most
  int64_t length;  // bands of a part
  int64_t perBlock, count;
};

INLINE BlockParts partsOf(const Blocked& b) {
  BlockParts parts = {};
  parts.bands = bandsOf(b);
  parts.pixels = largest(1, smallest(b.h, parts.bands.rows) * b.w);
  parts.length = largest(1, kPartPixels / parts.pixels);
  // where planes are empty nothing has bounded the number of images
  parts.perBlock = b.plane == 0 ? 0 : ceilDiv(b.n * parts.bands.perBlock, parts.length);
  parts.count = parts.perBlock * b.blocks;
  return parts;
}

// Parts follow each other as they lie in memory.
struct BlockPart {
  int64_t block;
  BandRun run;
};
INLINE BlockPart partAt(const Blocked& b, const BlockParts& parts, int64_t item) {
  const int64_t begin = item / b.blocks * parts.length;
  return {item % b.blocks, {begin, smallest(begin + parts.length, b.n * parts.bands.perBlock)}};
}

// Calls visit(image, rowBegin, rowEnd) for the bands of a run.
template <class Visit>
INLINE void forEachBand(const Blocked& b, const Bands& bands, BandRun run, Visit visit) {
  int64_t image = run.begin / bands.perBlock, row = run.begin % bands.perBlock * bands.rows;
  for (int64_t band = run.begin; band < run.end; band++) {
    const int64_t rowEnd = smallest(b.h, row + bands.rows);
    visit(image, row, rowEnd);
    row = rowEnd;
    if (row >= b.h) {
      row = 0;
      image++;
    }
  }
}

// Adds kSums series of each channel to `totals`. rowOf(image, y) gives a function terms(i, part, sums), which adds the
// terms of the vector i floats behind pixel (y, 0), the `part`-th of its pixel, to kSums sums.
template <int kSums, class RowOf>
INLINE void addBands(double (&totals)[kSums][kBlock], const Blocked& b, const Bands& bands, BandRun run, RowOf rowOf) {
  constexpr int64_t kStep = kPixelChains * kBlock, kMost = kRunTerms * kStep;
  V sums[kPixelChains][kPixelVectors][kSums];
  const auto clear = [&] {
#pragma GCC unroll 4
    for (int chain = 0; chain < kPixelChains; chain++)
#pragma GCC unroll 4
      for (int part = 0; part < kPixelVectors; part++)
#pragma GCC unroll 4
        for (int s = 0; s < kSums; s++) sums[chain][part][s] = zero();
  };
  int64_t added = 0;  // to a lane, at most
  const auto flush = [&] {
#pragma GCC unroll 4
    for (int s = 0; s < kSums; s++) {
      float lanes[kBlock];
#pragma GCC unroll 4
      for (int part = 0; part < kPixelVectors; part++) {
        V sum = sums[0][part][s];
        if constexpr (kPixelChains == 2) sum = add(sum, sums[1][part][s]);
        if constexpr (kPixelChains == 4) sum = add(add(sum, sums[1][part][s]), add(sums[2][part][s], sums[3][part][s]));
        store(lanes + part * kWidth, sum);
      }
      for (int i = 0; i < kBlock; i++) totals[s][i] += static_cast<double>(lanes[i]);
    }
    clear();
    added = 0;
  };
  clear();
  forEachBand(b, bands, run, [&](int64_t image, int64_t rowBegin, int64_t rowEnd) {
    for (int64_t y = rowBegin; y < rowEnd; y++) {
      const auto terms = rowOf(image, y);
      const auto pixel = [&](int64_t at, int chain) {
#pragma GCC unroll 4
        for (int part = 0; part < kPixelVectors; part++) terms(at + part * kWidth, part, sums[chain][part]);
      };
      for (int64_t begin = 0; begin < b.w * kBlock; begin += kMost) {
        const int64_t end = smallest(b.w * kBlock, begin + kMost), steps = ceilDiv(end - begin, kStep);
        if (added + steps > kRunTerms) flush();
        added += steps;
        int64_t i = begin;
        for (; i + kStep <= end; i += kStep)
#pragma GCC unroll 4
          for (int chain = 0; chain < kPixelChains; chain++) pixel(i + chain * kBlock, chain);
#pragma GCC unroll 4
        for (int chain = 0; chain < kPixelChains - 1; chain++, i += kBlock)
          if (i < end) pixel(i, chain);
      }
    }
  });
  flush();
}

// Calls map(i, part) for all vectors of a row of w pixels, as above.
template <class Map>
INLINE void forEachPixel(int64_t w, Map map) {
#pragma GCC unroll 4
  for (int64_t i = 0; i < w * kBlock; i += kBlock)
#pragma GCC unroll 4
    for (int part = 0; part < kPixelVectors; part++) map(i + part * kWidth, part);
}

// One number per channel as the vectors of a block; lanes that are no channel get 0.
INLINE void loadChannels(V (&vectors)[kPixelVectors], const float* values, int64_t block, int64_t c) {
#pragma GCC unroll 4
  for (int part = 0; part < kPixelVectors; part++) {
    const int64_t channel = block * kBlock + part * kWidth;
    vectors[part] = channel < c ? loadUpTo(values + channel, c - channel) : zero();
  }
}

INLINE void storeChannels(float* values, const double (&lanes)[kBlock], int64_t block, int64_t c) {
  for (int64_t i = 0; i < smallest(kBlock, c - block * kBlock); i++)
    values[block * kBlock + i] = static_cast<float>(lanes[i]);
}

}  // namespace
}  // namespace ISA
