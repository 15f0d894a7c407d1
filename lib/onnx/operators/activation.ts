import {
  add,
  clip,
  elu,
  gelu,
  gt,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  logSoftmax,
  mish,
  mul,
  prelu,
  relu,
  reshape,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  square,
  tanh,
  where,
  zerosLike,
} from '../../ops/index.js';
import { sizeOf } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import type { Operator, OperatorCall } from '../operator.js';
import { type Family, unary } from './families.js';

const SELU_ALPHA = 1.6732632423543772;
const SELU_GAMMA = 1.0507009873554805;

/** Softmax and its logarithm. Before opset 13 all axes from the given one on are one row. */
function alongAxis(compute: (x: Tensor<'float32'>, axis: number) => Tensor<'float32'>): Operator {
  return {
    inputs: [1, 1],
    attributes: { axis: 'int' },
    evaluate(call) {
      const x = call.input(0);
      if (call.opset >= 13) return compute(x, call.int('axis', -1));
      const axis = call.int('axis', 1);
      const first = axis < 0 ? axis + x.rank : axis;
      if (first === x.rank - 1) return compute(x, first);
      const rows = reshape(x, [sizeOf(x.shape.slice(0, first)), sizeOf(x.shape.slice(first))]);
      return reshape(compute(rows, 1), x.shape);
    },
  };
}

/** Limits are attributes before opset 11, then inputs. Where they cross, the upper one wins. */
function clipped(call: OperatorCall): Tensor {
  const x = call.input(0);
  const [least, most] = x.isFloat() ? [-Infinity, Infinity] : [-(2 ** 31), 2 ** 31 - 1];
  const low = call.float('min') ?? call.number(1) ?? least;
  const high = call.float('max') ?? call.number(2) ?? most;
  return clip(x, Math.min(low, high), high);
}

/** x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))) */
function tanhGelu(x: Tensor<'float32'>): Tensor<'float32'> {
  const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

export const ACTIVATIONS: Family = {
  Relu: unary(relu),
  Sigmoid: unary(sigmoid),
  Tanh: unary(tanh),
  Softplus: unary(softplus),
  Softsign: unary(softsign),
  HardSwish: unary(hardSwish, 14),
  Mish: unary(mish, 18),
  LeakyRelu: {
    inputs: [1, 1],
    attributes: { alpha: 'float' },
    evaluate: (call) => leakyRelu(call.input(0), call.float('alpha', 0.01)),
  },
  Elu: {
    inputs: [1, 1],
    attributes: { alpha: 'float' },
    evaluate: (call) => elu(call.input(0), call.float('alpha', 1)),
  },
  Selu: {
    inputs: [1, 1],
    attributes: { alpha: 'float', gamma: 'float' },
    evaluate: (call) => {
      const options = { alpha: call.float('alpha', SELU_ALPHA), gamma: call.float('gamma', SELU_GAMMA) };
      return selu(call.input(0), options);
    },
  },
  Celu: {
    since: 12,
    inputs: [1, 1],
    attributes: { alpha: 'float' },
    unsupported: (facts) => (facts.float('alpha', 1) > 0 ? undefined : `alpha ${facts.float('alpha')}, not above 0`),
    evaluate: (call) => {
      // α·(e^(x/α) − 1) below 0, x above: the exponential unit of x/α, scaled
      const alpha = call.float('alpha', 1);
      return mul(elu(mul(call.input(0), 1 / alpha), 1), alpha);
    },
  },
  ThresholdedRelu: {
    since: 10,
    inputs: [1, 1],
    attributes: { alpha: 'float' },
    evaluate: (call) => {
      const x = call.input(0);
      return where(gt(x, call.float('alpha', 1)), x, zerosLike(x));
    },
  },
  HardSigmoid: {
    inputs: [1, 1],
    attributes: { alpha: 'float', beta: 'float' },
    evaluate: (call) => hardSigmoid(call.input(0), { alpha: call.float('alpha', 0.2), beta: call.float('beta', 0.5) }),
  },
  Gelu: {
    since: 20,
    inputs: [1, 1],
    attributes: { approximate: ['none', 'tanh'] },
    evaluate: (call) => (call.string('approximate') === 'tanh' ? tanhGelu(call.input(0)) : gelu(call.input(0))),
  },
  Swish: {
    since: 24,
    inputs: [1, 1],
    attributes: { alpha: 'float' },
    evaluate: (call) => {
      const x = call.input(0);
      const alpha = call.float('alpha', 1);
      return alpha === 1 ? silu(x) : mul(x, sigmoid(mul(x, alpha)));
    },
  },
  PRelu: { inputs: [2, 2], evaluate: (call) => prelu(call.input(0), call.input(1)) },
  Clip: {
    inputs: [1, 3],
    attributes: { min: 'float', max: 'float' },
    evaluate: clipped,
  },
  Softmax: alongAxis(softmax),
  LogSoftmax: alongAxis(logSoftmax),
};
