import type { Call } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { zeros } from '../creation.js';
import { AutogradError, check } from '../errors.js';
import { MAX_RANK } from '../geometry.js';
import { SCATTER_REDUCTIONS, type ScatterReduction } from '../kernels/operations.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { copy, filled } from './copy.js';
import { applyOne, elements, empty, integers, type Op } from './op.js';

/**
 * Runs of elements of a tensor [batch, sizes…, inner] that indices [batch, count, depth] name, or one set of indices
 * [count, depth] for all batches.
 */
export interface Slices {
  sizes: readonly number[];
  batch: number;
  count: number;
  inner: number;
  isShared: boolean;
}

function encodeSlices({ sizes, batch, count, inner, isShared }: Slices): Int32Array {
  const missing = new Array<number>(MAX_RANK - sizes.length).fill(1);
  return Int32Array.from([...missing, ...sizes, batch, count, inner, sizes.length, Number(isShared)]);
}

/** What the ops on slices know: where the slices lie, and the shape of the result. */
export interface SliceAttributes {
  slices: Slices;
  shape: Shape;
}

/** Defines an op that reads slices: inputs x and indices. */
export function gatherSlicesOp<A extends SliceAttributes>(name: string): Op<A> {
  return {
    name,
    forward([input, indices], { slices, shape }) {
      const x = input as Tensor;
      const y = empty(x.dtype, shape);
      const g = encodeSlices(slices);
      kernelsFor(x.dtype).gatherSlices(elements(x), integers(indices as Tensor), elements(y), g);
      return y;
    },
    gradient: ({ attributes, input, inputShapes }, dy) => [
      applyOne(addSlices, [dy, input(1)], { slices: attributes.slices, shape: inputShapes[0] }),
      null,
    ],
    saves: { inputs: [1] },
  };
}

const gather = gatherSlicesOp<SliceAttributes>('gatherSlices');

/** The adjoint of reading slices: adds updates into zeros. */
const addSlices: Op<SliceAttributes> = {
  name: 'addSlices',
  forward([updates, indices], { slices, shape }) {
    const dy = updates as Tensor;
    const y = filled(dy.dtype, shape, 0);
    const code = SCATTER_REDUCTIONS.indexOf('add');
    const g = encodeSlices(slices);
    kernelsFor(dy.dtype).scatterSlices(code, integers(indices as Tensor), elements(dy), elements(y), g);
    return y;
  },
  gradient: ({ attributes, input, inputShapes }, ddx) => [
    applyOne(gather, [ddx, input(1)], { slices: attributes.slices, shape: inputShapes[0] }),
    null,
  ],
  saves: { inputs: [1] },
};

export interface ScatterAttributes {
  slices: Slices;
  reduction: ScatterReduction;
}

/** Combines slices into a copy of x: inputs x, indices and updates. */
export const scatterSlices: Op<ScatterAttributes> = {
  name: 'scatterNd',
  forward([input, indices, updates], { slices, reduction }) {
    const y = copy(input as Tensor);
    const code = SCATTER_REDUCTIONS.indexOf(reduction);
    const values = elements(updates as Tensor);
    kernelsFor(y.dtype).scatterSlices(code, integers(indices as Tensor), values, elements(y), encodeSlices(slices));
    return y;
  },
  gradient(call, dy) {
    const { needs, input, inputShapes, attributes } = call;
    const { slices, reduction } = attributes;
    checkDifferentiable('scatterNd', call);
    const replaced = () => {
      const nothing = zeros(inputShapes[2], { dtype: dy.dtype });
      return applyOne(scatterSlices, [dy, input(1), nothing], attributes);
    };
    return [
      needs[0] ? (reduction === 'add' ? dy : replaced()) : null,
      null,
      needs[2] ? applyOne(gather, [dy, input(1)], { slices, shape: inputShapes[2] }) : null,
    ];
  },
  saves: { inputs: [1] },
};

export function checkDifferentiable(operation: string, call: Call<{ reduction: ScatterReduction }>): void {
  const { reduction } = call.attributes;
  check(
    reduction === 'none' || reduction === 'add',
    operation,
    () => `reduction '${reduction}' has no gradient, only 'none' and 'add' have`,
    AutogradError,
  );
}
