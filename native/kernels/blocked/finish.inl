// From sums in registers to the stored result, for kernels whose vectors are channels of a block.
#pragma once
#include "kernels/blocked/epilogue.inl"

namespace ISA {
namespace {

// The slopes of a block's channels, lane by lane.
INLINE void loadSlopes(const Epilogue& e, const Blocked& b, int64_t block, float (&slopes)[kBlock]) {
  for (int v = 0; v < kBlock; v += kWidth) store(slopes + v, slopeOf(e, block * kBlock + v, b.c));
}

// Stores `Count` sums of the same channels, `step` floats apart. `residual` points to what belongs to the first of
// them, or is null. What a dear activation needs afterwards is done by finishRows.
template <int Count>
INLINE void finishSums(const Epilogue& e, V (&sums)[Count], V slope, float* result, const float* residual,
                       int64_t step) {
  if (residual && !e.residualAfter)
#pragma GCC unroll 16
    for (int i = 0; i < Count; i++) sums[i] = add(sums[i], load(residual + i * step));
  activateCheap(e, sums, slope);
  if (residual && e.residualAfter && isCheap(e.activation))
#pragma GCC unroll 16
    for (int i = 0; i < Count; i++) sums[i] = add(sums[i], load(residual + i * step));
#pragma GCC unroll 16
  for (int i = 0; i < Count; i++) store(result + i * step, sums[i]);
}

// The dear activations on rows of a block that have been stored, while they are still in a near cache.
INLINE void finishRows(const Epilogue& e, const Blocked& b, float* result, int64_t image, int64_t block,
                       int64_t rowBegin, int64_t rowEnd) {
  if (isCheap(e.activation)) return;
  for (int64_t y = rowBegin; y < rowEnd; y++) {
    const float* residual = e.residualAfter ? residualAt(e, image, block, y, 0) : nullptr;
    activateStored(e.activation, result + pixelAt(b, image, block, y, 0), residual, b.w, kBlock, kBlock);
  }
}

}  // namespace
}  // namespace ISA
