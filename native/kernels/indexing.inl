// Elements at positions that a buffer holds. A negative index counts from the end of its axis; what an index outside of it
// names reads as 0 and is not written to, so that plan() need not look at the indices, which may change from run to run.
#pragma once
#include "kernels/elements.inl"
#include "kernels/integer.inl"

namespace ISA {
namespace {

// `index` as a position on an axis; -1 when it is outside.
INLINE int64_t resolveIndex(int32_t index, int64_t size) {
  const int64_t position = index < 0 ? index + size : index;
  return position >= 0 && position < size ? position : -1;
}

// --- slices ---

// Elements of x in one batch, in runs of `inner`; kInvalid if a size is negative or they are too many.
INLINE int64_t runsPerBatch(const SliceStrides& g) {
  if (g.depth < 1 || g.depth > kMaxRank) return kInvalid;
  int64_t runs = 1;
  for (int d = kMaxRank - g.depth; d < kMaxRank; d++) {
    runs = elements(runs, g.size[d]);
    if (runs < 0) return kInvalid;
  }
  return runs;
}

template <class Indices, class X, class Y>
INLINE bool holdSlices(const SliceStrides& g, const Indices& indices, const X& whole, const Y& slices) {
  const int64_t runs = runsPerBatch(g);
  return (g.shared == 0 || g.shared == 1) && runs >= 0 && holds(whole, elements(g.batch, runs, g.inner)) &&
         holds(indices, elements(g.shared ? 1 : g.batch, g.count, g.depth)) &&
         holds(slices, elements(g.batch, g.count, g.inner));
}

// The run of a batch that tuple `i` names, counted from the start of the tensor; -1 for none.
INLINE int64_t runOf(const SliceStrides& g, const int32_t* indices, int64_t runs, int64_t batch, int64_t i) {
  const int32_t* tuple = indices + ((g.shared ? 0 : batch * g.count) + i) * g.depth;
  int64_t run = 0;
  for (int d = 0; d < g.depth; d++) {
    const int64_t size = g.size[kMaxRank - g.depth + d];
    const int64_t position = resolveIndex(tuple[d], size);
    if (position < 0) return -1;
    run = run * size + position;
  }
  return batch * runs + run;
}

Work plan(const args::gatherSlices& a) {
  if (a.x.kind != a.y.kind) return refuse("gatherSlices: x and y hold different kinds of elements");
  if (!holdSlices(a.g, a.indices, a.x, a.y)) return refuse("gatherSlices: a buffer is shorter than its shape");
  const double perItem = static_cast<double>(a.g.inner) + 4.0 * a.g.depth;
  const int64_t items = a.g.inner > 0 ? int64_t{a.g.batch} * a.g.count : 0;
  return parallel(items, grainOf(perItem), static_cast<double>(items) * perItem);
}

void run(const args::gatherSlices& a, int, Range range, const Workspace&) {
  const int64_t runs = runsPerBatch(a.g), inner = a.g.inner;
  ofWidth(a.x.kind, [&](auto element) {
    using T = decltype(element);
    for (int64_t item = range.begin; item < range.end; item++) {
      const int64_t from = runOf(a.g, a.indices.data, runs, item / a.g.count, item % a.g.count);
      T* y = dataOf<T>(a.y) + item * inner;
      if (from < 0) {
        for (int64_t i = 0; i < inner; i++) y[i] = 0;
      } else if (inner == 1) {
        *y = dataOf<T>(a.x)[from];
      } else {
        copyElements(y, dataOf<T>(a.x) + from * inner, inner);
      }
    }
  });
}

// --- combining ---

INLINE int32_t addElements(int32_t p, int32_t q) { return wrap(bitsOf(p) + bitsOf(q)); }
INLINE int32_t mulElements(int32_t p, int32_t q) { return wrap(bitsOf(p) * bitsOf(q)); }
INLINE uint8_t addElements(uint8_t p, uint8_t q) { return static_cast<uint8_t>(p + q); }
INLINE uint8_t mulElements(uint8_t p, uint8_t q) { return static_cast<uint8_t>(p * q); }
INLINE float addElements(float p, float q) { return p + q; }
INLINE float mulElements(float p, float q) { return p * q; }
// NaN wins.
template <class T>
INLINE T maxElements(T p, T q) {
  return q > p || q != q ? q : p;
}
template <class T>
INLINE T minElements(T p, T q) {
  return q < p || q != q ? q : p;
}

// Calls body(combine) with combine(old, update) of a reduction.
template <class T, class Body>
INLINE void withReduction(int32_t reduction, Body body) {
  switch (reduction) {
    case ScatterReduction::none: return body([](T, T q) { return q; });
    case ScatterReduction::add: return body([](T p, T q) { return addElements(p, q); });
    case ScatterReduction::mul: return body([](T p, T q) { return mulElements(p, q); });
    case ScatterReduction::max: return body([](T p, T q) { return maxElements(p, q); });
    case ScatterReduction::min: return body([](T p, T q) { return minElements(p, q); });
  }
}

// Several updates may go to one place, so a batch is one item: their order is that of the indices.
Work plan(const args::scatterSlices& a) {
  if (a.reduction < ScatterReduction::none || a.reduction > ScatterReduction::min) {
    return refuse("scatterSlices: no such reduction");
  }
  if (a.updates.kind != a.y.kind) return refuse("scatterSlices: updates and y hold different kinds of elements");
  if (!holdSlices(a.g, a.indices, a.y, a.updates)) return refuse("scatterSlices: a buffer is shorter than its shape");
  const double perItem = static_cast<double>(a.g.count) * (static_cast<double>(a.g.inner) + 4.0 * a.g.depth);
  const int64_t items = a.g.count > 0 && a.g.inner > 0 ? a.g.batch : 0;
  return parallel(items, grainOf(perItem), static_cast<double>(items) * perItem);
}

void run(const args::scatterSlices& a, int, Range range, const Workspace&) {
  const int64_t runs = runsPerBatch(a.g), inner = a.g.inner, count = a.g.count;
  ofKind(a.y.kind, [&](auto element) {
    using T = decltype(element);
    withReduction<T>(a.reduction, [&](auto combine) {
      for (int64_t batch = range.begin; batch < range.end; batch++) {
        for (int64_t i = 0; i < count; i++) {
          const int64_t to = runOf(a.g, a.indices.data, runs, batch, i);
          if (to < 0) continue;
          T* y = dataOf<T>(a.y) + to * inner;
          const T* update = dataOf<T>(a.updates) + (batch * count + i) * inner;
          for (int64_t k = 0; k < inner; k++) y[k] = combine(y[k], update[k]);
        }
      }
    });
  });
}

// --- single elements ---

// Whether a tensor with the strides of x holds what any index may name.
template <class Buffer>
INLINE bool holdsIndexed(const Buffer& buffer, const ElementStrides& g) {
  if (g.size < 0 || g.stride < 0) return false;
  if (g.size == 0) return elementsOf(g.shape) >= 0;  // every index is outside
  const int64_t last = (static_cast<int64_t>(g.size) - 1) * g.stride;
  return holdsStrided(buffer, g.shape, g.x) && holdsStrided(buffer, g.shape, g.x, last);
}

// Calls visit(i, position) for the elements of a range with where each index points to, -1 for nowhere.
template <class Visit>
INLINE void forEachIndex(const ElementStrides& g, const int32_t* indices, Range elements, Visit visit) {
  const Axes<1> axes = collapse<1>(g.shape, {g.x});
  const int64_t step = axes.stride[0][axes.rank - 1];
  forEachRow(axes, elements.begin, elements.end, [&](int64_t start, const int64_t* offset, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
      const int64_t position = resolveIndex(indices[start + i], g.size);
      visit(start + i, position < 0 ? -1 : offset[0] + i * step + position * g.stride);
    }
  });
}

Work plan(const args::gatherElements& a) {
  const int64_t count = elementsOf(a.g.shape);
  if (a.x.kind != a.y.kind) return refuse("gatherElements: x and y hold different kinds of elements");
  if (!holds(a.indices, count) || !holds(a.y, count)) {
    return refuse("gatherElements: indices or y are shorter than their shape");
  }
  if (!holdsIndexed(a.x, a.g)) return refuse("gatherElements: x is shorter than its strides demand");
  return planBlocks(count, 4);
}

void run(const args::gatherElements& a, int, Range range, const Workspace&) {
  const Range elements = blockElements(range, elementsOf(a.g.shape));
  ofWidth(a.x.kind, [&](auto element) {
    using T = decltype(element);
    forEachIndex(a.g, a.indices.data, elements, [&](int64_t i, int64_t position) {
      dataOf<T>(a.y)[i] = position < 0 ? T(0) : dataOf<T>(a.x)[position];
    });
  });
}

// All of it is one item, for the same reason as above.
Work plan(const args::scatterElements& a) {
  if (a.reduction < ScatterReduction::none || a.reduction > ScatterReduction::min) {
    return refuse("scatterElements: no such reduction");
  }
  const int64_t count = elementsOf(a.g.shape);
  if (a.updates.kind != a.y.kind) return refuse("scatterElements: updates and y hold different kinds of elements");
  if (!holds(a.indices, count) || !holds(a.updates, count)) {
    return refuse("scatterElements: indices or updates are shorter than their shape");
  }
  if (!holdsIndexed(a.y, a.g)) return refuse("scatterElements: y is shorter than its strides demand");
  return parallel(count > 0 ? 1 : 0, 1, static_cast<double>(count));
}

void run(const args::scatterElements& a, int, Range, const Workspace&) {
  const Range all = {0, elementsOf(a.g.shape)};
  ofKind(a.y.kind, [&](auto element) {
    using T = decltype(element);
    withReduction<T>(a.reduction, [&](auto combine) {
      T* y = dataOf<T>(a.y);
      forEachIndex(a.g, a.indices.data, all, [&](int64_t i, int64_t position) {
        if (position >= 0) y[position] = combine(y[position], dataOf<T>(a.updates)[i]);
      });
    });
  });
}

}  // namespace
}  // namespace ISA
