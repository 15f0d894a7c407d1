// resample: an axis of [outer, size, inner] replaced by weighted sums of its elements.
//
// inner > 1: a result is a row, the weighted sum of a few rows. inner == 1: the sums of neighbouring results are taken from
// a vector of neighbouring elements, whose lanes are permuted for each tap; that works as long as the elements of kWidth
// results lie within one vector, which they do where images grow. Otherwise they are picked one by one.
#pragma once
#include "kernels/rows.inl"

namespace ISA {
namespace {

constexpr int64_t kResampleRows = 64;  // rows that share the lanes and weights of a block of results

Work plan(const args::resample& a) {
  const ResampleGeometry& g = a.g;
  const int64_t entries = elements(g.taps, g.count);
  if (!holds(a.x, elements(g.outer, g.size, g.inner))) return refuse("resample: x is shorter than its shape");
  if (!holds(a.index, entries) || !holds(a.weights, entries)) {
    return refuse("resample: the table is shorter than its shape");
  }
  const int64_t results = elements(g.outer, g.count, g.inner);
  if (!holds(a.y, results)) return refuse("resample: y is shorter than its shape");
  if (entries > kMostElements / (2 * kWidth)) return refuse("resample: the table is too large");
  if (results == 0) return parallel(0, 1, 0);
  const double cost = static_cast<double>(results) * (1.0 + g.taps);
  if (g.inner == 1) {
    const int64_t items = ceilDiv(g.outer, kResampleRows);
    Work work = parallel(items, 1, cost);
    work.localFloats = 2 * int64_t{g.taps} * kWidth;
    return work;
  }
  Work work = parallel(int64_t{g.outer} * g.count, grainOf(g.inner * (1.0 + g.taps)), cost);
  work.localFloats = 2 * int64_t{g.taps};
  return work;
}

// --- rows ---

// y = sum of `taps` rows of x with their weights. Two and four of them are what images are interpolated from: the compiler
// then keeps weights and addresses in registers.
template <int kTaps>
INLINE void sumRows(float* y, const float* x, const int32_t* row, const float* weight, int64_t taps, int64_t n) {
  const int64_t count = kTaps > 0 ? kTaps : taps;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    V sum = zero();
    for (int64_t t = 0; t < count; t++) sum = fmadd(set1(weight[t]), load(x + row[t] * n + i), sum);
    store(y + i, sum);
  }
  if (i == n) return;
  V sum = zero();
  for (int64_t t = 0; t < count; t++) sum = fmadd(set1(weight[t]), loadPartial(x + row[t] * n + i, n - i), sum);
  storePartial(y + i, sum, n - i);
}

INLINE void resampleRows(const args::resample& a, Range range, float* local) {
  const int64_t size = a.g.size, inner = a.g.inner, count = a.g.count;
  float* weights = local;
  int32_t* rows = reinterpret_cast<int32_t*>(local + a.g.taps);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t j = item % count;
    int64_t taps = 0;
    for (int64_t t = 0; t < a.g.taps; t++) {
      const int32_t row = a.index.data[t * count + j];
      if (row < 0 || row >= size) continue;
      rows[taps] = row;
      weights[taps++] = a.weights.data[t * count + j];
    }
    float* y = a.y.data + item * inner;
    const float* x = a.x.data + item / count * size * inner;
    if (taps == 1 && weights[0] == 1.0f) {
      copyRow(y, x + rows[0] * inner, inner);
    } else if (taps == 2) {
      sumRows<2>(y, x, rows, weights, taps, inner);
    } else if (taps == 4) {
      sumRows<4>(y, x, rows, weights, taps, inner);
    } else {
      sumRows<0>(y, x, rows, weights, taps, inner);
    }
  }
}

// --- elements of rows ---

// Some results of some rows, of each of which `room` elements can be read; kTaps as above.
template <int kTaps>
INLINE void permuteRows(const args::resample& a, Range rows, const float* x, int64_t room, float* y, int64_t lanes,
                        const float* weights, const int32_t* from) {
  const int64_t taps = kTaps > 0 ? kTaps : a.g.taps;
  for (int64_t row = rows.begin; row < rows.end; row++) {
    const V v = loadUpTo(x + row * a.g.size, room);
    V sum = mul(load(weights), permute(v, load(from)));
    for (int64_t t = 1; t < taps; t++)
      sum = fmadd(load(weights + t * kWidth), permute(v, load(from + t * kWidth)), sum);
    storeUpTo(y + row * a.g.count, sum, lanes);
  }
}

// The results [j, j + lanes) of some rows, of which every tap lies in [first, first + kWidth).
INLINE void permuteBlock(const args::resample& a, Range rows, int64_t j, int64_t lanes, int64_t first, float* local) {
  const int64_t size = a.g.size, count = a.g.count, taps = a.g.taps;
  float* weights = local;
  int32_t* from = reinterpret_cast<int32_t*>(local + taps * kWidth);
  for (int64_t t = 0; t < taps; t++) {
    for (int64_t lane = 0; lane < kWidth; lane++) {
      const int64_t at = t * count + j + lane;
      from[t * kWidth + lane] = lane < lanes ? static_cast<int32_t>(a.index.data[at] - first) : 0;
      weights[t * kWidth + lane] = lane < lanes ? a.weights.data[at] : 0;
    }
  }
  const float* x = a.x.data + first;
  float* y = a.y.data + j;
  if (taps == 1) return permuteRows<1>(a, rows, x, size - first, y, lanes, weights, from);
  if (taps == 2) return permuteRows<2>(a, rows, x, size - first, y, lanes, weights, from);
  permuteRows<0>(a, rows, x, size - first, y, lanes, weights, from);
}

INLINE void pickBlock(const args::resample& a, Range rows, int64_t j, int64_t lanes) {
  const int64_t size = a.g.size, count = a.g.count;
  for (int64_t row = rows.begin; row < rows.end; row++) {
    const float* x = a.x.data + row * size;
    for (int64_t at = j; at < j + lanes; at++) {
      float sum = 0;
      for (int64_t t = 0; t < a.g.taps; t++) {
        const int32_t position = a.index.data[t * count + at];
        if (position >= 0 && position < size) sum += a.weights.data[t * count + at] * x[position];
      }
      a.y.data[row * count + at] = sum;
    }
  }
}

void run(const args::resample& a, int, Range range, const Workspace& workspace) {
  if (a.g.inner != 1) return resampleRows(a, range, workspace.local);
  const int64_t size = a.g.size, count = a.g.count;
  for (int64_t item = range.begin; item < range.end; item++) {
    const Range rows = {item * kResampleRows, smallest(a.g.outer, (item + 1) * kResampleRows)};
    for (int64_t j = 0; j < count; j += kWidth) {
      const int64_t lanes = smallest(kWidth, count - j);
      int64_t first = size, last = -1;
      bool areInside = a.g.taps > 0;
      for (int64_t t = 0; t < a.g.taps; t++) {
        for (int64_t at = t * count + j; at < t * count + j + lanes; at++) {
          const int64_t position = a.index.data[at];
          areInside = areInside && position >= 0 && position < size;
          first = smallest(first, position);
          last = largest(last, position);
        }
      }
      if (areInside && last - first < kWidth) {
        permuteBlock(a, rows, j, lanes, first, workspace.local);
      } else {
        pickBlock(a, rows, j, lanes);
      }
    }
  }
}

}  // namespace
}  // namespace ISA
