import { add } from '../../ops/add.js';
import { matmul } from '../../ops/matmul.js';
import type { Op } from '../../ops/op.js';
import type { Tensor } from '../../tensor.js';
import { type Activation, activate } from './activate.js';

export interface FusedLinearAttributes {
  /** Whether the weight is [n, k] rather than [k, n]. */
  readonly transposed: boolean;
  readonly activation: Activation;
}

/** A fully connected layer with its activation. Inputs: x [m, k], weight, bias [n] or null. */
export const fusedLinear: Op<FusedLinearAttributes> = {
  name: 'fusedLinear',
  forward([x, weight, bias], { transposed, activation }) {
    const product = matmul(x as Tensor, weight as Tensor, { transposeB: transposed });
    return activate(bias ? add(product, bias) : product, activation, null);
  },
};
