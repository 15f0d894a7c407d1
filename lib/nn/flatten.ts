import { flatten } from '../ops/flatten.js';
import { unflatten } from '../ops/unflatten.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/**
 * Joins the axes from startAxis (default 1, keeping the batch) to endAxis (default the last) into one.
 *
 * @example
 * new nn.Flatten().forward(zeros([2, 3, 4, 5])).shape; // [2, 60]
 */
export class Flatten extends Module {
  readonly startAxis: number;
  readonly endAxis: number;

  constructor(startAxis = 1, endAxis = -1) {
    super();
    this.startAxis = startAxis;
    this.endAxis = endAxis;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return flatten(x, this.startAxis, this.endAxis);
  }
}

/**
 * Splits an axis into several; one of `sizes` may be −1, which stands for what is left; see {@link unflatten}.
 *
 * @example
 * new nn.Unflatten(1, [3, 4, -1]).forward(zeros([2, 60])).shape; // [2, 3, 4, 5]
 */
export class Unflatten extends Module {
  readonly axis: number;
  readonly sizes: Shape;

  constructor(axis: number, sizes: Shape) {
    super();
    this.axis = axis;
    this.sizes = sizes;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return unflatten(x, this.axis, this.sizes);
  }
}
