// Contiguous runs of floats: fill, copy, and sums that stay accurate over long runs.
#pragma once
#include "kernels/plan.inl"

namespace ISA {
namespace {

// GCC would rather repeat a load inside each multiply-add that uses it; hiding where the value came from keeps it in a
// register. Without this the tile of the matrix product runs at the speed of its loads, about half.
INLINE void keepInRegister(V& v) {
#if defined(__x86_64__) && !defined(__clang__)
  __asm__("" : "+v"(v));
#else
  (void)v;
#endif
}

// The first n lanes, any n: none are touched for n <= 0, all for n >= kWidth.
INLINE V loadUpTo(const float* p, int64_t n) {
  if (n >= kWidth) return load(p);
  return n > 0 ? loadPartial(p, n) : zero();
}
INLINE void storeUpTo(float* p, V v, int64_t n) {
  if (n >= kWidth) {
    store(p, v);
  } else if (n > 0) {
    storePartial(p, v, n);
  }
}

INLINE void fillRow(float* y, int64_t n, float value) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, set1(value));
  if (i < n) storePartial(y + i, set1(value), n - i);
}

INLINE void copyRow(float* y, const float* x, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, load(x + i));
  if (i < n) storePartial(y + i, loadPartial(x + i, n - i), n - i);
}

// y[i] = function(x[i])
template <class Function>
INLINE void mapRow(float* y, const float* x, int64_t n, Function function) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, function(load(x + i)));
  if (i < n) storePartial(y + i, function(loadPartial(x + i, n - i)), n - i);
}

// y[i] = function(a[i], b[i])
template <class Function>
INLINE void mapRow(float* y, const float* a, const float* b, int64_t n, Function function) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, function(load(a + i), load(b + i)));
  if (i < n) storePartial(y + i, function(loadPartial(a + i, n - i), loadPartial(b + i, n - i)), n - i);
}

INLINE void addRow(float* y, const float* x, int64_t n) {
  mapRow(y, y, x, n, [](V a, V b) { return add(a, b); });
}

// Additions one lane of a float accumulator may take before it moves to a double. Adding equal terms is the worst case:
// after k additions the error is up to k/2 units, which here stays below 4 + sqrt(number of terms) once the lanes of
// several accumulators share the terms.
constexpr int64_t kLaneTerms = 32;

// Adds kSums series over the first n elements of `rows` rows, `stride` apart, to `totals`. `accumulate(at, sums)` adds
// the terms of kWidth neighbouring elements to the sums, reading an array p as at(p).
template <int kSums, class Accumulate>
INLINE void addSeries(double (&totals)[kSums], int64_t rows, int64_t stride, int64_t n, Accumulate accumulate) {
  // an addition takes three or four cycles and one starts in each: fewer chains would leave the adder idle
  constexpr int kChains = 4;
  constexpr int64_t kStep = kChains * kWidth, kBlock = kLaneTerms / 2 * kStep;
  V sums[kChains][kSums], blocks[kSums];
  for (int s = 0; s < kSums; s++) {
    blocks[s] = zero();
    for (int chain = 0; chain < kChains; chain++) sums[chain][s] = zero();
  }
  // Sums go to the doubles by way of the sums of blocks: adding up the lanes takes as long as reading half a block.
  int64_t added = 0, blocksAdded = 0;  // to a lane, at most
  const auto flushBlocks = [&] {
    for (int s = 0; s < kSums; s++) {
      totals[s] += static_cast<double>(reduceAdd(blocks[s]));
      blocks[s] = zero();
    }
    blocksAdded = 0;
  };
  const auto flush = [&] {
    for (int s = 0; s < kSums; s++) {
      blocks[s] = add(blocks[s], add(add(sums[0][s], sums[1][s]), add(sums[2][s], sums[3][s])));
      for (int chain = 0; chain < kChains; chain++) sums[chain][s] = zero();
    }
    added = 0;
    if (++blocksAdded >= kLaneTerms / 2) flushBlocks();
  };
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      const int64_t offset = row * stride, end = offset + smallest(n, begin + kBlock);
      int64_t i = offset + begin;
      for (; i + kStep <= end; i += kStep, added++) {
#pragma GCC unroll 4
        for (int chain = 0; chain < kChains; chain++) {
          const int64_t first = i + chain * kWidth;
          accumulate([first](const float* p) { return load(p + first); }, sums[chain]);
        }
      }
      if (i < end) {
        // less than one vector to each chain
#pragma GCC unroll 4
        for (int chain = 0; chain < kChains - 1; chain++) {
          if (i + kWidth > end) break;
          accumulate([i](const float* p) { return load(p + i); }, sums[chain]);
          i += kWidth;
        }
        if (i < end) {
          const int64_t lanes = end - i;
          V before[kSums];
          for (int s = 0; s < kSums; s++) before[s] = sums[kChains - 1][s];
          accumulate([i, lanes](const float* p) { return loadPartial(p + i, lanes); }, sums[kChains - 1]);
          for (int s = 0; s < kSums; s++)
            sums[kChains - 1][s] = select(firstLanes(lanes), sums[kChains - 1][s], before[s]);
        }
        added++;
      }
      if (added >= kLaneTerms / 2) flush();
    }
  }
  flush();
  flushBlocks();
}

// Rows up to this long are summed with two accumulators: a lane takes n / (2 kWidth) + 1 additions, then log2(kWidth).
constexpr int64_t kShortRow = kLaneTerms * kWidth;

// The sums of up to kWidth rows of n <= kShortRow elements, one to a lane. Adding vectors pairwise, evens to odds,
// takes three operations a row where summing the lanes of each would take a dozen.
INLINE V sumsOfRows(const float* x, int64_t stride, int64_t rows, int64_t n) {
  V sums[kWidth];
  for (int64_t row = 0; row < kWidth; row++) {
    const float* p = x + smallest(row, rows - 1) * stride;
    V even = zero(), odd = zero();
    int64_t i = 0;
    for (; i + 2 * kWidth <= n; i += 2 * kWidth) {
      even = add(even, load(p + i));
      odd = add(odd, load(p + i + kWidth));
    }
    if (i + kWidth <= n) {
      even = add(even, load(p + i));
      i += kWidth;
    }
    if (i < n) odd = add(odd, loadPartial(p + i, n - i));
    sums[row] = add(even, odd);
  }
  for (int count = kWidth / 2; count > 0; count /= 2)
    for (int i = 0; i < count; i++)
      sums[i] = add(evens(sums[2 * i], sums[2 * i + 1]), odds(sums[2 * i], sums[2 * i + 1]));
  return sums[0];
}

INLINE double sumRow(const float* x, int64_t n) {
  double total[1] = {0};
  addSeries(total, 1, 0, n, [x](auto at, V* sums) { sums[0] = add(sums[0], at(x)); });
  return total[0];
}

// Columns summed side by side: 512 bytes of each row, since a single cache line would visit a page for every line.
constexpr int kColumns = 128;

// Adds kSums series over `rows` rows, `stride` elements apart, to `totals`, for `columns` <= kColumns columns at once.
// terms(at, per, t) writes the terms of a row to t: at as in addSeries; per(q) reads an array of values that belong to
// the columns.
template <int kSums, class Terms>
INLINE void addColumnSeries(double (&totals)[kSums][kColumns], int64_t rows, int64_t stride, int64_t columns,
                            Terms terms) {
  // four rows are added as a tree, so that a lane takes a quarter of the sequential additions
  for (int64_t begin = 0; begin < rows; begin += 4 * kLaneTerms) {
    const int64_t end = smallest(rows, begin + 4 * kLaneTerms);
    for (int64_t column = 0; column < columns; column += kWidth) {
      const int64_t lanes = smallest(kWidth, columns - column);
      const auto per = [column](const float* q) { return load(q + column); };
      const auto termsOfRow = [=](int64_t row, V* t) {
        const int64_t offset = row * stride + column;
        if (lanes == kWidth) {
          terms([offset](const float* p) { return load(p + offset); }, per, t);
        } else {
          terms([offset, lanes](const float* p) { return loadPartial(p + offset, lanes); }, per, t);
        }
      };
      V sums[kSums];
      for (int s = 0; s < kSums; s++) sums[s] = zero();
      int64_t row = begin;
      V t0[kSums], t1[kSums], t2[kSums], t3[kSums];
      for (; row + 4 <= end; row += 4) {
        termsOfRow(row, t0);
        termsOfRow(row + 1, t1);
        termsOfRow(row + 2, t2);
        termsOfRow(row + 3, t3);
        for (int s = 0; s < kSums; s++) sums[s] = add(sums[s], add(add(t0[s], t1[s]), add(t2[s], t3[s])));
      }
      for (; row < end; row++) {
        termsOfRow(row, t0);
        for (int s = 0; s < kSums; s++) sums[s] = add(sums[s], t0[s]);
      }
      for (int s = 0; s < kSums; s++) {
        float lane[kWidth];
        store(lane, sums[s]);
        for (int64_t i = 0; i < lanes; i++) totals[s][column + i] += static_cast<double>(lane[i]);
      }
    }
  }
}

}  // namespace
}  // namespace ISA
