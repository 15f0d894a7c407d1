import type { Conv2dGeometry } from '../../geometry.js';
import { add } from '../../ops/add.js';
import { conv2d } from '../../ops/conv2d.js';
import type { Op } from '../../ops/op.js';
import type { Tensor } from '../../tensor.js';
import { type Activation, activate } from './activate.js';

export interface FusedConv2dAttributes {
  readonly geometry: Conv2dGeometry;
  readonly activation: Activation;
  /** Whether the residual is added to what the activation gives, instead of to what it gets. */
  readonly residualAfter: boolean;
}

/**
 * A convolution with what kernels do to its result before they store it. Inputs: x, weight, bias or null, residual of the
 * result's shape or null, slopes [oc] of a PReLU or null.
 */
export const fusedConv2d: Op<FusedConv2dAttributes> = {
  name: 'fusedConv2d',
  forward([x, weight, bias, residual, slopes], { geometry, activation, residualAfter }) {
    const { strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom, padRight, groups } = geometry;
    const sums = conv2d(x as Tensor, weight as Tensor, bias, {
      stride: [strideH, strideW],
      dilation: [dilationH, dilationW],
      padding: [padTop, padLeft, padBottom, padRight],
      groups,
    });
    if (!residual) return activate(sums, activation, slopes);
    if (residualAfter) return add(activate(sums, activation, slopes), residual);
    return activate(add(sums, residual), activation, slopes);
  },
};
