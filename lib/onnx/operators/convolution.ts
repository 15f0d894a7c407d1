import { add, conv2d, convTranspose2d, linear, matmul, mul, reshape } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { NodeFacts, OperatorCall } from '../operator.js';
import type { Family } from './families.js';
import {
  asImage,
  explicitPads,
  likeInput,
  perAxis,
  spatialProblem,
  type Two,
  WINDOW_ATTRIBUTES,
  windowsOf,
} from './window.js';

export const CONVOLUTIONS: Family = {
  Conv: {
    inputs: [2, 3],
    attributes: { ...WINDOW_ATTRIBUTES, dilations: 'ints', group: 'int' },
    unsupported: weightProblem,
    evaluate(call) {
      const x = call.input(0);
      const image = asImage(call, x);
      const weight = kernelOf(call, x.rank);
      const windows = windowsOf(call, image, x.rank, weight.shape.slice(2) as Two);
      const y = conv2d(image, weight, call.optional(2), { ...windows, groups: call.int('group', 1) });
      return likeInput(y, x);
    },
  },
  ConvTranspose: {
    inputs: [2, 3],
    attributes: {
      ...WINDOW_ATTRIBUTES,
      dilations: 'ints',
      group: 'int',
      output_padding: 'ints',
      output_shape: 'ints',
    },
    unsupported: weightProblem,
    evaluate: transposed,
  },
  Gemm: {
    inputs: [2, 3],
    attributes: { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' },
    evaluate: gemm,
  },
  MatMul: { inputs: [2, 2], evaluate: (call) => matmul(call.input(0), call.input(1)) },
};

function weightProblem(facts: NodeFacts): string | undefined {
  const shape = facts.constantShape(1);
  return shape && spatialProblem(shape.length - 2);
}

/** The weight with height and width, which has as many axes as x in the model. */
function kernelOf(call: OperatorCall, rank: number): Tensor<'float32'> {
  const weight = call.input(1);
  if (weight.rank !== rank) throw call.malformed(`the weight has ${weight.rank} axes, x has ${rank}`);
  const expected = call.ints('kernel_shape');
  if (expected?.some((extent, axis) => extent !== weight.shape[axis + 2])) {
    throw call.malformed(`kernel_shape is [${expected.join(', ')}], the weight [${weight.shape.join(', ')}]`);
  }
  return rank === 3 ? reshape(weight, [weight.shape[0], weight.shape[1], 1, weight.shape[2]]) : weight;
}

function transposed(call: OperatorCall): Tensor {
  const x = call.input(0);
  const image = asImage(call, x);
  const weight = kernelOf(call, x.rank);
  const axes = x.rank - 2;
  const options = {
    stride: perAxis(call, 'strides', axes),
    dilation: perAxis(call, 'dilations', axes),
    outputPadding: perAxis(call, 'output_padding', axes, 0),
    groups: call.int('group', 1),
  };
  if (axes === 1) options.outputPadding[0] = 0;
  const padding = transposedPadding(call, image, weight, axes, options);
  return likeInput(convTranspose2d(image, weight, call.optional(2), { ...options, padding }), x);
}

/** Padding that is given, or follows from the output's size: from output_shape, or with auto_pad from stride · input. */
function transposedPadding(
  call: OperatorCall,
  image: Tensor,
  weight: Tensor,
  axes: number,
  { stride, dilation, outputPadding }: { stride: Two; dilation: Two; outputPadding: Two },
): [number, number, number, number] {
  const auto = call.string('auto_pad', 'NOTSET');
  const wanted = call.ints('output_shape');
  if (!wanted && auto === 'NOTSET') return explicitPads(call, axes);
  if (!wanted && auto === 'VALID') return [0, 0, 0, 0];
  const spatial = image.shape.slice(2);
  const size = wanted ? wanted.slice(-axes) : spatial.slice(2 - axes).map((extent, i) => extent * stride[i + 2 - axes]);
  const totals = spatial.map((extent, axis) => {
    if (axis < 2 - axes) return 0;
    const reach = dilation[axis] * (weight.shape[axis + 2] - 1) + 1;
    return stride[axis] * (extent - 1) + outputPadding[axis] + reach - size[axis - 2 + axes];
  });
  if (totals.some((total) => total < 0))
    throw call.unsupported(`an output_shape of [${size.join(', ')}], larger than all padding removed`);
  const [top, left] = totals.map((total) => (auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)));
  return [top, left, totals[0] - top, totals[1] - left];
}

/** alpha·A·B + beta·C; a fully connected layer when it is no more than that. */
function gemm(call: OperatorCall): Tensor {
  const [a, b, c] = [call.input(0), call.input(1), call.optional(2)];
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)];
  const [transposeA, transposeB] = [call.flag('transA'), call.flag('transB')];
  const isLinear = !transposeA && transposeB && alpha === 1 && (!c || (beta === 1 && c.rank === 1));
  if (isLinear && (!c || c.size === b.shape[0])) return linear(a, b, c);
  const product = matmul(a, b, { transposeA, transposeB });
  const scaled = alpha === 1 ? product : mul(product, alpha);
  if (!c || beta === 0) return scaled;
  return add(scaled, beta === 1 ? c : mul(c, beta));
}
