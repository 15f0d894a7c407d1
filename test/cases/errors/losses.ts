import { ArgumentError, DTypeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { tensor, zeros } = cf;
const int32 = (...values: number[]) => tensor(values, { dtype: 'int32' });
const wrong = (value: unknown) => value as never;
const scores = zeros([2, 3]);
const [one, two] = [tensor([1]), tensor([2])];

// biome-ignore format: one rejection a line
export const LOSS_REJECTIONS: Rejections = {
  'ops/loss.ts': [
    [() => cf.mse(one, two, { reduction: wrong('avg') }), ArgumentError, `mse: reduction must be 'mean', 'sum' or 'none', got "avg"`],
    [() => cf.crossEntropy(zeros([1, 2]), int32(0), { reduction: wrong(null) }), ArgumentError, `crossEntropy: reduction must be 'mean', 'sum' or 'none', got null`],
    [() => cf.mse(zeros([2, 1]), zeros([2])), ShapeError, 'mse: prediction [2, 1] and target [2] must have one shape'],
    [() => cf.l1(zeros([2, 1]), zeros([1, 2])), ShapeError, 'l1: prediction [2, 1] and target [1, 2] must have one shape'],
    [() => cf.huber(one, zeros([])), ShapeError, 'huber: prediction [1] and target [] must have one shape'],
    [() => cf.bceWithLogits(one, wrong(tensor([1], { dtype: 'float64' }))), DTypeError, 'bceWithLogits: operands must share one dtype, got float32 and float64'],
    [() => cf.bce(one, wrong(int32(1))), DTypeError, 'bce: operands must share one dtype, got float32 and int32'],
  ],
  'ops/crossentropy.ts': [
    [() => cf.crossEntropy(zeros([3]), int32(1)), ShapeError, 'crossEntropy: logits must be [n, classes, …], got [3]'],
    [() => cf.crossEntropy(scores, int32(0, 0), { labelSmoothing: 1.5 }), ArgumentError, 'crossEntropy: labelSmoothing must be in [0, 1], got 1.5'],
    [() => cf.crossEntropy(scores, int32(0, 0), { labelSmoothing: Number.NaN }), ArgumentError, 'crossEntropy: labelSmoothing must be in [0, 1], got NaN'],
    [() => cf.crossEntropy(scores, zeros([2, 3]), { ignoreIndex: 1 }), ArgumentError, 'crossEntropy: ignoreIndex 1 is for labels, the target are probabilities'],
    [() => cf.crossEntropy(scores, zeros([2, 3], { dtype: 'float64' })), DTypeError, 'crossEntropy: operands must share one dtype, got float32 and float64'],
  ],
  'ops/labels.ts': [
    [() => cf.crossEntropy(scores, int32(1)), ShapeError, 'crossEntropy: labels for scores [2, 3] must be [2], got [1]'],
    [() => cf.crossEntropy(zeros([2, 3, 4]), int32(0, 1)), ShapeError, 'crossEntropy: labels for scores [2, 3, 4] must be [2, 4], got [2]'],
    [() => cf.crossEntropy(scores, tensor([0, 1])), DTypeError, 'crossEntropy: labels must be int32, int64 or uint8, or probabilities in the shape of the scores [2, 3], got float32 [2]'],
    [() => cf.crossEntropy(scores, int32(0, 3)), ArgumentError, 'crossEntropy: label 3 at position 1 is outside [0, 3)'],
    [() => cf.crossEntropy(scores, int32(-1, 0)), ArgumentError, 'crossEntropy: label -1 at position 0 is outside [0, 3)'],
    [() => cf.crossEntropy(scores, tensor([2n ** 32n, 0n])), ArgumentError, 'crossEntropy: label 4294967296 at position 0 is outside [0, 3)'],
    [() => cf.crossEntropy(scores, int32(0, 1), { ignoreIndex: 0.5 }), ArgumentError, 'crossEntropy: ignoreIndex must be an integer of 32 bits, got 0.5'],
    [() => cf.crossEntropy(scores, int32(0, 1), { weight: zeros([2]) }), ShapeError, 'crossEntropy: weight must be [3] for scores [2, 3], got [2]'],
    [() => cf.nll(scores, int32(0, 1), { weight: zeros([3, 1]) }), ShapeError, 'nll: weight must be [3] for scores [2, 3], got [3, 1]'],
    [() => cf.nll(scores, int32(0, 5)), ArgumentError, 'nll: label 5 at position 1 is outside [0, 3)'],
  ],
  'ops/nll.ts': [
    [() => cf.nll(zeros([3]), int32(1)), ShapeError, 'nll: logProbabilities must be [n, classes, …], got [3]'],
  ],
  'ops/bce.ts': [
    [() => cf.bce(one, one, { weight: zeros([2]) }), ShapeError, 'bce: weight [2] does not broadcast to [1]'],
    [() => cf.bceWithLogits(scores, scores, { posWeight: zeros([2, 1, 3]) }), ShapeError, 'bceWithLogits: posWeight [2, 1, 3] does not broadcast to [2, 3]'],
    [() => cf.bceWithLogits(scores, scores, { weight: zeros([2]) }), ShapeError, 'bceWithLogits: shapes [2] and [2, 3] do not broadcast: 2 against 3'],
  ],
  'ops/huber.ts': [
    [() => cf.huber(one, two, { delta: 0 }), ArgumentError, 'huber: delta must be a finite number above 0, got 0'],
    [() => cf.huber(one, two, { delta: Infinity }), ArgumentError, 'huber: delta must be a finite number above 0, got Infinity'],
  ],
  'ops/smoothl1.ts': [
    [() => cf.smoothL1(one, two, { beta: -1 }), ArgumentError, 'smoothL1: beta must be a finite number of at least 0, got -1'],
  ],
  'ops/focal.ts': [
    [() => cf.focal(one, two, { alpha: -1 }), ArgumentError, 'focal: alpha must be in [0, 1] or null, got -1'],
    [() => cf.focal(one, two, { gamma: -1 }), ArgumentError, 'focal: gamma must be a finite number of at least 0, got -1'],
  ],
  'ops/dice.ts': [
    [() => cf.dice(scores, scores), ShapeError, 'dice: masks must be [n, channels, …], got [2, 3]'],
    [() => cf.dice(zeros([1, 1, 2]), zeros([1, 1, 2]), { smooth: Number.NaN }), ArgumentError, 'dice: smooth must be a finite number of at least 0, got NaN'],
  ],
};
