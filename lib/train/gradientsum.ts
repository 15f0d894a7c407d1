import { kernelsFor } from '../backend/backend.js';
import { ones, zeros } from '../creation.js';
import { blend } from '../ops/blend.js';
import { mul } from '../ops/mul.js';
import { apply, floats, type Op, supply } from '../ops/op.js';
import type { Tensor } from '../tensor.js';

const clear: Op<null> = {
  name: 'clear',
  forward([x]) {
    kernelsFor((x as Tensor).dtype).fill(floats(x as Tensor), 0);
    return [];
  },
  updates: [0],
};

/** Gradients of several batches, added up in memory that compiled steps share. */
export class GradientSum {
  /** Batches whose gradients are in the sum. */
  pending = 0;
  readonly #batches: number;
  readonly #sums = new Map<Tensor, Tensor>();

  /** @param batches how many make a full sum, for which each gradient was divided by that number */
  constructor(batches: number) {
    this.#batches = batches;
  }

  get isFull(): boolean {
    return this.pending === this.#batches;
  }

  /** Memory of all sums. */
  get tensors(): Tensor[] {
    return [...this.#sums.values()];
  }

  /** Moves the gradients of parameters into their sums; part of a trace. */
  collect(parameters: readonly Tensor[]): void {
    for (const parameter of parameters) {
      const { grad, dtype, shape } = parameter;
      if (!grad) continue;
      let sum = this.#sums.get(parameter);
      if (!sum) {
        sum = zeros(shape, { dtype });
        this.#sums.set(parameter, sum);
      }
      blend(sum, grad, ones([2], { dtype }));
      parameter.grad = null;
    }
  }

  /** Makes each sum the gradient of its parameter, for an update, and starts over; part of a trace. */
  spend(update: () => void): void {
    for (const [parameter, sum] of this.#sums) {
      if (!parameter.requiresGrad) continue; // frozen since: it has no part in clipping either
      const scale = supply(sum.dtype, [], (values) => {
        (values as Float32Array)[0] = this.#batches / this.pending;
      });
      parameter.grad = mul(sum, scale);
    }
    update();
    for (const [parameter, sum] of this.#sums) {
      parameter.grad = null;
      apply(clear, [sum], null);
    }
  }
}
