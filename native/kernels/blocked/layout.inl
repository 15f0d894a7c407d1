// The kernels' own layout: [n][block of 16 channels][halo + h + halo][halo + w + halo][16].
//
// A pixel of a block is one cache line, so pixels next to each other are a constant 64 bytes apart whatever the number
// of channels: a kernel needs no pointer per pixel, and no two rows fall into the same set of a cache. The border of
// zeros takes the place of padding: no kernel has code for edges. Who writes a tensor writes its border too.
//
// Channels of the last block beyond c are there, hold numbers nobody may rely on, and never reach a result.
//
// A tensor may be a range of the blocks of a wider one, whose images then lie further apart: concatenation along channels
// is writing side by side.
#pragma once
#include "kernels/pack.inl"

namespace ISA {
namespace {

// Channels side by side in a pixel, on every instruction set.
constexpr int kBlock = 16;

// Strides in floats.
struct Blocked {
  int64_t n, c, h, w, halo;
  int64_t blocks, apart;  // its own; from one image to the next
  int64_t row, plane, image;
};

// `apart` is 0 where images follow each other. Sizes that are absurd give an empty plane; blockedElements() is what
// refuses them.
INLINE Blocked blocked(int64_t n, int64_t c, int64_t h, int64_t w, int64_t halo, int64_t apart = 0) {
  const int64_t blocks = ceilDiv(c, kBlock);
  Blocked b = {n, c, h, w, halo, blocks, apart == 0 ? blocks : apart, 0, 0, 0};
  b.row = largest(0, elements(w + 2 * halo, kBlock));
  b.plane = largest(0, elements(h + 2 * halo, b.row));
  // Planes a multiple of 4 KiB apart would put a pixel of all blocks into the same set of the first level cache.
  if (b.plane % 1024 == 0) b.plane += kBlock;
  b.image = largest(0, elements(b.apart, b.plane));
  return b;
}
INLINE Blocked blocked(const BlockedGeometry& g) { return blocked(g.n, g.c, g.h, g.w, g.halo, g.blocks); }

// Floats from the first to the last of such a tensor, or kInvalid if its sizes are negative or absurd, or its images
// overlap. lib/backend/blocked.ts computes the same.
INLINE int64_t blockedElements(const Blocked& b) {
  if (b.n < 0 || b.c < 0 || b.halo < 0 || b.halo > kMostElements || b.c > kMostElements) return kInvalid;
  if (b.apart < b.blocks) return kInvalid;
  const int64_t pixels = elements(b.h < 0 ? kInvalid : b.h + 2 * b.halo, b.w < 0 ? kInvalid : b.w + 2 * b.halo);
  // with a line for the gap behind each plane
  const int64_t blocks = b.n == 0 ? 0 : elements(b.n - 1, b.apart), most = elements(pixels + 1, kBlock);
  if (blocks < 0 || pixels < 0 || elements(blocks + b.blocks, most) < 0) return kInvalid;
  return b.n == 0 ? 0 : (blocks + b.blocks) * b.plane;
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
