import { noGrad } from '../autograd.js';
import { zeros } from '../creation.js';
import { ArgumentError, check } from '../errors.js';
import { max } from '../ops/max.js';
import { norm } from '../ops/norm.js';
import { reciprocal } from '../ops/reciprocal.js';
import { stack } from '../ops/stack.js';
import { Tensor } from '../tensor.js';

/** Keeps a norm of 0 from being divided by; PyTorch's. */
const EPSILON = 1e-6;

/**
 * Scales all gradients together so that the norm of them as one vector is at most `maxNorm` (Pascanu et al. 2013), and
 * returns the norm they had [], to PyTorch's definition. `normType`: any number above 0, or Infinity for the largest
 * magnitude; default 2. A norm of NaN makes all gradients NaN, an infinite one makes the finite gradients 0.
 *
 * Parameters without a gradient are passed over; every other one's `grad` is replaced.
 *
 * @throws ArgumentError for a maxNorm below 0, or a normType that is not above 0
 * @example
 * const w = tensor([1, 1], { requiresGrad: true });
 * w.mul(tensor([3, 4])).sum().backward();
 * optim.clipGradNorm([w], 1).item(); // 5
 */
export function clipGradNorm(parameters: Tensor | Iterable<Tensor>, maxNorm: number, normType = 2): Tensor {
  check(maxNorm >= 0, 'clipGradNorm', () => `maxNorm must be at least 0, got ${maxNorm}`, ArgumentError);
  check(normType > 0, 'clipGradNorm', () => `normType must be above 0, got ${normType}`, ArgumentError);
  return noGrad(() => {
    const own = withGradients(parameters);
    if (own.length === 0) return zeros([]);
    const { dtype } = own[0].gradient;
    const norms = own.flatMap(({ gradient }) => (gradient.size ? [normOf(gradient, normType).to(dtype)] : []));
    const total = norms.length > 0 ? normOf(stack(norms), normType) : zeros([], { dtype });
    const scale = reciprocal(total.add(EPSILON)).mul(maxNorm).minimum(1);
    for (const { parameter, gradient } of own) parameter.grad = gradient.mul(scale.to(gradient.dtype));
    return total;
  });
}

/**
 * Cuts every element of the gradients off at ±`clipValue`; NaN stays.
 *
 * @throws ArgumentError for a clipValue below 0
 * @example
 * const w = tensor([1, 1], { requiresGrad: true });
 * w.mul(tensor([3, -4])).sum().backward();
 * optim.clipGradValue([w], 3.5);
 * w.grad.toArray(); // [3, -3.5]
 */
export function clipGradValue(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  check(clipValue >= 0, 'clipGradValue', () => `clipValue must be at least 0, got ${clipValue}`, ArgumentError);
  noGrad(() => {
    for (const { parameter, gradient } of withGradients(parameters)) {
      parameter.grad = gradient.clip(-clipValue, clipValue);
    }
  });
}

function withGradients(parameters: Tensor | Iterable<Tensor>): { parameter: Tensor; gradient: Tensor }[] {
  const list = parameters instanceof Tensor ? [parameters] : [...parameters];
  return list.flatMap((parameter) => (parameter.grad ? [{ parameter, gradient: parameter.grad.detach() }] : []));
}

function normOf(x: Tensor, p: number): Tensor {
  if (p === 1 || p === 2) return norm(x, undefined, { p });
  if (p === Number.POSITIVE_INFINITY) return max(x.abs());
  return x
    .abs()
    .pow(p)
    .sum()
    .pow(1 / p);
}
