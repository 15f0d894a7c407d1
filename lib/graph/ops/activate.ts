import type { DType } from '../../dtype.js';
import type { ActivationKind } from '../../kernels/operations.js';
import { clip } from '../../ops/clip.js';
import { gelu } from '../../ops/gelu.js';
import { hardSigmoid } from '../../ops/hardsigmoid.js';
import { hardSwish } from '../../ops/hardswish.js';
import { leakyRelu } from '../../ops/leakyrelu.js';
import { prelu } from '../../ops/prelu.js';
import { relu } from '../../ops/relu.js';
import { reshape } from '../../ops/reshape.js';
import { sigmoid } from '../../ops/sigmoid.js';
import { silu } from '../../ops/silu.js';
import { tanh } from '../../ops/tanh.js';
import type { Tensor } from '../../tensor.js';

/** An activation as kernels know it, with the constants that belong to it. */
export interface Activation {
  readonly kind: ActivationKind;
  readonly alpha: number;
  readonly beta: number;
}

export const IDENTITY: Activation = { kind: 'identity', alpha: 0, beta: 0 };

/** Applies an activation by its op. `slopes` [c] belong to 'prelu', on axis 1. */
export function activate<D extends DType>(x: Tensor<D>, activation: Activation, slopes: Tensor<D> | null): Tensor<D> {
  const { kind, alpha, beta } = activation;
  switch (kind) {
    case 'identity':
      return x;
    case 'relu':
      return relu(x);
    case 'clip':
      return clip(x, alpha, beta);
    case 'leakyRelu':
      return leakyRelu(x, alpha);
    case 'prelu':
      return prelu(x, reshape(slopes as Tensor<D>, [-1, ...new Array<number>(x.rank - 2).fill(1)]));
    case 'hardSigmoid':
      return hardSigmoid(x, { alpha, beta });
    case 'hardSwish':
      return hardSwish(x);
    case 'sigmoid':
      return sigmoid(x);
    case 'tanh':
      return tanh(x);
    case 'silu':
      return silu(x);
    case 'gelu':
      return gelu(x);
  }
}
