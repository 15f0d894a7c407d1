// Arithmetic on int32, where results wrap around, and logic on bytes. An item is a block of consecutive elements of y, of a
// reduction some neighbouring columns. Loops are plain: with strides known to be 1 or 0, compilers vectorise them.
#pragma once
#include "kernels/elements.inl"
#include "kernels/elementwise.inl"

namespace ISA {
namespace {

// --- arithmetic; unsigned, as signed overflow means nothing in C++ ---

INLINE int32_t wrap(uint32_t value) { return static_cast<int32_t>(value); }
INLINE uint32_t bitsOf(int32_t value) { return static_cast<uint32_t>(value); }

INLINE int32_t divideInt(int32_t p, int32_t q) {
  if (q == 0) return 0;
  return q == -1 ? wrap(0u - bitsOf(p)) : p / q;  // -2^31 / -1 traps on x86
}
INLINE int32_t remainderInt(int32_t p, int32_t q) { return q == 0 || q == -1 ? 0 : p % q; }
INLINE int32_t moduloInt(int32_t p, int32_t q) {
  const int32_t rest = remainderInt(p, q);
  return rest != 0 && (rest < 0) != (q < 0) ? rest + q : rest;
}
INLINE int32_t powerInt(int32_t base, int32_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  uint32_t result = 1, square = bitsOf(base);
  for (int32_t rest = exponent; rest > 0; rest /= 2) {
    if (rest % 2 == 1) result *= square;
    square *= square;
  }
  return wrap(result);
}

// --- unary ---

Work plan(const args::unaryInt& a) {
  if (a.operation < UnaryIntOperation::neg || a.operation > UnaryIntOperation::clip) {
    return refuse("unaryInt: no such operation");
  }
  if (!holds(a.x, a.y.size)) return refuse("unaryInt: x is shorter than y");
  return planBlocks(a.y.size, 1);
}

template <class Function>
INLINE void mapInts(const args::unaryInt& a, Range elements, Function function) {
  for (int64_t i = elements.begin; i < elements.end; i++) a.y.data[i] = function(a.x.data[i]);
}

void run(const args::unaryInt& a, int, Range range, const Workspace&) {
  const Range elements = blockElements(range, a.y.size);
  switch (a.operation) {
    case UnaryIntOperation::neg: return mapInts(a, elements, [](int32_t v) { return wrap(0u - bitsOf(v)); });
    case UnaryIntOperation::abs: return mapInts(a, elements, [](int32_t v) { return v < 0 ? wrap(0u - bitsOf(v)) : v; });
    case UnaryIntOperation::sign: return mapInts(a, elements, [](int32_t v) { return (v > 0) - (v < 0); });
    case UnaryIntOperation::clip:
      return mapInts(a, elements, [&a](int32_t v) {
        const double raised = v < a.alpha ? a.alpha : v;
        return wrapToInt32(raised > a.beta ? a.beta : raised);
      });
  }
}

// --- binary, compare, logical ---

template <class X, class Y, class Function>
INLINE void combineRow(Y* y, const X* p, int64_t strideP, const X* q, int64_t strideQ, int64_t n, Function function) {
  if (strideP == 1 && strideQ == 1) {
    for (int64_t i = 0; i < n; i++) y[i] = function(p[i], q[i]);
  } else if (strideP == 1 && strideQ == 0) {
    for (int64_t i = 0; i < n; i++) y[i] = function(p[i], *q);
  } else {
    for (int64_t i = 0; i < n; i++) y[i] = function(p[i * strideP], q[i * strideQ]);
  }
}

template <class Args, class Function>
INLINE void combineBlocks(const Args& a, Range range, Function function) {
  const Range elements = blockElements(range, elementsOf(a.g.shape));
  const Axes<2> axes = collapse<2>(a.g.shape, {a.g.a, a.g.b});
  const int inner = axes.rank - 1;
  forEachRow(axes, elements.begin, elements.end, [&](int64_t position, const int64_t* offset, int64_t n) {
    combineRow(a.y.data + position, a.a.data + offset[0], axes.stride[0][inner], a.b.data + offset[1],
               axes.stride[1][inner], n, function);
  });
}

Work plan(const args::binaryInt& a) {
  if (a.operation < BinaryIntOperation::add || a.operation > BinaryIntOperation::fmod) {
    return refuse("binaryInt: no such operation");
  }
  const int64_t count = elementsOf(a.g.shape);
  if (!holds(a.y, count)) return refuse("binaryInt: y is shorter than its shape");
  if (!holdsStrided(a.a, a.g.shape, a.g.a)) return refuse("binaryInt: a is shorter than its shape and strides");
  if (!holdsStrided(a.b, a.g.shape, a.g.b)) return refuse("binaryInt: b is shorter than its shape and strides");
  return planBlocks(count, 1);
}

void run(const args::binaryInt& a, int, Range range, const Workspace&) {
  switch (a.operation) {
    case BinaryIntOperation::add:
      return combineBlocks(a, range, [](int32_t p, int32_t q) { return wrap(bitsOf(p) + bitsOf(q)); });
    case BinaryIntOperation::sub:
      return combineBlocks(a, range, [](int32_t p, int32_t q) { return wrap(bitsOf(p) - bitsOf(q)); });
    case BinaryIntOperation::mul:
      return combineBlocks(a, range, [](int32_t p, int32_t q) { return wrap(bitsOf(p) * bitsOf(q)); });
    case BinaryIntOperation::div: return combineBlocks(a, range, [](int32_t p, int32_t q) { return divideInt(p, q); });
    case BinaryIntOperation::max: return combineBlocks(a, range, [](int32_t p, int32_t q) { return p > q ? p : q; });
    case BinaryIntOperation::min: return combineBlocks(a, range, [](int32_t p, int32_t q) { return p < q ? p : q; });
    case BinaryIntOperation::pow: return combineBlocks(a, range, [](int32_t p, int32_t q) { return powerInt(p, q); });
    case BinaryIntOperation::mod: return combineBlocks(a, range, [](int32_t p, int32_t q) { return moduloInt(p, q); });
    case BinaryIntOperation::fmod:
      return combineBlocks(a, range, [](int32_t p, int32_t q) { return remainderInt(p, q); });
  }
}

Work plan(const args::compareInt& a) {
  if (a.operation < CompareOperation::eq || a.operation > CompareOperation::ge) {
    return refuse("compareInt: no such operation");
  }
  const int64_t count = elementsOf(a.g.shape);
  if (!holds(a.y, count)) return refuse("compareInt: y is shorter than its shape");
  if (!holdsStrided(a.a, a.g.shape, a.g.a)) return refuse("compareInt: a is shorter than its shape and strides");
  if (!holdsStrided(a.b, a.g.shape, a.g.b)) return refuse("compareInt: b is shorter than its shape and strides");
  return planBlocks(count, 1);
}

void run(const args::compareInt& a, int, Range range, const Workspace&) {
  switch (a.operation) {
    case CompareOperation::eq: return combineBlocks(a, range, [](int32_t p, int32_t q) { return p == q; });
    case CompareOperation::ne: return combineBlocks(a, range, [](int32_t p, int32_t q) { return p != q; });
    case CompareOperation::lt: return combineBlocks(a, range, [](int32_t p, int32_t q) { return p < q; });
    case CompareOperation::le: return combineBlocks(a, range, [](int32_t p, int32_t q) { return p <= q; });
    case CompareOperation::gt: return combineBlocks(a, range, [](int32_t p, int32_t q) { return p > q; });
    case CompareOperation::ge: return combineBlocks(a, range, [](int32_t p, int32_t q) { return p >= q; });
  }
}

Work plan(const args::logical& a) {
  if (a.operation < LogicalOperation::logicalAnd || a.operation > LogicalOperation::logicalXor) {
    return refuse("logical: no such operation");
  }
  const int64_t count = elementsOf(a.g.shape);
  if (!holds(a.y, count)) return refuse("logical: y is shorter than its shape");
  if (!holdsStrided(a.a, a.g.shape, a.g.a)) return refuse("logical: a is shorter than its shape and strides");
  if (!holdsStrided(a.b, a.g.shape, a.g.b)) return refuse("logical: b is shorter than its shape and strides");
  return planBlocks(count, 1);
}

void run(const args::logical& a, int, Range range, const Workspace&) {
  switch (a.operation) {
    case LogicalOperation::logicalAnd:
      return combineBlocks(a, range, [](uint8_t p, uint8_t q) { return (p != 0) & (q != 0); });
    case LogicalOperation::logicalOr:
      return combineBlocks(a, range, [](uint8_t p, uint8_t q) { return (p != 0) | (q != 0); });
    case LogicalOperation::logicalXor:
      return combineBlocks(a, range, [](uint8_t p, uint8_t q) { return (p != 0) ^ (q != 0); });
  }
}

// --- reductions over the middle axis of [outer, size, inner] ---

constexpr int64_t kIntColumns = 64;  // per item

Work plan(const args::reduceInt& a) {
  if (a.operation < ReduceIntOperation::sum || a.operation > ReduceIntOperation::prod) {
    return refuse("reduceInt: no such operation");
  }
  const AxisGeometry& g = a.g;
  if (!holds(a.x, elements(g.outer, g.size, g.inner))) return refuse("reduceInt: x is shorter than its shape");
  if (!holds(a.y, elements(g.outer, g.inner))) return refuse("reduceInt: y is shorter than its shape");
  const double perItem = static_cast<double>(g.size) * static_cast<double>(smallest(g.inner, kIntColumns));
  return parallel(g.outer * ceilDiv(g.inner, kIntColumns), grainOf(perItem),
                  static_cast<double>(g.outer) * g.size * g.inner);
}

template <class Function>
INLINE void reduceInts(const args::reduceInt& a, Range range, int32_t start, Function function) {
  const int64_t size = a.g.size, inner = a.g.inner, blocks = ceilDiv(inner, kIntColumns);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t outer = item / blocks, column = item % blocks * kIntColumns;
    const int64_t columns = smallest(kIntColumns, inner - column);
    int32_t totals[kIntColumns];
    for (int64_t i = 0; i < columns; i++) totals[i] = start;
    for (int64_t row = 0; row < size; row++) {
      const int32_t* x = a.x.data + (outer * size + row) * inner + column;
      for (int64_t i = 0; i < columns; i++) totals[i] = function(totals[i], x[i]);
    }
    copyElements(a.y.data + outer * inner + column, totals, columns);
  }
}

void run(const args::reduceInt& a, int, Range range, const Workspace&) {
  switch (a.operation) {
    case ReduceIntOperation::sum:
      return reduceInts(a, range, 0, [](int32_t p, int32_t q) { return wrap(bitsOf(p) + bitsOf(q)); });
    case ReduceIntOperation::max:
      return reduceInts(a, range, INT32_MIN, [](int32_t p, int32_t q) { return p > q ? p : q; });
    case ReduceIntOperation::min:
      return reduceInts(a, range, INT32_MAX, [](int32_t p, int32_t q) { return p < q ? p : q; });
    case ReduceIntOperation::prod:
      return reduceInts(a, range, 1, [](int32_t p, int32_t q) { return wrap(bitsOf(p) * bitsOf(q)); });
  }
}

}  // namespace
}  // namespace ISA
