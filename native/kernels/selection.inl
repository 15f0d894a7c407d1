// topK and nonZero: which elements there are.
#pragma once
#include "kernels/elements.inl"

namespace ISA {
namespace {

// A heap of `n` positions with the one that `before` puts last at the root: lets entry `at` sink to its place.
template <class Before>
INLINE void sink(int32_t* heap, int64_t n, int64_t at, Before before) {
  const int32_t moving = heap[at];
  for (;;) {
    int64_t child = 2 * at + 1;
    if (child >= n) break;
    if (child + 1 < n && before(heap[child], heap[child + 1])) child++;
    if (!before(moving, heap[child])) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moving;
}

// --- topK ---

// One item a line along the axis. The best k so far are a heap with the worst at the root, so a line takes one comparison
// an element and log k for each that gets in.
Work plan(const args::topK& a) {
  const SelectionGeometry& g = a.g;
  if (a.x.kind == ElementKind::uint8) return refuse("topK: x must be floats or integers of 32 bits");
  if (a.x.kind != a.values.kind) return refuse("topK: x and values hold different kinds of elements");
  if (g.k < 0 || g.k > g.size) return refuse("topK: k is outside the axis");
  if (!holds(a.x, elements(g.outer, g.size, g.inner))) return refuse("topK: x is shorter than its shape");
  const int64_t results = elements(g.outer, g.k, g.inner);
  if (!holds(a.values, results) || !holds(a.indices, results)) {
    return refuse("topK: an output is shorter than its shape");
  }
  const int64_t lines = g.k > 0 ? elements(g.outer, g.inner) : 0;
  Work work = parallel(largest(lines, 0), grainOf(4.0 * g.size), 4.0 * static_cast<double>(lines) * g.size);
  work.localFloats = g.k;
  return work;
}

INLINE bool isNanValue(float v) { return v != v; }
INLINE bool isNanValue(int32_t) { return false; }

// Whether p is larger than q, NaN being larger than everything else.
template <class T>
INLINE bool isLarger(T p, T q) {
  return p > q || (isNanValue(p) && !isNanValue(q));
}

template <class T>
INLINE void findInLine(const args::topK& a, int64_t line, int32_t* heap) {
  const int64_t size = a.g.size, inner = a.g.inner, k = a.g.k;
  const int64_t outer = line / inner, column = line % inner;
  const T* x = dataOf<T>(a.x) + outer * size * inner + column;
  const bool wantsLargest = a.g.largest != 0;
  const auto before = [x, inner, wantsLargest](int32_t p, int32_t q) {
    const T first = x[p * inner], second = x[q * inner];
    if (isLarger(first, second)) return wantsLargest;
    if (isLarger(second, first)) return !wantsLargest;
    return p < q;
  };
  for (int64_t i = 0; i < k; i++) heap[i] = static_cast<int32_t>(i);
  for (int64_t i = k / 2 - 1; i >= 0; i--) sink(heap, k, i, before);
  for (int64_t i = k; i < size; i++) {
    if (!before(static_cast<int32_t>(i), heap[0])) continue;
    heap[0] = static_cast<int32_t>(i);
    sink(heap, k, 0, before);
  }
  T* values = dataOf<T>(a.values) + outer * k * inner + column;
  int32_t* indices = a.indices.data + outer * k * inner + column;
  for (int64_t n = k; n > 0; n--) {
    values[(n - 1) * inner] = x[heap[0] * inner];
    indices[(n - 1) * inner] = heap[0];
    heap[0] = heap[n - 1];
    if (n > 1) sink(heap, n - 1, 0, before);
  }
}

void run(const args::topK& a, int, Range range, const Workspace& workspace) {
  int32_t* heap = reinterpret_cast<int32_t*>(workspace.local);
  for (int64_t line = range.begin; line < range.end; line++) {
    if (a.x.kind == ElementKind::float32) {
      findInLine<float>(a, line, heap);
    } else {
      findInLine<int32_t>(a, line, heap);
    }
  }
}

// --- nonZero ---

Work plan(const args::nonZero& a) {
  if (a.x.data == nullptr) return refuse("nonZero: x is missing");
  if (a.x.size > INT32_MAX) return refuse("nonZero: x is too long for positions of 32 bits");
  if (!holds(a.positions, a.x.size)) return refuse("nonZero: positions are shorter than x");
  if (!holds(a.count, 1)) return refuse("nonZero: count is missing");
  return parallel(1, 1, 0);  // where a position goes depends on all before it
}

void run(const args::nonZero& a, int, Range, const Workspace&) {
  int64_t found = 0;
  ofKind(a.x.kind, [&](auto element) {
    using T = decltype(element);
    const T* x = dataOf<T>(a.x);
    for (int64_t i = 0; i < a.x.size; i++) {
      if (x[i] != 0) a.positions.data[found++] = static_cast<int32_t>(i);
    }
  });
  a.count.data[0] = static_cast<int32_t>(found);
  for (int64_t i = found; i < a.x.size; i++) a.positions.data[i] = 0;
}

}  // namespace
}  // namespace ISA
