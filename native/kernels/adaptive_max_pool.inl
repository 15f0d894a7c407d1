// adaptiveMaxPool2dForward: maxima over the windows of adaptive pooling. maxPool2d serves where they are all of one size.
#pragma once
#include "kernels/avg_pool.inl"

namespace ISA {
namespace {

Work plan(const args::adaptiveMaxPool2dForward& a) {
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.x, sizes.x)) return refuse("adaptiveMaxPool2dForward: x is shorter than its shape");
  if (!holds(a.y, sizes.y)) return refuse("adaptiveMaxPool2dForward: y is shorter than its shape");
  if (!holds(a.indices, sizes.y)) return refuse("adaptiveMaxPool2dForward: indices is shorter than its shape");
  if (elements(a.g.h, a.g.w) > INT32_MAX) {
    return refuse("adaptiveMaxPool2dForward: a plane is larger than its indices reach");
  }
  return planPlanes(sizes, 2 * static_cast<double>(sizes.x) + 4 * static_cast<double>(sizes.y));
}

void run(const args::adaptiveMaxPool2dForward& a, int, Range range, const Workspace&) {
  const AdaptivePool2dGeometry& g = a.g;
  for (int64_t item = range.begin; item < range.end; item++) {
    const float* x = a.x.data + item * g.h * g.w;
    float* y = a.y.data + item * g.oh * g.ow;
    int32_t* indices = a.indices.data + item * g.oh * g.ow;
    forEachAdaptiveWindow(g, [&](int64_t o, Span rows, Span columns) {
      int64_t index = -1;
      float best = -__builtin_inff();
      for (int64_t ih = rows.begin; ih < rows.end; ih++) {
        for (int64_t iw = columns.begin; iw < columns.end; iw++) {
          const float value = x[ih * g.w + iw];
          // greater, or the first NaN, which nothing replaces; the first element in any case
          if (index < 0 || (!(value <= best) && best == best)) {
            best = value;
            index = ih * g.w + iw;
          }
        }
      }
      y[o] = best;
      indices[o] = static_cast<int32_t>(index);
    });
  }
}

}  // namespace
}  // namespace ISA
