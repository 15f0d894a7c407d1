// Windows of an image as columns of a matrix: element [k][pixel] is what tap k of the kernel sees at output position
// `pixel`, zero in the padding. Convolutions gather blocks of that matrix into packed panels; im2col writes it out whole.
//
// An axis is described by positions and taps: tap t at position p reads source index p * stride + offset + t * tapStep.
// The forward pass is stride = strideH, offset = -padTop, tapStep = dilationH. The gradient of the input runs the other
// way: input position i receives tap t from output index (i + pad - t * dilation) / stride, if that is a whole number. For
// positions i = origin, origin + stride, ... the same taps qualify, one in `tapSets`, and each such set is again an axis of
// this kind with stride 1. So a strided gradient is a few small convolutions, none of which multiplies by zeros.
#pragma once
#include "kernels/pack.inl"

namespace ISA {
namespace {

struct Axis {
  int64_t kernel, source, stride, dilation, pad, output;  // forward: output positions read the source
};

struct Taps {
  int64_t positions, source;          // positions of the grid, extent of what they read
  int64_t stride, offset, tapStep;    // see above
  int64_t count, first, step;         // kernel indices first, first + step, ...
  int64_t origin, outputStep;         // position p is index origin + p * outputStep of the result
};

INLINE int64_t greatestCommonDivisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

INLINE Taps forwardTaps(const Axis& axis) {
  return {axis.output, axis.source, axis.stride, -axis.pad, axis.dilation, axis.kernel, 0, 1, 0, 1};
}

// Taps t and t + stride / gcd(stride, dilation) reach the same positions, so there are at most that many sets.
INLINE int64_t tapSetStep(const Axis& axis) { return axis.stride / greatestCommonDivisor(axis.stride, axis.dilation); }
INLINE int64_t tapSets(const Axis& axis) { return smallest(axis.kernel, tapSetStep(axis)); }
// Taps in the sets before `set`.
INLINE int64_t tapsBefore(const Axis& axis, int64_t set) {
  const int64_t step = tapSetStep(axis);
  return set * (axis.kernel / step) + smallest(set, axis.kernel % step);
}

INLINE Taps gradientTaps(const Axis& axis, int64_t set) {
  const int64_t step = tapSetStep(axis);
  const int64_t shift = (set * axis.dilation - axis.pad) % axis.stride;
  const int64_t origin = shift < 0 ? shift + axis.stride : shift;
  Taps taps;
  taps.positions = largest(0, ceilDiv(axis.source - origin, axis.stride));
  taps.source = axis.output;
  taps.stride = 1;
  taps.offset = (origin + axis.pad - set * axis.dilation) / axis.stride;
  taps.tapStep = -(step * axis.dilation / axis.stride);
  taps.count = tapsBefore(axis, set + 1) - tapsBefore(axis, set);
  taps.first = set;
  taps.step = step;
  taps.origin = origin;
  taps.outputStep = axis.stride;
  return taps;
}

// Both axes over images of `plane` values a channel, `image` values an image.
struct Windows {
  Taps y, x;
  int64_t plane, image;
};

INLINE int64_t tapCount(const Windows& w) { return w.y.count * w.x.count; }
INLINE int64_t positionCount(const Windows& w) { return w.y.positions * w.x.positions; }

// One tap over every whole image: rows need not be told apart, and the source is its own column matrix.
INLINE bool isIdentity(const Taps& t) {
  return t.count == 1 && t.stride == 1 && t.offset == 0 && t.outputStep == 1 && t.positions == t.source;
}
INLINE bool isIdentity(const Windows& w) { return isIdentity(w.y) && isIdentity(w.x); }

// y[i] = x[i * stride], i < n
INLINE void copyStrided(const float* x, int64_t stride, int64_t n, float* y) {
  int64_t i = 0;
  if (stride == 1) {
    for (; i + kWidth <= n; i += kWidth) store(y + i, load(x + i));
    if (i < n) storePartial(y + i, loadPartial(x + i, n - i), n - i);
    return;
  }
  if (stride == 2) {
    // strictly more than kWidth left: the second load then ends at or before the next value
    for (; i + kWidth < n; i += kWidth) store(y + i, evens(load(x + 2 * i), load(x + 2 * i + kWidth)));
    const int64_t rest = 2 * (n - i) - 1;  // values of x up to the last one wanted
    storeUpTo(y + i, evens(loadUpTo(x + 2 * i, rest), loadUpTo(x + 2 * i + kWidth, rest - kWidth)), n - i);
    return;
  }
  for (; i < n; i++) y[i] = x[i * stride];
}

// Where `length` positions from `begin` on fall into the source: lanes [low, high) do, at index + lane * stride.
struct TapSpan {
  int64_t index, low, high;
};

INLINE TapSpan spanOf(const Taps& taps, int64_t tap, int64_t begin, int64_t length) {
  const int64_t index = begin * taps.stride + taps.offset + tap * taps.tapStep;
  int64_t low = 0, high = length;
  if (index < 0) low = smallest(length, taps.stride == 1 ? -index : ceilDiv(-index, taps.stride));
  if (index + (length - 1) * taps.stride >= taps.source)
    high = index >= taps.source ? 0 : taps.stride == 1 ? taps.source - index : ceilDiv(taps.source - index, taps.stride);
  return {index, low, largest(low, high)};
}

// Rows kBegin .. kEnd of the column matrix at pixels [pixelBegin, pixelEnd), counted through all images from `x` on, to
// `columns` with row pitch ld. Row k belongs to channel k / taps and tap k % taps.
__attribute__((noinline)) void gather(const Windows& w, const float* x, int64_t kBegin, int64_t kEnd,
                                      int64_t pixelBegin, int64_t pixelEnd, float* columns, int64_t ld) {
  const int64_t taps = tapCount(w), pixels = positionCount(w), width = w.x.positions;
  if (kBegin == kEnd) return;
  const int64_t firstChannel = kBegin / taps, endChannel = ceilDiv(kEnd, taps);
  // Channels go in groups small enough that the lines of a group survive in the first level cache from one tap to the
  // next even if all of them map to the same set of it.
  constexpr int64_t kChannels = 8;
  for (int64_t pixel = pixelBegin; pixel < pixelEnd;) {
    const int64_t image = pixel / pixels, row = pixel % pixels / width, col = pixel % pixels % width;
    const int64_t length = smallest(width - col, pixelEnd - pixel);
    const float* base = x + image * w.image;
    float* out = columns + (pixel - pixelBegin);
    pixel += length;
    for (int64_t channel = firstChannel; channel < endChannel; channel += kChannels) {
      for (int64_t ty = 0; ty < w.y.count; ty++) {
        const TapSpan vertical = spanOf(w.y, ty, row, 1);
        for (int64_t tx = 0; tx < w.x.count; tx++) {
          const int64_t tap = ty * w.x.count + tx;
          int64_t c = channel, end = smallest(channel + kChannels, endChannel);
          if (c * taps + tap < kBegin) c++;
          if ((end - 1) * taps + tap >= kEnd) end--;
          if (c >= end) continue;
          const TapSpan span = spanOf(w.x, tx, col, length);
          float* to = out + (c * taps + tap - kBegin) * ld;
          if (vertical.low == vertical.high || span.low == span.high) {
            for (; c < end; c++, to += taps * ld) fillRow(to, length, 0);
            continue;
          }
          const float* from = base + c * w.plane + vertical.index * w.x.source + span.index + span.low * w.x.stride;
          for (; c < end; c++, from += w.plane, to += taps * ld) {
            if (span.low > 0) fillRow(to, span.low, 0);
            copyStrided(from, w.x.stride, span.high - span.low, to + span.low);
            if (span.high < length) fillRow(to + span.high, length - span.high, 0);
          }
        }
      }
    }
  }
}

// The same as column panels of kTileCols pixels, the last one filled up with zeros.
INLINE void gatherPanels(const Windows& w, const float* x, int64_t kBegin, int64_t kEnd, int64_t pixelBegin,
                         int64_t pixelEnd, float* packed) {
  for (int64_t pixel = pixelBegin; pixel < pixelEnd; pixel += kTileCols) {
    const int64_t width = smallest(kTileCols, pixelEnd - pixel);
    gather(w, x, kBegin, kEnd, pixel, pixel + width, packed, kTileCols);
    if (width < kTileCols)
      for (int64_t k = 0; k < kEnd - kBegin; k++) fillRow(packed + k * kTileCols + width, kTileCols - width, 0);
    packed += (kEnd - kBegin) * kTileCols;
  }
}

}  // namespace
}  // namespace ISA
