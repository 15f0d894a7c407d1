// Average-pool and global average-pool of blocked tensors, forward and backward.
#pragma once
#include "kernels/blocked/channel_sums.inl"
#include "kernels/blocked/pool.inl"

namespace ISA {
namespace {

// --- average over windows of one size ---

// The sum of one window. Rows are summed on their own, so that a large window rounds like a tree of two levels.
INLINE V sumWindow(const PoolRow& row, int64_t startW, Span columns) {
  V total = zero();
  for (int64_t kh = row.taps.begin; kh < row.taps.end; kh++) {
    V sum = zero();
    for (int64_t kw = columns.begin; kw < columns.end; kw++) sum = add(sum, load(tapAt(row, kh, startW, kw)));
    total = add(total, sum);
  }
  return total;
}

// Windows [begin, end), which lie inside horizontally.
template <int Width, int Stride>
INLINE void avgTiles(const PoolRow& row, int64_t begin, int64_t end, int64_t divisor, float* results) {
  const V divisors = set1(static_cast<float>(divisor));
  forEachPoolTile(begin, end, [&](auto count, int64_t ow) {
    constexpr int kCount = decltype(count)::value;
    V sums[kCount];
    const auto join = [](int, V a, V x, bool first) { return first ? x : add(a, x); };
    poolTile<Width, Stride>(row, ow * Stride - row.g->padLeft, sums, join, [](V a, V b) { return add(a, b); });
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++) store(results + (ow + i) * kBlock, div(sums[i], divisors));
  });
}

__attribute__((noinline)) void avgRow(const PoolRow& row, float* results) {
  const Pool2dGeometry& g = *row.g;
  const Span inside = interiorWindows(g.ow, g.kw, 1, g.strideW, g.padLeft, g.w);
  const int64_t divisorH = divisorOf(row.startH, g.kh, g.h, g.padBottom, g.countIncludePad);
  const PoolTile tile = row.taps.begin < row.taps.end ? poolTileOf(g) : PoolTile::any;
  const auto single = [&](int64_t begin, int64_t end) {
    for (int64_t ow = begin; ow < end; ow++) {
      const int64_t startW = ow * g.strideW - g.padLeft;
      const int64_t divisor = divisorH * divisorOf(startW, g.kw, g.w, g.padRight, g.countIncludePad);
      const V sum = sumWindow(row, startW, validTaps(startW, g.kw, 1, g.w));
      store(results + ow * kBlock, divisor > 0 ? div(sum, set1(static_cast<float>(divisor))) : zero());
    }
  };
  if (tile == PoolTile::any) return single(0, g.ow);
  const int64_t divisor = divisorH * g.kw;
  single(0, inside.begin);
  if (tile == PoolTile::wide2Stride2) avgTiles<2, 2>(row, inside.begin, inside.end, divisor, results);
  if (tile == PoolTile::wide3Stride1) avgTiles<3, 1>(row, inside.begin, inside.end, divisor, results);
  if (tile == PoolTile::wide3Stride2) avgTiles<3, 2>(row, inside.begin, inside.end, divisor, results);
  single(inside.end, g.ow);
}

Work plan(const args::blockedAvgPool2d& a) {
  const char* error = avgPoolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolTensors t = poolTensors(a.g, a.o);
  if (!holds(a.x, blockedElements(t.x))) return refuse("blockedAvgPool2d: x is shorter than its shape");
  if (!holds(a.y, blockedElements(t.y))) return refuse("blockedAvgPool2d: y is shorter than its shape");
  return planPool(a.g, t.y);
}

void run(const args::blockedAvgPool2d& a, int, Range range, const Workspace&) {
  const Pool2dGeometry& g = a.g;
  const PoolTensors t = poolTensors(g, a.o);
  const Blocked &from = t.x, &to = t.y;
  forEachBand(to, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    for (int64_t oh = rowBegin; oh < rowEnd; oh++) {
      const int64_t startH = oh * g.strideH - g.padTop;
      for (int part = 0; part < kBlock; part += kWidth) {
        const float* source = a.x.data + pixelAt(from, image, block, 0, 0) + part;
        const PoolRow row = {source, from.row, startH, validTaps(startH, g.kh, 1, g.h), &g};
        avgRow(row, a.y.data + pixelAt(to, image, block, oh, 0) + part);
      }
    }
    zeroBorder(to, a.y.data, image, block, rowBegin, rowEnd);
  });
}

Work plan(const args::blockedAvgPool2dBackward& a) {
  const char* error = avgPoolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolTensors t = poolTensorsBackward(a.g, a.o);
  if (!holds(a.dy, blockedElements(t.y)))
    return refuse("blockedAvgPool2dBackward: dy is shorter than its shape");
  if (!holds(a.dx, blockedElements(t.x)))
    return refuse("blockedAvgPool2dBackward: dx is shorter than its shape");
  return planPoolBackward(a.g, t.x);
}

void run(const args::blockedAvgPool2dBackward& a, int, Range range, const Workspace&) {
  const Pool2dGeometry& g = a.g;
  const PoolTensors t = poolTensorsBackward(g, a.o);
  const Blocked &from = t.y, &to = t.x;
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t image = item / to.blocks, block = item % to.blocks;
    zeroLines(a.dx.data + image * to.image + block * to.plane, (to.h + 2 * to.halo) * to.row);
    for (int64_t oh = 0; oh < g.oh; oh++) {
      const int64_t startH = oh * g.strideH - g.padTop;
      const Span rows = validTaps(startH, g.kh, 1, g.h);
      const int64_t divisorH = divisorOf(startH, g.kh, g.h, g.padBottom, g.countIncludePad);
      const float* dy = a.dy.data + pixelAt(from, image, block, oh, 0);
      for (int64_t ow = 0; ow < g.ow; ow++, dy += kBlock) {
        const int64_t startW = ow * g.strideW - g.padLeft;
        const Span columns = validTaps(startW, g.kw, 1, g.w);
        const V divisor =
            set1(static_cast<float>(divisorH * divisorOf(startW, g.kw, g.w, g.padRight, g.countIncludePad)));
        for (int part = 0; part < kBlock; part += kWidth) {
          const V share = div(load(dy + part), divisor);
          for (int64_t kh = rows.begin; kh < rows.end; kh++) {
            float* p = a.dx.data + pixelAt(to, image, block, startH + kh, startW + columns.begin) + part;
            for (int64_t kw = columns.begin; kw < columns.end; kw++, p += kBlock) store(p, add(load(p), share));
          }
        }
      }
    }
  }
}

// --- average over the image: y is plain, [n][c] ---

INLINE Work planGlobalPool(const BlockedGeometry& g) {
  const Blocked b = blocked(g);
  const double cost = static_cast<double>(b.n) * b.blocks * b.plane;
  return parallel(b.n * b.blocks, grainOf(static_cast<double>(b.plane)), cost);
}

Work plan(const args::blockedGlobalAvgPool2d& a) {
  if (!holds(a.x, blockedElements(a.g))) return refuse("blockedGlobalAvgPool2d: x is shorter than its shape");
  if (!holds(a.y, elements(a.g.n, a.g.c))) return refuse("blockedGlobalAvgPool2d: y is shorter than its shape");
  return planGlobalPool(a.g);
}

void run(const args::blockedGlobalAvgPool2d& a, int, Range range, const Workspace&) {
  const Blocked b = blocked(a.g);
  const Bands bands = bandsOf(b);
  const double size = static_cast<double>(b.h * b.w);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t image = item / b.blocks, block = item % b.blocks;
    double totals[1][kBlock] = {};
    addBands(totals, b, bands, {image * bands.perBlock, (image + 1) * bands.perBlock}, [&](int64_t, int64_t y) {
      const float* p = a.x.data + pixelAt(b, image, block, y, 0);
      return [p](int64_t i, int, V* s) { s[0] = add(s[0], load(p + i)); };
    });
    for (double& total : totals[0]) total /= size;
    storeChannels(a.y.data + image * b.c, totals[0], block, b.c);
  }
}

Work plan(const args::blockedGlobalAvgPool2dBackward& a) {
  if (!holds(a.dx, blockedElements(a.g))) return refuse("blockedGlobalAvgPool2dBackward: dx is shorter than its shape");
  if (!holds(a.dy, elements(a.g.n, a.g.c)))
    return refuse("blockedGlobalAvgPool2dBackward: dy is shorter than its shape");
  return planGlobalPool(a.g);
}

void run(const args::blockedGlobalAvgPool2dBackward& a, int, Range range, const Workspace&) {
  const Blocked b = blocked(a.g);
  const V size = set1(static_cast<float>(b.h * b.w));
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t image = item / b.blocks, block = item % b.blocks;
    for (int part = 0; part < kBlock; part += kWidth) {
      const int64_t c = block * kBlock + part;
      const V share = div(c < b.c ? loadUpTo(a.dy.data + image * b.c + c, b.c - c) : zero(), size);
      for (int64_t y = 0; y < b.h; y++) {
        float* p = a.dx.data + pixelAt(b, image, block, y, 0) + part;
        for (int64_t x = 0; x < b.w; x++) store(p + x * kBlock, share);
      }
    }
    zeroBorder(b, a.dx.data, image, block, 0, b.h);
  }
}

}  // namespace
}  // namespace ISA
