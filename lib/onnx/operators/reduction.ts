import { tensor } from '../../creation.js';
import {
  abs,
  argmax,
  argmin,
  cumSum,
  flip,
  log,
  logSumExp,
  max,
  mean,
  min,
  prod,
  type ReduceOptions,
  sqrt,
  square,
  sub,
  sum,
  topK,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { FLAG, type Operator, type OperatorCall } from '../operator.js';
import type { Family } from './families.js';

export const REDUCTIONS: Family = {
  ReduceMean: reduction(mean),
  ReduceSum: reduction(sum),
  ReduceMax: reduction(max),
  ReduceMin: reduction(min),
  ReduceProd: reduction(prod),
  ReduceL1: reduction((x, axes, options) => sum(abs(x), axes, options)),
  ReduceL2: reduction((x, axes, options) => sqrt(sum(square(x), axes, options))),
  ReduceSumSquare: reduction((x, axes, options) => sum(square(x), axes, options)),
  ReduceLogSum: reduction((x, axes, options) => log(sum(x, axes, options))),
  ReduceLogSumExp: reduction(logSumExp),
  ArgMax: position(argmax),
  ArgMin: position(argmin),
  TopK: {
    inputs: [1, 2],
    outputs: 2,
    attributes: { axis: 'int', k: 'int', largest: FLAG, sorted: FLAG },
    evaluate: (call) => {
      const k = call.int('k') ?? call.number(1);
      if (k === undefined) throw call.malformed('k is missing');
      return topK(call.input(0), k, { axis: call.int('axis', -1), largest: call.flag('largest', true) });
    },
  },
  CumSum: {
    since: 11,
    inputs: [2, 2],
    attributes: { exclusive: FLAG, reverse: FLAG },
    evaluate: (call) =>
      cumSum(call.input(0), call.number(1) as number, {
        exclusive: call.flag('exclusive'),
        reverse: call.flag('reverse'),
      }),
  },
};

type Reduce = (x: Tensor<'float32'>, axes: readonly number[] | undefined, options: ReduceOptions) => Tensor;

/** Axes are an attribute in early opsets, then an input; none are all of them, unless asked otherwise. */
function reduction(compute: Reduce): Operator {
  return {
    inputs: [1, 2],
    attributes: { axes: 'ints', keepdims: FLAG, noop_with_empty_axes: FLAG },
    evaluate(call: OperatorCall) {
      const x = call.input(0);
      const axes = call.integers('axes', 1) ?? [];
      if (axes.length === 0 && call.flag('noop_with_empty_axes')) return x;
      const keepDims = call.flag('keepdims', true);
      return compute(x, axes.length ? axes : undefined, { keepDims });
    },
  };
}

/** Where the extreme is: its first place, or the last, which is the first of the reversed axis. */
function position(compute: typeof argmax): Operator {
  return {
    inputs: [1, 1],
    attributes: { axis: 'int', keepdims: FLAG, select_last_index: FLAG },
    evaluate(call) {
      const x = call.input(0);
      const axis = call.int('axis', 0);
      const options = { keepDims: call.flag('keepdims', true) };
      if (!call.flag('select_last_index')) return compute(x, axis, options);
      return sub(tensor(Int32Array.of((x.shape.at(axis) ?? 0) - 1), []), compute(flip(x, axis), axis, options));
    },
  };
}
