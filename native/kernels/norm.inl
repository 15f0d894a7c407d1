// Batch norm over x [n, c, size]: statistics, forward, backward.
//
// The reductions take one channel per item; where there are few channels and much data, the images of a channel are cut
// into chunks as well, whose partial results a second phase combines in order.
#pragma once
#include "kernels/rows.inl"

namespace ISA {
namespace {

// --- how the images of a channel are cut ---

struct Chunks {
  int64_t count, images;
};
INLINE Chunks chunksOf(const ChannelGeometry& g) {
  constexpr int64_t kManyChannels = 64;
  constexpr int64_t kWorthCutting = int64_t{1} << 18;  // elements: 1 MiB
  const double total = static_cast<double>(g.n) * g.c * g.size;
  if (g.c >= kManyChannels || g.c == 0 || g.n == 0 || total < kWorthCutting) return {1, g.n};
  const int64_t images = ceilDiv(g.n, smallest(g.n, ceilDiv(kManyChannels, g.c)));
  return {ceilDiv(g.n, images), images};
}

// size == 1 lays the channels side by side: an item is then a block of kColumns channels and all images.
INLINE bool isColumns(const ChannelGeometry& g) { return g.size == 1; }
INLINE int64_t channelItems(const ChannelGeometry& g) {
  return isColumns(g) ? ceilDiv(g.c, kColumns) : g.c * chunksOf(g).count;
}

// Item of a reduction over one channel: the images [begin, end).
struct ChannelPart {
  int64_t channel, chunk, begin, end;
};
INLINE ChannelPart channelPart(const ChannelGeometry& g, const Chunks& chunks, int64_t item) {
  if (g.size == 0) return {item, 0, 0, 0};
  const int64_t chunk = item % chunks.count;
  return {item / chunks.count, chunk, chunk * chunks.images, smallest(g.n, (chunk + 1) * chunks.images)};
}

INLINE const float* plane(const float* x, const ChannelGeometry& g, int64_t image, int64_t channel) {
  return x + (image * g.c + channel) * g.size;
}
INLINE float* plane(float* x, const ChannelGeometry& g, int64_t image, int64_t channel) {
  return x + (image * g.c + channel) * g.size;
}

INLINE double inverseDeviation(float variance, double eps) {
  return 1 / __builtin_sqrt(static_cast<double>(variance) + eps);
}

// --- statistics ---

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

// Rows are joined in groups of at most this many elements, 64 KiB: the second, centred pass over a group finds it in
// the level 2 cache, so that the statistics read memory once.
constexpr int64_t kMomentBlock = 16384;

INLINE Moments momentsOfChannel(const float* x, const ChannelGeometry& g, const ChannelPart& part) {
  const int64_t rowsPerGroup = largest(1, kMomentBlock / largest(1, g.size));
  const int64_t length = smallest(g.size, kMomentBlock);
  Moments moments = {};
  for (int64_t image = part.begin; image < part.end; image += rowsPerGroup) {
    const int64_t rows = smallest(rowsPerGroup, part.end - image);
    for (int64_t begin = 0; begin < g.size; begin += length) {
      const int64_t n = smallest(length, g.size - begin);
      const double count = static_cast<double>(rows * n);
      double total = 0;
      for (int64_t r = 0; r < rows; r++) total += sumRow(plane(x, g, image + r, part.channel) + begin, n);
      const float shift = static_cast<float>(total / count);
      const V center = set1(shift);
      double sums[2] = {0, 0};
      for (int64_t r = 0; r < rows; r++) {
        const float* row = plane(x, g, image + r, part.channel) + begin;
        addSeries(sums, n, [row, center](auto at, V* t) {
          t[0] = sub(at(row), center);
          t[1] = mul(t[0], t[0]);
        });
      }
      moments = join(moments, momentsOf(count, shift, sums[0], sums[1]));
    }
  }
  return moments;
}

// The same for up to kColumns channels of a [n, c] matrix.
INLINE void momentsOfColumns(Moments (&moments)[kColumns], const float* x, const ChannelGeometry& g, int64_t channel,
                             int64_t channels) {
  const float* p = x + channel;
  double totals[1][kColumns] = {};
  addColumnSeries(totals, g.n, g.c, channels, [p](auto at, V* t) { t[0] = at(p); });
  float shift[kColumns] = {};
  for (int64_t i = 0; i < channels; i++) shift[i] = static_cast<float>(totals[0][i] / g.n);
  // the shifts lie in another array than the rows, so each vector of columns is a call of its own
  for (int64_t i = 0; i < channels; i += kWidth) {
    const V center = load(shift + i);
    const int64_t lanes = smallest(kWidth, channels - i);
    double sums[2][kColumns] = {};
    addColumnSeries(sums, g.n, g.c, lanes, [p, i, center](auto at, V* t) {
      t[0] = sub(at(p + i), center);
      t[1] = mul(t[0], t[0]);
    });
    for (int64_t lane = 0; lane < lanes; lane++)
      moments[i + lane] = momentsOf(g.n, shift[i + lane], sums[0][lane], sums[1][lane]);
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
  Work work = parallel(items, grainOf(2 * count / largest(1, items)), 2 * static_cast<double>(count));
  if (!isColumns(g) && chunks.count > 1) {
    work.sharedFloats = 2 * 3 * items;
    thenParallel(work, g.c, grainOf(chunks.count));
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
  Moments* partials = reinterpret_cast<Moments*>(workspace.shared);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (isColumns(g)) {
      const int64_t channel = item * kColumns, channels = smallest(kColumns, g.c - channel);
      Moments moments[kColumns] = {};
      if (g.n > 0) momentsOfColumns(moments, a.x.data, g, channel, channels);
      for (int64_t i = 0; i < channels; i++) writeStatistics(a, channel + i, moments[i]);
    } else if (phase == 0) {
      const ChannelPart part = channelPart(g, chunks, item);
      const Moments moments = momentsOfChannel(a.x.data, g, part);
      if (chunks.count > 1) {
        partials[item] = moments;
      } else {
        writeStatistics(a, part.channel, moments);
      }
    } else {
      Moments moments = {};
      for (int64_t chunk = 0; chunk < chunks.count; chunk++)
        moments = join(moments, partials[item * chunks.count + chunk]);
      writeStatistics(a, item, moments);
    }
  }
}

// --- forward ---

Work plan(const args::batchNormForward& a) {
  const ChannelGeometry& g = a.g;
  const int64_t count = elements(g.n, g.c, g.size);
  if (!holds(a.x, count)) return refuse("batchNormForward: x is shorter than its shape");
  if (!holds(a.mean, g.c)) return refuse("batchNormForward: mean is shorter than the channels");
  if (!holds(a.variance, g.c)) return refuse("batchNormForward: variance is shorter than the channels");
  if (!nullOrHolds(a.weight, g.c)) return refuse("batchNormForward: weight is shorter than the channels");
  if (!nullOrHolds(a.bias, g.c)) return refuse("batchNormForward: bias is shorter than the channels");
  if (!holds(a.y, count)) return refuse("batchNormForward: y is shorter than its shape");
  // scales first, because a root and a division cost as much as a small plane
  Work work = parallel(g.c, grainOf(16), static_cast<double>(count));
  work.sharedFloats = g.c;
  if (isColumns(g)) {
    thenParallel(work, g.n, grainOf(g.c));
  } else if (count > 0) {
    thenParallel(work, int64_t{g.n} * g.c, grainOf(g.size));
  }
  return work;
}

// Subtracting the mean first costs no more than folding it into the bias, since memory is the limit, and does not cancel
// when the mean is large.
void run(const args::batchNormForward& a, int phase, Range range, const Workspace& workspace) {
  const ChannelGeometry& g = a.g;
  float* scales = workspace.shared;
  if (phase == 0) {
    for (int64_t channel = range.begin; channel < range.end; channel++) {
      const double weight = a.weight.data != nullptr ? static_cast<double>(a.weight.data[channel]) : 1;
      scales[channel] = static_cast<float>(weight * inverseDeviation(a.variance.data[channel], a.eps));
    }
  } else if (isColumns(g)) {
    for (int64_t image = range.begin; image < range.end; image++) {
      const float* x = a.x.data + image * g.c;
      float* y = a.y.data + image * g.c;
      mapRow(y, x, a.mean.data, g.c, [](V v, V mean) { return sub(v, mean); });
      mapRow(y, y, scales, g.c, [](V v, V scale) { return mul(v, scale); });
      if (a.bias.data != nullptr) addRow(y, a.bias.data, g.c);
    }
  } else {
    for (int64_t item = range.begin; item < range.end; item++) {
      const int64_t channel = item % g.c;
      const V mean = set1(a.mean.data[channel]), scale = set1(scales[channel]);
      const V bias = set1(a.bias.data != nullptr ? a.bias.data[channel] : 0.0f);
      mapRow(a.y.data + item * g.size, a.x.data + item * g.size, g.size,
             [=](V v) { return fmadd(sub(v, mean), scale, bias); });
    }
  }
}

// --- backward ---

// Sums over a channel: of dy, and of dy times the centred x.
struct GradientSums {
  double dy, dyx;
};

INLINE GradientSums gradientSums(const args::batchNormBackward& a, const ChannelPart& part) {
  const V mean = set1(a.mean.data[part.channel]);
  double sums[2] = {0, 0};
  for (int64_t image = part.begin; image < part.end; image++) {
    const float* dy = plane(a.dy.data, a.g, image, part.channel);
    const float* x = plane(a.x.data, a.g, image, part.channel);
    addSeries(sums, a.g.size, [dy, x, mean](auto at, V* t) {
      t[0] = at(dy);
      t[1] = mul(t[0], sub(at(x), mean));
    });
  }
  return {sums[0], sums[1]};
}

// dx = scale · (dy - dyMean - (x - mean) · slope), without the last two where the statistics do not depend on x
struct DxTerms {
  float scale, dyMean, slope;
};
INLINE DxTerms dxTerms(const args::batchNormBackward& a, int64_t channel, GradientSums sums) {
  const double inverse = inverseDeviation(a.variance.data[channel], a.eps);
  const double weight = a.weight.data != nullptr ? static_cast<double>(a.weight.data[channel]) : 1;
  const double count = static_cast<double>(a.g.n) * a.g.size;
  const float scale = static_cast<float>(weight * inverse);
  if (!a.batchStatistics) return {scale, 0, 0};
  return {scale, static_cast<float>(sums.dy / count), static_cast<float>(sums.dyx * inverse * inverse / count)};
}

INLINE void writeParameterGradients(const args::batchNormBackward& a, int64_t channel, GradientSums sums) {
  a.dbias.data[channel] = static_cast<float>(sums.dy);
  a.dweight.data[channel] = static_cast<float>(sums.dyx * inverseDeviation(a.variance.data[channel], a.eps));
}

INLINE void writeDx(const args::batchNormBackward& a, const ChannelPart& part, GradientSums sums) {
  const DxTerms terms = dxTerms(a, part.channel, sums);
  const V scale = set1(terms.scale), dyMean = set1(terms.dyMean), slope = set1(terms.slope);
  const V mean = set1(a.mean.data[part.channel]);
  for (int64_t image = part.begin; image < part.end; image++) {
    float* dx = plane(a.dx.data, a.g, image, part.channel);
    const float* dy = plane(a.dy.data, a.g, image, part.channel);
    if (a.batchStatistics) {
      mapRow(dx, dy, plane(a.x.data, a.g, image, part.channel), a.g.size,
             [=](V v, V x) { return mul(scale, fnmadd(sub(x, mean), slope, sub(v, dyMean))); });
    } else {
      mapRow(dx, dy, a.g.size, [=](V v) { return mul(scale, v); });
    }
  }
}

// All of it for up to kColumns channels of a [n, c] matrix.
INLINE void backwardColumns(const args::batchNormBackward& a, int64_t channel, int64_t channels) {
  const int64_t n = a.g.n, c = a.g.c;
  for (int64_t i = channel; i < channel + channels; i += kWidth) {
    const int64_t lanes = smallest(kWidth, channel + channels - i);
    const float* dy = a.dy.data + i;
    const float* x = a.x.data + i;
    const V mean = lanes == kWidth ? load(a.mean.data + i) : loadPartial(a.mean.data + i, lanes);
    double sums[2][kColumns] = {};
    addColumnSeries(sums, n, c, lanes, [dy, x, mean](auto at, V* t) {
      t[0] = at(dy);
      t[1] = mul(t[0], sub(at(x), mean));
    });
    float scales[kWidth] = {}, dyMeans[kWidth] = {}, slopes[kWidth] = {};
    for (int64_t lane = 0; lane < lanes; lane++) {
      const GradientSums laneSums = {sums[0][lane], sums[1][lane]};
      writeParameterGradients(a, i + lane, laneSums);
      const DxTerms terms = dxTerms(a, i + lane, laneSums);
      scales[lane] = terms.scale;
      dyMeans[lane] = terms.dyMean;
      slopes[lane] = terms.slope;
    }
    const V scale = load(scales), dyMean = load(dyMeans), slope = load(slopes);
    for (int64_t image = 0; image < n; image++) {
      const auto at = [=](const float* p) {
        return lanes == kWidth ? load(p + image * c) : loadPartial(p + image * c, lanes);
      };
      const V centred = fnmadd(sub(at(x), mean), slope, sub(at(dy), dyMean));
      const V dx = mul(scale, a.batchStatistics ? centred : at(dy));
      float* target = a.dx.data + image * c + i;
      if (lanes == kWidth) {
        store(target, dx);
      } else {
        storePartial(target, dx, lanes);
      }
    }
  }
}

Work plan(const args::batchNormBackward& a) {
  const ChannelGeometry& g = a.g;
  const int64_t count = elements(g.n, g.c, g.size);
  if (!holds(a.dy, count)) return refuse("batchNormBackward: dy is shorter than its shape");
  if (!holds(a.x, count)) return refuse("batchNormBackward: x is shorter than its shape");
  if (!holds(a.mean, g.c)) return refuse("batchNormBackward: mean is shorter than the channels");
  if (!holds(a.variance, g.c)) return refuse("batchNormBackward: variance is shorter than the channels");
  if (!nullOrHolds(a.weight, g.c)) return refuse("batchNormBackward: weight is shorter than the channels");
  if (!holds(a.dx, count)) return refuse("batchNormBackward: dx is shorter than its shape");
  if (!holds(a.dweight, g.c)) return refuse("batchNormBackward: dweight is shorter than the channels");
  if (!holds(a.dbias, g.c)) return refuse("batchNormBackward: dbias is shorter than the channels");
  const Chunks chunks = chunksOf(g);
  const int64_t items = channelItems(g);
  const int64_t grain = grainOf(3 * count / largest(1, items));
  Work work = parallel(items, grain, 3 * static_cast<double>(count));
  if (!isColumns(g) && chunks.count > 1) {
    work.sharedFloats = 2 * 2 * items;
    thenParallel(work, items, grain);
  }
  return work;
}

// Uncut, a channel goes through both passes at once, the second one finding it in the cache.
void run(const args::batchNormBackward& a, int phase, Range range, const Workspace& workspace) {
  const ChannelGeometry& g = a.g;
  const Chunks chunks = chunksOf(g);
  GradientSums* partials = reinterpret_cast<GradientSums*>(workspace.shared);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (isColumns(g)) {
      backwardColumns(a, item * kColumns, smallest(kColumns, g.c - item * kColumns));
      continue;
    }
    const ChannelPart part = channelPart(g, chunks, item);
    GradientSums sums = {};
    if (phase == 0) {
      sums = gradientSums(a, part);
      if (chunks.count > 1) {
        partials[item] = sums;
        continue;
      }
    } else {
      for (int64_t chunk = 0; chunk < chunks.count; chunk++) {
        const GradientSums& partial = partials[part.channel * chunks.count + chunk];
        sums.dy += partial.dy;
        sums.dyx += partial.dyx;
      }
    }
    if (part.chunk == 0) writeParameterGradients(a, part.channel, sums);
    writeDx(a, part, sums);
  }
}

}  // namespace
}  // namespace ISA
