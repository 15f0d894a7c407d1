import { noGrad } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import type { Tensor } from '../tensor.js';
import { apply, floats, type Op } from './op.js';

const op: Op<null> = {
  name: 'blend',
  forward([y, x, factors]) {
    const [to, from, weights] = [y, x, factors] as Tensor[];
    kernelsFor(to.dtype).blend(floats(to), floats(from), floats(weights));
    return [];
  },
  updates: [0],
};

/**
 * y = factors[0] · y + factors[1] · x, in the memory of y and unseen by autograd: a running average takes a step.
 *
 * y and x have one shape, factors [2], all one floating-point type.
 */
export function blend(y: Tensor, x: Tensor, factors: Tensor): void {
  noGrad(() => apply(op, [y, x, factors], null));
}
