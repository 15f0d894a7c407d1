// cast and fill. An item is a block of consecutive elements.
#pragma once
#include "kernels/elements.inl"
#include "kernels/elementwise.inl"

namespace ISA {
namespace {

INLINE void convert(float* y, float x) { *y = x; }
INLINE void convert(float* y, int32_t x) { *y = static_cast<float>(x); }
INLINE void convert(float* y, uint8_t x) { *y = static_cast<float>(x); }
INLINE void convert(int32_t* y, float x) { *y = wrapToInt32(static_cast<double>(x)); }
INLINE void convert(int32_t* y, int32_t x) { *y = x; }
INLINE void convert(int32_t* y, uint8_t x) { *y = x; }
INLINE void convert(uint8_t* y, float x) { *y = static_cast<uint8_t>(wrapToInt32(static_cast<double>(x))); }
INLINE void convert(uint8_t* y, int32_t x) { *y = static_cast<uint8_t>(x); }
INLINE void convert(uint8_t* y, uint8_t x) { *y = x; }
INLINE void convert(float* y, double x) { *y = static_cast<float>(x); }
INLINE void convert(int32_t* y, double x) { *y = wrapToInt32(x); }
INLINE void convert(uint8_t* y, double x) { *y = static_cast<uint8_t>(wrapToInt32(x)); }

Work plan(const args::cast& a) {
  if (a.truth != 0 && a.truth != 1) return refuse("cast: truth must be 0 or 1");
  if (a.truth == 1 && a.y.kind != ElementKind::uint8) return refuse("cast: truth is stored in bytes");
  if (!holds(a.x, a.y.size)) return refuse("cast: x is shorter than y");
  return planBlocks(a.y.size, 1);
}

void run(const args::cast& a, int, Range range, const Workspace&) {
  const Range elements = blockElements(range, a.y.size);
  ofKind(a.x.kind, [&](auto from) {
    using X = decltype(from);
    const X* x = dataOf<X>(a.x);
    if (a.truth == 1) {
      uint8_t* y = dataOf<uint8_t>(a.y);
      for (int64_t i = elements.begin; i < elements.end; i++) y[i] = x[i] != 0;
      return;
    }
    ofKind(a.y.kind, [&](auto to) {
      using Y = decltype(to);
      Y* y = dataOf<Y>(a.y);
      for (int64_t i = elements.begin; i < elements.end; i++) convert(y + i, x[i]);
    });
  });
}

Work plan(const args::fill& a) {
  if (a.y.data == nullptr) return refuse("fill: y is missing");
  return planBlocks(a.y.size, 1);
}

void run(const args::fill& a, int, Range range, const Workspace&) {
  const Range elements = blockElements(range, a.y.size);
  ofKind(a.y.kind, [&](auto element) {
    using T = decltype(element);
    T value;
    convert(&value, a.value);
    for (int64_t i = elements.begin; i < elements.end; i++) dataOf<T>(a.y)[i] = value;
  });
}

}  // namespace
}  // namespace ISA
