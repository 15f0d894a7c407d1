import {
  cast,
  gather,
  gatherNd,
  indexSelect,
  nonMaxSuppression,
  nonZero,
  oneHot,
  scatter,
  scatterNd,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { FLAG, type Operator, type OperatorCall } from '../operator.js';
import type { Family } from './families.js';

const SCATTER_REDUCTIONS = ['none', 'add', 'mul', 'max', 'min'] as const;
type ScatterReduction = (typeof SCATTER_REDUCTIONS)[number];

export const INDEXING: Family = {
  Gather: {
    inputs: [2, 2],
    attributes: { axis: 'int' },
    evaluate: (call) => indexSelect(call.input(0), call.int('axis', 0), call.input<Tensor>(1)),
  },
  GatherElements: {
    since: 11,
    inputs: [2, 2],
    attributes: { axis: 'int' },
    evaluate: (call) => gather(call.input(0), call.int('axis', 0), call.input<Tensor>(1)),
  },
  GatherND: {
    since: 11,
    inputs: [2, 2],
    attributes: { batch_dims: 'int' },
    evaluate: (call) => gatherNd(call.input(0), call.input<Tensor>(1), { batchDims: call.int('batch_dims', 0) }),
  },
  Scatter: scatterElements(9),
  ScatterElements: scatterElements(11),
  ScatterND: {
    since: 11,
    inputs: [3, 3],
    attributes: { reduction: SCATTER_REDUCTIONS },
    evaluate: (call) =>
      scatterNd(call.input(0), call.input<Tensor>(1), call.input(2), { reduction: reductionOf(call) }),
  },
  OneHot: {
    since: 9,
    inputs: [3, 3],
    attributes: { axis: 'int' },
    evaluate: (call) => {
      const [off, on] = call.numbers(2) as number[];
      const { dtype } = call.input<Tensor>(2);
      const indices = cast(call.input<Tensor>(0), 'int32');
      return oneHot(indices, call.number(1) as number, { on, off, axis: call.int('axis', -1), dtype });
    },
  },
  NonZero: { since: 9, inputs: [1, 1], evaluate: (call) => nonZero(call.input<Tensor>(0)) },
  NonMaxSuppression: {
    since: 10,
    inputs: [2, 5],
    attributes: { center_point_box: FLAG },
    evaluate: (call) =>
      nonMaxSuppression(call.input(0), call.input(1), {
        maxOutputBoxesPerClass: call.number(2) ?? 0,
        iouThreshold: call.number(3) ?? 0,
        scoreThreshold: call.number(4) ?? Number.NEGATIVE_INFINITY,
        centerPointBox: call.flag('center_point_box'),
      }),
  },
};

function scatterElements(since: number): Operator {
  return {
    since,
    inputs: [3, 3],
    attributes: { axis: 'int', reduction: SCATTER_REDUCTIONS },
    evaluate: (call) =>
      scatter(call.input(0), call.int('axis', 0), call.input<Tensor>(1), call.input(2), {
        reduction: reductionOf(call),
      }),
  };
}

function reductionOf(call: OperatorCall): ScatterReduction {
  return call.string('reduction', 'none') as ScatterReduction;
}
