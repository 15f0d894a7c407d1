import { isExact, kernelsFor } from '../backend/backend.js';
import { CONV2D_FIELDS, type Conv2dGeometry, encode } from '../geometry.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, type Op } from './op.js';
import { sum } from './sum.js';

// Convolution is linear in x and in weight, so three ops are closed under differentiation: each gradient of one of them
// is again one of them.

/** y from x, weight and bias. */
export const convolve: Op<Conv2dGeometry> = {
  name: 'conv2d',
  forward([input, kernel, offset], geometry) {
    const [x, weight] = [input as Tensor, kernel as Tensor];
    const { n, oc, oh, ow } = geometry;
    const y = empty(x.dtype, [n, oc, oh, ow]);
    const bias = offset ? floats(offset) : null;
    const flat = encode(CONV2D_FIELDS, geometry);
    kernelsFor(x.dtype).conv2dForward(floats(x), floats(weight), bias, floats(y), flat, isExact());
    return y;
  },
  gradient({ input, needs, attributes }, dy) {
    return [
      needs[0] ? applyOne(convolveTransposed, [dy, input(1)], attributes) : null,
      needs[1] ? applyOne(correlate, [input(0), dy], attributes) : null,
      needs[2] ? sum(dy, [0, 2, 3]) : null,
    ];
  },
  saves: { inputs: [0, 1] },
};

/** dx from dy and weight: a transposed convolution. */
export const convolveTransposed: Op<Conv2dGeometry> = {
  name: 'conv2dGradInput',
  forward([gradient, kernel], geometry) {
    const [dy, weight] = [gradient as Tensor, kernel as Tensor];
    const { n, ic, h, w } = geometry;
    const dx = empty(dy.dtype, [n, ic, h, w]);
    const flat = encode(CONV2D_FIELDS, geometry);
    kernelsFor(dy.dtype).conv2dGradInput(floats(dy), floats(weight), floats(dx), flat, isExact());
    return dx;
  },
  gradient: ({ input, needs, attributes }, ddx) => [
    needs[0] ? applyOne(convolve, [ddx, input(1), null], attributes) : null,
    needs[1] ? applyOne(correlate, [ddx, input(0)], attributes) : null,
  ],
};

/** dweight from x and dy. */
export const correlate: Op<Conv2dGeometry> = {
  name: 'conv2dGradWeight',
  forward([input, gradient], geometry) {
    const [x, dy] = [input as Tensor, gradient as Tensor];
    const { oc, ic, kh, kw, groups } = geometry;
    const dweight = empty(x.dtype, [oc, ic / groups, kh, kw]);
    const flat = encode(CONV2D_FIELDS, geometry);
    kernelsFor(x.dtype).conv2dGradWeight(floats(x), floats(dy), floats(dweight), flat, isExact());
    return dweight;
  },
  gradient: ({ input, needs, attributes }, ddweight) => [
    needs[0] ? applyOne(convolveTransposed, [input(1), ddweight], attributes) : null,
    needs[1] ? applyOne(convolve, [input(0), ddweight, null], attributes) : null,
  ],
};
