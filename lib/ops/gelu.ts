import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { erf } from './erf.js';
import { exp } from './exp.js';
import { mul } from './mul.js';
import { square } from './square.js';
import { tanh } from './tanh.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('gelu', 'input', ({ input }, dy) => {
  const x = input(0);
  const cumulative = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return mul(dy, add(cumulative, mul(x, density)));
});

/** Options of {@link gelu}. */
export interface GeluOptions {
  /** 'none' (default): the exact form; 'tanh': x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³))), which differs by up to 5e-4. */
  approximate?: 'none' | 'tanh';
}

/**
 * Gaussian error linear unit x/2 · (1 + erf(x/√2)), element by element (Hendrycks and Gimpel 2016).
 *
 * @throws ArgumentError for an unknown approximation; DTypeError unless x is float32 or float64
 * @example
 * gelu(tensor([0])).toArray(); // [0]
 */
export function gelu<D extends DType>(x: Tensor<D>, { approximate = 'none' }: GeluOptions = {}): Tensor<D> {
  check(
    approximate === 'none' || approximate === 'tanh',
    'gelu',
    () => `approximate must be 'none' or 'tanh', got ${JSON.stringify(approximate)}`,
    ArgumentError,
  );
  if (approximate === 'none') return applyUnary(op, x);
  checkFloat('gelu', x);
  const inner = mul(mul(x, add(mul(square(x), 0.044715), 1)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}
