// One pass over a blocked tensor: y = activation((x * scale[c] + shift[c]) operation other), other being a tensor or a
// number for each image and channel. It is batch norm, activation, residual and gate wherever no convolution takes them
// into its epilogue, and a copy into another border or among the channels of a wider tensor.
#pragma once
#include "kernels/blocked/bands.inl"
#include "kernels/blocked/epilogue.inl"
#include "kernels/elementwise.inl"

namespace ISA {
namespace {

// Pixels computed side by side. What is done to them is decided once a tile; the second level cache takes 30 cycles for
// one, more than branches that always go the same way.
constexpr int kMapTile = 8;
// Pixels after which activations that need exp go over what has been stored, in the first level cache.
constexpr int64_t kMapPixels = 128;

// What happens to one vector of channels of a block.
struct MapLanes {
  V scale, shift, gate, slope;
  M lanes;  // those that are channels, where some are not: `partial`
  bool partial;
  int32_t operation;
  Epilogue epilogue;
};

template <int Count, class Second>
INLINE void combine(int32_t operation, V (&a)[Count], Second second) {
  const auto each = [&](auto function) {
#pragma GCC unroll 8
    for (int i = 0; i < Count; i++) a[i] = function(a[i], second(i));
  };
  switch (operation) {
    case BinaryOperation::add: return each([](V x, V y) { return add(x, y); });
    case BinaryOperation::sub: return each([](V x, V y) { return sub(x, y); });
    case BinaryOperation::mul: return each([](V x, V y) { return mul(x, y); });
    case BinaryOperation::div: return each([](V x, V y) { return div(x, y); });
    case BinaryOperation::max: return each([](V x, V y) { return select(isNan(x), x, max(x, y)); });
    default: return each([](V x, V y) { return select(isNan(x), x, min(x, y)); });
  }
}

enum class MapSecond { none, tensor, gate };

template <bool Scaled, MapSecond Second, int Count>
INLINE void mapTiles(const MapLanes& m, const float*& x, const float*& other, float*& y, int64_t& pixels) {
  for (; pixels >= Count; pixels -= Count) {
    V values[Count];
#pragma GCC unroll 8
    for (int i = 0; i < Count; i++) values[i] = load(x + i * kBlock);
    if constexpr (Scaled) mapValues(values, Count, [&](V v) { return fmadd(v, m.scale, m.shift); });
    if constexpr (Second == MapSecond::tensor)
      combine(m.operation, values, [&](int i) { return load(other + i * kBlock); });
    if constexpr (Second == MapSecond::gate) combine(m.operation, values, [&](int) { return m.gate; });
    activateCheap(m.epilogue, values, m.slope);
    if (m.partial) mapValues(values, Count, [&](V v) { return select(m.lanes, v, zero()); });
#pragma GCC unroll 8
    for (int i = 0; i < Count; i++) store(y + i * kBlock, values[i]);
    x += Count * kBlock;
    y += Count * kBlock;
    if (Second == MapSecond::tensor) other += Count * kBlock;
  }
}

template <bool Scaled, MapSecond Second>
__attribute__((noinline)) void mapPixels(const MapLanes& lanes, const float* x, const float* other, float* y,
                                         int64_t pixels) {
  const MapLanes m = lanes;  // what is stored cannot change a copy
  mapTiles<Scaled, Second, kMapTile>(m, x, other, y, pixels);
  mapTiles<Scaled, Second, 2>(m, x, other, y, pixels);
  mapTiles<Scaled, Second, 1>(m, x, other, y, pixels);
}

using MapPixels = void (*)(const MapLanes&, const float* x, const float* other, float* y, int64_t pixels);
template <bool Scaled>
INLINE MapPixels mapPixelsOf(MapSecond second) {
  switch (second) {
    case MapSecond::none: return mapPixels<Scaled, MapSecond::none>;
    case MapSecond::tensor: return mapPixels<Scaled, MapSecond::tensor>;
    default: return mapPixels<Scaled, MapSecond::gate>;
  }
}

struct MapTensors {
  Blocked x, other, y;
};
INLINE MapTensors mapTensors(const args::blockedMap& a) {
  const BlockedGeometry& g = a.g;
  const MapOptions& o = a.o;
  return {blocked(g), blocked(g.n, g.c, g.h, g.w, o.haloOther, o.blocksOther),
          blocked(g.n, g.c, g.h, g.w, o.haloOut, o.blocksOut)};
}

Work plan(const args::blockedMap& a) {
  const MapTensors t = mapTensors(a);
  const MapOptions& o = a.o;
  if (!isValidEpilogue(o.activation)) return refuse("blockedMap: there is no such activation");
  if (o.operation < BinaryOperation::add || o.operation > BinaryOperation::min)
    return refuse("blockedMap: there is no such operation");
  if (o.otherKind != MapOperand::tensor && o.otherKind != MapOperand::gate)
    return refuse("blockedMap: there is no such operand");
  if (!holds(a.x, blockedElements(t.x))) return refuse("blockedMap: x is shorter than its shape");
  if (!holds(a.y, blockedElements(t.y))) return refuse("blockedMap: y is shorter than its shape");
  if (!nullOrHolds(a.scale, t.x.c)) return refuse("blockedMap: scale is shorter than the channels of x");
  if (!nullOrHolds(a.shift, t.x.c)) return refuse("blockedMap: shift is shorter than the channels of x");
  const int64_t others = o.otherKind == MapOperand::gate ? elements(t.x.n, t.x.c) : blockedElements(t.other);
  if (a.other.data && !holds(a.other, others)) return refuse("blockedMap: other is shorter than its shape");
  if (o.activation == ActivationKind::prelu && !holds(a.slopes, t.x.c))
    return refuse("blockedMap: slopes is shorter than the channels of x");
  Work work = planBands(t.y);
  if (!isCheap(o.activation)) {
    work.cost *= 8;
    work.grain[0] = largest(1, work.grain[0] / 8);
  }
  return work;
}

void run(const args::blockedMap& a, int, Range range, const Workspace&) {
  const MapTensors t = mapTensors(a);
  const bool scaled = a.scale.data || a.shift.data, cheap = isCheap(a.o.activation);
  const MapSecond second = !a.other.data                           ? MapSecond::none
                           : a.o.otherKind == MapOperand::gate ? MapSecond::gate
                                                                   : MapSecond::tensor;
  const MapPixels map = scaled ? mapPixelsOf<true>(second) : mapPixelsOf<false>(second);
  const bool joined = second == MapSecond::tensor;
  MapLanes m = {};
  m.operation = a.o.operation;
  m.epilogue = epilogueOf(cheap ? a.o.activation : int32_t{ActivationKind::identity}, a.slopes.data, a.alpha, a.beta);
  // without borders, rows are one
  const bool flat = t.x.halo + t.y.halo + (joined ? t.other.halo : 0) == 0;
  forEachBand(t.y, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    for (int part = 0; part < kBlock; part += kWidth) {
      const int64_t channel = block * kBlock + part, channels = smallest(kWidth, largest(0, t.y.c - channel));
      const auto perChannel = [&](const float* values, int64_t first, float otherwise) {
        if (!values) return set1(otherwise);
        return channels > 0 ? loadUpTo(values + first + channel, channels) : zero();
      };
      m.partial = channels < kWidth;
      m.lanes = firstLanes(channels);
      m.scale = perChannel(a.scale.data, 0, 1);
      m.shift = perChannel(a.shift.data, 0, 0);
      m.gate = second == MapSecond::gate ? perChannel(a.other.data, image * t.y.c, 0) : zero();
      m.slope = slopeOf(m.epilogue, channel, t.y.c);
      const int64_t rows = flat ? 1 : rowEnd - rowBegin, pixels = flat ? (rowEnd - rowBegin) * t.y.w : t.y.w;
      for (int64_t row = rowBegin; row < rowBegin + rows; row++) {
        const float* x = a.x.data + pixelAt(t.x, image, block, row, 0) + part;
        const float* other = joined ? a.other.data + pixelAt(t.other, image, block, row, 0) + part : nullptr;
        float* y = a.y.data + pixelAt(t.y, image, block, row, 0) + part;
        if (cheap) {
          map(m, x, other, y, pixels);
          continue;
        }
        for (int64_t pixel = 0; pixel < pixels; pixel += kMapPixels) {
          const int64_t at = pixel * kBlock, count = smallest(kMapPixels, pixels - pixel);
          map(m, x + at, joined ? other + at : nullptr, y + at, count);
          activateStored(a.o.activation, y + at, nullptr, count, kBlock, kWidth);
        }
      }
    }
    zeroBorder(t.y, a.y.data, image, block, rowBegin, rowEnd);
  });
}

}  // namespace
}  // namespace ISA
