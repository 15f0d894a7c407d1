import { add, conv2d, convTranspose2d, linear, matmul, mul } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { FLAG, type NodeFacts, type OperatorCall } from '../operator.js';
import type { Family } from './families.js';
import { asImage, likeInput, onImage, perAxis, WINDOW_ATTRIBUTES, type Windows, windowsOf } from './window.js';

export const CONVOLUTIONS: Family = {
  Conv: {
    inputs: [2, 3],
    attributes: { ...WINDOW_ATTRIBUTES, group: 'int' },
    unsupported: weightProblem,
    evaluate(call) {
      const [x, weight] = operands(call);
      const axes = x.rank - 2;
      const { stride, dilation, padding } = onImage(
        windowsOf(call, x.shape.slice(2), weight.shape.slice(2)),
        0,
        axes - 1,
      );
      const options = { stride, dilation, padding, groups: call.int('group', 1) };
      return likeInput(conv2d(asImage(x), asImage(weight), call.optional(2), options), x);
    },
  },
  ConvTranspose: {
    inputs: [2, 3],
    attributes: { ...WINDOW_ATTRIBUTES, group: 'int', output_padding: 'ints', output_shape: 'ints' },
    unsupported: weightProblem,
    evaluate: transposed,
  },
  Gemm: {
    inputs: [2, 3],
    attributes: { alpha: 'float', beta: 'float', transA: FLAG, transB: FLAG },
    evaluate: gemm,
  },
  MatMul: { inputs: [2, 2], evaluate: (call) => matmul(call.input(0), call.input(1)) },
};

function weightProblem(facts: NodeFacts): string | undefined {
  const shape = facts.constantShape(1);
  return shape && spatialProblem(shape.length);
}

function spatialProblem(rank: number): string | undefined {
  return rank === 3 || rank === 4 ? undefined : `${rank - 2} spatial axes; supported are 1 and 2`;
}

/** The image and the weight, which have as many axes. */
function operands(call: OperatorCall): [x: Tensor<'float32'>, weight: Tensor<'float32'>] {
  const [x, weight] = [call.input(0), call.input(1)];
  const problem = spatialProblem(weight.rank);
  if (problem) throw call.unsupported(problem);
  if (weight.rank !== x.rank) throw call.malformed(`the weight has ${weight.rank} axes, x has ${x.rank}`);
  const expected = call.ints('kernel_shape');
  const kernel = weight.shape.slice(2);
  if (expected && expected.join() !== kernel.join()) {
    throw call.malformed(`kernel_shape is [${expected.join(', ')}], the weight's is [${kernel.join(', ')}]`);
  }
  return [x, weight];
}

function transposed(call: OperatorCall): Tensor {
  const [x, weight] = operands(call);
  const axes = x.rank - 2;
  const kernel = weight.shape.slice(2);
  const extra = perAxis(call, 'output_padding', axes, 0);
  const isFitted = call.ints('output_shape') || call.string('auto_pad', 'NOTSET').startsWith('SAME');
  const windows = isFitted ? fitted(call, x, kernel, extra) : { ...windowsOf(call, x.shape.slice(2), kernel), extra };
  const { stride, dilation, padding } = onImage(windows, 0, axes - 1);
  const [outputPadding, groups] = [axes === 1 ? ([0, windows.extra[0]] as const) : windows.extra, call.int('group', 1)];
  const options = { stride, dilation, padding, outputPadding: outputPadding as [number, number], groups };
  return likeInput(convTranspose2d(asImage(x), asImage(weight), call.optional(2), options), x);
}

/**
 * Padding that gives the output a certain size: output_shape, or with auto_pad stride · input. A larger one than there is
 * without any padding is reached by output padding (`extra`); for auto_pad it stays smaller, as onnxruntime has it.
 */
function fitted(
  call: OperatorCall,
  x: Tensor,
  kernel: readonly number[],
  given: readonly number[],
): Windows & { extra: readonly number[] } {
  const spatial = x.shape.slice(2);
  const stride = perAxis(call, 'strides', spatial.length);
  const dilation = perAxis(call, 'dilations', spatial.length);
  const wanted = call.ints('output_shape')?.slice(-spatial.length);
  if (wanted && wanted.length < spatial.length) {
    throw call.malformed(`output_shape has ${wanted.length} elements, there are ${spatial.length} spatial axes`);
  }
  const totals = spatial.map((extent, axis) => {
    const reach = dilation[axis] * (kernel[axis] - 1) + 1;
    return stride[axis] * (extent - 1) + given[axis] + reach - (wanted?.[axis] ?? stride[axis] * extent);
  });
  const half = call.string('auto_pad') === 'SAME_UPPER' ? Math.floor : Math.ceil;
  const before = totals.map((total) => half(Math.max(0, total) / 2));
  const behind = totals.map((total, axis) => Math.max(0, total) - before[axis]);
  const extra = given.map((each, axis) => each + (wanted ? Math.max(0, -totals[axis]) : 0));
  return { kernel, stride, dilation, padding: [...before, ...behind], extra };
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
