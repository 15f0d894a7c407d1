// Copies of blocked pixels with their channels in other lanes, for convolutions in which result channel k does not read
// source channel k.
#pragma once
#include "kernels/blocked/layout.inl"

namespace ISA {
namespace {

// Where the lanes of a copied pixel come from: distances from that pixel of block 0. `count` lanes exist, the others
// become zero.
struct LaneSources {
  int64_t offset[kBlock];
  int64_t count;
};

INLINE LaneSources laneSources(const Blocked& from, int64_t firstLane, int64_t lanes, int64_t multiply, int64_t divide,
                               int64_t shift) {
  LaneSources sources = {};
  sources.count = largest(0, smallest(kBlock, lanes - firstLane));
  for (int64_t i = 0; i < sources.count; i++) {
    const int64_t channel = (firstLane + i) * multiply / divide + shift;
    sources.offset[i] = channel / kBlock * from.plane + channel % kBlock;
  }
  return sources;
}

// Lane k of all blocks together gets channel k / times; `lanes` of them exist.
INLINE LaneSources repeatLanes(const Blocked& from, int64_t block, int64_t times, int64_t lanes) {
  return laneSources(from, block * kBlock, lanes, 1, times, 0);
}

// Lane k gets channel k * every + shift.
INLINE LaneSources spreadLanes(const Blocked& from, int64_t block, int64_t every, int64_t shift, int64_t lanes) {
  return laneSources(from, block * kBlock, lanes, every, 1, shift);
}

// Rows of all blocks of an image to one block of rows as wide as they are, border included.
__attribute__((noinline)) void copyLanes(const Blocked& from, const float* image, const LaneSources& sources,
                                         RowRange rows, float* to) {
  const float* end = image + (rows.end + from.halo) * from.row;
  for (const float* pixel = image + (rows.begin + from.halo) * from.row; pixel < end; pixel += kBlock, to += kBlock) {
    for (int64_t i = 0; i < sources.count; i++) to[i] = pixel[sources.offset[i]];
    for (int64_t i = sources.count; i < kBlock; i++) to[i] = 0;
  }
}

}  // namespace
}  // namespace ISA
