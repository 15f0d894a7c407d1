// Batch norm over x [n, c, size]: what the kernels share, forward, backward. The statistics are in moments.inl.
//
// A large plane is a row of its own. Planes of at most kSmallPlane elements would leave most of a vector idle, and are
// seen as columns of the matrix [n, c · size] instead: reductions go down the columns, the rest along its rows.
#pragma once
#include "kernels/rows.inl"

namespace ISA {
namespace {

constexpr int64_t kSmallPlane = 16;

INLINE bool hasSmallPlanes(const ChannelGeometry& g) { return g.size > 0 && g.size <= kSmallPlane; }

// --- the items of a reduction ---

// Few channels with much data are cut into chunks of images, so that there is work for many threads; a later phase
// combines the partial results in order.
struct Chunks {
  int64_t count, images;
};
INLINE Chunks chunksOf(const ChannelGeometry& g) {
  constexpr int64_t kManyChannels = 64;
  constexpr double kWorthCutting = 1 << 18;  // elements: 1 MiB
  const double total = static_cast<double>(g.n) * g.c * g.size;
  if (hasSmallPlanes(g) || g.c >= kManyChannels || total < kWorthCutting) return {1, g.n};
  const int64_t images = ceilDiv(g.n, smallest(g.n, ceilDiv(kManyChannels, g.c)));
  return {ceilDiv(g.n, images), images};
}

// The images [begin, end) of some neighbouring channels: of one if planes are large, of as many as fit into kColumns
// columns if they are small.
struct ChannelPart {
  int64_t channel, channels, begin, end;
};
INLINE int64_t channelsPerItem(const ChannelGeometry& g) { return hasSmallPlanes(g) ? kColumns / g.size : 1; }
INLINE int64_t channelItems(const ChannelGeometry& g) { return ceilDiv(g.c, channelsPerItem(g)) * chunksOf(g).count; }
INLINE ChannelPart channelPart(const ChannelGeometry& g, const Chunks& chunks, int64_t item) {
  const int64_t channels = channelsPerItem(g), channel = item / chunks.count * channels;
  const int64_t begin = item % chunks.count * chunks.images;
  // without elements nothing has bounded the number of images
  const int64_t end = g.size > 0 ? smallest(g.n, begin + chunks.images) : begin;
  return {channel, smallest(channels, g.c - channel), begin, end};
}

// --- the items of a map ---

// Per-channel factors in the workspace, one row of `factorColumns` floats each: for small planes repeated along the
// columns of the matrix.
INLINE int64_t factorColumns(const ChannelGeometry& g) { return g.c * (hasSmallPlanes(g) ? g.size : int64_t{1}); }
INLINE void writeFactor(float* row, const ChannelGeometry& g, int64_t channel, float value) {
  const int64_t times = hasSmallPlanes(g) ? g.size : 1;
  for (int64_t i = 0; i < times; i++) row[channel * times + i] = value;
}

// An item is a row of the matrix or a plane.
INLINE void thenMap(Work& work, const ChannelGeometry& g) {
  const int64_t columns = int64_t{g.c} * g.size;
  if (columns == 0) return;
  if (hasSmallPlanes(g)) {
    thenParallel(work, g.n, grainOf(columns));
  } else {
    thenParallel(work, int64_t{g.n} * g.c, grainOf(g.size));
  }
}

// Calls map(at, per, put) for each vector of the items: at(p) and put(p, v) read and write an array of x's shape,
// per(row) reads a row of factors.
template <class Map>
INLINE void forEachVector(const ChannelGeometry& g, Range items, Map map) {
  if (hasSmallPlanes(g)) {
    const int64_t columns = int64_t{g.c} * g.size;
    for (int64_t image = items.begin; image < items.end; image++) {
      for (int64_t column = 0; column < columns; column += kWidth) {
        const int64_t i = image * columns + column, lanes = smallest(kWidth, columns - column);
        if (lanes == kWidth) {
          map([i](const float* p) { return load(p + i); }, [column](const float* row) { return load(row + column); },
              [i](float* p, V v) { store(p + i, v); });
        } else {
          map([i, lanes](const float* p) { return loadPartial(p + i, lanes); },
              [column, lanes](const float* row) { return loadPartial(row + column, lanes); },
              [i, lanes](float* p, V v) { storePartial(p + i, v, lanes); });
        }
      }
    }
    return;
  }
  int64_t channel = items.begin % g.c;  // counted along: a division takes as long as a small plane
  for (int64_t item = items.begin; item < items.end; item++, channel = channel + 1 == g.c ? 0 : channel + 1) {
    const auto per = [channel](const float* row) { return set1(row[channel]); };
    int64_t i = item * g.size;
    const int64_t end = i + g.size;
    for (; i + kWidth <= end; i += kWidth)
      map([i](const float* p) { return load(p + i); }, per, [i](float* p, V v) { store(p + i, v); });
    if (i < end) {
      const int64_t lanes = end - i;
      map([i, lanes](const float* p) { return loadPartial(p + i, lanes); }, per,
          [i, lanes](float* p, V v) { storePartial(p + i, v, lanes); });
    }
  }
}

INLINE double inverseDeviation(float variance, double eps) {
  return 1 / __builtin_sqrt(static_cast<double>(variance) + eps);
}
INLINE double weightOf(In weight, int64_t channel) {
  return weight.data != nullptr ? static_cast<double>(weight.data[channel]) : 1;
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
  // the factors first, because a root and a division cost as much as a plane may
  Work work = parallel(g.c, grainOf(16), static_cast<double>(count));
  work.sharedFloats = 3 * factorColumns(g);
  thenMap(work, g);
  return work;
}

// Subtracting the mean first costs no more than folding it into the bias, since memory is the limit, and does not
// cancel when the mean is large.
void run(const args::batchNormForward& a, int phase, Range range, const Workspace& workspace) {
  const ChannelGeometry& g = a.g;
  float* means = workspace.shared;
  float* scales = means + factorColumns(g);
  float* biases = scales + factorColumns(g);
  if (phase == 0) {
    for (int64_t channel = range.begin; channel < range.end; channel++) {
      const double scale = weightOf(a.weight, channel) * inverseDeviation(a.variance.data[channel], a.eps);
      writeFactor(means, g, channel, a.mean.data[channel]);
      writeFactor(scales, g, channel, static_cast<float>(scale));
      writeFactor(biases, g, channel, a.bias.data != nullptr ? a.bias.data[channel] : 0);
    }
    return;
  }
  forEachVector(g, range, [&](auto at, auto per, auto put) {
    put(a.y.data, fmadd(sub(at(a.x.data), per(means)), per(scales), per(biases)));
  });
}

// --- backward ---

// Sums over a channel: of dy, and of dy times the centred x.
struct GradientSums {
  double dy, dyx;
};

INLINE void gradientSums(GradientSums* sums, const args::batchNormBackward& a, const ChannelPart& part) {
  const ChannelGeometry& g = a.g;
  const int64_t stride = int64_t{g.c} * g.size, first = part.begin * stride + part.channel * g.size;
  const int64_t images = part.end - part.begin;
  for (int64_t i = 0; i < part.channels; i++) sums[i] = {0, 0};
  if (images == 0) return;
  const float* dy = a.dy.data + first;
  const float* x = a.x.data + first;
  if (!hasSmallPlanes(g)) {
    const V mean = set1(a.mean.data[part.channel]);
    double totals[2] = {0, 0};
    addSeries(totals, images, stride, g.size, [dy, x, mean](auto at, V* s) {
      const V v = at(dy);
      s[0] = add(s[0], v);
      s[1] = fmadd(v, sub(at(x), mean), s[1]);
    });
    sums[0] = {totals[0], totals[1]};
    return;
  }
  float means[kColumns] = {};
  double totals[2][kColumns] = {};
  const int64_t columns = part.channels * g.size;
  for (int64_t i = 0; i < columns; i++) means[i] = a.mean.data[part.channel + i / g.size];
  addColumnSeries(totals, images, stride, columns, [dy, x, &means](auto at, auto per, V* t) {
    t[0] = at(dy);
    t[1] = mul(t[0], sub(at(x), per(means)));
  });
  for (int64_t i = 0; i < columns; i++) {
    sums[i / g.size].dy += totals[0][i];
    sums[i / g.size].dyx += totals[1][i];
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
  const int64_t items = channelItems(g), partials = g.c * chunksOf(g).count;
  Work work = parallel(items, grainOf(2 * static_cast<double>(count) / static_cast<double>(largest(1, items))),
                       3 * static_cast<double>(count));
  work.sharedFloats = 4 * partials + 4 * factorColumns(g);
  thenParallel(work, g.c, grainOf(16 + chunksOf(g).count));
  thenMap(work, g);
  return work;
}

// The gradient of x is a pass of its own, in the order of memory: going through a channel twice while it is in the
// cache saves reads, but visits a page per image for a few hundred bytes and came out slower on 7×7 planes.
void run(const args::batchNormBackward& a, int phase, Range range, const Workspace& workspace) {
  const ChannelGeometry& g = a.g;
  const Chunks chunks = chunksOf(g);
  // [chunks, c]
  GradientSums* partials = reinterpret_cast<GradientSums*>(workspace.shared);
  // dx = scale · (dy - dyMean - (x - mean) · slope), without the last two where the statistics do not depend on x
  float* means = workspace.shared + 4 * g.c * chunks.count;
  float* scales = means + factorColumns(g);
  float* dyMeans = scales + factorColumns(g);
  float* slopes = dyMeans + factorColumns(g);
  if (phase == 0) {
    for (int64_t item = range.begin; item < range.end; item++) {
      const ChannelPart part = channelPart(g, chunks, item);
      gradientSums(partials + item % chunks.count * g.c + part.channel, a, part);
    }
  } else if (phase == 1) {
    const double count = static_cast<double>(g.n) * g.size;
    for (int64_t channel = range.begin; channel < range.end; channel++) {
      GradientSums sums = {0, 0};
      for (int64_t chunk = 0; chunk < chunks.count; chunk++) {
        sums.dy += partials[chunk * g.c + channel].dy;
        sums.dyx += partials[chunk * g.c + channel].dyx;
      }
      const double inverse = inverseDeviation(a.variance.data[channel], a.eps);
      a.dbias.data[channel] = static_cast<float>(sums.dy);
      a.dweight.data[channel] = static_cast<float>(sums.dyx * inverse);
      writeFactor(means, g, channel, a.mean.data[channel]);
      writeFactor(scales, g, channel, static_cast<float>(weightOf(a.weight, channel) * inverse));
      writeFactor(dyMeans, g, channel, static_cast<float>(sums.dy / count));
      writeFactor(slopes, g, channel, static_cast<float>(sums.dyx * inverse * inverse / count));
    }
  } else if (a.batchStatistics) {
    forEachVector(g, range, [&](auto at, auto per, auto put) {
      const V centred = sub(at(a.x.data), per(means));
      put(a.dx.data, mul(per(scales), fnmadd(centred, per(slopes), sub(at(a.dy.data), per(dyMeans)))));
    });
  } else {
    forEachVector(g, range, [&](auto at, auto per, auto put) { put(a.dx.data, mul(per(scales), at(a.dy.data))); });
  }
}

}  // namespace
}  // namespace ISA

#include "kernels/moments.inl"
