// The kernels' own layout: [n][block of 16 channels][halo + h + halo][halo + w + halo][16].
//
// A pixel of a block is one cache line, so pixels next to each other are a constant 64 bytes apart whatever the number
// of channels: a kernel needs no pointer per pixel, and no two rows fall into the same set of a cache. The border of
// zeros takes the place of padding: no kernel has code for edges. Who writes a tensor writes its border too.
//
// Channels of the last block beyond c are there, hold numbers nobody may rely on, and never reach a result.
#pragma once
#include "kernels/pack.inl"

namespace ISA {
namespace {

// Channels side by side in a pixel, on every instruction set.
constexpr int kBlock = 16;

// Strides in floats.
struct Blocked {
  int64_t n, c, h, w, halo;
  int64_t blocks;
  int64_t row, plane, image;
};

// Sizes that are absurd give an empty plane; blockedElements() is what refuses them.
INLINE Blocked blocked(int64_t n, int64_t c, int64_t h, int64_t w, int64_t halo) {
  Blocked b = {n, c, h, w, halo, ceilDiv(c, kBlock), 0, 0, 0};
  b.row = largest(0, elements(w + 2 * halo, kBlock));
  b.plane = largest(0, elements(h + 2 * halo, b.row));
  // Planes a multiple of 4 KiB apart would put a pixel of all blocks into the same set of the first level cache.
  if (b.plane % 1024 == 0) b.plane += kBlock;
  b.image = largest(0, elements(b.blocks, b.plane));
  return b;
}
INLINE Blocked blocked(const BlockedGeometry& g) { return blocked(g.n, g.c, g.h, g.w, g.halo); }

// Floats of such a tensor, or kInvalid if its sizes are negative or absurd. lib/backend/blocked.ts computes the same.
INLINE int64_t blockedElements(int64_t n, int64_t c, int64_t h, int64_t w, int64_t halo) {
  if (c < 0 || halo < 0 || halo > kMostElements || c > kMostElements) return kInvalid;
  const int64_t pixels = elements(h < 0 ? kInvalid : h + 2 * halo, w < 0 ? kInvalid : w + 2 * halo);
  const int64_t size = elements(n, ceilDiv(c, kBlock), pixels, kBlock);
  // the gap behind a plane, at most a line to a plane
  return size < 0 ? kInvalid : size + (pixels * kBlock % 1024 == 0 ? n * ceilDiv(c, kBlock) * kBlock : 0);
}

// Where pixel (y, x) of a block begins; coordinates may run from -halo to size + halo - 1.
INLINE int64_t pixelAt(const Blocked& b, int64_t image, int64_t block, int64_t y, int64_t x) {
  return image * b.image + block * b.plane + (y + b.halo) * b.row + (x + b.halo) * kBlock;
}

// Zeros for `floats` floats, a multiple of kBlock. Compilers would make a call of memset of it, which takes longer than
// the line or two of a border.
INLINE void zeroLines(float* p, int64_t floats) {
  V nothing = zero();
  keepInRegister(nothing);
  for (int64_t i = 0; i < floats; i += kWidth) store(p + i, nothing);
}

struct RowRange {
  int64_t begin, end;
};

// Writes the zeros around rows [rowBegin, rowEnd) of a block, those above the first and below the last row of the image
// included.
INLINE void zeroBorder(const Blocked& b, float* tensor, int64_t image, int64_t block, int64_t rowBegin,
                       int64_t rowEnd) {
  if (b.halo == 0) return;
  float* rows = tensor + image * b.image + block * b.plane;
  const int64_t side = b.halo * kBlock;
  if (rowBegin == 0) zeroLines(rows, b.halo * b.row);
  for (int64_t y = rowBegin; y < rowEnd; y++) {
    float* row = rows + (y + b.halo) * b.row;
    zeroLines(row, side);
    zeroLines(row + side + b.w * kBlock, side);
  }
  if (rowEnd == b.h) zeroLines(rows + (b.h + b.halo) * b.row, b.halo * b.row);
}

}  // namespace
}  // namespace ISA
