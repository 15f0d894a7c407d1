// A convolution of blocked tensors as all of its algorithms see it: for every position of the result
//   result[row] = activation(bias[row] + sum over channel and tap of weight[row][channel][tap] * source[channel][tap at
//   position])
// Forward, the source is x. Backward, the source is dy, rows are input channels and taps run the other way (gather.inl).
#pragma once
#include "kernels/blocked/epilogue.inl"
#include "kernels/gather.inl"

namespace ISA {
namespace {

struct BlockedSum {
  const float* source;
  const float* packed;  // bias and weights as pack() of the algorithm left them
  float* result;
  Blocked from, to;
  int64_t groups, rows, channels;  // rows and channels of a group
  Axis y, x;
  bool gradient;
  Epilogue epilogue;
};

}  // namespace
}  // namespace ISA
