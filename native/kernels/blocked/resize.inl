// Resize of blocked tensors: a result is a weighted sum of pixels in some rows and some columns of x, as two tables say,
// one for each axis. Nearest, linear and cubic with all their conventions are tables.
//
// Rows are summed first, all pixels of a result row at once, then columns. Where results have one row each and no
// weights, rows are read where they lie.
#pragma once
#include "kernels/blocked/bands.inl"

namespace ISA {
namespace {

// The table of one axis: result i is the sum over t < taps of weights[i * taps + t] * source[at[i * taps + t]]. Without
// weights there is one tap.
struct ResizeAxis {
  const int32_t* at;
  const float* weights;
  int64_t taps, source;
};

INLINE ResizeAxis resizeAxis(const InI32& at, const In& weights, int64_t source, int64_t results) {
  return {at.data, weights.data, results > 0 ? at.size / results : 0, source};
}

// Indices come from a buffer.
INLINE int64_t sourceOf(const ResizeAxis& axis, int64_t i) {
  return largest(0, smallest(axis.source - 1, axis.at[i]));
}

INLINE bool isValidAxis(const InI32& at, const In& weights, int64_t results) {
  if (results == 0) return true;
  if (!at.data || at.size == 0 || at.size % results != 0) return false;
  return weights.data ? weights.size == at.size : at.size == results;
}

Work plan(const args::blockedResize2d& a) {
  const BlockedGeometry &from = a.from, &to = a.to;
  if (from.n != to.n || from.c != to.c) return refuse("blockedResize2d: x and y differ in images or channels");
  if (!holds(a.x, blockedElements(from))) return refuse("blockedResize2d: x is shorter than its shape");
  if (!holds(a.y, blockedElements(to))) return refuse("blockedResize2d: y is shorter than its shape");
  if (!isValidAxis(a.rows, a.rowWeights, to.h) || !isValidAxis(a.columns, a.columnWeights, to.w))
    return refuse("blockedResize2d: a table does not have as many entries for each result");
  if (from.h * int64_t{from.w} == 0 && to.h * int64_t{to.w} > 0) return refuse("blockedResize2d: x has no pixels");
  Work work = planBands(blocked(to));
  if (a.rowWeights.data) work.localFloats = int64_t{from.w} * kBlock;
  return work;
}

// A row of results from a row of sources, lanes `part` and up of both.
template <int Taps>
INLINE void resizeRow(const ResizeAxis& axis, const float* x, float* y, int64_t results) {
  const int64_t taps = Taps > 0 ? Taps : axis.taps;
  for (int64_t i = 0; i < results; i++) {
    const int64_t first = i * taps;
    V sum = load(x + sourceOf(axis, first) * kBlock);
    if (axis.weights) {
      sum = mul(sum, set1(axis.weights[first]));
      for (int64_t t = 1; t < taps; t++)
        sum = fmadd(load(x + sourceOf(axis, first + t) * kBlock), set1(axis.weights[first + t]), sum);
    }
    store(y + i * kBlock, sum);
  }
}

// The rows of result row `row` summed into `sums`; `x` is the first pixel of the first row of the source.
INLINE void sumRows(const ResizeAxis& axis, const Blocked& from, const float* x, int64_t row, float* sums) {
  const int64_t first = row * axis.taps, floats = from.w * kBlock;
  for (int64_t t = 0; t < axis.taps; t++) {
    const float* pixels = x + sourceOf(axis, first + t) * from.row;
    const V weight = set1(axis.weights[first + t]);
    for (int64_t i = 0; i < floats; i += kWidth) {
      const V value = load(pixels + i);
      store(sums + i, t == 0 ? mul(value, weight) : fmadd(value, weight, load(sums + i)));
    }
  }
}

void run(const args::blockedResize2d& a, int, Range range, const Workspace& workspace) {
  const Blocked from = blocked(a.from), to = blocked(a.to);
  const ResizeAxis rows = resizeAxis(a.rows, a.rowWeights, from.h, to.h);
  const ResizeAxis columns = resizeAxis(a.columns, a.columnWeights, from.w, to.w);
  forEachBand(to, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    const float* x = a.x.data + pixelAt(from, image, block, 0, 0);
    for (int64_t y = rowBegin; y < rowEnd; y++) {
      const float* pixels = workspace.local;
      if (rows.weights) {
        sumRows(rows, from, x, y, workspace.local);
      } else {
        pixels = x + sourceOf(rows, y) * from.row;
      }
      for (int part = 0; part < kBlock; part += kWidth) {
        float* results = a.y.data + pixelAt(to, image, block, y, 0) + part;
        if (columns.taps == 1) {
          resizeRow<1>(columns, pixels + part, results, to.w);
        } else if (columns.taps == 2) {
          resizeRow<2>(columns, pixels + part, results, to.w);
        } else {
          resizeRow<0>(columns, pixels + part, results, to.w);
        }
      }
    }
    zeroBorder(to, a.y.data, image, block, rowBegin, rowEnd);
  });
}

}  // namespace
}  // namespace ISA
