// Buffers whose elements may be of any kind.
#pragma once
#include "kernels/plan.inl"

namespace ISA {
namespace {

template <class T>
INLINE const T* dataOf(const InElements& buffer) {
  return static_cast<const T*>(buffer.data);
}
template <class T>
INLINE T* dataOf(const OutElements& buffer) {
  return static_cast<T*>(buffer.data);
}

// Calls function(T()) with T the type of a kind's elements.
template <class Function>
INLINE void ofKind(int32_t kind, Function function) {
  switch (kind) {
    case ElementKind::float32: return function(float());
    case ElementKind::int32: return function(int32_t());
    case ElementKind::uint8: return function(uint8_t());
  }
}

// The same for kernels that only move elements: those of four bytes are moved as floats, which changes no bit.
template <class Function>
INLINE void ofWidth(int32_t kind, Function function) {
  if (kind == ElementKind::uint8) return function(uint8_t());
  function(float());
}

// n elements from x to y.
template <class T>
INLINE void copyElements(T* y, const T* x, int64_t n) {
  __builtin_memcpy(y, x, static_cast<size_t>(n) * sizeof(T));
}

// What an integer array of JavaScript keeps of a number: without its fraction, modulo 2^32; of NaN and infinity 0.
INLINE int32_t wrapToInt32(double value) {
  if (value > -2147483649.0 && value < 2147483648.0) return static_cast<int32_t>(value);
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  // value = mantissa * 2^exponent, the mantissa having 53 bits; below 2^31 it has been dealt with
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1075;
  if (exponent >= 32) return 0;
  const uint64_t mantissa = (bits & 0xfffffffffffff) | 0x10000000000000;
  const uint32_t low = static_cast<uint32_t>(exponent < 0 ? mantissa >> -exponent : mantissa << exponent);
  return static_cast<int32_t>(value < 0 ? 0u - low : low);
}

}  // namespace
}  // namespace ISA
