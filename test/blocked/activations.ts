import type { ActivationKind } from '../../lib/kernels/operations.js';

function erf(x: number): number {
  // the series, because the usual approximations are not good enough; it converges for all arguments that matter
  let [term, sum] = [x, x];
  for (let k = 1; k < 200; k++) {
    term *= -(x * x) / k;
    sum += term / (2 * k + 1);
  }
  return Math.abs(x) > 5 ? Math.sign(x) : (sum * 2) / Math.sqrt(Math.PI);
}

const gate = (x: number, alpha: number, beta: number) => Math.min(1, Math.max(0, alpha * x + beta));

/** An activation in float64; alpha and beta as the kernels take them, the slope being that of prelu. */
export function activate(kind: ActivationKind, x: number, alpha: number, beta: number, slope: number): number {
  switch (kind) {
    case 'identity':
      return x;
    case 'relu':
      return Math.max(0, x);
    case 'clip':
      return Math.min(beta, Math.max(alpha, x));
    case 'leakyRelu':
      return x > 0 ? x : alpha * x;
    case 'prelu':
      return x > 0 ? x : slope * x;
    case 'hardSigmoid':
      return gate(x, alpha, beta);
    case 'hardSwish':
      return x * gate(x, 1 / 6, 0.5);
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'tanh':
      return Math.tanh(x);
    case 'silu':
      return x / (1 + Math.exp(-x));
    case 'gelu':
      return (x / 2) * (1 + erf(x / Math.SQRT2));
  }
}
