import type { DType } from '../../dtype.js';
import { add } from '../../ops/add.js';
import { maximum } from '../../ops/maximum.js';
import { minimum } from '../../ops/minimum.js';
import { mul } from '../../ops/mul.js';
import type { Op } from '../../ops/op.js';
import { reshape } from '../../ops/reshape.js';
import { sub } from '../../ops/sub.js';
import type { Tensor } from '../../tensor.js';
import { type Activation, activate } from './activate.js';

/** Elementwise operations that can be part of a map; names are those of BINARY_OPERATIONS. */
export const MAP_OPERATIONS = { add, sub, mul, max: maximum, min: minimum };
export type MapOperation = keyof typeof MAP_OPERATIONS;

export interface FusedMapAttributes {
  readonly operation: MapOperation | null;
  readonly activation: Activation;
}

/**
 * One pass over a feature map [n, c, …]: activation((x · scale[c] + shift[c]) operation other). Inputs: x; scale [c], shift
 * [c], other (x's shape, or [n, c, 1, 1]) and slopes [c] of a PReLU, each or null.
 */
export const fusedMap: Op<FusedMapAttributes> = {
  name: 'fusedMap',
  forward([x, scale, shift, other, slopes], { operation, activation }) {
    let y = x as Tensor;
    const perChannel = <D extends DType>(v: Tensor<D>) => reshape(v, [-1, ...new Array<number>(y.rank - 2).fill(1)]);
    if (scale) y = mul(y, perChannel(scale));
    if (shift) y = add(y, perChannel(shift));
    if (operation && other) y = MAP_OPERATIONS[operation](y, other);
    return activate(y, activation, slopes);
  },
};
