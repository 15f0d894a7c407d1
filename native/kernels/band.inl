// The rows of an image that direct convolutions slide along, copied so that no tap needs a bounds check: with the
// padding written out as zeros, and for stride s dealt to s planes (column u goes to plane u % s), so that neighbouring
// positions are neighbours in memory for every tap. Stride, dilation and padding are then nothing but a tap's offset in
// the band.
#pragma once
#include "kernels/gather.inl"

namespace ISA {
namespace {

constexpr int64_t kBandFloats = 1 << 16;      // 256 KiB: a quarter of the second level cache, where there is a choice
constexpr int64_t kMostBandFloats = 1 << 18;  // a row that does not fit into this is left to the matrix product
constexpr int64_t kMostPlanes = 4;            // likewise larger strides
constexpr int kBandSlack = kWidth;            // the last vector of a row may reach behind the band

// How one axis of the taps lies in a band. Relative to its lowest tap, tap t reads index p * stride + shift(t): it
// lives in plane shift % stride at offset shift / stride. Taps t and t + planes share a plane.
INLINE int64_t lowestTap(const Taps& t) { return t.tapStep < 0 ? (t.count - 1) * t.tapStep : 0; }
INLINE int64_t shiftOf(const Taps& t, int64_t tap) { return tap * t.tapStep - lowestTap(t); }
INLINE int64_t planesOf(const Taps& t) {
  return smallest(t.count, t.stride / greatestCommonDivisor(t.stride, magnitude(t.tapStep)));
}
INLINE int64_t extentOf(const Taps& t, int64_t positions) {
  return positions + (t.count - 1) * magnitude(t.tapStep) / t.stride;
}

struct Band {
  Taps y, x;
  int64_t planesY, planesX;
  int64_t rows;    // positions along y
  int64_t height, pitch;
  int64_t channel;  // floats per source channel
};

INLINE Band bandOf(const Taps& y, const Taps& x, int64_t rows) {
  Band band = {y, x, planesOf(y), planesOf(x), rows, extentOf(y, rows), extentOf(x, x.positions), 0};
  band.channel = band.planesY * band.planesX * band.height * band.pitch;
  return band;
}

// Whether a band of a single row, the smallest there is, is reasonable.
INLINE bool fitsBand(const Taps& y, const Taps& x, int64_t channels) {
  if (y.count < 1 || x.count < 1) return false;
  if (planesOf(y) > kMostPlanes || planesOf(x) > kMostPlanes) return false;
  const int64_t height = extentOf(y, 1), pitch = extentOf(x, x.positions), planes = planesOf(y) * planesOf(x);
  const int64_t size = elements(height, pitch, planes, channels), taps = elements(y.count, x.count);
  return size >= 0 && size <= kMostBandFloats && taps > 0 && taps <= kBandFloats;
}

// As many rows as fit into kBandFloats, at least one and about as many as there are taps, if possible.
INLINE int64_t rowsPerBand(const Taps& y, const Taps& x, int64_t channels) {
  const int64_t reach = extentOf(y, 0);
  const int64_t row = largest(1, planesOf(y) * planesOf(x) * extentOf(x, x.positions) * channels);
  int64_t rows = kBandFloats / row - reach;
  if (rows < reach) rows = smallest(reach, kMostBandFloats / row - reach);
  const int64_t positions = largest(1, y.positions);
  return ceilDiv(positions, ceilDiv(positions, largest(1, rows)));
}

INLINE int64_t bandFloats(const Band& band, int64_t channels) { return aligned(channels * band.channel + kBandSlack); }

// Fills the band for positions [rowBegin, rowBegin + rows) of `channels` source planes, reading each plane once, in the
// order of memory.
__attribute__((noinline)) void fillBand(const Band& band, const float* source, int64_t plane, int64_t channels,
                                        int64_t rowBegin, int64_t rows, float* out) {
  const int64_t height = band.height - band.rows + rows;
  Taps y[kMostPlanes], x[kMostPlanes];
  TapSpan down[kMostPlanes], across[kMostPlanes];
  for (int64_t p = 0; p < band.planesY; p++) {
    y[p] = band.y;
    y[p].offset += lowestTap(band.y) + shiftOf(band.y, p) % band.y.stride;
    down[p] = spanOf(y[p], 0, rowBegin, height);
  }
  for (int64_t p = 0; p < band.planesX; p++) {
    x[p] = band.x;
    x[p].offset += lowestTap(band.x) + shiftOf(band.x, p) % band.x.stride;
    across[p] = spanOf(x[p], 0, 0, band.pitch);
  }
  for (int64_t c = 0; c < channels; c++, source += plane, out += band.channel) {
    for (int64_t row = 0; row < height; row++) {
      for (int64_t py = 0; py < band.planesY; py++) {
        const bool inside = row >= down[py].low && row < down[py].high;
        const float* line = source + (down[py].index + row * band.y.stride) * band.x.source;
        for (int64_t px = 0; px < band.planesX; px++) {
          float* to = out + ((py * band.planesX + px) * band.height + row) * band.pitch;
          const int64_t room = (height - row) * band.pitch, low = inside ? across[px].low : band.pitch;
          zeroWithin(to, low, room);
          copyStrided(line + across[px].index + low * band.x.stride, band.x.stride, across[px].high - low, to + low,
                      band.pitch - low, room - low);
        }
      }
    }
  }
}

// Where a tap lies in the band of its channel, and in the weights of its pair of channels.
struct TapEntry {
  int64_t band, weight;
};

INLINE void listTaps(const Band& band, int64_t kernelWidth, TapEntry* entries) {
  for (int64_t ty = 0; ty < band.y.count; ty++) {
    for (int64_t tx = 0; tx < band.x.count; tx++) {
      const int64_t plane = ty % band.planesY * band.planesX + tx % band.planesX;
      const int64_t row = shiftOf(band.y, ty) / band.y.stride, col = shiftOf(band.x, tx) / band.x.stride;
      entries->band = (plane * band.height + row) * band.pitch + col;
      entries->weight = (band.y.first + ty * band.y.step) * kernelWidth + band.x.first + tx * band.x.step;
      entries++;
    }
  }
}

INLINE int64_t tapFloats(int64_t taps) { return aligned(taps * int64_t{sizeof(TapEntry) / sizeof(float)}); }

}  // namespace
}  // namespace ISA
