import type { Conv2dGeometry } from '../../geometry.js';
import { add } from '../../ops/add.js';
import { convolveTransposed } from '../../ops/convolution.js';
import type { Op } from '../../ops/op.js';
import type { Tensor } from '../../tensor.js';

/**
 * The gradient of a convolution's input plus another tensor of its shape, such as the gradient that comes by a shortcut.
 * Inputs as of `fusedConv2d`: dy, weight, null, residual.
 */
export const fusedGradInput: Op<Conv2dGeometry> = {
  name: 'fusedGradInput',
  forward: ([dy, weight, , residual], geometry) =>
    add(convolveTransposed.forward([dy, weight], geometry) as Tensor, residual as Tensor),
};
