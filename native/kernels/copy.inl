// stridedCopy: slices, flips, repeats and permutations. Elements of four bytes are moved as floats, whatever they are.
#pragma once
#include "kernels/axes.inl"
#include "kernels/elements.inl"
#include "kernels/rows.inl"

namespace ISA {
namespace {

// How a copy is carried out; operand 0 of the axes is x, operand 1 is y.
struct CopyPlan {
  Axes<2> axes;
  // Set when y is contiguous along the innermost axis and x along another one, which is then moved next to it: the two
  // are copied in tiles, so that whole cache lines are used on both sides.
  bool transposes;
};

constexpr int64_t kCopyBlock = 4096;  // elements per item when rows are copied
constexpr int64_t kTile = 64;         // a side of a tile: 16 KiB of x and 16 KiB of y, together a level 1 cache

INLINE void swapAxes(Axes<2>& axes, int i, int j) {
  const auto swap = [](int64_t& p, int64_t& q) {
    const int64_t kept = p;
    p = q;
    q = kept;
  };
  swap(axes.size[i], axes.size[j]);
  for (int o = 0; o < 2; o++) swap(axes.stride[o][i], axes.stride[o][j]);
}

INLINE CopyPlan planCopy(const UnaryStrides& g) {
  // the axes in the order in which y is laid out, whatever order the caller names them in
  int32_t shape[kMaxRank], x[kMaxRank], y[kMaxRank];
  for (int d = 0; d < kMaxRank; d++) {
    int at = d;
    for (; at > 0 && magnitude(y[at - 1]) < magnitude(g.y[d]) && g.shape[d] != 1; at--) {
      shape[at] = shape[at - 1];
      x[at] = x[at - 1];
      y[at] = y[at - 1];
    }
    shape[at] = g.shape[d];
    x[at] = g.x[d];
    y[at] = g.shape[d] == 1 ? 0 : g.y[d];
  }
  CopyPlan plan = {collapse<2>(shape, {x, y}), false};
  Axes<2>& axes = plan.axes;
  const int inner = axes.rank - 1;
  if (axes.stride[1][inner] != 1 || axes.stride[0][inner] == 1 || axes.stride[0][inner] == 0) return plan;
  for (int d = 0; d < inner; d++) {
    if (axes.stride[0][d] != 1) continue;
    plan.transposes = true;
    for (int i = d; i + 1 < inner; i++) swapAxes(axes, i, i + 1);
    break;
  }
  return plan;
}

// --- transposing tiles ---

// kWidth vectors as the rows of a square matrix. Zipping row i with row i + kWidth/2 shifts a bit of the row number
// into the column number; after log2(kWidth) rounds the two have changed places.
template <int kRounds>
INLINE void transpose(V (&rows)[kWidth]) {
  if constexpr (kRounds > 0) {
    V zipped[kWidth];
    for (int i = 0; i < kWidth / 2; i++) {
      zipped[2 * i] = zipLow(rows[i], rows[i + kWidth / 2]);
      zipped[2 * i + 1] = zipHigh(rows[i], rows[i + kWidth / 2]);
    }
    transpose<kRounds - 1>(zipped);
    for (int i = 0; i < kWidth; i++) rows[i] = zipped[i];
  }
}
constexpr int kTransposeRounds = kWidth == 16 ? 4 : kWidth == 8 ? 3 : 2;

// y[o * strideY + i] = x[i * strideX + o] for o < outer, i < inner
INLINE void copyTile(float* y, int64_t strideY, const float* x, int64_t strideX, int64_t outer, int64_t inner) {
  for (int64_t i = 0; i < inner; i += kWidth) {
    const int64_t columns = smallest(kWidth, inner - i);
    for (int64_t o = 0; o < outer; o += kWidth) {
      const int64_t lanes = smallest(kWidth, outer - o);
      const float* source = x + i * strideX + o;
      float* target = y + o * strideY + i;
      V rows[kWidth];
      if (lanes == kWidth && columns == kWidth) {
        for (int r = 0; r < kWidth; r++) rows[r] = load(source + r * strideX);
        transpose<kTransposeRounds>(rows);
        for (int r = 0; r < kWidth; r++) store(target + r * strideY, rows[r]);
      } else {
        for (int r = 0; r < kWidth; r++)
          rows[r] = r < columns ? loadPartial(source + r * strideX, lanes) : zero();
        transpose<kTransposeRounds>(rows);
        for (int64_t r = 0; r < lanes; r++) storePartial(target + r * strideY, rows[r], columns);
      }
    }
  }
}

// --- plan and run ---

// Tiles of a transposing copy along its two inner axes, and all of them.
struct Tiling {
  int64_t outer, inner, count;
};
INLINE Tiling tilingOf(const Axes<2>& axes) {
  Tiling tiling = {ceilDiv(axes.size[axes.rank - 2], kTile), ceilDiv(axes.size[axes.rank - 1], kTile), 1};
  tiling.count = tiling.outer * tiling.inner;
  for (int d = 0; d < axes.rank - 2; d++) tiling.count *= axes.size[d];
  return tiling;
}

INLINE void copyTiles(const CopyPlan& copy, const float* x, float* y, Range range) {
  const Axes<2>& axes = copy.axes;
  const int inner = axes.rank - 1, outer = axes.rank - 2;
  const Tiling tiling = tilingOf(axes);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t i = item % tiling.inner * kTile;
    const int64_t o = item / tiling.inner % tiling.outer * kTile;
    int64_t rest = item / (tiling.inner * tiling.outer);
    int64_t offsetX = i * axes.stride[0][inner] + o;
    int64_t offsetY = i + o * axes.stride[1][outer];
    for (int d = outer - 1; d >= 0; d--) {
      offsetX += rest % axes.size[d] * axes.stride[0][d];
      offsetY += rest % axes.size[d] * axes.stride[1][d];
      rest /= axes.size[d];
    }
    copyTile(y + offsetY, axes.stride[1][outer], x + offsetX, axes.stride[0][inner],
             smallest(kTile, axes.size[outer] - o), smallest(kTile, axes.size[inner] - i));
  }
}

INLINE void repeatElement(float* y, int64_t n, float value) { fillRow(y, n, value); }
INLINE void repeatElement(uint8_t* y, int64_t n, uint8_t value) { __builtin_memset(y, value, static_cast<size_t>(n)); }

template <class T>
INLINE void copyRows(const CopyPlan& copy, const T* x, T* y, Range elements) {
  const Axes<2>& axes = copy.axes;
  const int64_t strideX = axes.stride[0][axes.rank - 1], strideY = axes.stride[1][axes.rank - 1];
  forEachRow(axes, elements.begin, elements.end, [&](int64_t, const int64_t* offset, int64_t n) {
    const T* source = x + offset[0];
    T* target = y + offset[1];
    if (strideX == 1 && strideY == 1) return copyElements(target, source, n);
    if (strideX == 0 && strideY == 1) return repeatElement(target, n, *source);
    for (int64_t i = 0; i < n; i++) target[i * strideY] = source[i * strideX];
  });
}

INLINE bool copiesTiles(const args::stridedCopy& a, const CopyPlan& copy) {
  return copy.transposes && a.x.kind != ElementKind::uint8;
}

Work plan(const args::stridedCopy& a) {
  const int64_t count = elementsOf(a.g.shape);
  if (a.x.kind != a.y.kind) return refuse("stridedCopy: x and y hold different kinds of elements");
  if (count < 0) return refuse("stridedCopy: a size is negative or too large");
  if (!holdsStrided(a.x, a.g.shape, a.g.x, a.g.offsetX)) {
    return refuse("stridedCopy: x is shorter than its shape, strides and offset");
  }
  if (!holdsStrided(a.y, a.g.shape, a.g.y, a.g.offsetY)) {
    return refuse("stridedCopy: y is shorter than its shape, strides and offset");
  }
  if (count == 0) return parallel(0, 1, 0);
  for (int d = 0; d < kMaxRank; d++) {
    if (a.g.shape[d] > 1 && a.g.y[d] == 0) return refuse("stridedCopy: y would be written more than once");
  }
  const CopyPlan copy = planCopy(a.g);
  const double cost = static_cast<double>(count);
  if (copiesTiles(a, copy)) return parallel(tilingOf(copy.axes).count, grainOf(kTile * kTile), cost);
  return parallel(ceilDiv(count, kCopyBlock), grainOf(kCopyBlock), cost);
}

void run(const args::stridedCopy& a, int, Range range, const Workspace&) {
  const CopyPlan copy = planCopy(a.g);
  const int64_t count = elementsOf(a.g.shape);
  const Range elements = {range.begin * kCopyBlock, smallest(count, range.end * kCopyBlock)};
  ofWidth(a.x.kind, [&](auto element) {
    using T = decltype(element);
    const T* x = dataOf<T>(a.x) + a.g.offsetX;
    T* y = dataOf<T>(a.y) + a.g.offsetY;
    if constexpr (sizeof(T) == sizeof(float)) {
      if (copy.transposes) return copyTiles(copy, x, y, range);
    }
    copyRows(copy, x, y, elements);
  });
}

}  // namespace
}  // namespace ISA
