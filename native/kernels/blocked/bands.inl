// Work on blocked tensors goes by bands: some rows of one block of one image.
#pragma once
#include "kernels/blocked/layout.inl"

namespace ISA {
namespace {

struct Bands {
  int64_t rows, perBlock, count;
};

// Bands of about 2 Ki pixels are 128 KiB, which the second level cache holds together with what they come from.
INLINE Bands bandsOf(const Blocked& b) {
  Bands bands = {};
  bands.rows = largest(1, 2048 / largest(1, b.w));
  bands.perBlock = largest(1, ceilDiv(b.h, bands.rows));  // an image without rows has a border
  bands.count = b.n * b.blocks * bands.perBlock;
  return bands;
}

// Calls visit(image, block, rowBegin, rowEnd) for the bands of a range.
template <class Visit>
INLINE void forEachBand(const Blocked& b, Range range, Visit visit) {
  const Bands bands = bandsOf(b);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t plane = item / bands.perBlock, row = item % bands.perBlock * bands.rows;
    visit(plane / b.blocks, plane % b.blocks, row, smallest(b.h, row + bands.rows));
  }
}

INLINE int64_t blockedElements(const BlockedGeometry& g) { return blockedElements(blocked(g)); }

INLINE Work planBands(const Blocked& b) {
  const int64_t count = bandsOf(b).count;
  const double cost = static_cast<double>(b.n) * b.blocks * b.plane;
  return parallel(count, grainOf(cost / static_cast<double>(largest(1, count))), cost);
}

}  // namespace
}  // namespace ISA
