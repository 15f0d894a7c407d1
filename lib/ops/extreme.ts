import { check } from '../errors.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { cast } from './cast.js';
import { div } from './div.js';
import { eq } from './eq.js';
import { mul } from './mul.js';
import type { Op } from './op.js';
import { type Reduction, reduceAxes, spread } from './reduction.js';
import { sum } from './sum.js';

/** Defines the reduction to the largest or smallest element. */
export function extremeOp(operation: 'max' | 'min'): Op<Reduction> {
  return {
    name: operation,
    forward([input], attributes) {
      const x = input as Tensor;
      check(
        attributes.axes.every((axis) => x.shape[axis] > 0),
        operation,
        () => `an empty axis of ${formatShape(x.shape)} has no ${operation}`,
      );
      return reduceAxes(operation, x, attributes);
    },
    gradient({ attributes: { axes, kept }, inputShapes, input, output }, dy) {
      const x = input(0);
      const winners = cast(eq(x, spread(output(0), kept, inputShapes[0])), x.dtype);
      const each = div(spread(dy, kept, inputShapes[0]), sum(winners, axes, { keepDims: true }));
      return [mul(each, winners)];
    },
    saves: { outputs: [0] },
  };
}
