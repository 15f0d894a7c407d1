// Depthwise and small grouped convolutions of NCHW tensors on the blocked kernels. An item is a block of channels of an
// image: blocked, summed and unblocked while it is in the second level cache. The passes in and out cost as much as the
// sums themselves; but rows of NCHW of 7 to 28 pixels fill vectors badly and begin on no boundary, which costs more.
#pragma once
#include "kernels/blocked/nchw.inl"

namespace ISA {
namespace {

// Floats of a blocked plane and its result, 2 MiB: beyond the caches the passes in and out cost more than they save.
constexpr int64_t kMostLaneFloats = 1 << 19;

// One block of one image of a sum in which no lane needs another block.
INLINE BlockedSum blockOf(const BlockedSum& s, int64_t block) {
  const int64_t channels = smallest(kBlock, s.from.c - block * kBlock);
  BlockedSum one = s;
  one.from = blocked(1, channels, s.from.h, s.from.w, s.from.halo);
  one.to = blocked(1, channels, s.to.h, s.to.w, 0);
  return one;
}

INLINE int64_t laneFloats(const BlockedSum& s) {
  const BlockedSum one = blockOf(s, 0);
  return aligned(one.from.image) + aligned(one.to.image);
}

// Whether lanes of blocks are full, and the blocks, with their border, not many times the tensors.
INLINE bool suitsLanes(const BlockedSum& s) {
  if (s.groups < kBlock || s.rows != s.channels || s.from.h * s.from.w == 0) return false;
  const double bordered = static_cast<double>(s.from.h + 2 * s.from.halo) * (s.from.w + 2 * s.from.halo);
  return (suitsDepthwise(s) || suitsGrouped(s)) && bordered < 4.0 * s.from.h * s.from.w + 256 &&
         laneFloats(s) <= kMostLaneFloats;
}

// Phases: pack the weights, the rest.
INLINE Work planNchwLanes(const BlockedSum& s) {
  const int64_t items = s.from.n * s.from.blocks;
  const double cost = multiplyAdds(s) + static_cast<double>(items) * laneFloats(s);
  Work work = parallel(1, 1, cost);
  thenParallel(work, items, grainOf(cost / static_cast<double>(largest(1, items))));
  work.sharedFloats = packedLaneFloats(s);
  work.localFloats = laneFloats(s);
  return work;
}

INLINE void runNchwLanes(const NchwSum& n, int phase, Range range, const Workspace& workspace) {
  const BlockedSum& s = n.sum;
  const bool isDepthwise = suitsDepthwise(s);
  if (phase == 0) {
    if (isDepthwise) return packDepthwise(n.weight, n.bias, s, workspace.shared);
    return packGrouped(n.weight, n.bias, s, workspace.shared);
  }
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t image = item / s.from.blocks, block = item % s.from.blocks, channel = block * kBlock;
    BlockedSum one = blockOf(s, block);
    float* source = workspace.local;
    float* result = source + aligned(one.from.image);
    blockBands(one.from, n.source + (image * s.from.c + channel) * s.from.h * s.from.w, source,
               {0, bandsOf(one.from).count});
    one.source = source;
    one.packed = workspace.shared + block * laneBlockFloats(s);
    one.result = result;
    one.epilogue = epilogueOf(ActivationKind::identity, nullptr, 0, 0);
    const Range bands = {0, bandsOf(one.to).count};
    isDepthwise ? runDepthwise(one, 0, bands, workspace) : runGrouped(one, 0, bands, workspace);
    unblockBands(one.to, result, n.result + (image * s.to.c + channel) * s.to.h * s.to.w, bands);
  }
}

}  // namespace
}  // namespace ISA
