// Weights and bias of a convolution as the tiles of direct.inl read them.
//
// The bias first, padded to whole blocks, then panels in the order of the sum:
//   [group][set of taps][panel][block of source channels][tap row][tap][channel of the block][kTileCols]
// A set of taps is all of them in the forward pass; in the gradient of the input with a stride it is those that reach
// the same positions (gather.inl). Where the source is plain, a block is one channel.
#pragma once
#include "kernels/blocked/sum.inl"
#include "kernels/microkernel.inl"

namespace ISA {
namespace {

// Where the residues of an axis begin that have their own sets of taps, or none.
INLINE int64_t originsOf(const BlockedSum& s, const Axis& axis) {
  return s.gradient ? smallest(axis.stride, axis.source) : 1;
}

struct AxisTaps {
  Taps taps;
  int64_t before;  // taps of the sets before this one
};

// The taps that reach the positions origin, origin + stride, ...; none may.
INLINE AxisTaps tapsAt(const BlockedSum& s, const Axis& axis, int64_t origin) {
  if (!s.gradient) return {forwardTaps(axis), 0};
  const int64_t sets = tapSets(axis);
  for (int64_t set = 0; set < sets; set++) {
    const Taps taps = gradientTaps(axis, set);
    if (taps.origin == origin) return {taps, tapsBefore(axis, set)};
  }
  Taps none = {};
  none.positions = ceilDiv(axis.source - origin, axis.stride);
  none.stride = 1;
  none.origin = origin;
  none.outputStep = axis.stride;
  return {none, 0};
}

// Channels of the result, padded to whole blocks, and the panels they make.
INLINE int64_t paddedRows(const BlockedSum& s) { return roundUp(s.rows, kBlock); }
INLINE int64_t panelsOf(const BlockedSum& s) { return ceilDiv(paddedRows(s), kTileCols); }
INLINE int64_t panelWidth(const BlockedSum& s, int64_t panel) {
  return smallest(kTileCols, paddedRows(s) - panel * kTileCols);
}
INLINE int64_t biasFloats(const BlockedSum& s) { return s.groups * paddedRows(s); }
INLINE int64_t kernelSize(const BlockedSum& s) { return s.y.kernel * s.x.kernel; }
INLINE int64_t groupFloats(const BlockedSum& s) {
  return elements(paddedRows(s), s.channels, s.y.kernel, s.x.kernel);
}
INLINE int64_t packedDirectFloats(const BlockedSum& s) {
  const int64_t weights = elements(s.groups, groupFloats(s));
  return weights < 0 ? kInvalid : biasFloats(s) + weights;
}
// Where the weights of a set begin.
INLINE int64_t packedSet(const BlockedSum& s, int64_t group, const AxisTaps& y, const AxisTaps& x) {
  const int64_t tapsBefore = y.before * s.x.kernel + y.taps.count * x.before;
  return biasFloats(s) + group * groupFloats(s) + tapsBefore * paddedRows(s) * s.channels;
}

// From one group, row or channel of the weights to the next, OIHW of the forward convolution in both directions.
struct WeightSteps {
  int64_t group, row, channel;
};
INLINE WeightSteps weightSteps(const BlockedSum& s) {
  const int64_t taps = kernelSize(s), group = s.rows * s.channels * taps;
  if (s.gradient) return {group, taps, s.rows * taps};
  return {group, s.channels * taps, taps};
}

INLINE void packBias(const BlockedSum& s, const float* bias, float* packed) {
  const int64_t padded = paddedRows(s);
  for (int64_t group = 0; group < s.groups; group++, packed += padded) {
    fillRow(packed, padded, 0);
    if (bias) copyRow(packed, bias + group * s.rows, s.rows);
  }
}

// Weights lie in pieces, one a row or one a channel, too short for the processor to see where they lead: asks for the
// lines of `pieces` of them. Asking past the end does no harm.
INLINE void askForPieces(const float* from, int64_t pieces, int64_t step, int64_t floats) {
  for (int64_t i = 0; i < pieces; i++)
    for (int64_t j = 0; j < floats; j += 16) __builtin_prefetch(from + i * step + j, 0, 2);
}

// The weights of a panel and of up to kBlock source channels from `channel` on to taps[channel][tap][width], tap by tap
// as the forward convolution numbers them.
INLINE void loadTaps(const BlockedSum& s, const float* weight, int64_t group, int64_t panel, int64_t channel,
                     int64_t channels, float* taps) {
  const WeightSteps w = weightSteps(s);
  const int64_t row = panel * kTileCols, width = panelWidth(s, panel);
  const int64_t rows = largest(0, smallest(width, s.rows - row)), count = kernelSize(s);
  const float* from = weight + group * w.group + row * w.row + channel * w.channel;
  // a piece of a single line is asked for earlier
  const float* ahead = from + (count < 4 ? 4 : 1) * kBlock * w.channel;
  if (!s.gradient) {
    // the channels of a row follow each other
    askForPieces(ahead, rows, w.row, channels * count);
    transpose(from, w.row, rows, channels * count, taps, width, width);
    return;
  }
  // the rows of a channel do
  askForPieces(ahead, channels, w.channel, rows * count);
  for (int64_t k = 0; k < channels; k++, from += w.channel, taps += count * width) {
    if (count == 1) {
      copyRow(taps, from, rows);
      fillRow(taps + rows, width - rows, 0);
    } else {
      transpose(from, w.row, rows, count, taps, width, width);
    }
  }
}

constexpr int64_t kTapPanel = int64_t{kBlock} * kTileCols;  // floats of one tap in loadTaps

// Where a panel of a set goes: among all panels of all sets, or, packed alone, among its own.
struct PanelPlace {
  float* to;
  bool alone;
};
INLINE float* placeOf(const BlockedSum& s, const PanelPlace& place, int64_t group, int64_t panel, const AxisTaps& y,
                      const AxisTaps& x) {
  if (!place.alone)
    return place.to + packedSet(s, group, y, x) + panel * kTileCols * s.channels * y.taps.count * x.taps.count;
  return place.to + (y.before * s.x.kernel + y.taps.count * x.before) * panelWidth(s, panel) * s.channels;
}

// The taps of one set from `taps`, as loadTaps leaves them, to their places; `to` where the first of the channels goes.
INLINE void dealTaps(const BlockedSum& s, const AxisTaps& y, const AxisTaps& x, const float* taps, int64_t width,
                     int64_t channels, int64_t block, float* to) {
  const int64_t count = kernelSize(s);
  for (int64_t first = 0; first < channels; first += block) {
    const int64_t end = smallest(channels, first + block);
    for (int64_t i = 0; i < y.taps.count; i++) {
      for (int64_t j = 0; j < x.taps.count; j++) {
        const int64_t tap = (y.taps.first + i * y.taps.step) * s.x.kernel + x.taps.first + j * x.taps.step;
        for (int64_t k = first; k < end; k++, to += width) copyRow(to, taps + (k * count + tap) * width, width);
      }
    }
  }
}

// The taps of `channels` source channels from `channel` on, as loadTaps leaves them, to their places in all sets. `block`:
// source channels whose taps lie together, kBlock, or 1 where the source is plain.
INLINE void dealChannels(const BlockedSum& s, const float* taps, int64_t group, int64_t panel, int64_t channel,
                         int64_t channels, int64_t block, const PanelPlace& place) {
  const int64_t width = panelWidth(s, panel);
  for (int64_t originY = 0; originY < originsOf(s, s.y); originY++) {
    for (int64_t originX = 0; originX < originsOf(s, s.x); originX++) {
      const AxisTaps y = tapsAt(s, s.y, originY), x = tapsAt(s, s.x, originX);
      float* to = placeOf(s, place, group, panel, y, x) + channel * y.taps.count * x.taps.count * width;
      dealTaps(s, y, x, taps, width, channels, block, to);
    }
  }
}

// Packs one panel of a group; `taps` has room for kTapPanel * kernelSize floats.
INLINE void packPanel(const BlockedSum& s, const float* weight, int64_t group, int64_t panel, int64_t block,
                      const PanelPlace& place, float* taps) {
  for (int64_t channel = 0; channel < s.channels; channel += kBlock) {
    const int64_t channels = smallest(kBlock, s.channels - channel);
    loadTaps(s, weight, group, panel, channel, channels, taps);
    dealChannels(s, taps, group, panel, channel, channels, block, place);
  }
}

// Items of packing are panels; the first one does the bias as well.
INLINE Work planPackDirect(const BlockedSum& s) {
  const int64_t scratch = elements(kTapPanel, kernelSize(s)), items = s.groups * panelsOf(s);
  if (scratch < 0) return refuse("blockedConv2dPack: the geometry is not valid");
  Work work = parallel(items, grainOf(static_cast<double>(s.channels) * kernelSize(s) * kTileCols),
                       static_cast<double>(s.groups) * groupFloats(s));
  work.localFloats = scratch;
  return work;
}

INLINE void runPackDirect(const BlockedSum& s, const float* weight, const float* bias, int64_t block, float* packed,
                          Range range, const Workspace& workspace) {
  if (range.begin == 0) packBias(s, bias, packed);
  for (int64_t item = range.begin; item < range.end; item++)
    packPanel(s, weight, item / panelsOf(s), item % panelsOf(s), block, {packed, false}, workspace.local);
}

}  // namespace
}  // namespace ISA
