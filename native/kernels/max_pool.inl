// maxPool2dForward, maxPool2dBackward, maxPool2dGather.
#pragma once
#include "kernels/pool_rows.inl"

namespace ISA {
namespace {

// The first maximum of a window in row order, or its first NaN; {-inf, -1} of a window that lies in padding.
struct Maximum {
  float value;
  int32_t index;
};
INLINE Maximum maximumOf(const float* x, const Pool2dGeometry& g, Span rows, int64_t startH, int64_t startW) {
  const Span columns = validTaps(startW, g.kw, g.dilationW, g.w);
  Maximum best = {-__builtin_inff(), -1};
  for (int64_t kh = rows.begin; kh < rows.end; kh++) {
    for (int64_t kw = columns.begin; kw < columns.end; kw++) {
      const int64_t index = (startH + kh * g.dilationH) * g.w + startW + kw * g.dilationW;
      const float v = x[index];
      if (best.index < 0 || v > best.value || (v != v && best.value == best.value)) {
        best = {v, static_cast<int32_t>(index)};
      }
    }
  }
  return best;
}

// lane · stride for each lane.
INLINE I laneOffsets(int64_t stride) {
  int32_t lane[kWidth];
  for (int i = 0; i < kWidth; i++) lane[i] = static_cast<int32_t>(i * stride);
  return load(lane);
}

// The maxima of up to kWidth neighbouring windows that lie inside horizontally, relative to the first of them, and
// whether an element may be NaN (see pool_rows.inl). load(row, tap) gives one tap of them.
template <int kKernel, bool kExact, bool kIndices, class Load>
INLINE bool maximaOf(const Pool2dGeometry& g, Span rows, int64_t startH, int64_t startW, V& best, I& at, Load load) {
  const int64_t kernel = kKernel > 0 ? kKernel : g.kw;
  const int64_t dilation = kKernel > 0 ? 1 : g.dilationW;
  V sum = zero();
  for (int64_t kh = rows.begin; kh < rows.end; kh++) {
    const int64_t row = (startH + kh * g.dilationH) * g.w + startW;
    for (int64_t kw = 0; kw < kernel; kw++) {
      const int64_t tap = kw * dilation;
      const V v = load(row, tap);
      const I index = set1(static_cast<int32_t>(row + tap));
      const bool first = kh == rows.begin && kw == 0;
      // larger, or the first NaN
      const M m = kExact ? both(invert(lessEqual(v, best)), equal(best, best)) : less(best, v);
      if (!kExact) sum = add(sum, v);
      best = first ? v : select(m, v, best);
      if (kIndices) at = first ? index : select(m, index, at);
    }
  }
  return any(isNan(sum));
}

// Output rows [begin, end). x is the plane and all that follows it. kKernel is the window's width if it is known and
// not dilated, or 0; kStride as in loadTap.
template <int kKernel, int kStride, bool kIndices>
INLINE void maxPoolPlane(In x, float* y, int32_t* indices, const Pool2dGeometry& g, int64_t begin, int64_t end) {
  const int64_t lastTap = (static_cast<int64_t>(g.kw) - 1) * g.dilationW;
  const Span interior = interiorWindows(g.ow, g.kw, g.dilationW, g.strideW, g.padLeft, g.w);
  const I offsets = laneOffsets(g.strideW);
  for (int64_t oh = begin; oh < end; oh++) {
    const int64_t startH = oh * g.strideH - g.padTop;
    const Span rows = validTaps(startH, g.kh, g.dilationH, g.h);
    const auto border = [&](int64_t ow) {
      const Maximum best = maximumOf(x.data, g, rows, startH, ow * g.strideW - g.padLeft);
      y[oh * g.ow + ow] = best.value;
      if constexpr (kIndices) indices[oh * g.ow + ow] = best.index;
    };
    const bool empty = rows.begin == rows.end;
    for (int64_t ow = 0; ow < (empty ? g.ow : interior.begin); ow++) border(ow);
    for (int64_t ow = interior.begin; !empty && ow < interior.end; ow += kWidth) {
      const int64_t lanes = smallest(kWidth, interior.end - ow);
      const int64_t startW = ow * g.strideW - g.padLeft;
      const int64_t lastRow = (startH + (rows.end - 1) * g.dilationH) * g.w + startW;
      V best = zero();
      I at = set1(0);
      if (lastRow + reachOf<kStride>(lastTap, g.strideW) <= x.size) {
        const auto whole = [&](int64_t row, int64_t tap) { return loadTap<kStride>(x.data + row, tap, g.strideW); };
        if (maximaOf<kKernel, false, kIndices>(g, rows, startH, startW, best, at, whole))
          maximaOf<kKernel, true, kIndices>(g, rows, startH, startW, best, at, whole);
      } else {
        maximaOf<kKernel, true, kIndices>(g, rows, startH, startW, best, at, [&](int64_t row, int64_t tap) {
          return loadTapLanes(x.data + row, tap, g.strideW, lanes);
        });
      }
      const int64_t target = oh * g.ow + ow;
      storeUpTo(y + target, best, lanes);
      if constexpr (kIndices) {
        if (lanes == kWidth) {
          store(indices + target, add(at, offsets));
        } else {
          storePartial(indices + target, add(at, offsets), lanes);
        }
      }
    }
    for (int64_t ow = interior.end; !empty && ow < g.ow; ow++) border(ow);
  }
}

template <bool kIndices>
INLINE void maxPoolPlanes(const args::maxPool2dForward& a, Range range, float* rows) {
  const Pool2dGeometry& g = a.g;
  const int64_t sizeX = int64_t{g.h} * g.w, sizeY = int64_t{g.oh} * g.ow;
  const RowBuffer buffer = rowBufferOf(g);
  const bool inRows = !kIndices && buffer.pitch != kInvalid;
  if (inRows) clearRows<Largest>(buffer, rows);
  withWindow(g, [&](auto kernel, auto stride) {
    constexpr int kKernel = decltype(kernel)::value, kStride = decltype(stride)::value;
    for (int64_t item = range.begin; item < range.end; item++) {
      const In x = {a.x.data + item * sizeX, a.x.size - item * sizeX};
      float* y = a.y.data + item * sizeY;
      for (int64_t oh = 0; inRows && oh < g.oh; oh += kPoolRows) {
        const int64_t end = smallest(g.oh, oh + kPoolRows);
        const auto same = [](int64_t) { return [](V v, int64_t) { return v; }; };
        if (!poolRows<Largest, kKernel, kStride>(x.data, y, g, buffer, oh, end, rows, same))
          maxPoolPlane<kKernel, kStride, kIndices>(x, y, nullptr, g, oh, end);
      }
      if (!inRows)
        maxPoolPlane<kKernel, kStride, kIndices>(x, y, kIndices ? a.indices.data + item * sizeY : nullptr, g, 0, g.oh);
    }
  });
}

Work plan(const args::maxPool2dForward& a) {
  const char* error = poolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.x, sizes.x)) return refuse("maxPool2dForward: x is shorter than its shape");
  if (!holds(a.y, sizes.y)) return refuse("maxPool2dForward: y is shorter than its shape");
  if (!nullOrHolds(a.indices, sizes.y)) return refuse("maxPool2dForward: indices is shorter than its shape");
  Work work = planPlanes(sizes, static_cast<double>(sizes.y) * tapsInside(a.g));
  if (a.indices.data == nullptr) work.localFloats = rowBufferFloats(a.g);
  return work;
}

void run(const args::maxPool2dForward& a, int, Range range, const Workspace& workspace) {
  if (a.indices.data != nullptr) {
    maxPoolPlanes<true>(a, range, nullptr);
  } else {
    maxPoolPlanes<false>(a, range, workspace.local);
  }
}

Work plan(const args::maxPool2dBackward& a) {
  const char* error = poolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.dy, sizes.y)) return refuse("maxPool2dBackward: dy is shorter than its shape");
  if (!holds(a.indices, sizes.y)) return refuse("maxPool2dBackward: indices is shorter than its shape");
  if (!holds(a.dx, sizes.x)) return refuse("maxPool2dBackward: dx is shorter than its shape");
  return planPlanes(sizes, static_cast<double>(sizes.x) + 4 * static_cast<double>(sizes.y));
}

// Unsigned comparison skips the negative indices together with those behind the plane.
void run(const args::maxPool2dBackward& a, int, Range range, const Workspace&) {
  const int64_t sizeX = int64_t{a.g.h} * a.g.w, sizeY = int64_t{a.g.oh} * a.g.ow;
  for (int64_t item = range.begin; item < range.end; item++) {
    const float* dy = a.dy.data + item * sizeY;
    const int32_t* indices = a.indices.data + item * sizeY;
    float* dx = a.dx.data + item * sizeX;
    fillRow(dx, sizeX, 0);
    for (int64_t o = 0; o < sizeY; o++) {
      const uint32_t index = static_cast<uint32_t>(indices[o]);
      if (index < static_cast<uint64_t>(sizeX)) dx[index] += dy[o];
    }
  }
}

Work plan(const args::maxPool2dGather& a) {
  const char* error = poolError(a.g);
  if (error != nullptr) return refuse(error);
  const PoolSizes sizes = poolSizes(a.g);
  if (!holds(a.x, sizes.x)) return refuse("maxPool2dGather: x is shorter than its shape");
  if (!holds(a.indices, sizes.y)) return refuse("maxPool2dGather: indices is shorter than its shape");
  if (!holds(a.y, sizes.y)) return refuse("maxPool2dGather: y is shorter than its shape");
  return planPlanes(sizes, 4 * static_cast<double>(sizes.y));
}

void run(const args::maxPool2dGather& a, int, Range range, const Workspace&) {
  const int64_t sizeX = int64_t{a.g.h} * a.g.w, sizeY = int64_t{a.g.oh} * a.g.ow;
  for (int64_t item = range.begin; item < range.end; item++) {
    const float* x = a.x.data + item * sizeX;
    const int32_t* indices = a.indices.data + item * sizeY;
    float* y = a.y.data + item * sizeY;
    for (int64_t o = 0; o < sizeY; o++) {
      const uint32_t index = static_cast<uint32_t>(indices[o]);
      y[o] = index < static_cast<uint64_t>(sizeX) ? x[index] : 0.0f;
    }
  }
}

}  // namespace
}  // namespace ISA
