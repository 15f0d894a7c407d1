import {
  add,
  batchNorm,
  expand,
  flip,
  groupNorm,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  mean,
  reciprocal,
  reshape,
  sqrt,
  square,
  sub,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { OperatorCall } from '../operator.js';
import type { Family } from './families.js';

export const NORMALIZATIONS: Family = {
  BatchNormalization: {
    inputs: [5, 5],
    attributes: { epsilon: 'float', momentum: 'float', spatial: [1], training_mode: [0] },
    evaluate: (call) =>
      batchNorm(call.input(0), call.input(1), call.input(2), {
        runningMean: call.input(3),
        runningVar: call.input(4),
        eps: call.float('epsilon', 1e-5),
        training: call.training,
        // ONNX weighs the old statistics, PyTorch and convforge the new ones
        momentum: call.training ? 1 - call.float('momentum', 0.9) : 0,
      }),
  },
  InstanceNormalization: {
    inputs: [3, 3],
    attributes: { epsilon: 'float' },
    evaluate: (call) => instanceNorm(call.input(0), call.input(1), call.input(2), { eps: call.float('epsilon', 1e-5) }),
  },
  GroupNormalization: {
    since: 18,
    inputs: [3, 3],
    attributes: { epsilon: 'float', num_groups: 'int', stash_type: [1] },
    evaluate: groupNormalization,
  },
  LayerNormalization: {
    since: 17,
    inputs: [2, 3],
    outputs: 3,
    attributes: { axis: 'int', epsilon: 'float', stash_type: [1] },
    evaluate: layerNormalization,
  },
  LRN: {
    inputs: [1, 1],
    attributes: { alpha: 'float', beta: 'float', bias: 'float', size: 'int' },
    evaluate: (call) => {
      const options = { alpha: call.float('alpha', 1e-4), beta: call.float('beta', 0.75), k: call.float('bias', 1) };
      const size = call.int('size', 1);
      const x = call.input(0);
      // Of an even number of channels ONNX takes one more behind, PyTorch one more before.
      return size % 2 ? localResponseNorm(x, size, options) : flip(localResponseNorm(flip(x, 1), size, options), 1);
    },
  },
};

function layerNormalization(call: OperatorCall): readonly Tensor[] {
  const x = call.input(0);
  const given = call.int('axis', -1);
  const axis = given < 0 ? given + x.rank : given;
  const eps = call.float('epsilon', 1e-5);
  const shape = x.shape.slice(axis);
  // Scale and offset may be of fewer axes than are normalised.
  const [weight, bias] = [call.input(1), call.optional(2)].map((v) => v && expand(v, shape));
  const y = layerNorm(x, shape, weight, bias, { eps });
  if (!call.gives(1) && !call.gives(2)) return [y];
  const axes = x.shape.map((_, i) => i).slice(axis);
  const average = mean(x, axes, { keepDims: true });
  const variance = mean(square(sub(x, average)), axes, { keepDims: true });
  return [y, average, reciprocal(sqrt(add(variance, eps)))];
}

/** Scale and offset belong to groups before opset 21, then to channels. */
function groupNormalization(call: OperatorCall): Tensor {
  const x = call.input(0);
  const groups = call.int('num_groups');
  if (groups === undefined) throw call.malformed('num_groups is missing');
  const perChannel = (v: Tensor<'float32'>) => {
    if (call.opset >= 21) return v;
    return reshape(expand(reshape(v, [groups, 1]), [groups, x.shape[1] / groups]), [x.shape[1]]);
  };
  const [weight, bias] = [perChannel(call.input(1)), perChannel(call.input(2))];
  return groupNorm(x, groups, weight, bias, { eps: call.float('epsilon', 1e-5) });
}
