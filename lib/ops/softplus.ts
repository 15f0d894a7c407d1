import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { div } from './div.js';
import { mul } from './mul.js';
import { sigmoid } from './sigmoid.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('softplus', 'input', ({ input }, dy) => mul(dy, sigmoid(input(0))));

/** Options of {@link softplus}. */
export interface SoftplusOptions {
  /** How sharp the bend at 0 is; above 0. Default 1. */
  beta?: number;
}

/**
 * log(1 + e^(beta · x)) / beta, element by element, without overflow at any x.
 *
 * @throws ArgumentError unless beta is a finite number above 0; DTypeError unless x is float32 or float64
 * @example
 * softplus(tensor([1000])).toArray(); // [1000]
 */
export function softplus<D extends DType>(x: Tensor<D>, { beta = 1 }: SoftplusOptions = {}): Tensor<D> {
  check(
    beta > 0 && Number.isFinite(beta),
    'softplus',
    () => `beta must be a finite number above 0, got ${beta}`,
    ArgumentError,
  );
  return beta === 1 ? applyUnary(op, x) : div(applyUnary(op, mul(x, beta)), beta);
}
