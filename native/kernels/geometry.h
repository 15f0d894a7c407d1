// Sizes of one call, as they arrive from JavaScript: flat int32 in the order of the field lists in lib/geometry.ts.
// test/geometry.test.ts compares the two definitions field by field.
#pragma once
#include <stdint.h>

struct Conv2dGeometry {
  int32_t n, ic, h, w;
  int32_t oc, kh, kw, oh, ow;
  int32_t strideH, strideW, dilationH, dilationW;
  int32_t padTop, padLeft, padBottom, padRight;
  int32_t groups;
};

struct Pool2dGeometry {
  int32_t n, c, h, w;
  int32_t kh, kw, oh, ow;
  int32_t strideH, strideW, dilationH, dilationW;
  int32_t padTop, padLeft, padBottom, padRight;
  int32_t countIncludePad;
};

struct AdaptivePool2dGeometry {
  int32_t n, c, h, w, oh, ow;
};

struct Pad2dGeometry {
  int32_t planes, h, w, padTop, padLeft, padBottom, padRight, mode;
};

struct GemmGeometry {
  int32_t batch, m, n, k, transA, transB, strideA, strideB;
};

struct AxisGeometry {
  int32_t outer, size, inner;
};

// An axis of which k elements are selected, along which sums run, or that is resampled.
struct SelectionGeometry {
  int32_t outer, size, inner, k, largest;
};
struct RunningGeometry {
  int32_t outer, size, inner, exclusive, reverse;
};
struct ResampleGeometry {
  int32_t outer, size, inner, count, taps;
};

// Boxes of n images with a score in each class, of which at most `most` are selected.
struct SuppressionGeometry {
  int32_t n, classes, spatial, most, centered;
};

struct ChannelGeometry {
  int32_t n, c, size;
};

// A tensor in blocks of 16 channels inside a border of `halo` zero pixels (kernels/blocked/layout.inl). `blocks` is how
// many blocks lie from one image to the next if it is a range of the channels of a wider tensor, and 0 if it is not.
struct BlockedGeometry {
  int32_t n, c, h, w, halo, blocks;
};

// How the tensor that is read and the one that is written lie, where another geometry has their sizes.
struct LayoutOptions {
  int32_t haloIn, haloOut, blocksIn, blocksOut;
};

// How a convolution of blocked tensors is computed. `pass` is one of ConvolutionPass, `algorithm` one of
// ConvolutionAlgorithm, `activation` one of ActivationKind (all in operations.h). Halos and blocks are those of the tensor
// that is read, of the one that is written, and of the residual.
struct ConvolutionOptions {
  int32_t pass, algorithm;
  int32_t haloIn, haloOut, blocksIn, blocksOut;
  int32_t haloResidual, blocksResidual;
  int32_t activation, residualAfter;
};

// What blockedMap does to a tensor. `operation` is one of BinaryOperation, `otherKind` one of MapOperand, `activation` one
// of ActivationKind.
struct MapOptions {
  int32_t operation, otherKind, activation;
  int32_t haloOther, haloOut, blocksOther, blocksOut;
};

// What follows a blocked tensor whose sizes and place another geometry has, or is gone back through: `activation` is one of
// ActivationKind. The other tensor is a residual, or what an activation's derivative is taken of.
struct ActivationOptions {
  int32_t activation;
  int32_t haloOther, haloOut, blocksOther, blocksOut;
};

// The way back through a batch norm of a blocked tensor x. In is dy, Value is y, Out is dx, Residual the residual's gradient.
struct NormGradientOptions {
  int32_t activation, batchStatistics;
  int32_t haloIn, haloValue, haloOut, haloResidual;
  int32_t blocksIn, blocksValue, blocksOut, blocksResidual;
};

constexpr int kMaxRank = 8;

// shape and one stride row per operand, the leading unused axes having size 1 and stride 0
struct UnaryStrides {
  int32_t shape[kMaxRank], x[kMaxRank], y[kMaxRank];
  int32_t offsetX, offsetY;
};
struct BinaryStrides {
  int32_t shape[kMaxRank], a[kMaxRank], b[kMaxRank];
};
struct TernaryStrides {
  int32_t shape[kMaxRank], condition[kMaxRank], a[kMaxRank], b[kMaxRank];
};

// Tuples of `depth` indices into the last `depth` of these axes, in each of `batch` tensors [sizes..., inner]; with
// `shared` all of them use the same `count` tuples.
struct SliceStrides {
  int32_t size[kMaxRank];
  int32_t batch, count, inner, depth, shared;
};
// One index for each element of the shape into an axis of x of `size` elements `stride` apart; x has stride 0 along it.
struct ElementStrides {
  int32_t shape[kMaxRank], x[kMaxRank];
  int32_t stride, size;
};
