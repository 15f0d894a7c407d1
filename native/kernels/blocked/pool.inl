// Pooling of blocked tensors: what max_pool.inl and avg_pool.inl beside it share.
//
// Windows are clipped to the image, so borders are never read: a zero of the border is not a candidate for a maximum.
// All but the windows at the left and right edge lie inside horizontally and are computed in tiles of neighbours. A
// tile first joins the rows of every column under it, then columns to windows: 3x3 with stride 2 loads 6 pixels for a
// result instead of 9.
#pragma once
#include "kernels/blocked/bands.inl"
#include "kernels/pool.inl"

namespace ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPoolTile = 8;  // 3x3, stride 2: 17 columns
#else
constexpr int kPoolTile = 4;  // 9 columns of 16 registers
#endif

// Windows of a row of results, lanes `part` and up; distances in floats.
struct PoolRow {
  const float* source;  // pixel (0, 0) of the block
  int64_t sourceRow;
  int64_t startH;       // row of tap 0
  Span taps;            // rows of taps that lie inside
  const Pool2dGeometry* g;
};

INLINE const float* tapAt(const PoolRow& row, int64_t kh, int64_t startW, int64_t kw) {
  const Pool2dGeometry& g = *row.g;
  return row.source + (row.startH + kh * g.dilationH) * row.sourceRow + (startW + kw * g.dilationW) * kBlock;
}

// `Count` neighbouring windows, Width wide and Stride apart, from the one that starts in column startW. There is a row
// of taps. join(a, x) takes a pixel x into a, merge(a, b) two such.
template <int Width, int Stride, int Count, class Join, class Merge>
INLINE void poolTile(const PoolRow& row, int64_t startW, V (&results)[Count], Join join, Merge merge) {
  constexpr int kColumns = (Count - 1) * Stride + Width;
  V columns[kColumns];
  const float* pixels = tapAt(row, row.taps.begin, startW, 0);
#pragma GCC unroll 32
  for (int i = 0; i < kColumns; i++) columns[i] = join(i, zero(), load(pixels + i * kBlock), true);
  const int64_t step = row.g->dilationH * row.sourceRow;
  for (int64_t kh = row.taps.begin + 1; kh < row.taps.end; kh++) {
    pixels += step;
#pragma GCC unroll 32
    for (int i = 0; i < kColumns; i++) columns[i] = join(i, columns[i], load(pixels + i * kBlock), false);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Count; i++) {
    results[i] = columns[i * Stride];
#pragma GCC unroll 8
    for (int t = 1; t < Width; t++) results[i] = merge(results[i], columns[i * Stride + t]);
  }
}

// Which tile serves a window of that width and stride, and windows that no tile knows.
enum class PoolTile { any, wide2Stride2, wide3Stride1, wide3Stride2 };

INLINE PoolTile poolTileOf(const Pool2dGeometry& g) {
  if (g.dilationW != 1) return PoolTile::any;
  if (g.kw == 2 && g.strideW == 2) return PoolTile::wide2Stride2;
  if (g.kw == 3 && g.strideW == 1) return PoolTile::wide3Stride1;
  if (g.kw == 3 && g.strideW == 2) return PoolTile::wide3Stride2;
  return PoolTile::any;
}

// Calls tile(constant Count, first window) for windows [begin, end) in tiles of at most kPoolTile.
template <int Count = kPoolTile, class Tile>
INLINE void forEachPoolTile(int64_t begin, int64_t end, Tile tile) {
  for (; begin + Count <= end; begin += Count) tile(Constant<Count>(), begin);
  if constexpr (Count > 1) forEachPoolTile<Count / 2>(begin, end, tile);
}

// --- plan ---

// The tensors with the sizes of x and of y. In the backward pass y is read and x is written.
struct PoolTensors {
  Blocked x, y;
};
INLINE PoolTensors poolTensors(const Pool2dGeometry& g, const LayoutOptions& o) {
  return {blocked(g.n, g.c, g.h, g.w, o.haloIn, o.blocksIn), blocked(g.n, g.c, g.oh, g.ow, o.haloOut, o.blocksOut)};
}
INLINE PoolTensors poolTensorsBackward(const Pool2dGeometry& g, const LayoutOptions& o) {
  return {blocked(g.n, g.c, g.h, g.w, o.haloOut, o.blocksOut), blocked(g.n, g.c, g.oh, g.ow, o.haloIn, o.blocksIn)};
}
// One for every lane of every result, without border.
INLINE int64_t pooledLanes(const Pool2dGeometry& g) {
  return elements(g.n, ceilDiv(largest(0, g.c), kBlock), g.oh, g.ow, kBlock);
}

INLINE Work planPool(const Pool2dGeometry& g, const Blocked& y) {
  Work work = planBands(y);
  const double taps = tapsInside(g);
  work.cost *= taps > 1 ? taps : 1;
  work.grain[0] = grainOf(work.cost / static_cast<double>(largest(1, work.items[0])));
  return work;
}

// One item a block, because windows overlap.
INLINE Work planPoolBackward(const Pool2dGeometry& g, const Blocked& x) {
  const int64_t planes = x.n * x.blocks;
  const double taps = static_cast<double>(g.oh) * g.ow * tapsInside(g);
  const double cost = static_cast<double>(planes) * (x.plane + taps * kBlock);
  return parallel(planes, grainOf(cost / static_cast<double>(largest(1, planes))), cost);
}

}  // namespace
}  // namespace ISA
