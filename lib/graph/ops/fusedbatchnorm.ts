import { add } from '../../ops/add.js';
import { type BatchNormAttributes, channelNorm, channelNormBackward } from '../../ops/channelnorm.js';
import { apply, type Op } from '../../ops/op.js';
import { reluGrad } from '../../ops/relugrad.js';
import type { Tensor } from '../../tensor.js';
import { type Activation, activate } from './activate.js';

export interface FusedBatchNormAttributes extends BatchNormAttributes {
  readonly activation: Activation;
}

/**
 * A batch norm with the sum and the activation that follow it: y = activation(norm(x) + residual). Inputs: x, weight, bias,
 * mean and variance as of `channelNorm`, and a residual of x's shape or null; outputs alike.
 */
export const fusedBatchNorm: Op<FusedBatchNormAttributes> = {
  name: 'fusedBatchNorm',
  forward([x, weight, bias, mean, variance, residual], { activation, ...attributes }) {
    const [normed, ...statistics] = apply(channelNorm, [x, weight, bias, mean, variance], attributes);
    return [activate(residual ? add(normed, residual) : normed, activation, null), ...statistics];
  },
};

/**
 * Gradients of a {@link fusedBatchNorm} with ReLU. Inputs: dy, y, then x, weight, mean and variance as of
 * `channelNormBackward`, and the bias; outputs: dx, dweight, dbias, and the gradient of the ReLU's argument if there was a
 * residual or somebody else reads it. Without that output y is not read: x and the bias tell where it is above 0.
 */
export const fusedBatchNormBackward: Op<BatchNormAttributes> = {
  name: 'fusedBatchNormBackward',
  forward([dy, y, x, weight, mean, variance], attributes) {
    const dz = reluGrad(dy as Tensor, y as Tensor);
    return [...apply(channelNormBackward, [dz, x, weight, mean, variance], attributes), dz];
  },
};

/** The way back through a ReLU that follows a bias. Inputs: dy, y [n, c, h, w]; outputs: dx, and its sum over each channel. */
export const reluGradSum: Op<null> = {
  name: 'reluGradSum',
  forward([dy, y]) {
    const dx = reluGrad(dy as Tensor, y as Tensor);
    return [dx, dx.sum([0, 2, 3])];
  },
};
