// Windows of an image as columns of a matrix: element [k][pixel] is what tap k of the kernel sees at output position
// `pixel`, zero in the padding. Convolutions gather blocks of that matrix into packed panels; im2col writes it out
// whole.
//
// An axis is described by positions and taps: tap t at position p reads source index p * stride + offset + t * tapStep.
// The forward pass is stride = strideH, offset = -padTop, tapStep = dilationH. The gradient of the input runs the other
// way: input position i receives tap t from output index (i + pad - t * dilation) / stride, if that is a whole number.
// For positions i = origin, origin + stride, ... the same taps qualify, one in `tapSets`, and each such set is again an
// axis of this kind with stride 1. So a strided gradient is a few small convolutions, none of which multiplies by
// zeros.
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

// Lane i is x[i * stride], and zero from lane n on.
INLINE V loadStrided(const float* x, int64_t stride, int64_t n) {
  if (stride == 1) return loadUpTo(x, n);
  if (stride == 2) {
    const int64_t values = 2 * smallest(n, kWidth) - 1;  // up to the last one wanted: nothing is read behind it
    return evens(loadUpTo(x, values), loadUpTo(x + kWidth, values - kWidth));
  }
  float lanes[kWidth];
  for (int i = 0; i < kWidth; i++) lanes[i] = i < n ? x[i * stride] : 0;
  return load(lanes);
}

// y[i] = x[i * stride] for i < n, zero for n <= i < length; `room` as in storeWithin.
INLINE void copyStrided(const float* x, int64_t stride, int64_t n, float* y, int64_t length, int64_t room) {
  int64_t i = 0;
  if (stride == 1)
    for (; i + kWidth <= n; i += kWidth) store(y + i, load(x + i));
  if (stride == 2)
    for (; i + kWidth < n; i += kWidth) store(y + i, evens(load(x + 2 * i), load(x + 2 * i + kWidth)));
  for (; i < length; i += kWidth)
    storeWithin(y + i, loadStrided(x + i * stride, stride, n - i), length - i, room - i);
}

// y[i] = 0 for i < length
INLINE void zeroWithin(float* y, int64_t length, int64_t room) {
  for (int64_t i = 0; i < length; i += kWidth) storeWithin(y + i, zero(), length - i, room - i);
}

// Where `length` positions from `begin` on fall into the source: lanes [low, high) do, at index + lane * stride.
struct TapSpan {
  int64_t index, low, high;
};

INLINE TapSpan spanOf(const Taps& taps, int64_t tap, int64_t begin, int64_t length) {
  const int64_t index = begin * taps.stride + taps.offset + tap * taps.tapStep;
  int64_t low = 0, high = length;
  if (index < 0) low = smallest(length, ceilDiv(-index, taps.stride));
  if (index + (length - 1) * taps.stride >= taps.source)
    high = index >= taps.source ? 0 : ceilDiv(taps.source - index, taps.stride);
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
    const int64_t room = ld - (pixel - pixelBegin);  // the pixels that follow in a row are written later
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
          const int64_t low = vertical.low < vertical.high ? span.low : length, count = span.high - low;
          const float* from = base + c * w.plane + vertical.index * w.x.source + span.index + low * w.x.stride;
          for (; c < end; c++, from += w.plane, to += taps * ld) {
            zeroWithin(to, low, room);
            copyStrided(from, w.x.stride, count, to + low, length - low, room - low);
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
