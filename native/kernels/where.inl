// where. An item is a block of consecutive elements of y.
#pragma once
#include "kernels/elements.inl"
#include "kernels/elementwise.inl"

namespace ISA {
namespace {

Work plan(const args::where& a) {
  const int64_t count = elementsOf(a.g.shape);
  if (a.a.kind != a.y.kind || a.b.kind != a.y.kind) return refuse("where: a, b and y hold different kinds of elements");
  if (!holds(a.y, count)) return refuse("where: y is shorter than its shape");
  if (!holdsStrided(a.condition, a.g.shape, a.g.condition)) {
    return refuse("where: condition is shorter than its shape and strides");
  }
  if (!holdsStrided(a.a, a.g.shape, a.g.a)) return refuse("where: a is shorter than its shape and strides");
  if (!holdsStrided(a.b, a.g.shape, a.g.b)) return refuse("where: b is shorter than its shape and strides");
  return planBlocks(count, 1);
}

// y[i] = c[i] ? p[i] : q[i] with strides
struct ChoiceStrides {
  int64_t c, a, b;
};
INLINE void chooseRow(float* y, const uint8_t* c, const float* p, const float* q, const ChoiceStrides& stride,
                      int64_t n) {
  for (int64_t i = 0; i < n; i += kWidth) {
    const int64_t lanes = smallest(kWidth, n - i);
    const V v = select(loadConditions(c + i * stride.c, stride.c, lanes), loadLanes(p + i * stride.a, stride.a, lanes),
                       loadLanes(q + i * stride.b, stride.b, lanes));
    storeUpTo(y + i, v, lanes);
  }
}
INLINE void chooseRow(uint8_t* y, const uint8_t* c, const uint8_t* p, const uint8_t* q, const ChoiceStrides& stride,
                      int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = c[i * stride.c] ? p[i * stride.a] : q[i * stride.b];
}

void run(const args::where& a, int, Range range, const Workspace&) {
  const Range elements = blockElements(range, elementsOf(a.g.shape));
  const Axes<3> axes = collapse<3>(a.g.shape, {a.g.condition, a.g.a, a.g.b});
  const int inner = axes.rank - 1;
  const ChoiceStrides stride = {axes.stride[0][inner], axes.stride[1][inner], axes.stride[2][inner]};
  ofWidth(a.y.kind, [&](auto element) {
    using T = decltype(element);
    forEachRow(axes, elements.begin, elements.end, [&](int64_t position, const int64_t* offset, int64_t n) {
      chooseRow(dataOf<T>(a.y) + position, a.condition.data + offset[0], dataOf<T>(a.a) + offset[1],
                dataOf<T>(a.b) + offset[2], stride, n);
    });
  });
}

}  // namespace
}  // namespace ISA
