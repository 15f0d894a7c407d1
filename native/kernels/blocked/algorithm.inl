// Which algorithms compute a convolution of blocked tensors, and which of them suits it best.
#pragma once
#include "kernels/blocked/columns.inl"
#include "kernels/blocked/depthwise.inl"
#include "kernels/blocked/grouped.inl"
#include "kernels/blocked/plain_input.inl"
#include "kernels/blocked/winograd_strided.inl"
#include "kernels/blocked/winograd_taps.inl"
#include "kernels/im2col.inl"

namespace ISA {
namespace {

// The sum behind a pass; source, weights and result are not set.
INLINE BlockedSum blockedSum(const Conv2dGeometry& g, int32_t pass, int64_t haloIn, int64_t haloOut,
                             int64_t apartIn = 0, int64_t apartOut = 0) {
  BlockedSum s = {};
  s.gradient = pass == ConvolutionPass::gradInput;
  s.groups = g.groups;
  s.rows = (s.gradient ? g.ic : g.oc) / g.groups;
  s.channels = (s.gradient ? g.oc : g.ic) / g.groups;
  if (s.gradient) {
    s.from = blocked(g.n, g.oc, g.oh, g.ow, haloIn, apartIn);
    s.to = blocked(g.n, g.ic, g.h, g.w, haloOut, apartOut);
  } else {
    s.from = blocked(g.n, g.ic, g.h, g.w, haloIn, apartIn);
    s.to = blocked(g.n, g.oc, g.oh, g.ow, haloOut, apartOut);
  }
  s.y = verticalAxis(g);
  s.x = horizontalAxis(g);
  return s;
}

// What an algorithm can compute at all.
INLINE bool isComputable(const BlockedSum& s, int32_t algorithm) {
  const bool wholeBlocks = s.groups == 1 || (s.rows % kBlock == 0 && s.channels % kBlock == 0);
  switch (algorithm) {
    case ConvolutionAlgorithm::direct:
      return wholeBlocks;
    case ConvolutionAlgorithm::plainInput:
      return s.groups == 1 && !s.gradient;
    case ConvolutionAlgorithm::winograd2:
    case ConvolutionAlgorithm::winograd4:
    case ConvolutionAlgorithm::winograd4Taps:
      return s.groups == 1 && is3x3(s.y) && is3x3(s.x);
    case ConvolutionAlgorithm::depthwise:
      return suitsDepthwise(s);
    case ConvolutionAlgorithm::grouped:
      return suitsGrouped(s);
    case ConvolutionAlgorithm::columns:
      return isColumnSum(s);
    case ConvolutionAlgorithm::winogradStrided:
      return isStridedSum(s);
    default:
      return false;
  }
}

INLINE int64_t packedFloats(const BlockedSum& s, int32_t algorithm) {
  switch (algorithm) {
    case ConvolutionAlgorithm::winograd2:
      return packedWinogradFloats<2>(s);
    case ConvolutionAlgorithm::winograd4:
      return packedWinogradFloats<4>(s);
    case ConvolutionAlgorithm::winograd4Taps:
      return packedTapsFloats(s);
    case ConvolutionAlgorithm::depthwise:
      return packedDepthwiseFloats(s);
    case ConvolutionAlgorithm::grouped:
      return packedGroupedFloats(s);
    case ConvolutionAlgorithm::columns:
      return columnGrid(s).packed;
    case ConvolutionAlgorithm::winogradStrided:
      return packedStridedFloats(s);
    default:
      return packedDirectFloats(s);
  }
}

constexpr int32_t kNoAlgorithm = -1;

// What a sum costs, in cycles of a Zen 4 core with 512-bit vectors; on other vectors everything takes longer alike. A
// multiply-add of 16 lanes is a cycle, and the transforms take as long as they were measured per 16 channels of a tile.
INLINE double directCycles(const BlockedSum& s) { return multiplyAdds(s) / kBlock / 0.92; }
template <int Out>
INLINE double productCycles(const BlockedSum& s) {
  const double tiles = static_cast<double>(blockedTiles<Out>(s).tiles), rows = ceilDiv(s.rows, kBlock);
  return kPoints<Out> * tiles * rows * (s.channels / 0.95 + 4);
}
template <int Out>
INLINE double transformCycles(const BlockedSum& s) {
  const double sourceCycles = Out == 4 ? 160 : 60, resultCycles = Out == 4 ? 130 : 50;
  const double tiles = static_cast<double>(blockedTiles<Out>(s).tiles), rows = ceilDiv(s.rows, kBlock);
  return tiles * (blocksOf(s) * sourceCycles + rows * resultCycles) + 3000;
}
template <int Out>
INLINE double winogradCycles(const BlockedSum& s) {
  const double products = productCycles<Out>(s);
  // Kernels beyond the third level cache, of which half may be another's, come from memory: 6.7 bytes a cycle.
  const double kernels = static_cast<double>(packedWinogradFloats<Out>(s)) * sizeof(float);
  const double passes = blockedTiles<Out>(s).chunks;
  const double memory = kernels > (16 << 20) ? kernels * passes / 6.7 : 0;
  return (products > memory ? products : memory) + transformCycles<Out>(s);
}

// Between two runs of a network weights leave the second level cache. What is then fetched takes a cycle for 8 bytes,
// hardly hidden behind the products; a second time it is near.
INLINE double fetchCycles(int64_t floats) {
  const double bytes = static_cast<double>(floats) * sizeof(float);
  return bytes > (1 << 20) ? bytes / 8 : 0;
}
template <int Out>
INLINE double coldWinogradCycles(const BlockedSum& s) {
  return productCycles<Out>(s) + transformCycles<Out>(s) + fetchCycles(packedWinogradFloats<Out>(s));
}

// F(4) with kernels transformed as they are used. To make kernels of taps takes 94 cycles a vector where they stay in
// registers, and 140 where they are stored; V is fetched for each panel if it fills half of the second level cache.
INLINE double coldTapsCycles(const BlockedSum& s) {
  const BlockedTiles grid = allTiles(s);
  const double vectors = static_cast<double>(ceilDiv(s.rows, kBlock)) * s.channels;
  const double patches = fetchCycles(2 * patchFloats<4>(s, grid)) / 2 * static_cast<double>(grid.panels);
  return productCycles<4>(s) + vectors * (grid.tiles <= 4 ? 94 : 140) + transformCycles<4>(s) +
         fetchCycles(packedTapsFloats(s)) + patches;
}

// To make kernels of a vector of taps at all points takes 230 cycles, and the pixels of a chunk are to stay in the third
// level cache.
INLINE bool suitsStrided(const BlockedSum& s) {
  constexpr int64_t kMostPatchFloats = 1 << 23;
  if (!isStridedSum(s) || !seesPixels(s, s.y) || !seesPixels(s, s.x) || s.to.n == 0) return false;
  if (stridedChunkFloats(s, stridedTiles(s)) > kMostPatchFloats) return false;
  const double tiles = static_cast<double>(stridedTiles(s).tiles), rows = ceilDiv(s.rows, kBlock);
  const double products = tiles * rows * static_cast<double>(kindBegin(kKinds) * s.channels) / 0.9;
  const double transforms = tiles * (blocksOf(s) * (s.gradient ? 350 : 900) + rows * (s.gradient ? 800 : 200));
  const double kernels = rows * s.channels * 230 * static_cast<double>(stridedTiles(s).chunks);
  return products + transforms + kernels + 3000 < 0.9 * directCycles(s);
}

// Of more tiles M would leave the second level cache.
constexpr int64_t kMostTapsTiles = 32;

// Whether weights are to be transformed as they are used where `algorithm` would be chosen otherwise. A quarter of the
// memory is worth 3 percent of the time, and 12 where that is several megabytes: a network keeps the weights of all layers.
INLINE bool suitsTaps(const BlockedSum& s, int32_t algorithm) {
  constexpr int64_t kManyFloats = int64_t{1} << 20;
  const double smallerIsWorth = packedWinogradFloats<4>(s) > kManyFloats ? 1.12 : 1.03;
  if (allTiles(s).tiles > kMostTapsTiles) return false;
  const double direct = directCycles(s) + fetchCycles(packedDirectFloats(s)), taps = coldTapsCycles(s);
  const double other = algorithm == ConvolutionAlgorithm::winograd4   ? coldWinogradCycles<4>(s)
                       : algorithm == ConvolutionAlgorithm::winograd2 ? coldWinogradCycles<2>(s)
                                                                      : direct;
  return taps < 0.9 * direct && taps < smallerIsWorth * other;
}

// Whether columns are the best way; `lanes` is how many channels a multiply-add of the other way has. An item is an
// image, of which there have to be some.
INLINE bool suitsColumns(const BlockedSum& s, int64_t lanes) {
  constexpr int64_t kFewestImages = 8;
  if (!isColumnSum(s) || s.rows > kBlock / 2 || s.to.n < kFewestImages) return false;
  const double positions = static_cast<double>(s.to.n) * s.to.h * s.to.w;
  const double products = positions * s.channels * kernelSize(s) / static_cast<double>(s.y.stride * s.x.stride);
  const double others = products * ceilDiv(s.rows, lanes) * lanes / kBlock;
  return columnCycles(s) < 0.8 * others;
}

// Depends on the shape only. The smaller tile rounds less than direct summation does, the larger one more: it has to
// pay.
INLINE int32_t chooseAlgorithm(const BlockedSum& s, bool exact) {
  if (!s.gradient && s.groups == 1 && s.channels < kBlock) return ConvolutionAlgorithm::plainInput;
  if (s.groups > 1 && suitsDepthwise(s)) return ConvolutionAlgorithm::depthwise;
  if (s.groups > 1 && suitsGrouped(s)) return ConvolutionAlgorithm::grouped;
  if (!isComputable(s, ConvolutionAlgorithm::direct)) return kNoAlgorithm;
  if (suitsColumns(s, kBlock / 2)) return ConvolutionAlgorithm::columns;
  if (!exact && s.channels * s.rows >= 256 && suitsStrided(s)) return ConvolutionAlgorithm::winogradStrided;
  if (exact || !isComputable(s, ConvolutionAlgorithm::winograd4) || s.channels * s.rows < 256)
    return ConvolutionAlgorithm::direct;
  if (!seesPixels(sum3x3(s, nullptr))) return ConvolutionAlgorithm::direct;
  const double direct = directCycles(s), four = winogradCycles<4>(s), two = winogradCycles<2>(s);
  const int32_t algorithm = four < 0.9 * two && four < 0.9 * direct ? ConvolutionAlgorithm::winograd4
                            : two < 0.95 * direct                   ? ConvolutionAlgorithm::winograd2
                                                                    : ConvolutionAlgorithm::direct;
  return suitsTaps(s, algorithm) ? ConvolutionAlgorithm::winograd4Taps : algorithm;
}

// The border inside which `source` values have all indices from low to high.
INLINE int64_t haloAround(int64_t low, int64_t high, int64_t source) {
  return smallest(kMostElements, largest(0, largest(-low, high - source + 1)));
}

// The border of x inside which every window lies.
INLINE int64_t windowHalo(const Axis& axis) {
  if (axis.output == 0 || axis.kernel == 0) return 0;
  const int64_t last = (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation;
  return haloAround(-axis.pad, last - axis.pad, axis.source);
}

// The border the source of a sum needs along one axis. In the gradient position i reads (i + pad - tap) / stride, where
// that is a whole number.
INLINE int64_t neededHalo(const BlockedSum& s, const Axis& axis) {
  if (!s.gradient) return windowHalo(axis);
  if (axis.source == 0 || axis.kernel == 0) return 0;
  const int64_t reach = (axis.kernel - 1) * axis.dilation;
  const int64_t low = reach > axis.pad ? -((reach - axis.pad) / axis.stride) : ceilDiv(axis.pad - reach, axis.stride);
  return haloAround(low, (axis.source - 1 + axis.pad) / axis.stride, axis.output);
}
INLINE int64_t neededHalo(const BlockedSum& s) { return largest(neededHalo(s, s.y), neededHalo(s, s.x)); }
// The same for an algorithm: columns read no padding.
INLINE int64_t neededHalo(const BlockedSum& s, int32_t algorithm) {
  return algorithm == ConvolutionAlgorithm::columns ? 0 : neededHalo(s);
}

}  // namespace
}  // namespace ISA
