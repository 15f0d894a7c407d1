// reduce and argReduce over the middle axis of [outer, size, inner].
//
// inner == 1 reduces contiguous rows, inner > 1 kColumns neighbouring columns at a time. If that alone gives
// too few items for many threads, the axis is cut into chunks, whose number follows from the shape: a first phase
// leaves one partial result per chunk in the shared workspace, a second one combines them in order.
#pragma once
#include "kernels/operations.h"
#include "kernels/rows.inl"

namespace ISA {
namespace {

// --- how an axis is cut ---

constexpr int64_t kReduceChunk = 65536;  // elements per chunk: 256 KiB, worth a thread
constexpr int64_t kManyItems = 64;       // no need to cut the axis from here on

struct Cut {
  int64_t chunks, chunkSize;  // along the axis
  int64_t columnBlocks;       // of kColumns columns; 1 if inner is 1
};

INLINE Cut cutOf(const AxisGeometry& g) {
  Cut cut = {1, g.size, ceilDiv(g.inner, kColumns)};
  const int64_t items = g.outer * cut.columnBlocks;
  if (items == 0 || items >= kManyItems) return cut;
  cut.chunkSize = largest(1, kReduceChunk / smallest(g.inner, kColumns));
  cut.chunks = largest(1, ceilDiv(g.size, cut.chunkSize));
  return cut;
}

// Item of the first phase: columns [column, column + columns) of rows [begin, end) below `outer`.
struct Part {
  int64_t outer, chunk, begin, end, column, columns;
};
INLINE Part partOf(const AxisGeometry& g, const Cut& cut, int64_t item) {
  const int64_t block = item % cut.columnBlocks, chunk = item / cut.columnBlocks % cut.chunks;
  const int64_t begin = chunk * cut.chunkSize, column = block * kColumns;
  return {item / (cut.columnBlocks * cut.chunks), chunk, begin, smallest(g.size, begin + cut.chunkSize),
          column, smallest(kColumns, g.inner - column)};
}

// Partial results lie as [outer, chunk, inner] in the workspace, `doubles` of them each.
INLINE Work planReduction(const AxisGeometry& g, int64_t doubles) {
  const Cut cut = cutOf(g);
  const int64_t items = g.outer * cut.chunks * cut.columnBlocks;
  const double total = static_cast<double>(g.outer) * g.size * g.inner;
  const int64_t perItem = smallest(g.size, cut.chunkSize) * smallest(g.inner, kColumns);
  Work work = parallel(items, grainOf(perItem), total);
  if (cut.chunks > 1) {
    work.sharedFloats = 2 * doubles * g.outer * cut.chunks * g.inner;
    thenParallel(work, int64_t{g.outer} * g.inner, grainOf(cut.chunks));
  }
  return work;
}

// --- the operations ---

// The larger (or smaller) of two, NaN winning.
template <bool kMax>
INLINE V extremeOf(V best, V v) {
  return select(isNan(v), v, kMax ? max(v, best) : min(v, best));
}
template <bool kMax>
INLINE double extremeOf(double best, double v) {
  return v != v || (kMax ? v > best : v < best) ? v : best;
}
template <bool kMax>
INLINE float worst() {
  return kMax ? -__builtin_inff() : __builtin_inff();
}

template <bool kMax>
INLINE double extremeOfLanes(V v) {
  float lane[kWidth];
  store(lane, v);
  double best = lane[0];
  for (int i = 1; i < kWidth; i++) best = extremeOf<kMax>(best, static_cast<double>(lane[i]));
  return best;
}

template <bool kMax>
INLINE double extremeOfRow(const float* x, int64_t n) {
  V best[4];  // one comparison waits for the previous one: four chains keep them coming
  for (V& b : best) b = set1(worst<kMax>());
  int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    for (int chain = 0; chain < 4; chain++) best[chain] = extremeOf<kMax>(best[chain], load(x + i + chain * kWidth));
  }
  for (; i + kWidth <= n; i += kWidth) best[0] = extremeOf<kMax>(best[0], load(x + i));
  if (i < n) {
    const V last = select(firstLanes(n - i), loadPartial(x + i, n - i), set1(worst<kMax>()));
    best[0] = extremeOf<kMax>(best[0], last);
  }
  const V pair = extremeOf<kMax>(best[0], best[1]);
  return extremeOfLanes<kMax>(extremeOf<kMax>(pair, extremeOf<kMax>(best[2], best[3])));
}

// kVectors vectors of columns, the last of `lanes` columns.
template <bool kMax, int kVectors>
INLINE void extremesOfBlock(double* y, const float* x, int64_t rows, int64_t stride, int64_t lanes) {
  V best[kVectors];
  for (V& b : best) b = set1(worst<kMax>());
  for (int64_t row = 0; row < rows; row++, x += stride) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      const float* p = x + v * kWidth;
      best[v] = extremeOf<kMax>(best[v], kVectors > 1 || lanes == kWidth ? load(p) : loadPartial(p, lanes));
    }
  }
  for (int v = 0; v < kVectors; v++) {
    float lane[kWidth];
    store(lane, best[v]);
    for (int64_t i = 0; i < lanes; i++) y[v * kWidth + i] = static_cast<double>(lane[i]);
  }
}

template <bool kMax>
INLINE void extremesOfColumns(double* y, const float* x, int64_t rows, int64_t stride, int64_t columns) {
  constexpr int kVectors = 4;
  int64_t column = 0;
  for (; column + kVectors * kWidth <= columns; column += kVectors * kWidth)
    extremesOfBlock<kMax, kVectors>(y + column, x + column, rows, stride, kWidth);
  for (; column < columns; column += kWidth)
    extremesOfBlock<kMax, 1>(y + column, x + column, rows, stride, smallest(kWidth, columns - column));
}

// Products are rare, so this is left to the compiler.
INLINE void productsOfColumns(double* y, const float* x, int64_t rows, int64_t stride, int64_t columns) {
  for (int64_t i = 0; i < columns; i++) y[i] = 1;
  for (int64_t row = 0; row < rows; row++, x += stride) {
    for (int64_t i = 0; i < columns; i++) y[i] *= static_cast<double>(x[i]);
  }
}

// The partial results of one part, one for each of its columns.
INLINE void reducePart(int operation, const AxisGeometry& g, const float* x, const Part& part,
                       double (&y)[kColumns]) {
  const float* p = x + (part.outer * g.size + part.begin) * g.inner + part.column;
  const int64_t rows = part.end - part.begin;
  if (operation == ReduceOperation::max) {
    if (g.inner == 1) {
      y[0] = extremeOfRow<true>(p, rows);
    } else {
      extremesOfColumns<true>(y, p, rows, g.inner, part.columns);
    }
  } else if (operation == ReduceOperation::min) {
    if (g.inner == 1) {
      y[0] = extremeOfRow<false>(p, rows);
    } else {
      extremesOfColumns<false>(y, p, rows, g.inner, part.columns);
    }
  } else if (operation == ReduceOperation::prod) {
    productsOfColumns(y, p, rows, g.inner, part.columns);
  } else if (g.inner == 1) {
    y[0] = sumRow(p, rows);
  } else {
    double sums[1][kColumns] = {};
    addColumnSeries(sums, rows, g.inner, part.columns, [p](auto at, auto, V* t) { t[0] = at(p); });
    for (int64_t i = 0; i < part.columns; i++) y[i] = sums[0][i];
  }
}

INLINE double combine(int operation, double a, double b) {
  switch (operation) {
    case ReduceOperation::max: return extremeOf<true>(a, b);
    case ReduceOperation::min: return extremeOf<false>(a, b);
    case ReduceOperation::prod: return a * b;
    default: return a + b;
  }
}

INLINE float finish(int operation, double value, int64_t size) {
  return static_cast<float>(operation == ReduceOperation::mean ? value / static_cast<double>(size) : value);
}

// --- reduce ---

Work plan(const args::reduce& a) {
  if (a.operation < ReduceOperation::sum || a.operation > ReduceOperation::prod) {
    return refuse("reduce: no such operation");
  }
  if (!holds(a.x, elements(a.g.outer, a.g.size, a.g.inner))) return refuse("reduce: x is shorter than its shape");
  if (!holds(a.y, elements(a.g.outer, a.g.inner))) return refuse("reduce: y is shorter than its shape");
  return planReduction(a.g, 1);
}

void run(const args::reduce& a, int phase, Range range, const Workspace& workspace) {
  const AxisGeometry& g = a.g;
  const Cut cut = cutOf(g);
  double* partials = reinterpret_cast<double*>(workspace.shared);
  const bool sums = a.operation == ReduceOperation::sum || a.operation == ReduceOperation::mean;
  if (sums && g.inner == 1 && g.size <= kShortRow && cut.chunks == 1) {
    const V scale = set1(finish(a.operation, 1, g.size));
    for (int64_t row = range.begin; row < range.end; row += kWidth) {
      const int64_t rows = smallest(kWidth, range.end - row);
      storeUpTo(a.y.data + row, mul(scale, sumsOfRows(a.x.data + row * g.size, g.size, rows, g.size)), rows);
    }
    return;
  }
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      const Part part = partOf(g, cut, item);
      double results[kColumns];
      reducePart(a.operation, g, a.x.data, part, results);
      for (int64_t i = 0; i < part.columns; i++) {
        const int64_t column = part.column + i;
        if (cut.chunks > 1) {
          partials[(part.outer * cut.chunks + part.chunk) * g.inner + column] = results[i];
        } else {
          a.y.data[part.outer * g.inner + column] = finish(a.operation, results[i], g.size);
        }
      }
    } else {
      const double* p = partials + item / g.inner * cut.chunks * g.inner + item % g.inner;
      double value = p[0];
      for (int64_t chunk = 1; chunk < cut.chunks; chunk++) value = combine(a.operation, value, p[chunk * g.inner]);
      a.y.data[item] = finish(a.operation, value, g.size);
    }
  }
}

// --- argReduce ---

// A value and its position along the axis, both exact in a double.
struct Candidate {
  double value, index;
};

template <bool kMax>
INLINE Candidate better(Candidate a, Candidate b) {
  const bool nanA = a.value != a.value, nanB = b.value != b.value;
  if (nanA != nanB) return nanA ? a : b;
  if (nanA || a.value == b.value) return a.index < b.index ? a : b;
  return (kMax ? a.value > b.value : a.value < b.value) ? a : b;
}

// The lanes in which v beats best: it is larger (smaller), or the first NaN.
template <bool kMax>
INLINE M beats(V v, V best) {
  const M notWorse = kMax ? lessEqual(v, best) : lessEqual(best, v);
  return both(invert(notWorse), equal(best, best));
}

template <bool kMax>
INLINE Candidate findInRow(const float* x, int64_t n) {
  Candidate found = {static_cast<double>(x[0]), 0};
  int64_t i = 0;
  if (n >= kWidth) {
    V best = load(x);
    I at = iota();
    for (i = kWidth; i + kWidth <= n; i += kWidth) {
      const V v = load(x + i);
      const M m = beats<kMax>(v, best);
      best = select(m, v, best);
      at = select(m, add(iota(), set1(static_cast<int32_t>(i))), at);
    }
    float values[kWidth];
    int32_t positions[kWidth];
    store(values, best);
    store(positions, at);
    for (int lane = 0; lane < kWidth; lane++)
      found = better<kMax>(found, {static_cast<double>(values[lane]), static_cast<double>(positions[lane])});
  }
  for (; i < n; i++) found = better<kMax>(found, {static_cast<double>(x[i]), static_cast<double>(i)});
  return found;
}

template <bool kMax>
INLINE void findInColumns(Candidate* y, const float* x, int64_t rows, int64_t stride, int64_t columns) {
  for (int64_t column = 0; column < columns; column += kWidth) {
    const int64_t lanes = smallest(kWidth, columns - column);
    const auto at = [=](int64_t row) {
      const float* p = x + row * stride + column;
      return lanes == kWidth ? load(p) : loadPartial(p, lanes);
    };
    V best = at(0);
    I position = set1(0);
    for (int64_t row = 1; row < rows; row++) {
      const V v = at(row);
      const M m = beats<kMax>(v, best);
      best = select(m, v, best);
      position = select(m, set1(static_cast<int32_t>(row)), position);
    }
    float values[kWidth];
    int32_t positions[kWidth];
    store(values, best);
    store(positions, position);
    for (int64_t i = 0; i < lanes; i++)
      y[column + i] = {static_cast<double>(values[i]), static_cast<double>(positions[i])};
  }
}

template <bool kMax>
INLINE void argReduce(const args::argReduce& a, int phase, Range range, const Workspace& workspace) {
  const AxisGeometry& g = a.g;
  const Cut cut = cutOf(g);
  Candidate* partials = reinterpret_cast<Candidate*>(workspace.shared);
  for (int64_t item = range.begin; item < range.end; item++) {
    if (phase == 0) {
      const Part part = partOf(g, cut, item);
      const float* p = a.x.data + (part.outer * g.size + part.begin) * g.inner + part.column;
      Candidate found[kColumns];
      if (g.inner == 1) {
        found[0] = findInRow<kMax>(p, part.end - part.begin);
      } else {
        findInColumns<kMax>(found, p, part.end - part.begin, g.inner, part.columns);
      }
      for (int64_t i = 0; i < part.columns; i++) {
        const int64_t column = part.column + i;
        found[i].index += static_cast<double>(part.begin);
        if (cut.chunks > 1) {
          partials[(part.outer * cut.chunks + part.chunk) * g.inner + column] = found[i];
        } else {
          a.y.data[part.outer * g.inner + column] = static_cast<int32_t>(found[i].index);
        }
      }
    } else {
      const Candidate* p = partials + item / g.inner * cut.chunks * g.inner + item % g.inner;
      Candidate found = p[0];
      for (int64_t chunk = 1; chunk < cut.chunks; chunk++) found = better<kMax>(found, p[chunk * g.inner]);
      a.y.data[item] = static_cast<int32_t>(found.index);
    }
  }
}

Work plan(const args::argReduce& a) {
  if (a.operation < ArgReduceOperation::argmax || a.operation > ArgReduceOperation::argmin) {
    return refuse("argReduce: no such operation");
  }
  const int64_t results = elements(a.g.outer, a.g.inner);
  if (!holds(a.x, elements(a.g.outer, a.g.size, a.g.inner))) return refuse("argReduce: x is shorter than its shape");
  if (!holds(a.y, results)) return refuse("argReduce: y is shorter than its shape");
  if (a.g.size == 0 && results > 0) return refuse("argReduce: there is nothing to search");
  return planReduction(a.g, 2);
}

void run(const args::argReduce& a, int phase, Range range, const Workspace& workspace) {
  if (a.operation == ArgReduceOperation::argmax) {
    argReduce<true>(a, phase, range, workspace);
  } else {
    argReduce<false>(a, phase, range, workspace);
  }
}

}  // namespace
}  // namespace ISA
