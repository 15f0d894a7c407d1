import { kernelsFor } from '../backend/backend.js';
import { zeros } from '../creation.js';
import { SCATTER_REDUCTIONS, type ScatterReduction } from '../kernels/operations.js';
import { encodeStrides, type Shape, stridesOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { copy, filled } from './copy.js';
import { applyOne, elements, empty, integers, type Op } from './op.js';
import { checkDifferentiable } from './slices.js';

// Ops in which each element has a position along one axis of its own.

/** Geometry of the kernels: the elements of `shape` that point into a tensor of shape `full` along an axis. */
function encodeElements(full: Shape, shape: Shape, axis: number): Int32Array {
  const strides = stridesOf(full);
  return encodeStrides(shape, [strides.with(axis, 0)], [strides[axis], full[axis]]);
}

/** Inputs x and indices; the result has the shape of the indices. */
export const gatherElements: Op<{ axis: number }> = {
  name: 'gather',
  forward([input, indices], { axis }) {
    const [x, at] = [input as Tensor, indices as Tensor];
    const y = empty(x.dtype, at.shape);
    const g = encodeElements(x.shape, at.shape, axis);
    kernelsFor(x.dtype).gatherElements(elements(x), integers(at), elements(y), g);
    return y;
  },
  gradient: ({ attributes: { axis }, input, inputShapes }, dy) => [
    applyOne(addElements, [dy, input(1)], { axis, shape: inputShapes[0] }),
    null,
  ],
  saves: { inputs: [1] },
};

/** The adjoint of {@link gatherElements}: adds updates into zeros. */
export const addElements: Op<{ axis: number; shape: Shape }> = {
  name: 'gatherBackward',
  forward([updates, indices], { axis, shape }) {
    const [dy, at] = [updates as Tensor, indices as Tensor];
    const y = filled(dy.dtype, shape, 0);
    const g = encodeElements(shape, at.shape, axis);
    const code = SCATTER_REDUCTIONS.indexOf('add');
    kernelsFor(dy.dtype).scatterElements(code, integers(at), elements(dy), elements(y), g);
    return y;
  },
  gradient: ({ attributes: { axis }, input }, ddx) => [applyOne(gatherElements, [ddx, input(1)], { axis }), null],
  saves: { inputs: [1] },
};

/** Inputs x, indices and updates, the latter two of one shape. */
export const scatterElements: Op<{ axis: number; reduction: ScatterReduction }> = {
  name: 'scatter',
  forward([input, indices, updates], { axis, reduction }) {
    const [x, at] = [input as Tensor, indices as Tensor];
    const y = copy(x);
    const g = encodeElements(x.shape, at.shape, axis);
    const code = SCATTER_REDUCTIONS.indexOf(reduction);
    kernelsFor(x.dtype).scatterElements(code, integers(at), elements(updates as Tensor), elements(y), g);
    return y;
  },
  gradient(call, dy) {
    const { needs, input, inputShapes, attributes } = call;
    const { axis, reduction } = attributes;
    checkDifferentiable('scatter', call);
    const replaced = () => {
      const nothing = zeros(inputShapes[2], { dtype: dy.dtype });
      return applyOne(scatterElements, [dy, input(1), nothing], attributes);
    };
    return [
      needs[0] ? (reduction === 'add' ? dy : replaced()) : null,
      null,
      needs[2] ? applyOne(gatherElements, [dy, input(1)], { axis }) : null,
    ];
  },
  saves: { inputs: [1] },
};
