// randomMask: Threefry2x32-20 (Salmon et al. 2011), a cipher over a counter, so that every element is computed by itself, and of
// additions, rotations and exclusive ors only, so that a plain loop over neighbouring counters becomes vectors of any width.
#pragma once
#include "kernels/elementwise.inl"

namespace ISA {
namespace {

constexpr int kCounters = 32;
constexpr int64_t kMaskGroup = 2 * kCounters;

struct Words {
  uint32_t a, b;
};

template <int kRotation>
INLINE Words mixed(Words x) {
  const uint32_t a = x.a + x.b;
  return {a, ((x.b << kRotation) | (x.b >> (32 - kRotation))) ^ a};
}
INLINE Words fourRounds(Words x) { return mixed<6>(mixed<26>(mixed<15>(mixed<13>(x)))); }
INLINE Words otherFourRounds(Words x) { return mixed<24>(mixed<16>(mixed<29>(mixed<17>(x)))); }

INLINE Words threefry(uint32_t counter, uint32_t key0, uint32_t key1) {
  const uint32_t key2 = 0x1BD11BDAu ^ key0 ^ key1;
  Words x = fourRounds({counter + key0, key1});
  x = otherFourRounds({x.a + key1, x.b + key2 + 1});
  x = fourRounds({x.a + key2, x.b + key0 + 2});
  x = otherFourRounds({x.a + key0, x.b + key1 + 3});
  x = fourRounds({x.a + key1, x.b + key2 + 4});
  return {x.a + key2, x.b + key0 + 5};
}

// The smallest word that is kept. Of 2^32 words p · 2^32 are not, rounded up, but the last one always is.
INLINE uint32_t thresholdOf(double p) {
  const double exact = p * 4294967296.0;
  uint64_t threshold = static_cast<uint64_t>(exact);
  if (static_cast<double>(threshold) < exact) threshold++;
  return threshold < 0xFFFFFFFF ? static_cast<uint32_t>(threshold) : 0xFFFFFFFF;
}

Work plan(const args::randomMask& a) {
  if (!holds(a.seed, 2)) return refuse("randomMask: seed is shorter than two integers");
  if (!(a.p >= 0 && a.p <= 1)) return refuse("randomMask: p must be from 0 to 1");
  return planBlocks(a.y.size, 4);
}

void run(const args::randomMask& a, int, Range range, const Workspace&) {
  static_assert(kElementBlock % kMaskGroup == 0, "groups must not be cut");
  const Range elements = blockElements(range, a.y.size);
  const uint32_t key0 = static_cast<uint32_t>(a.seed.data[0]), key1 = static_cast<uint32_t>(a.seed.data[1]);
  const uint32_t threshold = thresholdOf(a.p);
  const float scale = a.p < 1 ? static_cast<float>(1 / (1 - a.p)) : 0.0f;
  for (int64_t at = elements.begin; at < elements.end; at += kMaskGroup) {
    float mask[kMaskGroup];  // of its own, so that the compiler knows that nothing else is written
    const uint32_t first = static_cast<uint32_t>(at / 2);
    for (int i = 0; i < kCounters; i++) {
      const Words words = threefry(first + static_cast<uint32_t>(i), key0, key1);
      mask[i] = words.a < threshold ? 0.0f : scale;
      mask[i + kCounters] = words.b < threshold ? 0.0f : scale;
    }
    const int64_t count = smallest(kMaskGroup, elements.end - at);
    if (count == kMaskGroup) {
      __builtin_memcpy(a.y.data + at, mask, sizeof(mask));
    } else {
      for (int64_t i = 0; i < count; i++) a.y.data[at + i] = mask[i];
    }
  }
}

}  // namespace
}  // namespace ISA
