// Max-pool of blocked tensors. For training it notes which tap of its window each result came from, a byte a lane.
#pragma once
#include "kernels/blocked/pool.inl"

namespace ISA {
namespace {

constexpr int64_t kMostPoolTaps = 255;
constexpr float kNoTap = 255;

// max gives its second operand if either is NaN: a NaN stays, and a new one replaces what was there.
INLINE V maxOrNan(V best, V x) { return select(isNan(x), x, max(x, best)); }

// A row of results: values, and taps if wanted.
struct MaxRow {
  float* values;
  uint8_t* taps;        // or nullptr
  const float* lowest;  // what a window in padding gives
};

// One window with care: the first maximum, or the first NaN.
INLINE void maxSingle(const PoolRow& row, const MaxRow& to, int64_t ow) {
  const Pool2dGeometry& g = *row.g;
  const int64_t startW = ow * g.strideW - g.padLeft;
  const Span columns = validTaps(startW, g.kw, g.dilationW, g.w);
  V best = load(to.lowest);
  if (!to.taps) {
    for (int64_t kh = row.taps.begin; kh < row.taps.end; kh++)
      for (int64_t kw = columns.begin; kw < columns.end; kw++) best = maxOrNan(best, load(tapAt(row, kh, startW, kw)));
    return store(to.values + ow * kBlock, best);
  }
  V at = set1(kNoTap);
  bool first = true;
  for (int64_t kh = row.taps.begin; kh < row.taps.end; kh++) {
    for (int64_t kw = columns.begin; kw < columns.end; kw++, first = false) {
      const V x = load(tapAt(row, kh, startW, kw)), tap = set1(static_cast<float>(kh * g.kw + kw));
      const M larger = both(invert(lessEqual(x, best)), equal(best, best));
      best = first ? x : select(larger, x, best);
      at = first ? tap : select(larger, tap, at);
    }
  }
  store(to.values + ow * kBlock, best);
  storeBytes(to.taps + ow * kBlock, at);
}

// Windows [begin, end), which lie inside horizontally. A tile looks for larger values only, for looking for NaN as well
// would take twice as long. It adds up all it sees at the same time, additions being free beside loads and maxima:
// where the sum is NaN, which it also is when infinities of both signs meet, windows are computed with care.
//
// Taps are found by comparing with the maximum, from the last to the first: two operations a tap, where keeping them up
// to date beside the maximum would take five.
template <int Width, int Stride>
INLINE void maxTiles(const PoolRow& row, int64_t begin, int64_t end, const MaxRow& to) {
  forEachPoolTile(begin, end, [&](auto count, int64_t ow) {
    constexpr int kCount = decltype(count)::value;
    V best[kCount], seen[4] = {zero(), zero(), zero(), zero()};
    const int64_t startW = ow * Stride - row.g->padLeft;
    const auto join = [&](int column, V a, V x, bool first) {
      seen[column % 4] = add(seen[column % 4], x);
      return first ? x : max(x, a);
    };
    poolTile<Width, Stride>(row, startW, best, join, [](V a, V b) { return max(a, b); });
    if (any(isNan(add(add(seen[0], seen[1]), add(seen[2], seen[3]))))) {
      for (int i = 0; i < kCount; i++) maxSingle(row, to, ow + i);
      return;
    }
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++) store(to.values + (ow + i) * kBlock, best[i]);
    if (!to.taps) return;
    V at[kCount];
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++) at[i] = set1(kNoTap);
    for (int64_t kh = row.taps.end - 1; kh >= row.taps.begin; kh--) {
      const float* pixels = tapAt(row, kh, startW, 0);
#pragma GCC unroll 8
      for (int kw = Width - 1; kw >= 0; kw--) {
        const V tap = set1(static_cast<float>(kh * Width + kw));
#pragma GCC unroll 8
        for (int i = 0; i < kCount; i++)
          at[i] = select(equal(best[i], load(pixels + (i * Stride + kw) * kBlock)), tap, at[i]);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++) storeBytes(to.taps + (ow + i) * kBlock, at[i]);
  });
}

__attribute__((noinline)) void maxRow(const PoolRow& row, const MaxRow& to) {
  const Pool2dGeometry& g = *row.g;
  Span inside = interiorWindows(g.ow, g.kw, g.dilationW, g.strideW, g.padLeft, g.w);
  const PoolTile tile = row.taps.begin < row.taps.end ? poolTileOf(g) : PoolTile::any;
  if (tile == PoolTile::any) inside = {g.ow, g.ow};
  for (int64_t ow = 0; ow < inside.begin; ow++) maxSingle(row, to, ow);
  if (tile == PoolTile::wide2Stride2) maxTiles<2, 2>(row, inside.begin, inside.end, to);
  if (tile == PoolTile::wide3Stride1) maxTiles<3, 1>(row, inside.begin, inside.end, to);
  if (tile == PoolTile::wide3Stride2) maxTiles<3, 2>(row, inside.begin, inside.end, to);
  for (int64_t ow = inside.end; ow < g.ow; ow++) maxSingle(row, to, ow);
}

Work plan(const args::blockedMaxPool2d& a) {
  const char* error = poolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolTensors t = poolTensors(a.g, a.o);
  if (!holds(a.x, blockedElements(t.x))) return refuse("blockedMaxPool2d: x is shorter than its shape");
  if (!holds(a.y, blockedElements(t.y))) return refuse("blockedMaxPool2d: y is shorter than its shape");
  if (!nullOrHolds(a.taps, pooledLanes(a.g))) return refuse("blockedMaxPool2d: taps is shorter than its shape");
  if (a.taps.data && int64_t{a.g.kh} * a.g.kw > kMostPoolTaps)
    return refuse("blockedMaxPool2d: a window has more taps than a byte can tell apart");
  return planPool(a.g, t.y);
}

void run(const args::blockedMaxPool2d& a, int, Range range, const Workspace&) {
  const Pool2dGeometry& g = a.g;
  const PoolTensors t = poolTensors(g, a.o);
  const Blocked &from = t.x, &to = t.y;
  forEachBand(to, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    // minus infinity, but lanes that are no channel stay finite
    float lowest[kBlock];
    for (int i = 0; i < kBlock; i++) lowest[i] = block * kBlock + i < to.c ? -__builtin_inff() : 0;
    for (int64_t oh = rowBegin; oh < rowEnd; oh++) {
      const int64_t startH = oh * g.strideH - g.padTop;
      for (int part = 0; part < kBlock; part += kWidth) {
        const float* source = a.x.data + pixelAt(from, image, block, 0, 0) + part;
        const PoolRow row = {source, from.row, startH, validTaps(startH, g.kh, g.dilationH, g.h), &g};
        const int64_t first = ((image * to.blocks + block) * to.h + oh) * to.w * kBlock + part;
        maxRow(row, {a.y.data + pixelAt(to, image, block, oh, 0) + part, a.taps.data ? a.taps.data + first : nullptr,
                     lowest + part});
      }
    }
    zeroBorder(to, a.y.data, image, block, rowBegin, rowEnd);
  });
}

Work plan(const args::blockedMaxPool2dBackward& a) {
  const char* error = poolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolTensors t = poolTensorsBackward(a.g, a.o);
  if (!holds(a.dy, blockedElements(t.y)))
    return refuse("blockedMaxPool2dBackward: dy is shorter than its shape");
  if (!holds(a.taps, pooledLanes(a.g))) return refuse("blockedMaxPool2dBackward: taps is shorter than its shape");
  if (!holds(a.dx, blockedElements(t.x)))
    return refuse("blockedMaxPool2dBackward: dx is shorter than its shape");
  if (int64_t{a.g.kh} * a.g.kw > kMostPoolTaps)
    return refuse("blockedMaxPool2dBackward: a window has more taps than a byte can tell apart");
  return planPoolBackward(a.g, t.x);
}

// Row oh of dy goes to dx.
struct MaxGradientRow {
  const float* dy;
  const uint8_t* taps;
  float* dx;    // pixel (startH, 0)
  int64_t row;  // distance of rows of dx
  Span rows;    // of taps that lie inside
};

// Every tap of a window that lies inside adds dy where it is the maximum, and zero elsewhere.
INLINE void addWindow(const Pool2dGeometry& g, const MaxGradientRow& r, int64_t ow) {
  const int64_t startW = ow * g.strideW - g.padLeft;
  const Span columns = validTaps(startW, g.kw, g.dilationW, g.w);
  for (int part = 0; part < kBlock; part += kWidth) {
    const V at = loadBytes(r.taps + ow * kBlock + part), value = load(r.dy + ow * kBlock + part);
    for (int64_t kh = r.rows.begin; kh < r.rows.end; kh++) {
      float* row = r.dx + kh * g.dilationH * r.row + startW * kBlock + part;
      for (int64_t kw = columns.begin; kw < columns.end; kw++) {
        float* p = row + kw * g.dilationW * kBlock;
        const M here = equal(at, set1(static_cast<float>(kh * g.kw + kw)));
        store(p, add(load(p), select(here, value, zero())));
      }
    }
  }
}

// The same for windows of 2x2 pixels that lie inside and do not overlap: nothing needs to be read.
INLINE void spreadWindows(const MaxGradientRow& r, int64_t padLeft, Span windows) {
  for (int64_t ow = windows.begin; ow < windows.end; ow++) {
#pragma GCC unroll 4
    for (int part = 0; part < kBlock; part += kWidth) {
      const V at = loadBytes(r.taps + ow * kBlock + part), value = load(r.dy + ow * kBlock + part);
      float* p = r.dx + (2 * ow - padLeft) * kBlock + part;
#pragma GCC unroll 4
      for (int tap = 0; tap < 4; tap++)
        store(p + tap / 2 * r.row + tap % 2 * kBlock, select(equal(at, set1(static_cast<float>(tap))), value, zero()));
    }
  }
}

// Rows are cleared as windows reach them, so that the first level cache still has them. Taps from a buffer can say what
// they like: nothing is indexed with them.
void run(const args::blockedMaxPool2dBackward& a, int, Range range, const Workspace&) {
  const Pool2dGeometry& g = a.g;
  const PoolTensors t = poolTensorsBackward(g, a.o);
  const Blocked &from = t.y, &to = t.x;
  const bool isSpread = poolTileOf(g) == PoolTile::wide2Stride2 && g.kh == 2 && g.strideH == 2 && g.dilationH == 1;
  const Span inside = interiorWindows(g.ow, g.kw, g.dilationW, g.strideW, g.padLeft, g.w);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t image = item / to.blocks, block = item % to.blocks;
    float* plane = a.dx.data + image * to.image + block * to.plane;
    int64_t cleared = 0;
    const auto clear = [&](int64_t rows) {
      if (rows > cleared) zeroLines(plane + cleared * to.row, (rows - cleared) * to.row);
      cleared = largest(cleared, rows);
    };
    for (int64_t oh = 0; oh < g.oh; oh++) {
      const int64_t startH = oh * g.strideH - g.padTop;
      const Span rows = validTaps(startH, g.kh, g.dilationH, g.h);
      if (rows.begin == rows.end) continue;
      clear(to.halo + startH + (rows.end - 1) * g.dilationH + 1);
      const MaxGradientRow row = {a.dy.data + pixelAt(from, image, block, oh, 0),
                                  a.taps.data + (item * g.oh + oh) * g.ow * kBlock,
                                  a.dx.data + pixelAt(to, image, block, startH, 0), to.row, rows};
      const Span spread = isSpread && rows.end - rows.begin == 2 ? inside : Span{0, 0};
      for (int64_t ow = 0; ow < spread.begin; ow++) addWindow(g, row, ow);
      spreadWindows(row, g.padLeft, spread);
      for (int64_t ow = spread.end; ow < g.ow; ow++) addWindow(g, row, ow);
    }
    clear(to.h + 2 * to.halo);
  }
}

}  // namespace
}  // namespace ISA
