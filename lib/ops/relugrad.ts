import { checkFloat } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp } from './binary.js';

const op = binaryOp('reluGrad', { inputs: [1] }, ({ input }, ddx) => [reluGrad(ddx, input(1)), null]);

/** dy where y > 0, else 0: the gradient of relu, linear in dy. y may be the input or the output of relu. */
export function reluGrad(dy: Tensor, y: Tensor): Tensor {
  checkFloat('reluGrad', dy, y);
  return applyBinary(op, dy, y);
}
