import { flatten } from '../ops/flatten.js';
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
