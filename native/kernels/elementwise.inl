// unary, binary, compare. An item is a block of consecutive elements of y.
#pragma once
#include "kernels/axes.inl"
#include "kernels/math.inl"
#include "kernels/operations.h"
#include "kernels/rows.inl"

namespace ISA {
namespace {

constexpr int64_t kElementBlock = 4096;

INLINE Work planBlocks(int64_t count, int64_t costPerElement) {
  return parallel(ceilDiv(count, kElementBlock), grainOf(kElementBlock * costPerElement),
                  static_cast<double>(count) * static_cast<double>(costPerElement));
}

// The elements of a range of blocks.
INLINE Range blockElements(Range blocks, int64_t count) {
  return {blocks.begin * kElementBlock, smallest(count, blocks.end * kElementBlock)};
}

// --- unary ---

INLINE V signOf(V v) {
  const V one = set1(1.0f);
  return sub(select(less(zero(), v), one, zero()), select(less(v, zero()), one, zero()));
}

INLINE V floor(V v) {
  const V nearest = round(v);
  return select(less(v, nearest), sub(nearest, set1(1.0f)), nearest);
}

// min(1, max(0, v)), of NaN NaN
INLINE V limitToOne(V v) { return min(set1(1.0f), max(zero(), v)); }

// v * tanh(log(1 + e^v)) = v * n / (n + 2) with n = e^v (e^v + 2); from 20 on the fraction rounds to 1.
INLINE V mish(V v) {
  const V e = exp(v);
  const V n = mul(e, add(e, set1(2.0f)));
  return select(less(set1(20.0f), v), v, div(mul(v, n), add(n, set1(2.0f))));
}

Work plan(const args::unary& a) {
  if (a.operation < UnaryOperation::neg || a.operation > UnaryOperation::mish) {
    return refuse("unary: no such operation");
  }
  if (!holds(a.x, a.y.size)) return refuse("unary: x is shorter than y");
  const bool cheap = a.operation <= UnaryOperation::sign || a.operation == UnaryOperation::square ||
                     a.operation == UnaryOperation::relu || a.operation == UnaryOperation::leakyRelu ||
                     (a.operation >= UnaryOperation::clip && a.operation != UnaryOperation::mish);
  return planBlocks(a.y.size, cheap ? 1 : 8);
}

void run(const args::unary& a, int, Range range, const Workspace&) {
  const Range elements = blockElements(range, a.y.size);
  const float* x = a.x.data + elements.begin;
  float* y = a.y.data + elements.begin;
  const int64_t n = elements.end - elements.begin;
  const V alpha = set1(static_cast<float>(a.alpha));
  const V beta = set1(static_cast<float>(a.beta));
  switch (a.operation) {
    case UnaryOperation::neg: return mapRow(y, x, n, [](V v) { return neg(v); });
    case UnaryOperation::abs: return mapRow(y, x, n, [](V v) { return abs(v); });
    case UnaryOperation::sign: return mapRow(y, x, n, [](V v) { return signOf(v); });
    case UnaryOperation::exp: return mapRow(y, x, n, [](V v) { return exp(v); });
    case UnaryOperation::log: return mapRow(y, x, n, [](V v) { return log(v); });
    case UnaryOperation::sqrt: return mapRow(y, x, n, [](V v) { return sqrt(v); });
    case UnaryOperation::square: return mapRow(y, x, n, [](V v) { return mul(v, v); });
    case UnaryOperation::reciprocal: return mapRow(y, x, n, [](V v) { return div(set1(1.0f), v); });
    case UnaryOperation::erf: return mapRow(y, x, n, [](V v) { return erf(v); });
    case UnaryOperation::tanh: return mapRow(y, x, n, [](V v) { return tanh(v); });
    case UnaryOperation::sigmoid: return mapRow(y, x, n, [](V v) { return sigmoid(v); });
    case UnaryOperation::relu: return mapRow(y, x, n, [](V v) { return max(zero(), v); });
    case UnaryOperation::leakyRelu:
      return mapRow(y, x, n, [alpha](V v) { return select(less(zero(), v), v, mul(alpha, v)); });
    case UnaryOperation::elu:
      return mapRow(y, x, n, [alpha](V v) { return select(less(zero(), v), v, mul(alpha, expm1(v))); });
    case UnaryOperation::gelu: return mapRow(y, x, n, [](V v) { return gelu(v); });
    case UnaryOperation::silu: return mapRow(y, x, n, [](V v) { return silu(v); });
    case UnaryOperation::softplus: return mapRow(y, x, n, [](V v) { return softplus(v); });
    case UnaryOperation::clip: return mapRow(y, x, n, [alpha, beta](V v) { return min(beta, max(alpha, v)); });
    case UnaryOperation::affine: return mapRow(y, x, n, [alpha, beta](V v) { return fmadd(alpha, v, beta); });
    case UnaryOperation::floor: return mapRow(y, x, n, [](V v) { return floor(v); });
    case UnaryOperation::ceil: return mapRow(y, x, n, [](V v) { return neg(floor(neg(v))); });
    case UnaryOperation::round: return mapRow(y, x, n, [](V v) { return round(v); });
    case UnaryOperation::hardSigmoid:
      return mapRow(y, x, n, [alpha, beta](V v) { return limitToOne(fmadd(alpha, v, beta)); });
    case UnaryOperation::hardSwish:
      return mapRow(y, x, n, [](V v) { return mul(v, limitToOne(fmadd(v, set1(1.0f / 6), set1(0.5f)))); });
    case UnaryOperation::mish: return mapRow(y, x, n, [](V v) { return mish(v); });
  }
}

// --- two and three operands ---

// kWidth elements of an operand whose neighbours are `stride` apart, the first `lanes` of them valid.
INLINE V loadLanes(const float* p, int64_t stride, int64_t lanes) {
  if (stride == 0) return set1(*p);
  if (stride == 1) return lanes == kWidth ? load(p) : loadPartial(p, lanes);
  float lane[kWidth] = {};
  for (int64_t i = 0; i < lanes; i++) lane[i] = p[i * stride];
  return load(lane);
}

INLINE M loadConditions(const uint8_t* p, int64_t stride, int64_t lanes) {
  if (stride == 1 && lanes == kWidth) return loadMask(p);
  uint8_t lane[kWidth] = {};
  for (int64_t i = 0; i < lanes; i++) lane[i] = p[i * stride];
  return loadMask(lane);
}

template <class Function>
INLINE void binaryRow(float* y, const float* a, int64_t strideA, const float* b, int64_t strideB, int64_t n,
                      Function function) {
  if (strideA == 1 && strideB == 1) return mapRow(y, a, b, n, function);
  if (strideA == 1 && strideB == 0) {
    const V scalar = set1(*b);
    return mapRow(y, a, n, [scalar, function](V v) { return function(v, scalar); });
  }
  if (strideA == 0 && strideB == 1) {
    const V scalar = set1(*a);
    return mapRow(y, b, n, [scalar, function](V v) { return function(scalar, v); });
  }
  for (int64_t i = 0; i < n; i += kWidth) {
    const int64_t lanes = smallest(kWidth, n - i);
    const V v = function(loadLanes(a + i * strideA, strideA, lanes), loadLanes(b + i * strideB, strideB, lanes));
    if (lanes == kWidth) {
      store(y + i, v);
    } else {
      storePartial(y + i, v, lanes);
    }
  }
}

// The remainder of x / y with the sign of x, exact: x and y are floats, so every product below fits into a double.
INLINE double remainderOf(double x, double y) {
  const double divisor = y < 0 ? -y : y;
  double rest = x < 0 ? -x : x;
  if (!(rest < __builtin_inf()) || !(divisor > 0)) return __builtin_nan("");
  while (rest >= divisor) {
    // a multiple of the divisor that goes into the rest less than 2^28 times: 24 bits of one, 28 of the other
    double multiple = divisor;
    while (rest / multiple >= 268435456.0) multiple *= 1048576.0;
    rest -= static_cast<double>(static_cast<int64_t>(rest / multiple)) * multiple;
    if (rest < 0) rest += multiple;  // the quotient was rounded up
  }
  return x < 0 ? -rest : rest;
}

// The same with the sign of y.
INLINE double moduloOf(double x, double y) {
  const double rest = remainderOf(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

template <class Function>
INLINE V eachLane(V p, V q, Function function) {
  float a[kWidth], b[kWidth];
  store(a, p);
  store(b, q);
  for (int i = 0; i < kWidth; i++)
    a[i] = static_cast<float>(function(static_cast<double>(a[i]), static_cast<double>(b[i])));
  return load(a);
}

template <class Function>
INLINE void binaryBlocks(const args::binary& a, Range elements, Function function) {
  const Axes<2> axes = collapse<2>(a.g.shape, {a.g.a, a.g.b});
  const int inner = axes.rank - 1;
  forEachRow(axes, elements.begin, elements.end, [&](int64_t position, const int64_t* offset, int64_t n) {
    binaryRow(a.y.data + position, a.a.data + offset[0], axes.stride[0][inner], a.b.data + offset[1],
              axes.stride[1][inner], n, function);
  });
}

Work plan(const args::binary& a) {
  if (a.operation < BinaryOperation::add || a.operation > BinaryOperation::fmod) {
    return refuse("binary: no such operation");
  }
  const int64_t count = elementsOf(a.g.shape);
  if (!holds(a.y, count)) return refuse("binary: y is shorter than its shape");
  if (!holdsStrided(a.a, a.g.shape, a.g.a)) return refuse("binary: a is shorter than its shape and strides");
  if (!holdsStrided(a.b, a.g.shape, a.g.b)) return refuse("binary: b is shorter than its shape and strides");
  const bool isSlow = a.operation == BinaryOperation::pow || a.operation >= BinaryOperation::mod;
  return planBlocks(count, isSlow ? 64 : 1);
}

void run(const args::binary& a, int, Range range, const Workspace&) {
  const Range elements = blockElements(range, elementsOf(a.g.shape));
  switch (a.operation) {
    case BinaryOperation::add: return binaryBlocks(a, elements, [](V p, V q) { return add(p, q); });
    case BinaryOperation::sub: return binaryBlocks(a, elements, [](V p, V q) { return sub(p, q); });
    case BinaryOperation::mul: return binaryBlocks(a, elements, [](V p, V q) { return mul(p, q); });
    case BinaryOperation::div: return binaryBlocks(a, elements, [](V p, V q) { return div(p, q); });
    case BinaryOperation::max:
      return binaryBlocks(a, elements, [](V p, V q) { return select(isNan(p), p, max(p, q)); });
    case BinaryOperation::min:
      return binaryBlocks(a, elements, [](V p, V q) { return select(isNan(p), p, min(p, q)); });
    case BinaryOperation::pow: return binaryBlocks(a, elements, [](V p, V q) { return pow(p, q); });
    case BinaryOperation::reluGrad:
      return binaryBlocks(a, elements, [](V p, V q) { return select(lessEqual(q, zero()), zero(), p); });
    case BinaryOperation::prelu:
      return binaryBlocks(a, elements, [](V p, V q) { return select(less(zero(), p), p, mul(q, p)); });
    case BinaryOperation::mod:
      return binaryBlocks(a, elements, [](V p, V q) {
        return eachLane(p, q, [](double x, double y) { return moduloOf(x, y); });
      });
    case BinaryOperation::fmod:
      return binaryBlocks(a, elements, [](V p, V q) {
        return eachLane(p, q, [](double x, double y) { return remainderOf(x, y); });
      });
  }
}

// --- compare ---

INLINE void storeFlags(uint8_t* y, M m, int64_t lanes) {
  if (lanes == kWidth) return storeMask(y, m);
  uint8_t flag[kWidth];
  storeMask(flag, m);
  for (int64_t i = 0; i < lanes; i++) y[i] = flag[i];
}

template <class Function>
INLINE void compareBlocks(const args::compare& a, Range elements, Function function) {
  const Axes<2> axes = collapse<2>(a.g.shape, {a.g.a, a.g.b});
  const int64_t strideA = axes.stride[0][axes.rank - 1], strideB = axes.stride[1][axes.rank - 1];
  forEachRow(axes, elements.begin, elements.end, [&](int64_t position, const int64_t* offset, int64_t n) {
    const float* p = a.a.data + offset[0];
    const float* q = a.b.data + offset[1];
    for (int64_t i = 0; i < n; i += kWidth) {
      const int64_t lanes = smallest(kWidth, n - i);
      const M m = function(loadLanes(p + i * strideA, strideA, lanes), loadLanes(q + i * strideB, strideB, lanes));
      storeFlags(a.y.data + position + i, m, lanes);
    }
  });
}

Work plan(const args::compare& a) {
  if (a.operation < CompareOperation::eq || a.operation > CompareOperation::ge) {
    return refuse("compare: no such operation");
  }
  const int64_t count = elementsOf(a.g.shape);
  if (!holds(a.y, count)) return refuse("compare: y is shorter than its shape");
  if (!holdsStrided(a.a, a.g.shape, a.g.a)) return refuse("compare: a is shorter than its shape and strides");
  if (!holdsStrided(a.b, a.g.shape, a.g.b)) return refuse("compare: b is shorter than its shape and strides");
  return planBlocks(count, 1);
}

void run(const args::compare& a, int, Range range, const Workspace&) {
  const Range elements = blockElements(range, elementsOf(a.g.shape));
  switch (a.operation) {
    case CompareOperation::eq: return compareBlocks(a, elements, [](V p, V q) { return equal(p, q); });
    case CompareOperation::ne: return compareBlocks(a, elements, [](V p, V q) { return invert(equal(p, q)); });
    case CompareOperation::lt: return compareBlocks(a, elements, [](V p, V q) { return less(p, q); });
    case CompareOperation::le: return compareBlocks(a, elements, [](V p, V q) { return lessEqual(p, q); });
    case CompareOperation::gt: return compareBlocks(a, elements, [](V p, V q) { return less(q, p); });
    case CompareOperation::ge: return compareBlocks(a, elements, [](V p, V q) { return lessEqual(q, p); });
  }
}

}  // namespace
}  // namespace ISA
