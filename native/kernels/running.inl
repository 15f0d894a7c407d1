// cumSum along the middle axis of [outer, size, inner]. An item is some neighbouring columns, whose sums advance together.
#pragma once
#include "kernels/elements.inl"
#include "kernels/integer.inl"

namespace ISA {
namespace {

constexpr int64_t kRunningColumns = 64;

Work plan(const args::cumSum& a) {
  const RunningGeometry& g = a.g;
  if (a.x.kind == ElementKind::uint8) return refuse("cumSum: x must be floats or integers of 32 bits");
  if (a.x.kind != a.y.kind) return refuse("cumSum: x and y hold different kinds of elements");
  const int64_t count = elements(g.outer, g.size, g.inner);
  if (!holds(a.x, count)) return refuse("cumSum: x is shorter than its shape");
  if (!holds(a.y, count)) return refuse("cumSum: y is shorter than its shape");
  const double perItem = static_cast<double>(g.size) * static_cast<double>(smallest(g.inner, kRunningColumns));
  return parallel(count > 0 ? g.outer * ceilDiv(g.inner, kRunningColumns) : 0, grainOf(perItem),
                  static_cast<double>(count));
}

INLINE double addRunning(double total, float x) { return total + static_cast<double>(x); }
INLINE int32_t addRunning(int32_t total, int32_t x) { return wrap(bitsOf(total) + bitsOf(x)); }

template <class T, class Total>
INLINE void sumColumns(const args::cumSum& a, Range range) {
  const int64_t size = a.g.size, inner = a.g.inner, blocks = ceilDiv(inner, kRunningColumns);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t column = item % blocks * kRunningColumns;
    const int64_t columns = smallest(kRunningColumns, inner - column);
    Total totals[kRunningColumns] = {};
    for (int64_t step = 0; step < size; step++) {
      const int64_t row = item / blocks * size + (a.g.reverse ? size - 1 - step : step);
      const T* x = dataOf<T>(a.x) + row * inner + column;
      T* y = dataOf<T>(a.y) + row * inner + column;
      for (int64_t i = 0; i < columns; i++) {
        const Total total = addRunning(totals[i], x[i]);
        y[i] = static_cast<T>(a.g.exclusive ? totals[i] : total);
        totals[i] = total;
      }
    }
  }
}

void run(const args::cumSum& a, int, Range range, const Workspace&) {
  if (a.x.kind == ElementKind::float32) {
    sumColumns<float, double>(a, range);
  } else {
    sumColumns<int32_t, int32_t>(a, range);
  }
}

}  // namespace
}  // namespace ISA
