import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { tensor, zeros } = cf;
const int32 = (...values: number[]) => tensor(values, { dtype: 'int32' });
const wrong = (value: unknown) => value as never;

const pairs = tensor([[0, 1]], { dtype: 'int32' }); // biome-ignore format: a matrix
const boxes = zeros([1, 5, 4]);
const scores = zeros([1, 2, 5]);
const suppress = (options: cf.NonMaxSuppressionOptions) => cf.nonMaxSuppression(boxes, scores, options);

function backwardOfScatter(reduction: 'max', nd: boolean): void {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = nd
    ? cf.scatterNd(x, tensor([[0]], { dtype: 'int32' }), tensor([3]), { reduction }) // biome-ignore format: a matrix
    : cf.scatter(x, 0, int32(0), tensor([3]), { reduction });
  y.sum().backward();
}

// biome-ignore format: one rejection a line
export const INDEXING_REJECTIONS: Rejections = {
  'ops/indices.ts': [
    [() => cf.indexSelect(zeros([3]), 0, tensor([1])), DTypeError, 'indexSelect: indices must be int32, int64 or uint8, got float32'],
    [() => cf.indexSelect(zeros([2, 3]), 1, int32(0, 3)), ArgumentError, 'indexSelect: index 3 at position 1 of [2] is outside an axis of 3'],
    [() => cf.indexSelect(zeros([2, 3]), 0, int32(-3)), ArgumentError, 'indexSelect: index -3 at position 0 of [1] is outside an axis of 2'],
    [() => cf.indexSelect(zeros([0, 3]), 0, int32(0)), ArgumentError, 'indexSelect: index 0 at position 0 of [1] is outside an axis of 0'],
    [() => cf.gatherNd(zeros([1, 1]), pairs), ArgumentError, 'gatherNd: index 1 at position 1 of [1, 2] is outside an axis of 1'],
    [() => cf.scatterNd(zeros([1, 1]), pairs, zeros([1])), ArgumentError, 'scatterNd: index 1 at position 1 of [1, 2] is outside an axis of 1'],
    [() => cf.gather(zeros([2]), 0, int32(2)), ArgumentError, 'gather: index 2 at position 0 of [1] is outside an axis of 2'],
    [() => cf.scatter(zeros([2]), 0, int32(5), zeros([1])), ArgumentError, 'scatter: index 5 at position 0 of [1] is outside an axis of 2'],
    [() => cf.gather(zeros([2, 3]), 1, int32(0)), ShapeError, 'gather: indices [1] must fit into x [2, 3] but for axis 1'],
    [() => cf.gather(zeros([1, 3]), 1, zeros([2, 1], { dtype: 'int32' })), ShapeError, 'gather: indices [2, 1] must fit into x [1, 3] but for axis 1'],
    [() => cf.scatter(zeros([2]), 0, int32(0), zeros([1]), { reduction: wrong('mean') }), ArgumentError, 'scatter: reduction must be one of none, add, mul, max, min, got "mean"'],
    [() => cf.scatterNd(zeros([2], { dtype: 'bool' }), pairs, zeros([1], { dtype: 'bool' }), { reduction: 'add' }), DTypeError, `scatterNd: reduction 'add' does not work on bool`],
  ],
  'ops/gathernd.ts': [
    [() => cf.gatherNd(zeros([2, 3]), pairs, { batchDims: 2 }), ArgumentError, 'gatherNd: batchDims must be an integer of at least 0 and below the ranks of x [2, 3] and indices [1, 2], got 2'],
    [() => cf.gatherNd(tensor(1), int32(0)), ArgumentError, 'gatherNd: batchDims must be an integer of at least 0 and below the ranks of x [] and indices [1], got 0'],
    [() => cf.gatherNd(zeros([3]), pairs), ShapeError, 'gatherNd: indices [1, 2] do not fit x [3] with 0 leading axes in common'],
    [() => cf.gatherNd(zeros([2, 3]), pairs, { batchDims: 1 }), ShapeError, 'gatherNd: indices [1, 2] do not fit x [2, 3] with 1 leading axes in common'],
  ],
  'ops/scatternd.ts': [
    [() => cf.scatterNd(zeros([3]), pairs, zeros([1])), ShapeError, 'scatterNd: indices must be [..., k] with 1 <= k <= 1 for x [3], got [1, 2]'],
    [() => cf.scatterNd(zeros([2, 3]), pairs, zeros([2])), ShapeError, 'scatterNd: updates for x [2, 3] and indices [1, 2] must be [1], got [2]'],
    [() => cf.scatterNd(zeros([2, 3]), pairs, wrong(int32(1))), DTypeError, 'scatterNd: operands must share one dtype, got float32 and int32'],
  ],
  'ops/scatter.ts': [
    [() => cf.scatter(zeros([3]), 0, int32(0, 1), zeros([1])), ShapeError, 'scatter: indices [2] and updates [1] must have one shape'],
  ],
  'ops/slices.ts': [
    [() => backwardOfScatter('max', true), AutogradError, `scatterNd: reduction 'max' has no gradient, only 'none' and 'add' have`],
    [() => backwardOfScatter('max', false), AutogradError, `scatter: reduction 'max' has no gradient, only 'none' and 'add' have`],
  ],
  'ops/topk.ts': [
    [() => cf.topK(zeros([2, 3]), 4), ArgumentError, 'topK: k must be an integer from 0 to 3 for axis -1 of [2, 3], got 4'],
    [() => cf.topK(zeros([2, 3]), 1.5, { axis: 0 }), ArgumentError, 'topK: k must be an integer from 0 to 2 for axis 0 of [2, 3], got 1.5'],
  ],
  'ops/nonzero.ts': [
    [() => cf.nonZero(tensor([1n])), DTypeError, `nonZero: int64 is not supported; convert with .to('int32')`],
  ],
  'ops/nonmaxsuppression.ts': [
    [() => cf.nonMaxSuppression(zeros([5, 4]), scores), ShapeError, 'nonMaxSuppression: boxes must be [n, spatial, 4], got [5, 4]'],
    [() => cf.nonMaxSuppression(zeros([1, 5, 5]), scores), ShapeError, 'nonMaxSuppression: boxes must be [n, spatial, 4], got [1, 5, 5]'],
    [() => cf.nonMaxSuppression(boxes, zeros([1, 2, 4])), ShapeError, 'nonMaxSuppression: scores must be [1, classes, 5] for boxes [1, 5, 4], got [1, 2, 4]'],
    [() => suppress({ maxOutputBoxesPerClass: -1 }), ArgumentError, 'nonMaxSuppression: maxOutputBoxesPerClass must be an integer of at least 0, got -1'],
    [() => suppress({ iouThreshold: 1.5 }), ArgumentError, 'nonMaxSuppression: iouThreshold must be in [0, 1], got 1.5'],
    [() => suppress({ scoreThreshold: Number.NaN }), ArgumentError, 'nonMaxSuppression: scoreThreshold must be a number, got NaN'],
  ],
  'ops/onehot.ts': [
    [() => cf.oneHot(tensor([1]), 2), DTypeError, 'oneHot: indices must be int32, int64 or uint8, got float32'],
    [() => cf.oneHot(int32(1), 0), ArgumentError, 'oneHot: depth must be an integer of at least 1, got 0'],
  ],
  'ops/tile.ts': [
    [() => cf.tile(zeros([2, 3]), [2]), ArgumentError, 'tile: repeats must be an integer of at least 0 for each axis of [2, 3], got [2]'],
    [() => cf.tile(zeros([3]), [-1]), ArgumentError, 'tile: repeats must be an integer of at least 0 for each axis of [3], got [-1]'],
  ],
  'ops/triangle.ts': [
    [() => cf.tril(zeros([3])), ShapeError, 'tril: x needs at least two axes, got [3]'],
    [() => cf.triu(zeros([3, 3]), 0.5), ArgumentError, 'triu: diagonal must be an integer, got 0.5'],
  ],
  'ops/logical.ts': [
    [() => cf.logicalAnd(wrong(tensor([1])), tensor([true])), DTypeError, `logicalAnd: expects bool, got float32; convert with .to('bool')`],
    [() => cf.logicalOr(tensor([true]), wrong(int32(1))), DTypeError, `logicalOr: expects bool, got int32; convert with .to('bool')`],
    [() => cf.logicalNot(wrong(int32(1))), DTypeError, `logicalNot: expects bool, got int32; convert with .to('bool')`],
  ],
};
