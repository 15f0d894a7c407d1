// blockedChannelStatistics: mean and biased variance of each channel of a blocked tensor, in one pass over memory.
//
// As in moments.inl: sums of distances from a number close to the mean, over groups that the second level cache holds;
// lanes for which that number was far off are summed again. Groups are joined in double precision.
#pragma once
#include "kernels/blocked/channel_sums.inl"

namespace ISA {
namespace {

// 64 KiB.
constexpr int64_t kGroupPixels = 1024;

// Of each lane: mean and sum of squared distances from it, over the same number of elements.
struct LaneMoments {
  double count;
  double mean[kBlock], squares[kBlock];
};

INLINE void join(LaneMoments& a, const LaneMoments& b) {
  if (b.count == 0) return;
  const double count = a.count + b.count, share = b.count / count;
  for (int i = 0; i < kBlock; i++) {
    const double distance = b.mean[i] - a.mean[i];
    a.mean[i] += distance * share;
    a.squares[i] += b.squares[i] + distance * distance * (a.count * share);
  }
  a.count = count;
}

// A tensor to be summed, a block of it and its bands.
struct MomentsSource {
  const float* x;
  const Blocked& b;
  const Bands& bands;
  int64_t block;
};

INLINE LaneMoments shiftedMoments(const MomentsSource& source, BandRun run, double count,
                                  const float (&shifts)[kBlock]) {
  V shift[kPixelVectors];
#pragma GCC unroll 4
  for (int part = 0; part < kPixelVectors; part++) shift[part] = load(shifts + part * kWidth);
  double sums[2][kBlock] = {};
  addBands(sums, source.b, source.bands, run, [&](int64_t image, int64_t y) {
    const float* x = source.x + pixelAt(source.b, image, source.block, y, 0);
    return [x, &shift](int64_t i, int part, V* s) {
      const V centred = sub(load(x + i), shift[part]);
      s[0] = add(s[0], centred);
      s[1] = fmadd(centred, centred, s[1]);
    };
  });
  LaneMoments moments;
  moments.count = count;
  for (int i = 0; i < kBlock; i++) {
    const double distance = sums[0][i] / count, squares = sums[1][i] - sums[0][i] * distance;
    moments.mean[i] = static_cast<double>(shifts[i]) + distance;
    moments.squares[i] = squares < 0 ? 0 : squares;  // where all elements are equal rounding decides
  }
  return moments;
}

// The means of some pixels from everywhere in a run.
INLINE void guessMeans(const MomentsSource& source, BandRun run, float (&means)[kBlock]) {
  constexpr int kSamples = 8;
  const Blocked& b = source.b;
  V sums[kPixelVectors];
#pragma GCC unroll 4
  for (int part = 0; part < kPixelVectors; part++) sums[part] = zero();
  for (int64_t sample = 0; sample < kSamples; sample++) {
    const int64_t band = run.begin + (run.end - run.begin) * sample / kSamples;
    const int64_t row = band % source.bands.perBlock * source.bands.rows;
    const int64_t rows = smallest(b.h - row, source.bands.rows);
    const float* pixel = source.x + pixelAt(b, band / source.bands.perBlock, source.block,
                                            row + rows * sample / kSamples, b.w * sample / kSamples);
#pragma GCC unroll 4
    for (int part = 0; part < kPixelVectors; part++)
      sums[part] = fmadd(load(pixel + part * kWidth), set1(1.0f / kSamples), sums[part]);
  }
#pragma GCC unroll 4
  for (int part = 0; part < kPixelVectors; part++) store(means + part * kWidth, sums[part]);
}

// One pass with shifts that should be close to the means, and a second one for the lanes whose mean turned out to be
// further away than elements are from it: there the variance comes out as a difference that has lost digits.
INLINE LaneMoments momentsOfGroup(const MomentsSource& source, BandRun run, double count, float (&shifts)[kBlock]) {
  LaneMoments moments = shiftedMoments(source, run, count, shifts);
  bool again = false;
  bool isFar[kBlock];
  for (int i = 0; i < kBlock; i++) {
    const double distance = moments.mean[i] - static_cast<double>(shifts[i]);
    isFar[i] = distance * distance * count > moments.squares[i];
    again |= isFar[i];
    shifts[i] = static_cast<float>(moments.mean[i]);
  }
  if (!again) return moments;
  const LaneMoments better = shiftedMoments(source, run, count, shifts);
  for (int i = 0; i < kBlock; i++) {
    if (!isFar[i]) continue;
    moments.mean[i] = better.mean[i];
    moments.squares[i] = better.squares[i];
  }
  return moments;
}

INLINE LaneMoments momentsOfPart(const MomentsSource& source, const BlockParts& parts, BandRun run) {
  const Blocked& b = source.b;
  const int64_t length = largest(1, kGroupPixels / parts.pixels);
  LaneMoments moments = {};
  float shifts[kBlock];
  guessMeans(source, run, shifts);
  for (int64_t begin = run.begin; begin < run.end; begin += length) {
    const BandRun group = {begin, smallest(begin + length, run.end)};
    int64_t rows = 0;
    forEachBand(b, source.bands, group, [&](int64_t, int64_t rowBegin, int64_t rowEnd) { rows += rowEnd - rowBegin; });
    join(moments, momentsOfGroup(source, group, static_cast<double>(rows * b.w), shifts));
    for (int i = 0; i < kBlock; i++) shifts[i] = static_cast<float>(moments.mean[i]);
  }
  return moments;
}

Work plan(const args::blockedChannelStatistics& a) {
  const Blocked b = blocked(a.g);
  if (!holds(a.x, blockedElements(b))) return refuse("blockedChannelStatistics: x is shorter than its shape");
  if (!holds(a.mean, b.c)) return refuse("blockedChannelStatistics: mean is shorter than the channels");
  if (!holds(a.variance, b.c)) return refuse("blockedChannelStatistics: variance is shorter than the channels");
  const BlockParts parts = partsOf(b);
  const bool isEmpty = b.h * b.w == 0;
  const double each = static_cast<double>(parts.length * parts.pixels * kBlock);
  Work work = parallel(isEmpty ? 0 : parts.count, grainOf(each), each * static_cast<double>(parts.count));
  work.sharedFloats = isEmpty ? 0 : parts.count * int64_t{sizeof(LaneMoments) / sizeof(float)};
  thenParallel(work, b.blocks, grainOf(static_cast<double>(4 * kBlock * (1 + parts.perBlock))));
  return work;
}

void run(const args::blockedChannelStatistics& a, int phase, Range range, const Workspace& workspace) {
  const Blocked b = blocked(a.g);
  const BlockParts parts = partsOf(b);
  LaneMoments* partials = reinterpret_cast<LaneMoments*>(workspace.shared);  // [part of a block][block]
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      const BlockPart part = partAt(b, parts, item);
      partials[item] = momentsOfPart({a.x.data, b, parts.bands, part.block}, parts, part.run);
      continue;
    }
    LaneMoments moments = {};
    if (b.h * b.w > 0)
      for (int64_t i = 0; i < parts.perBlock; i++) join(moments, partials[i * b.blocks + item]);
    // of no elements both are NaN
    for (int i = 0; i < kBlock; i++) {
      if (moments.count == 0) moments.mean[i] = __builtin_nan("");
      moments.squares[i] /= moments.count;
    }
    storeChannels(a.mean.data, moments.mean, item, b.c);
    storeChannels(a.variance.data, moments.squares, item, b.c);
  }
}

}  // namespace
}  // namespace ISA
