import type { DType } from '../../dtype.js';
import type { Tensor } from '../../tensor.js';
import type { Operator } from '../operator.js';

/** Operators by the names nodes call them. */
export type Family = Readonly<Record<string, Operator>>;

type Unary = <D extends DType>(x: Tensor<D>) => Tensor;
type Binary = <D extends DType>(a: Tensor<D>, b: Tensor<D>) => Tensor;

/** An operator that is a function of one tensor. */
export function unary(compute: Unary, since?: number): Operator {
  return { since, inputs: [1, 1], evaluate: (call) => compute(call.input(0)) };
}

/** An operator that is a function of two tensors, which broadcast. */
export function binary(compute: Binary, since?: number): Operator {
  return { since, inputs: [2, 2], evaluate: (call) => compute(call.input(0), call.input(1)) };
}
