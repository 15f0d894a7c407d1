// Max-pool of blocked tensors. For training it notes which tap of its window each result came from, a byte a lane.
#pragma once
#include "kernels/blocked/pool.inl"

namespace ISA {
namespace {

constexpr int64_t kMostPoolTaps = 255;
constexpr float kNoTap = 255;

// max gives its second operand if either is NaN: a NaN stays, and a new one replaces what was there.
INLINE V maxOrNan(V best, V x) { return select(isNan(x), x, max(x, best)); }

// The maximum of one window. `lowest` is that of no pixels.
INLINE V maxWindow(const PoolRow& row, int64_t startW, Span columns, V lowest) {
  V best = lowest;
  for (int64_t kh = row.taps.begin; kh < row.taps.end; kh++)
    for (int64_t kw = columns.begin; kw < columns.end; kw++) best = maxOrNan(best, load(tapAt(row, kh, startW, kw)));
  return best;
}

// Windows [begin, end), which lie inside horizontally. A tile looks for larger values only, for looking for NaN as well
// would take twice as long. It adds up all it sees at the same time, additions being free beside loads and maxima: where
// the sum is NaN, which it also is when infinities of both signs meet, windows are computed with care.
template <int Width, int Stride>
INLINE void maxTiles(const PoolRow& row, int64_t begin, int64_t end, V lowest, float* results) {
  const Pool2dGeometry& g = *row.g;
  forEachPoolTile(begin, end, [&](auto count, int64_t ow) {
    constexpr int kCount = decltype(count)::value;
    V best[kCount], seen[4] = {zero(), zero(), zero(), zero()};
    const int64_t startW = ow * Stride - g.padLeft;
    const auto join = [&](int column, V a, V x, bool first) {
      seen[column % 4] = add(seen[column % 4], x);
      return first ? x : max(x, a);
    };
    poolTile<Width, Stride>(row, startW, best, join, [](V a, V b) { return max(a, b); });
    const bool careful = any(isNan(add(add(seen[0], seen[1]), add(seen[2], seen[3]))));
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++) store(results + (ow + i) * kBlock, best[i]);
    if (!careful) return;
    for (int i = 0; i < kCount; i++)
      store(results + (ow + i) * kBlock, maxWindow(row, startW + i * Stride, {0, Width}, lowest));
  });
}

__attribute__((noinline)) void maxRow(const PoolRow& row, const float* lowest, float* results) {
  const V none = load(lowest);
  const Pool2dGeometry& g = *row.g;
  const Span inside = interiorWindows(g.ow, g.kw, g.dilationW, g.strideW, g.padLeft, g.w);
  const PoolTile tile = row.taps.begin < row.taps.end ? poolTileOf(g) : PoolTile::any;
  const auto single = [&](int64_t begin, int64_t end) {
    for (int64_t ow = begin; ow < end; ow++) {
      const int64_t startW = ow * g.strideW - g.padLeft;
      store(results + ow * kBlock, maxWindow(row, startW, validTaps(startW, g.kw, g.dilationW, g.w), none));
    }
  };
  if (tile == PoolTile::any) return single(0, g.ow);
  single(0, inside.begin);
  if (tile == PoolTile::wide2Stride2) maxTiles<2, 2>(row, inside.begin, inside.end, none, results);
  if (tile == PoolTile::wide3Stride1) maxTiles<3, 1>(row, inside.begin, inside.end, none, results);
  if (tile == PoolTile::wide3Stride2) maxTiles<3, 2>(row, inside.begin, inside.end, none, results);
  single(inside.end, g.ow);
}

// The same with the tap of each maximum: the first one, or the first NaN.
__attribute__((noinline)) void maxRowWithTaps(const PoolRow& row, const float* lowest, float* results,
                                              uint8_t* taps) {
  const Pool2dGeometry& g = *row.g;
  for (int64_t ow = 0; ow < g.ow; ow++) {
    const int64_t startW = ow * g.strideW - g.padLeft;
    const Span columns = validTaps(startW, g.kw, g.dilationW, g.w);
    V best = load(lowest), at = set1(kNoTap);
    bool first = true;
    for (int64_t kh = row.taps.begin; kh < row.taps.end; kh++) {
      for (int64_t kw = columns.begin; kw < columns.end; kw++, first = false) {
        const V x = load(tapAt(row, kh, startW, kw)), tap = set1(static_cast<float>(kh * g.kw + kw));
        const M larger = both(invert(lessEqual(x, best)), equal(best, best));
        best = first ? x : select(larger, x, best);
        at = first ? tap : select(larger, tap, at);
      }
    }
    store(results + ow * kBlock, best);
    storeBytes(taps + ow * kBlock, at);
  }
}

Work plan(const args::blockedMaxPool2d& a) {
  const char* error = poolError(a.g);
  if (error != nullptr) return refuse(error);
  if (!holds(a.x, pooledFromElements(a.g, a.haloIn))) return refuse("blockedMaxPool2d: x is shorter than its shape");
  if (!holds(a.y, pooledToElements(a.g, a.haloOut))) return refuse("blockedMaxPool2d: y is shorter than its shape");
  if (!nullOrHolds(a.taps, pooledLanes(a.g))) return refuse("blockedMaxPool2d: taps is shorter than its shape");
  if (a.taps.data && int64_t{a.g.kh} * a.g.kw > kMostPoolTaps)
    return refuse("blockedMaxPool2d: a window has more taps than a byte can tell apart");
  return planPool(a.g, a.haloOut);
}

void run(const args::blockedMaxPool2d& a, int, Range range, const Workspace&) {
  const Pool2dGeometry& g = a.g;
  const Blocked from = pooledFrom(g, a.haloIn), to = pooledTo(g, a.haloOut);
  forEachBand(to, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    // what a window in padding gives; lanes that are no channel stay finite
    float lowest[kBlock];
    for (int i = 0; i < kBlock; i++) lowest[i] = block * kBlock + i < to.c ? -__builtin_inff() : 0;
    for (int64_t oh = rowBegin; oh < rowEnd; oh++) {
      const int64_t startH = oh * g.strideH - g.padTop;
      for (int part = 0; part < kBlock; part += kWidth) {
        const float* source = a.x.data + pixelAt(from, image, block, 0, 0) + part;
        const PoolRow row = {source, from.row, startH, validTaps(startH, g.kh, g.dilationH, g.h), &g};
        float* results = a.y.data + pixelAt(to, image, block, oh, 0) + part;
        if (a.taps.data) {
          const int64_t first = ((image * to.blocks + block) * to.h + oh) * to.w * kBlock;
          maxRowWithTaps(row, lowest + part, results, a.taps.data + first + part);
        } else {
          maxRow(row, lowest + part, results);
        }
      }
    }
    zeroBorder(to, a.y.data, image, block, rowBegin, rowEnd);
  });
}

Work plan(const args::blockedMaxPool2dBackward& a) {
  const char* error = poolError(a.g);
  if (error != nullptr) return refuse(error);
  if (!holds(a.dy, pooledToElements(a.g, a.haloIn)))
    return refuse("blockedMaxPool2dBackward: dy is shorter than its shape");
  if (!holds(a.taps, pooledLanes(a.g))) return refuse("blockedMaxPool2dBackward: taps is shorter than its shape");
  if (!holds(a.dx, pooledFromElements(a.g, a.haloOut)))
    return refuse("blockedMaxPool2dBackward: dx is shorter than its shape");
  if (int64_t{a.g.kh} * a.g.kw > kMostPoolTaps)
    return refuse("blockedMaxPool2dBackward: a window has more taps than a byte can tell apart");
  return planPoolBackward(a.g, a.haloOut);
}

// Every tap of a window that lies inside adds dy where it is the maximum, and zero elsewhere. Taps from a buffer can say
// what they like: nothing is indexed with them.
void run(const args::blockedMaxPool2dBackward& a, int, Range range, const Workspace&) {
  const Pool2dGeometry& g = a.g;
  const Blocked from = pooledTo(g, a.haloIn), to = pooledFrom(g, a.haloOut);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t image = item / to.blocks, block = item % to.blocks;
    zeroLines(a.dx.data + image * to.image + block * to.plane, (to.h + 2 * to.halo) * to.row);
    for (int64_t oh = 0; oh < g.oh; oh++) {
      const int64_t startH = oh * g.strideH - g.padTop;
      const Span rows = validTaps(startH, g.kh, g.dilationH, g.h);
      const float* dy = a.dy.data + pixelAt(from, image, block, oh, 0);
      const uint8_t* taps = a.taps.data + (item * g.oh + oh) * g.ow * kBlock;
      for (int64_t ow = 0; ow < g.ow; ow++, dy += kBlock, taps += kBlock) {
        const int64_t startW = ow * g.strideW - g.padLeft;
        const Span columns = validTaps(startW, g.kw, g.dilationW, g.w);
        for (int part = 0; part < kBlock; part += kWidth) {
          const V at = loadBytes(taps + part), value = load(dy + part);
          for (int64_t kh = rows.begin; kh < rows.end; kh++) {
            float* row = a.dx.data + pixelAt(to, image, block, startH + kh * g.dilationH, startW) + part;
            for (int64_t kw = columns.begin; kw < columns.end; kw++) {
              float* p = row + kw * g.dilationW * kBlock;
              const M here = equal(at, set1(static_cast<float>(kh * g.kw + kw)));
              store(p, add(load(p), select(here, value, zero())));
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace ISA
