// Channels of a blocked tensor in another order, or at another place: slices and concatenations whose ends are not those
// of blocks, channel shuffles.
//
// A vector of results takes lanes from some vectors of the source, one or two in a slice. It is put together with a
// permutation and a selection from each.
#pragma once
#include "kernels/blocked/bands.inl"

namespace ISA {
namespace {

// Where kWidth lanes of a result come from.
struct LaneGather {
  int count;
  int64_t offset[kWidth];  // of a vector of the source, from the pixel in block 0
  int32_t lanes[kWidth][kWidth];
  uint8_t taken[kWidth][kBlock];
  uint8_t kept[kBlock];
};

// The lanes from `lane` on, lane 0 being channel channels[0]. Lanes below 0 keep what they hold; those behind the last
// channel, and those whose channel does not exist, become zero.
INLINE LaneGather laneGather(const Blocked& from, const InI32& channels, int64_t lane) {
  LaneGather g = {};
  for (int i = 0; i < kWidth; i++) {
    if (lane + i < 0) g.kept[i] = 1;
    if (lane + i < 0 || lane + i >= channels.size) continue;
    const int64_t channel = channels.data[lane + i];
    if (channel < 0 || channel >= from.c) continue;
    const int64_t offset = channel / kBlock * from.plane + channel % kBlock / kWidth * kWidth;
    int s = 0;
    while (s < g.count && g.offset[s] != offset) s++;
    if (s == g.count) g.offset[g.count++] = offset;
    g.lanes[s][i] = static_cast<int32_t>(channel % kWidth);
    g.taken[s][i] = 1;
  }
  return g;
}

template <int Sources>
INLINE void gatherRow(const LaneGather& g, const float* x, float* y, int64_t pixels) {
  I lanes[Sources];
  M taken[Sources];
  for (int s = 0; s < Sources; s++) {
    lanes[s] = load(g.lanes[s]);
    taken[s] = loadMask(g.taken[s]);
  }
  const M kept = loadMask(g.kept);
  for (; pixels > 0; pixels--, x += kBlock, y += kBlock) {
    V value = select(kept, load(y), zero());
#pragma GCC unroll 4
    for (int s = 0; s < Sources; s++) value = select(taken[s], permute(load(x + g.offset[s]), lanes[s]), value);
    store(y, value);
  }
}

__attribute__((noinline)) void gatherRow(const LaneGather& g, const float* x, float* y, int64_t pixels) {
  switch (g.count) {
    case 1: return gatherRow<1>(g, x, y, pixels);
    case 2: return gatherRow<2>(g, x, y, pixels);
    case 3: return gatherRow<3>(g, x, y, pixels);
    case 4: return gatherRow<4>(g, x, y, pixels);
  }
  const M kept = loadMask(g.kept);
  for (; pixels > 0; pixels--, x += kBlock, y += kBlock) {
    V value = select(kept, load(y), zero());
    for (int s = 0; s < g.count; s++)
      value = select(loadMask(g.taken[s]), permute(load(x + g.offset[s]), load(g.lanes[s])), value);
    store(y, value);
  }
}

// The blocks of y that are written.
INLINE Blocked gathered(const args::blockedGatherChannels& a) {
  const BlockedGeometry& g = a.to;
  const int64_t apart = g.blocks == 0 ? ceilDiv(g.c, kBlock) : g.blocks;
  return blocked(g.n, a.channels.size == 0 ? 0 : a.first % kBlock + a.channels.size, g.h, g.w, g.halo, apart);
}

Work plan(const args::blockedGatherChannels& a) {
  const BlockedGeometry &x = a.from, &y = a.to;
  if (x.n != y.n || x.h != y.h || x.w != y.w) return refuse("blockedGatherChannels: x and y differ in size");
  if (!holds(a.x, blockedElements(x))) return refuse("blockedGatherChannels: x is shorter than its shape");
  if (!holds(a.y, blockedElements(y))) return refuse("blockedGatherChannels: y is shorter than its shape");
  if (a.first < 0 || a.channels.size > y.c - int64_t{a.first})
    return refuse("blockedGatherChannels: there are more channels than y has");
  return planBands(gathered(a));
}

void run(const args::blockedGatherChannels& a, int, Range range, const Workspace&) {
  const Blocked from = blocked(a.from), to = gathered(a);
  float* result = a.y.data + a.first / kBlock * to.plane;
  forEachBand(to, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    for (int part = 0; part < kBlock; part += kWidth) {
      const LaneGather g = laneGather(from, a.channels, block * kBlock + part - a.first % kBlock);
      for (int64_t y = rowBegin; y < rowEnd; y++)
        gatherRow(g, a.x.data + pixelAt(from, image, 0, y, 0), result + pixelAt(to, image, block, y, 0) + part, to.w);
    }
    zeroBorder(to, result, image, block, rowBegin, rowEnd);
  });
}

}  // namespace
}  // namespace ISA
