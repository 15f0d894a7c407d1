// Max pooling that also says where each maximum lies, in two steps like pool_rows.inl.
//
// A position travels beside its value. The first maximum in the order of rows is the one of smallest position, so that
// where values are equal the positions decide. They are kept as floats, exact below 2^23 and comparable like values.
#pragma once
#include "kernels/pool_rows.inl"

namespace ISA {
namespace {

constexpr int64_t kMostPositions = int64_t{1} << 23;

// Positions of the padding: behind all others.
INLINE V nowhere() { return set1(__builtin_inff()); }

// The int32 of whole numbers below 2^23: added to 2^23 they are the lowest bits of a float. -1 for what lies nowhere.
INLINE I integersOf(V positions) {
  constexpr float kBase = 8388608.0f;
  constexpr int32_t kBitsOfBase = 0x4B000000;
  float lane[kWidth];
  int32_t bits[kWidth];
  store(lane, add(positions, set1(kBase)));
  __builtin_memcpy(bits, lane, sizeof(bits));
  return select(less(positions, set1(kBase)), add(load(bits), set1(-kBitsOfBase)), set1(-1));
}

struct Found {
  V value, position;
};
INLINE Found firstLargest(Found a, Found b) {
  const M m = either(less(a.value, b.value), both(equal(a.value, b.value), less(b.position, a.position)));
  return {select(m, b.value, a.value), select(m, b.position, a.position)};
}

// A row of the buffer of values, and of the buffer of positions behind it.
struct FoundRows {
  const float* values;
  const float* positions;
};
INLINE Found foundAt(const FoundRows& rows, int64_t i) { return {load(rows.values + i), load(rows.positions + i)}; }
INLINE Found evensOf(Found a, Found b) { return {evens(a.value, b.value), evens(a.position, b.position)}; }
INLINE Found oddsOf(Found a, Found b) { return {odds(a.value, b.value), odds(a.position, b.position)}; }
template <int n>
INLINE Found shiftIn(Found a, Found b) {
  return {shiftIn<n>(a.value, b.value), shiftIn<n>(a.position, b.position)};
}

// Largest elements down the columns, for one row of the buffers. `row` is where the first of them lies in the plane,
// `step` the distance to the next. Of equal elements the first stays, which lies above the others.
INLINE void findDown(float* values, float* positions, const float* plane, int64_t row, int64_t step, int64_t taps,
                     int64_t w, V lanePositions, V& watch) {
  const float* x = plane + row;
  for (int64_t i = 0; i < w; i += kWidth) {
    const int64_t lanes = w - i;
    V best = loadUpTo(x + i, lanes);
    keepInRegister(best);
    V sum = best, at = set1(static_cast<float>(row));
    for (int64_t k = 1; k < taps; k++) {
      V v = loadUpTo(x + k * step + i, lanes);
      keepInRegister(v);
      const M m = less(best, v);
      best = select(m, v, best);
      at = select(m, set1(static_cast<float>(row + k * step)), at);
      sum = add(sum, v);
    }
    watch = add(watch, sum);
    at = add(at, add(lanePositions, set1(static_cast<float>(i))));
    const M inside = firstLanes(smallest(lanes, kWidth));
    store(values + i, select(inside, best, Largest::identity()));
    store(positions + i, select(inside, at, nowhere()));
  }
}

// Along a row of the buffers; see combineAlong.
template <int kKernel, int kStride, class Put>
INLINE void findAlong(const FoundRows& rows, const Pool2dGeometry& g, Put put) {
  if constexpr (kKernel > 0 && kStride == 1) {
    Found v = foundAt(rows, 0);
    for (int64_t ow = 0; ow < g.ow; ow += kWidth) {
      const Found next = foundAt(rows, ow + kWidth);
      Found best = firstLargest(v, shiftIn<1>(v, next));
      if (kKernel == 3) best = firstLargest(best, shiftIn<2>(v, next));
      put(ow, best);
      v = next;
    }
  } else if constexpr (kKernel > 0 && kStride == 2) {
    Found low = foundAt(rows, 0), high = foundAt(rows, kWidth), even = evensOf(low, high);
    for (int64_t ow = 0; ow < g.ow; ow += kWidth) {
      Found best = firstLargest(even, oddsOf(low, high));
      low = foundAt(rows, 2 * ow + 2 * kWidth);
      high = foundAt(rows, 2 * ow + 3 * kWidth);
      const Found next = evensOf(low, high);
      if (kKernel == 3) best = firstLargest(best, shiftIn<1>(even, next));
      put(ow, best);
      even = next;
    }
  } else {
    for (int64_t ow = 0; ow < g.ow; ow += kWidth) {
      const auto tapAt = [&](int64_t kw) -> Found {
        const int64_t first = ow * g.strideW, tap = kw * g.dilationW;
        return {loadTap<kStride>(rows.values + first, tap, g.strideW),
                loadTap<kStride>(rows.positions + first, tap, g.strideW)};
      };
      Found best = tapAt(0);
      for (int64_t kw = 1; kw < g.kw; kw++) best = firstLargest(best, tapAt(kw));
      put(ow, best);
    }
  }
}

// Windows of 2 by 2 are as fast without buffers: there are four elements to a result either way.
INLINE bool canFindInRows(const Pool2dGeometry& g) {
  return rowBufferOf(g).pitch != kInvalid && int64_t{g.h} * g.w < kMostPositions && int64_t{g.kh} * g.kw > 4;
}

INLINE void clearFound(const RowBuffer& buffer, float* rows) {
  clearRows<Largest>(buffer, rows);
  float* positions = rows + kPoolRows * buffer.pitch;
  for (int64_t i = 0; i < kPoolRows * buffer.pitch; i += kWidth) store(positions + i, nowhere());
}

// As poolRows, for values and indices.
template <int kKernel, int kStride>
INLINE bool findRows(const float* x, float* y, int32_t* indices, const Pool2dGeometry& g, const RowBuffer& buffer,
                     int64_t begin, int64_t end, float* rows) {
  float* positions = rows + kPoolRows * buffer.pitch;
  float lane[kWidth];
  for (int i = 0; i < kWidth; i++) lane[i] = static_cast<float>(i);
  const V lanePositions = load(lane);
  V watch = zero();
  for (int64_t oh = begin; oh < end; oh++) {
    const int64_t offset = (oh - begin) * buffer.pitch + buffer.lead, startH = oh * g.strideH - g.padTop;
    const Span taps = validTaps(startH, g.kh, g.dilationH, g.h);
    if (taps.begin < taps.end) {
      findDown(rows + offset, positions + offset, x, (startH + taps.begin * g.dilationH) * g.w,
               int64_t{g.dilationH} * g.w, taps.end - taps.begin, g.w, lanePositions, watch);
      continue;
    }
    for (int64_t i = 0; i < g.w; i += kWidth) {
      store(rows + offset + i, Largest::identity());
      store(positions + offset + i, nowhere());
    }
  }
  if (any(isNan(watch))) return false;
  for (int64_t oh = begin; oh < end; oh++) {
    const int64_t offset = (oh - begin) * buffer.pitch;
    findAlong<kKernel, kStride>({rows + offset, positions + offset}, g, [&](int64_t ow, Found found) {
      const int64_t target = oh * g.ow + ow, lanes = g.ow - ow;
      storeUpTo(y + target, found.value, lanes);
      if (lanes >= kWidth) {
        store(indices + target, integersOf(found.position));
      } else {
        storePartial(indices + target, integersOf(found.position), lanes);
      }
    });
  }
  return true;
}

}  // namespace
}  // namespace ISA
