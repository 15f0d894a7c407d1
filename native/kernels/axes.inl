// Strided operands: whether they stay inside their buffers, and a walk over them with as few axes as possible.
#pragma once
#include "kernels/plan.inl"

namespace ISA {
namespace {

INLINE int64_t elementsOf(const int32_t (&shape)[kMaxRank]) {
  return elements(shape[0], shape[1], shape[2], shape[3], shape[4], shape[5], shape[6], shape[7]);
}

// Whether a buffer contains every element offset + Σ i_d stride_d with i < shape.
template <class Buffer>
INLINE bool holdsStrided(const Buffer& buffer, const int32_t (&shape)[kMaxRank], const int32_t (&stride)[kMaxRank],
                         int64_t offset = 0) {
  const int64_t count = elementsOf(shape);
  if (count <= 0) return count == 0;
  int64_t low = offset, high = offset;
  for (int d = 0; d < kMaxRank; d++) {
    const int64_t reach = (static_cast<int64_t>(shape[d]) - 1) * stride[d];
    (reach < 0 ? low : high) += reach;
    // one reach is below 2^62: stopping here keeps the sum of eight from overflowing
    if (low < 0 || high > kMostElements) return false;
  }
  return holds(buffer, high + 1);
}

template <int kOperands>
struct Axes {
  int rank;  // at least 1; the last axis is the innermost
  int64_t size[kMaxRank];
  int64_t stride[kOperands][kMaxRank];
};

// Leaves out axes of size 1 and joins neighbours that every operand walks in one go.
template <int kOperands>
INLINE Axes<kOperands> collapse(const int32_t (&shape)[kMaxRank], const int32_t* const (&stride)[kOperands]) {
  Axes<kOperands> axes = {};
  for (int d = 0; d < kMaxRank; d++) {
    if (shape[d] == 1) continue;
    const int last = axes.rank - 1;
    bool joins = axes.rank > 0;
    for (int o = 0; joins && o < kOperands; o++)
      joins = axes.stride[o][last] == static_cast<int64_t>(shape[d]) * stride[o][d];
    const int axis = joins ? last : axes.rank++;
    axes.size[axis] = joins ? axes.size[axis] * shape[d] : shape[d];
    for (int o = 0; o < kOperands; o++) axes.stride[o][axis] = stride[o][d];
  }
  if (axes.rank == 0) {
    axes.rank = 1;
    axes.size[0] = 1;
  }
  return axes;
}

// Calls row(position, offset, n) for the runs along the innermost axis that make up the positions [begin, end) of the
// row-major walk over the axes; offset[o] is where operand o starts.
template <int kOperands, class Row>
INLINE void forEachRow(const Axes<kOperands>& axes, int64_t begin, int64_t end, Row row) {
  const int inner = axes.rank - 1;
  int64_t index[kMaxRank];
  int64_t offset[kOperands] = {};
  int64_t rest = begin;
  for (int d = inner; d >= 0; d--) {
    index[d] = rest % axes.size[d];
    rest /= axes.size[d];
    for (int o = 0; o < kOperands; o++) offset[o] += index[d] * axes.stride[o][d];
  }
  for (int64_t position = begin; position < end;) {
    const int64_t n = smallest(axes.size[inner] - index[inner], end - position);
    row(position, offset, n);
    position += n;
    for (int o = 0; o < kOperands; o++) offset[o] -= index[inner] * axes.stride[o][inner];
    index[inner] = 0;
    for (int d = inner - 1; d >= 0; d--) {
      for (int o = 0; o < kOperands; o++) offset[o] += axes.stride[o][d];
      if (++index[d] < axes.size[d]) break;
      for (int o = 0; o < kOperands; o++) offset[o] -= axes.size[d] * axes.stride[o][d];
      index[d] = 0;
    }
  }
}

}  // namespace
}  // namespace ISA
