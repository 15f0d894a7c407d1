// In and out of the blocked layout: from and to NCHW, and from interleaved bytes as image decoders leave them.
//
// 16 channels of kWidth neighbouring pixels are a matrix that is transposed in registers. A plane of NCHW is read as
// one run of pixels whatever its width, so that rows of 7 make full vectors as well; only the blocked side steps over
// its border at the end of a row.
#pragma once
#include "kernels/blocked/bands.inl"

namespace ISA {
namespace {

// Where the next pixel of a walk through the rows of a block lies.
struct PixelWalk {
  int64_t at, x;
};

INLINE PixelWalk walkFrom(const Blocked& b, int64_t image, int64_t block, int64_t row) {
  return {pixelAt(b, image, block, row, 0), 0};
}

// Calls visit(i, offset) for the next `count` <= kWidth pixels.
template <class Visit>
INLINE void walkPixels(const Blocked& b, PixelWalk& walk, int64_t count, Visit visit) {
  if (count == kWidth && walk.x + kWidth < b.w) {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; i++) visit(i, walk.at + i * kBlock);
    walk.at += kWidth * kBlock;
    walk.x += kWidth;
    return;
  }
  const int64_t border = 2 * b.halo * kBlock;
#pragma GCC unroll 16
  for (int i = 0; i < kWidth; i++) {
    if (i >= count) return;
    visit(i, walk.at);
    const bool last = ++walk.x == b.w;
    walk.at += last ? kBlock + border : kBlock;
    if (last) walk.x = 0;
  }
}

// Rows [rowBegin, rowEnd) of a block from NCHW, without their border. `x` is the plane of the block's first channel;
// channels it does not have become zero.
INLINE void blockRows(const Blocked& b, const float* x, float* y, int64_t image, int64_t block, int64_t rowBegin,
                      int64_t rowEnd) {
  const int64_t plane = b.h * b.w, channels = smallest(kBlock, b.c - block * kBlock), end = rowEnd * b.w;
  PixelWalk walk = walkFrom(b, image, block, rowBegin);
  for (int64_t pixel = rowBegin * b.w; pixel < end; pixel += kWidth) {
    const int64_t count = smallest(kWidth, end - pixel);
    const PixelWalk begin = walk;
    for (int64_t part = 0; part < kBlock; part += kWidth) {
      const float* from = x + part * plane + pixel;
      V v[kWidth];
      if (count == kWidth && channels - part >= kWidth) {
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; i++) v[i] = load(from + i * plane);
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; i++) v[i] = part + i < channels ? loadUpTo(from + i * plane, count) : zero();
      }
      transposeSquare(v);
      walk = begin;
      walkPixels(b, walk, count, [&](int i, int64_t at) { store(y + at + part, v[i]); });
    }
  }
}

// The other way round: rows of a block to the planes of its channels, the first of which is `y`.
INLINE void unblockRows(const Blocked& b, const float* x, float* y, int64_t image, int64_t block, int64_t rowBegin,
                        int64_t rowEnd) {
  const int64_t plane = b.h * b.w, channels = smallest(kBlock, b.c - block * kBlock), end = rowEnd * b.w;
  PixelWalk walk = walkFrom(b, image, block, rowBegin);
  for (int64_t pixel = rowBegin * b.w; pixel < end; pixel += kWidth) {
    const int64_t count = smallest(kWidth, end - pixel);
    const PixelWalk begin = walk;
    for (int64_t part = 0; part < channels; part += kWidth) {
      float* to = y + part * plane + pixel;
      V v[kWidth] = {};
      walk = begin;
      walkPixels(b, walk, count, [&](int i, int64_t at) { v[i] = load(x + at + part); });
      transposeSquare(v);
      if (count == kWidth && channels - part >= kWidth) {
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; i++) store(to + i * plane, v[i]);
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; i++)
          if (part + i < channels) storeUpTo(to + i * plane, v[i], count);
      }
    }
  }
}

Work plan(const args::toBlocked& a) {
  if (!holds(a.y, blockedElements(a.g))) return refuse("toBlocked: y is shorter than its shape");
  if (!holds(a.x, elements(a.g.n, a.g.c, a.g.h, a.g.w))) return refuse("toBlocked: x is shorter than its shape");
  return planBands(blocked(a.g));
}

// Blocks bands of a tensor, with their border.
INLINE void blockBands(const Blocked& b, const float* x, float* y, Range range) {
  forEachBand(b, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    blockRows(b, x + (image * b.c + block * kBlock) * b.h * b.w, y, image, block, rowBegin, rowEnd);
    zeroBorder(b, y, image, block, rowBegin, rowEnd);
  });
}

void run(const args::toBlocked& a, int, Range range, const Workspace&) {
  blockBands(blocked(a.g), a.x.data, a.y.data, range);
}

Work plan(const args::fromBlocked& a) {
  if (!holds(a.x, blockedElements(a.g))) return refuse("fromBlocked: x is shorter than its shape");
  if (!holds(a.y, elements(a.g.n, a.g.c, a.g.h, a.g.w))) return refuse("fromBlocked: y is shorter than its shape");
  return planBands(blocked(a.g));
}

INLINE void unblockBands(const Blocked& b, const float* x, float* y, Range range) {
  forEachBand(b, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    unblockRows(b, x, y + (image * b.c + block * kBlock) * b.h * b.w, image, block, rowBegin, rowEnd);
  });
}

void run(const args::fromBlocked& a, int, Range range, const Workspace&) {
  unblockBands(blocked(a.g), a.x.data, a.y.data, range);
}

Work plan(const args::imageToBlocked& a) {
  if (!holds(a.y, blockedElements(a.g))) return refuse("imageToBlocked: y is shorter than its shape");
  if (!holds(a.pixels, elements(a.g.n, a.g.h, a.g.w, a.g.c)))
    return refuse("imageToBlocked: pixels is shorter than its shape");
  if (!holds(a.scale, a.g.c)) return refuse("imageToBlocked: scale is shorter than its shape");
  if (!holds(a.shift, a.g.c)) return refuse("imageToBlocked: shift is shorter than its shape");
  return planBands(blocked(a.g));
}

void run(const args::imageToBlocked& a, int, Range range, const Workspace&) {
  const Blocked b = blocked(a.g);
  const int64_t pixelsEnd = b.n * b.h * b.w * b.c;
  forEachBand(b, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    const int64_t channel = block * kBlock, channels = smallest(kBlock, b.c - channel);
    V scale[kBlock / kWidth], shift[kBlock / kWidth];
    for (int v = 0; v < kBlock / kWidth; v++) {
      // zeros for channels that do not exist turn the bytes of the next pixel into zeros
      scale[v] = loadUpTo(a.scale.data + channel + v * kWidth, channels - v * kWidth);
      shift[v] = loadUpTo(a.shift.data + channel + v * kWidth, channels - v * kWidth);
    }
    const auto convert = [&](const uint8_t* from, float* to) {
#pragma GCC unroll 4
      for (int v = 0; v < kBlock / kWidth; v++)
        store(to + v * kWidth, fmadd(loadBytes(from + v * kWidth), scale[v], shift[v]));
    };
    for (int64_t y = rowBegin; y < rowEnd; y++) {
      const int64_t from = (image * b.h + y) * b.w * b.c + channel;
      float* to = a.y.data + pixelAt(b, image, block, y, 0);
      // only at the end of the last image would a vector of bytes reach past the buffer
      const int64_t room = pixelsEnd - from - kBlock;
      const int64_t whole = room < 0 ? 0 : smallest(b.w, room / b.c + 1);
      for (int64_t x = 0; x < whole; x++) convert(a.pixels.data + from + x * b.c, to + x * kBlock);
      for (int64_t x = whole; x < b.w; x++) {
        uint8_t last[kBlock] = {};
        for (int64_t c = 0; c < channels; c++) last[c] = a.pixels.data[from + x * b.c + c];
        convert(last, to + x * kBlock);
      }
    }
    zeroBorder(b, a.y.data, image, block, rowBegin, rowEnd);
  });
}

}  // namespace
}  // namespace ISA
