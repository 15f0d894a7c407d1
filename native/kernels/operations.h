// Codes of the operations that share one kernel, in the order of lib/kernels/operations.ts (compared by a test).
#pragma once

namespace UnaryOperation {
enum { neg, abs, sign, exp, log, sqrt, square, reciprocal, erf, tanh, sigmoid, relu, leakyRelu, elu, gelu, silu, softplus, clip, affine,
       floor, ceil, round, hardSigmoid, hardSwish, mish };
}
namespace BinaryOperation {
enum { add, sub, mul, div, max, min, pow, reluGrad, prelu, mod, fmod };
}
namespace CompareOperation {
enum { eq, ne, lt, le, gt, ge };
}
namespace LogicalOperation {
enum { logicalAnd, logicalOr, logicalXor };
}
namespace UnaryIntOperation {
enum { neg, abs, sign, clip };
}
namespace BinaryIntOperation {
enum { add, sub, mul, div, max, min, pow, mod, fmod };
}
namespace ReduceIntOperation {
enum { sum, max, min, prod };
}
namespace ScatterReduction {
enum { none, add, mul, max, min };
}
namespace ReduceOperation {
enum { sum, mean, max, min, prod };
}
namespace ArgReduceOperation {
enum { argmax, argmin };
}
namespace PadMode {
enum { constant, reflect, replicate, circular };
}
namespace ConvolutionPass {
enum { forward, gradInput, gradWeight };
}
namespace ConvolutionAlgorithm {
enum { direct, plainInput, winograd2, winograd4, depthwise, grouped, winograd4Taps, columns, winogradStrided };
}
namespace MapOperand {
enum { tensor, gate };
}
namespace ActivationKind {
enum { identity, relu, clip, leakyRelu, prelu, hardSigmoid, hardSwish, sigmoid, tanh, silu, gelu };
}
