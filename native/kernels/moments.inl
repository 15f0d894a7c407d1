// batchNormStatistics: mean and biased variance of each channel.
#pragma once
#include "kernels/norm.inl"

namespace ISA {
namespace {

// Number, mean and sum of squared distances from the mean of a set of elements.
struct Moments {
  double count, mean, squares;
};

// The moments of a union (Chan, Golub and LeVeque), which needs no differences of large sums.
INLINE Moments join(Moments a, Moments b) {
  if (b.count == 0) return a;
  const double count = a.count + b.count, distance = b.mean - a.mean;
  return {count, a.mean + distance * (b.count / count),
          a.squares + b.squares + distance * distance * (a.count * b.count / count)};
}

// From the sums of x - shift and of its square, shift being close to the mean.
INLINE Moments momentsOf(double count, float shift, double sum, double squares) {
  return {count, static_cast<double>(shift) + sum / count, squares - sum * sum / count};
}

// Sums of x - shift and of its square over the first n elements of rows `stride` apart.
INLINE Moments shiftedMoments(const float* x, int64_t rows, int64_t stride, int64_t n, float shift) {
  const V center = set1(shift);
  double sums[2] = {0, 0};
  addSeries(sums, rows, stride, n, [x, center](auto at, V* s) {
    const V centred = sub(at(x), center);
    s[0] = add(s[0], centred);
    s[1] = fmadd(centred, centred, s[1]);
  });
  return momentsOf(static_cast<double>(rows * n), shift, sums[0], sums[1]);
}

// The mean of up to four vectors, to which the mean of what follows is compared.
INLINE float guessMean(const float* x, int64_t n) {
  const V low = add(loadUpTo(x, n), loadUpTo(x + kWidth, n - kWidth));
  const V high = add(loadUpTo(x + 2 * kWidth, n - 2 * kWidth), loadUpTo(x + 3 * kWidth, n - 3 * kWidth));
  return reduceAdd(add(low, high)) / static_cast<float>(smallest(n, 4 * kWidth));
}

// One pass with a shift that should be close to the mean. The variance comes out as a difference, which loses a bit
// when mean and shift are as far apart as elements from the mean; beyond that a second pass is made with the mean.
INLINE Moments momentsOfRows(const float* x, int64_t rows, int64_t stride, int64_t n, float shift) {
  const Moments moments = shiftedMoments(x, rows, stride, n, shift);
  const double distance = moments.mean - static_cast<double>(shift);
  if (distance * distance * moments.count <= moments.squares) return moments;
  return shiftedMoments(x, rows, stride, n, static_cast<float>(moments.mean));
}

// Rows are joined from groups of at most this many elements, 64 KiB: a second pass over a group finds it in the level 2
// cache, so that the statistics read memory once.
constexpr int64_t kMomentGroup = 16384;

INLINE Moments momentsOfPlanes(const float* x, const ChannelGeometry& g, const ChannelPart& part) {
  const int64_t stride = int64_t{g.c} * g.size;
  const int64_t rowsPerGroup = largest(1, kMomentGroup / largest(1, g.size));
  Moments moments = {};
  for (int64_t image = part.begin; image < part.end; image += rowsPerGroup) {
    const float* group = x + image * stride + part.channel * g.size;
    const int64_t rows = smallest(rowsPerGroup, part.end - image);
    for (int64_t i = 0; i < g.size; i += kMomentGroup) {
      const int64_t n = smallest(kMomentGroup, g.size - i);
      const float shift = moments.count > 0 ? static_cast<float>(moments.mean) : guessMean(group + i, n);
      const Moments more = momentsOfRows(group + i, rows, stride, n, shift);
      moments = moments.count > 0 ? join(moments, more) : more;
    }
  }
  return moments;
}

INLINE void momentsOfColumns(Moments* moments, const float* x, const ChannelGeometry& g, const ChannelPart& part) {
  const int64_t images = part.end - part.begin, columns = part.channels * g.size, stride = int64_t{g.c} * g.size;
  const float* p = x + part.begin * stride + part.channel * g.size;
  const double count = static_cast<double>(images * g.size);
  double totals[1][kColumns] = {};
  addColumnSeries(totals, images, stride, columns, [p](auto at, auto, V* t) { t[0] = at(p); });
  float shifts[kColumns] = {};
  for (int64_t channel = 0; channel < part.channels; channel++) {
    double total = 0;
    for (int64_t i = 0; i < g.size; i++) total += totals[0][channel * g.size + i];
    for (int64_t i = 0; i < g.size; i++) shifts[channel * g.size + i] = static_cast<float>(total / count);
  }
  double sums[2][kColumns] = {};
  addColumnSeries(sums, images, stride, columns, [p, &shifts](auto at, auto per, V* t) {
    t[0] = sub(at(p), per(shifts));
    t[1] = mul(t[0], t[0]);
  });
  for (int64_t channel = 0; channel < part.channels; channel++) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < g.size; i++) {
      sum += sums[0][channel * g.size + i];
      squares += sums[1][channel * g.size + i];
    }
    moments[channel] = momentsOf(count, shifts[channel * g.size], sum, squares);
  }
}

Work plan(const args::batchNormStatistics& a) {
  const ChannelGeometry& g = a.g;
  const int64_t count = elements(g.n, g.c, g.size);
  if (!holds(a.x, count)) return refuse("batchNormStatistics: x is shorter than its shape");
  if (!holds(a.mean, g.c)) return refuse("batchNormStatistics: mean is shorter than the channels");
  if (!holds(a.variance, g.c)) return refuse("batchNormStatistics: variance is shorter than the channels");
  const Chunks chunks = chunksOf(g);
  const int64_t items = channelItems(g);
  const double cost = 2 * static_cast<double>(count);
  Work work = parallel(items, grainOf(cost / static_cast<double>(largest(1, items))), cost);
  if (chunks.count > 1) {
    work.sharedFloats = 2 * 3 * items;
    thenParallel(work, g.c, grainOf(8 * chunks.count));
  }
  return work;
}

INLINE void writeStatistics(const args::batchNormStatistics& a, int64_t channel, Moments moments) {
  const float nothing = __builtin_nanf("");  // the mean of no elements
  const bool some = moments.count > 0;
  a.mean.data[channel] = some ? static_cast<float>(moments.mean) : nothing;
  a.variance.data[channel] = some ? static_cast<float>(moments.squares / moments.count) : nothing;
}

void run(const args::batchNormStatistics& a, int phase, Range range, const Workspace& workspace) {
  const ChannelGeometry& g = a.g;
  const Chunks chunks = chunksOf(g);
  Moments* partials = reinterpret_cast<Moments*>(workspace.shared);  // [c, chunks]
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 1) {
      Moments moments = {};
      for (int64_t chunk = 0; chunk < chunks.count; chunk++)
        moments = join(moments, partials[item * chunks.count + chunk]);
      writeStatistics(a, item, moments);
      continue;
    }
    const ChannelPart part = channelPart(g, chunks, item);
    Moments moments[kColumns] = {};
    if (part.begin == part.end) {
      // nothing to read, perhaps from a null pointer
    } else if (hasSmallPlanes(g)) {
      momentsOfColumns(moments, a.x.data, g, part);
    } else {
      moments[0] = momentsOfPlanes(a.x.data, g, part);
    }
    if (chunks.count > 1) {
      partials[item] = moments[0];
    } else {
      for (int64_t i = 0; i < part.channels; i++) writeStatistics(a, part.channel + i, moments[i]);
    }
  }
}

}  // namespace
}  // namespace ISA
