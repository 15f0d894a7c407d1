// One pass over a blocked tensor: y = activation((x * scale[c] + shift[c]) operation other), other being a tensor or a
// number for each image and channel. It is batch norm, activation, residual and gate wherever no convolution takes them
// into its epilogue, and a copy into another border or among the channels of a wider tensor.
//
// What is done is decided once a tile: eight pixels take 40 cycles from the second level cache, more than enough for
// branches that always go the same way.
#pragma once
#include "kernels/blocked/bands.inl"
#include "kernels/blocked/epilogue.inl"
#include "kernels/elementwise.inl"

namespace ISA {
namespace {

constexpr int kMapTile = 8;

// What happens to one vector of channels of a block.
struct MapLanes {
  bool scaled, gated, partial;
  V scale, shift, gate, slope;
  M lanes;  // those that are channels, where some are not: `partial`
  int32_t operation;
  Epilogue epilogue;
};

template <int Count>
INLINE void combine(int32_t operation, V (&a)[Count], const V (&b)[Count]) {
  const auto each = [&](auto function) {
#pragma GCC unroll 8
    for (int i = 0; i < Count; i++) a[i] = function(a[i], b[i]);
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

template <int Count>
INLINE void mapTile(const MapLanes& m, const float* x, const float* other, float* y) {
  V values[Count];
#pragma GCC unroll 8
  for (int i = 0; i < Count; i++) values[i] = load(x + i * kBlock);
  if (m.scaled) mapValues(values, Count, [&](V v) { return fmadd(v, m.scale, m.shift); });
  if (other || m.gated) {
    V others[Count];
#pragma GCC unroll 8
    for (int i = 0; i < Count; i++) others[i] = other ? load(other + i * kBlock) : m.gate;
    combine(m.operation, values, others);
  }
  if (isCheap(m.epilogue.activation)) {
    activateCheap(m.epilogue, values, m.slope);
  } else {
    for (int i = 0; i < Count; i++) values[i] = activateDear(m.epilogue.activation, values[i]);
  }
  if (m.partial) mapValues(values, Count, [&](V v) { return select(m.lanes, v, zero()); });
#pragma GCC unroll 8
  for (int i = 0; i < Count; i++) store(y + i * kBlock, values[i]);
}

template <int Count = kMapTile>
INLINE void mapPixels(const MapLanes& m, const float* x, const float* other, float* y, int64_t pixels) {
  for (; pixels >= Count; pixels -= Count) {
    mapTile<Count>(m, x, other, y);
    x += Count * kBlock;
    y += Count * kBlock;
    if (other) other += Count * kBlock;
  }
  if constexpr (Count > 1)
    if (pixels > 0) mapPixels<Count / 2>(m, x, other, y, pixels);
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
  const bool gated = a.other.data && a.o.otherKind == MapOperand::gate, joined = a.other.data && !gated;
  MapLanes m = {};
  m.scaled = a.scale.data || a.shift.data;
  m.gated = gated;
  m.operation = a.o.operation;
  m.epilogue = epilogueOf(a.o.activation, a.slopes.data, a.alpha, a.beta);
  // without borders, rows are one
  const bool flat = t.x.halo + t.y.halo + (joined ? t.other.halo : 0) == 0;
  forEachBand(t.y, range, [&](int64_t image, int64_t block, int64_t rowBegin, int64_t rowEnd) {
    for (int part = 0; part < kBlock; part += kWidth) {
      const int64_t channel = block * kBlock + part, channels = smallest(kWidth, largest(0, t.y.c - channel));
      const auto perChannel = [&](const float* values, int64_t at) {
        return channels > 0 ? loadUpTo(values + at, channels) : zero();
      };
      m.partial = channels < kWidth;
      m.lanes = firstLanes(channels);
      if (a.scale.data || a.shift.data) {
        m.scale = a.scale.data ? perChannel(a.scale.data, channel) : set1(1.0f);
        m.shift = a.shift.data ? perChannel(a.shift.data, channel) : zero();
      }
      if (gated) m.gate = perChannel(a.other.data, image * t.y.c + channel);
      m.slope = slopeOf(m.epilogue, channel, t.y.c);
      const int64_t rows = flat ? 1 : rowEnd - rowBegin, pixels = flat ? (rowEnd - rowBegin) * t.y.w : t.y.w;
      for (int64_t y = rowBegin; y < rowBegin + rows; y++) {
        const float* other = joined ? a.other.data + pixelAt(t.other, image, block, y, 0) + part : nullptr;
        mapPixels(m, a.x.data + pixelAt(t.x, image, block, y, 0) + part, other,
                  a.y.data + pixelAt(t.y, image, block, y, 0) + part, pixels);
      }
    }
    zeroBorder(t.y, a.y.data, image, block, rowBegin, rowEnd);
  });
}

}  // namespace
}  // namespace ISA
