// softmax, logSoftmax and cross entropy over the middle axis of [outer, size, inner].
//
// inner == 1: an item is a row. inner > 1 (a class per pixel): an item is a block of kColumns neighbouring columns, so
// that every step along the axis uses one cache line.
#pragma once
#include "kernels/math.inl"
#include "kernels/rows.inl"

namespace ISA {
namespace {

INLINE int64_t columnBlocks(const AxisGeometry& g) { return ceilDiv(g.inner, kColumns); }

// `results` is the number of elements that will be written: without any, nothing has bounded the items.
INLINE Work planAxis(const AxisGeometry& g, int64_t results, double costPerElement) {
  const double perItem = static_cast<double>(smallest(g.inner, kColumns)) * g.size * costPerElement;
  const double total = static_cast<double>(g.outer) * g.size * g.inner;
  return parallel(results > 0 ? g.outer * columnBlocks(g) : 0, grainOf(perItem), total * costPerElement);
}

// Calls columns(outer, column, lanes) for lanes <= kWidth neighbouring columns at a time, until the items are covered.
template <class Columns>
INLINE void forEachColumns(const AxisGeometry& g, Range items, Columns columns) {
  const int64_t blocks = columnBlocks(g);
  for (int64_t item = items.begin; item < items.end; item++) {
    const int64_t first = item % blocks * kColumns, end = smallest(g.inner, first + kColumns);
    for (int64_t column = first; column < end; column += kWidth)
      columns(item / blocks, column, smallest(kWidth, end - column));
  }
}
INLINE int64_t offsetOf(const AxisGeometry& g, int64_t outer, int64_t column) {
  return outer * g.size * g.inner + column;
}

// A vector of neighbouring columns of an array, `lanes` of them valid.
INLINE V loadColumns(const float* p, int64_t lanes) { return lanes == kWidth ? load(p) : loadPartial(p, lanes); }
INLINE void storeColumns(float* p, V v, int64_t lanes) {
  if (lanes == kWidth) return store(p, v);
  storePartial(p, v, lanes);
}

// Largest element of a row. A NaN may get lost here: it still turns the sum of exponentials, and so every result, to
// NaN.
INLINE float maxOfRow(const float* x, int64_t n) {
  const V none = set1(-__builtin_inff());
  V best[2] = {none, none};
  int64_t i = 0;
  for (; i + 2 * kWidth <= n; i += 2 * kWidth) {
    best[0] = max(load(x + i), best[0]);
    best[1] = max(load(x + i + kWidth), best[1]);
  }
  for (; i + kWidth <= n; i += kWidth) best[0] = max(load(x + i), best[0]);
  if (i < n) best[1] = max(select(firstLanes(n - i), loadPartial(x + i, n - i), none), best[1]);
  return reduceMax(max(best[0], best[1]));
}

INLINE float firstLane(V v) {
  float lane[kWidth];
  store(lane, v);
  return lane[0];
}

// --- forward ---

INLINE void softmaxRow(float* y, const float* x, int64_t n) {
  const V highest = set1(maxOfRow(x, n));
  mapRow(y, x, n, [highest](V v) { return exp(sub(v, highest)); });
  const V scale = set1(static_cast<float>(1 / sumRow(y, n)));
  mapRow(y, y, n, [scale](V v) { return mul(v, scale); });
}

INLINE void logSoftmaxRow(float* y, const float* x, int64_t n) {
  const V highest = set1(maxOfRow(x, n));
  double total[1] = {0};
  addSeries(total, 1, 0, n, [highest, x](auto at, V* s) { s[0] = add(s[0], exp(sub(at(x), highest))); });
  const V logSum = log(set1(static_cast<float>(total[0])));
  mapRow(y, x, n, [highest, logSum](V v) { return sub(sub(v, highest), logSum); });
}

// The largest element of each of a vector of columns, and the sum of e^(x - largest) in two levels, so that a lane
// never takes more than kLaneTerms + size / kLaneTerms sequential additions.
struct ColumnSums {
  V highest, sum;
};
INLINE ColumnSums sumColumns(const float* x, int64_t size, int64_t stride, int64_t lanes) {
  V highest = set1(-__builtin_inff());
  for (int64_t i = 0; i < size; i++) highest = max(loadColumns(x + i * stride, lanes), highest);
  V sum = zero();
  for (int64_t begin = 0; begin < size; begin += kLaneTerms) {
    V part = zero();
    for (int64_t i = begin; i < smallest(size, begin + kLaneTerms); i++)
      part = add(part, exp(sub(loadColumns(x + i * stride, lanes), highest)));
    sum = add(sum, part);
  }
  return {highest, sum};
}

INLINE void softmaxColumns(float* y, const float* x, int64_t size, int64_t stride, int64_t lanes) {
  const ColumnSums sums = sumColumns(x, size, stride, lanes);
  const V scale = div(set1(1.0f), sums.sum);
  for (int64_t i = 0; i < size; i++) {
    const V v = exp(sub(loadColumns(x + i * stride, lanes), sums.highest));
    storeColumns(y + i * stride, mul(v, scale), lanes);
  }
}

INLINE void logSoftmaxColumns(float* y, const float* x, int64_t size, int64_t stride, int64_t lanes) {
  const ColumnSums sums = sumColumns(x, size, stride, lanes);
  const V logSum = log(sums.sum);
  for (int64_t i = 0; i < size; i++) {
    const V v = sub(loadColumns(x + i * stride, lanes), sums.highest);
    storeColumns(y + i * stride, sub(v, logSum), lanes);
  }
}

INLINE void logSoftmax(float* y, const float* x, const AxisGeometry& g, Range items) {
  if (g.inner == 1) {
    for (int64_t row = items.begin; row < items.end; row++) logSoftmaxRow(y + row * g.size, x + row * g.size, g.size);
    return;
  }
  forEachColumns(g, items, [&](int64_t outer, int64_t column, int64_t lanes) {
    const int64_t offset = offsetOf(g, outer, column);
    logSoftmaxColumns(y + offset, x + offset, g.size, g.inner, lanes);
  });
}

Work plan(const args::softmaxForward& a) {
  const int64_t count = elements(a.g.outer, a.g.size, a.g.inner);
  if (!holds(a.x, count)) return refuse("softmaxForward: x is shorter than its shape");
  if (!holds(a.y, count)) return refuse("softmaxForward: y is shorter than its shape");
  return planAxis(a.g, count, 10);
}

void run(const args::softmaxForward& a, int, Range range, const Workspace&) {
  const AxisGeometry& g = a.g;
  const float* x = a.x.data;
  float* y = a.y.data;
  if (g.inner == 1) {
    for (int64_t row = range.begin; row < range.end; row++) softmaxRow(y + row * g.size, x + row * g.size, g.size);
    return;
  }
  forEachColumns(g, range, [&](int64_t outer, int64_t column, int64_t lanes) {
    const int64_t offset = offsetOf(g, outer, column);
    softmaxColumns(y + offset, x + offset, g.size, g.inner, lanes);
  });
}

Work plan(const args::logSoftmaxForward& a) {
  const int64_t count = elements(a.g.outer, a.g.size, a.g.inner);
  if (!holds(a.x, count)) return refuse("logSoftmaxForward: x is shorter than its shape");
  if (!holds(a.y, count)) return refuse("logSoftmaxForward: y is shorter than its shape");
  return planAxis(a.g, count, 10);
}

void run(const args::logSoftmaxForward& a, int, Range range, const Workspace&) {
  logSoftmax(a.y.data, a.x.data, a.g, range);
}

// --- backward ---

// dx = result(dy, y, sum of term(dy, y) along the axis)
template <class Term, class Result>
INLINE void backward(float* dx, const float* dy, const float* y, const AxisGeometry& g, Range items, Term term,
                     Result result) {
  if (g.inner == 1) {
    for (int64_t row = items.begin; row < items.end; row++) {
      const float* dyRow = dy + row * g.size;
      const float* yRow = y + row * g.size;
      double total[1] = {0};
      addSeries(total, 1, 0, g.size, [=](auto at, V* s) { s[0] = add(s[0], term(at(dyRow), at(yRow))); });
      const V sum = set1(static_cast<float>(total[0]));
      mapRow(dx + row * g.size, dyRow, yRow, g.size, [=](V p, V q) { return result(p, q, sum); });
    }
    return;
  }
  forEachColumns(g, items, [&](int64_t outer, int64_t column, int64_t lanes) {
    const int64_t offset = offsetOf(g, outer, column);
    V sum = zero();
    for (int64_t begin = 0; begin < g.size; begin += kLaneTerms) {
      V part = zero();
      for (int64_t i = begin; i < smallest(g.size, begin + kLaneTerms); i++) {
        const int64_t at = offset + i * g.inner;
        part = add(part, term(loadColumns(dy + at, lanes), loadColumns(y + at, lanes)));
      }
      sum = add(sum, part);
    }
    for (int64_t i = 0; i < g.size; i++) {
      const int64_t at = offset + i * g.inner;
      storeColumns(dx + at, result(loadColumns(dy + at, lanes), loadColumns(y + at, lanes), sum), lanes);
    }
  });
}

Work plan(const args::softmaxBackward& a) {
  const int64_t count = elements(a.g.outer, a.g.size, a.g.inner);
  if (!holds(a.dy, count)) return refuse("softmaxBackward: dy is shorter than its shape");
  if (!holds(a.y, count)) return refuse("softmaxBackward: y is shorter than its shape");
  if (!holds(a.dx, count)) return refuse("softmaxBackward: dx is shorter than its shape");
  return planAxis(a.g, count, 3);
}

void run(const args::softmaxBackward& a, int, Range range, const Workspace&) {
  backward(a.dx.data, a.dy.data, a.y.data, a.g, range, [](V dy, V y) { return mul(dy, y); },
           [](V dy, V y, V sum) { return mul(y, sub(dy, sum)); });
}

Work plan(const args::logSoftmaxBackward& a) {
  const int64_t count = elements(a.g.outer, a.g.size, a.g.inner);
  if (!holds(a.dy, count)) return refuse("logSoftmaxBackward: dy is shorter than its shape");
  if (!holds(a.y, count)) return refuse("logSoftmaxBackward: y is shorter than its shape");
  if (!holds(a.dx, count)) return refuse("logSoftmaxBackward: dx is shorter than its shape");
  return planAxis(a.g, count, 8);
}

void run(const args::logSoftmaxBackward& a, int, Range range, const Workspace&) {
  backward(a.dx.data, a.dy.data, a.y.data, a.g, range, [](V dy, V) { return dy; },
           [](V dy, V y, V sum) { return fnmadd(exp(y), sum, dy); });
}

// --- cross entropy ---

// Samples with another label are left out of the loss.
INLINE bool isLabel(const AxisGeometry& g, int64_t label) { return label >= 0 && label < g.size; }

Work plan(const args::crossEntropyForward& a) {
  const int64_t count = elements(a.g.outer, a.g.size, a.g.inner), samples = elements(a.g.outer, a.g.inner);
  if (!holds(a.logits, count)) return refuse("crossEntropyForward: logits is shorter than its shape");
  if (!holds(a.labels, samples)) return refuse("crossEntropyForward: labels is shorter than its shape");
  if (!holds(a.losses, samples)) return refuse("crossEntropyForward: losses is shorter than its shape");
  if (!holds(a.logProbabilities, count)) {
    return refuse("crossEntropyForward: logProbabilities is shorter than its shape");
  }
  return planAxis(a.g, samples, 10);
}

void run(const args::crossEntropyForward& a, int, Range range, const Workspace&) {
  const AxisGeometry& g = a.g;
  const float* logProbabilities = a.logProbabilities.data;
  logSoftmax(a.logProbabilities.data, a.logits.data, g, range);
  forEachColumns(g, range, [&](int64_t outer, int64_t column, int64_t lanes) {
    for (int64_t i = column; i < column + lanes; i++) {
      const int64_t sample = outer * g.inner + i;
      const int64_t label = a.labels.data[sample];
      a.losses.data[sample] = isLabel(g, label) ? -logProbabilities[offsetOf(g, outer, i) + label * g.inner] : 0.0f;
    }
  });
}

Work plan(const args::crossEntropyBackward& a) {
  const int64_t count = elements(a.g.outer, a.g.size, a.g.inner), samples = elements(a.g.outer, a.g.inner);
  if (!holds(a.dlosses, samples)) return refuse("crossEntropyBackward: dlosses is shorter than its shape");
  if (!holds(a.logProbabilities, count)) {
    return refuse("crossEntropyBackward: logProbabilities is shorter than its shape");
  }
  if (!holds(a.labels, samples)) return refuse("crossEntropyBackward: labels is shorter than its shape");
  if (!holds(a.dlogits, count)) return refuse("crossEntropyBackward: dlogits is shorter than its shape");
  return planAxis(a.g, count, 8);
}

void run(const args::crossEntropyBackward& a, int, Range range, const Workspace&) {
  const AxisGeometry& g = a.g;
  const float* logProbabilities = a.logProbabilities.data;
  // e^logp · dloss everywhere, then what the label of each sample changes
  forEachColumns(g, range, [&](int64_t outer, int64_t column, int64_t lanes) {
    const int64_t offset = offsetOf(g, outer, column), sample = outer * g.inner + column;
    float* dlogits = a.dlogits.data + offset;
    const float* logp = logProbabilities + offset;
    if (g.inner == 1) {
      const V dloss = set1(a.dlosses.data[sample]);
      mapRow(dlogits, logp, g.size, [dloss](V v) { return mul(exp(v), dloss); });
    } else {
      const V dloss = loadColumns(a.dlosses.data + sample, lanes);
      for (int64_t i = 0; i < g.size; i++)
        storeColumns(dlogits + i * g.inner, mul(exp(loadColumns(logp + i * g.inner, lanes)), dloss), lanes);
    }
    for (int64_t lane = 0; lane < lanes; lane++) {
      const int64_t label = a.labels.data[sample + lane];
      if (isLabel(g, label)) {
        // e^logp - 1 cancels where the prediction is good
        const int64_t at = label * g.inner + lane;
        dlogits[at] = firstLane(expm1(set1(logp[at]))) * a.dlosses.data[sample + lane];
      } else {
        for (int64_t i = 0; i < g.size; i++) dlogits[i * g.inner + lane] = 0;
      }
    }
  });
}

}  // namespace
}  // namespace ISA
