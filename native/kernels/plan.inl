// Helpers of the plan() functions. A plan is the memory-safety net: it refuses a call whose sizes are negative or
// absurd, or whose buffers are shorter than the sizes demand, so that run() may trust every index it computes.
#pragma once
#include "kernels.h"
#include "simd/inline.h"

namespace ISA {
namespace {

// No buffer is that long, so a product that passes it is refused rather than allowed to overflow.
constexpr int64_t kMostElements = int64_t{1} << 40;
constexpr int64_t kInvalid = -1;

// The product of sizes, or kInvalid if one is negative or the product is absurd.
INLINE int64_t elements() { return 1; }
template <class... Sizes>
INLINE int64_t elements(int64_t first, Sizes... rest) {
  const int64_t others = elements(rest...);
  if (first < 0 || others < 0) return kInvalid;
  if (others > 0 && first > kMostElements / others) return kInvalid;
  return first * others;
}

// Whether a buffer has at least `count` elements; never true of kInvalid.
template <class Buffer>
INLINE bool holds(const Buffer& buffer, int64_t count) {
  return count >= 0 && (count == 0 || (buffer.data != nullptr && buffer.size >= count));
}

// The same for a buffer that may be null.
template <class Buffer>
INLINE bool nullOrHolds(const Buffer& buffer, int64_t count) {
  return count >= 0 && (buffer.data == nullptr || buffer.size >= count);
}

INLINE int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
INLINE int64_t smallest(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t magnitude(int64_t value) { return value < 0 ? -value : value; }
INLINE int64_t largest(int64_t a, int64_t b) { return a > b ? a : b; }

INLINE Work refuse(const char* error) {
  Work work = {};
  work.error = error;
  return work;
}

// One phase of `items` independent items, handed out in ranges of at least `grain`.
INLINE Work parallel(int64_t items, int64_t grain, double cost) {
  Work work = {};
  work.phases = 1;
  work.items[0] = items;
  work.grain[0] = grain;
  work.cost = cost;
  return work;
}

// Appends a phase that starts when the previous one has ended.
INLINE void thenParallel(Work& work, int64_t items, int64_t grain) {
  work.items[work.phases] = items;
  work.grain[work.phases] = grain;
  work.phases++;
}

// Items per range such that a range does at least 16 Ki units of work (a few microseconds), below which handing it to
// another thread costs more than it saves.
INLINE int64_t grainOf(double costPerItem) {
  constexpr double kWorth = 16384;
  return costPerItem >= kWorth ? 1 : costPerItem > 1 ? static_cast<int64_t>(kWorth / costPerItem) : 16384;
}

}  // namespace
}  // namespace ISA
