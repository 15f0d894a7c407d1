import { noGrad } from '../autograd.js';
import { zeros } from '../creation.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';

/** Against a division by 0 where all gradients are; PyTorch's. */
const EPSILON = 1e-6;

/**
 * Scales the gradients of all parameters together so that their norm is at most `maxNorm` (Pascanu et al. 2013), and returns
 * the norm they had, a tensor of one element. `normType` above 0, or Infinity for the largest magnitude; default 2.
 *
 * @throws ArgumentError unless maxNorm and normType are above 0
 * @example
 * const w = tensor([1, 1], { requiresGrad: true });
 * w.mul(tensor([3, 4])).sum().backward();
 * optim.clipGradNorm([w], 1).item(); // 5
 */
export function clipGradNorm(parameters: Iterable<Tensor>, maxNorm: number, normType = 2): Tensor {
  checkAbove('clipGradNorm', 'maxNorm', maxNorm);
  checkAbove('clipGradNorm', 'normType', normType);
  const own = [...parameters].filter(({ grad }) => grad);
  return noGrad(() => {
    const gradients = own.map(({ grad }) => grad as Tensor);
    const total = gradients.length ? normOf(gradients, normType) : zeros([]);
    const scale = maxNorm / (total.item() + EPSILON);
    // A norm of NaN stays in the gradients, where the caller can see it.
    if (!(scale >= 1)) for (const parameter of own) parameter.grad = parameter.grad?.mul(scale) ?? null;
    return total;
  });
}

/**
 * Cuts every element of the gradients off at ±`clipValue`.
 *
 * @throws ArgumentError unless clipValue is above 0
 * @example
 * const w = tensor([1, 1], { requiresGrad: true });
 * w.mul(tensor([3, 4])).sum().backward();
 * optim.clipGradValue([w], 3.5);
 * w.grad.toArray(); // [3, 3.5]
 */
export function clipGradValue(parameters: Iterable<Tensor>, clipValue: number): void {
  checkAbove('clipGradValue', 'clipValue', clipValue);
  noGrad(() => {
    for (const parameter of parameters) parameter.grad = parameter.grad?.clip(-clipValue, clipValue) ?? null;
  });
}

function normOf(gradients: readonly Tensor[], normType: number): Tensor {
  const sum = (terms: Tensor[]) => terms.reduce((a, b) => a.add(b));
  if (normType === Number.POSITIVE_INFINITY) {
    return gradients.map((gradient) => gradient.abs().max()).reduce((a, b) => a.maximum(b));
  }
  if (normType === 2) return sum(gradients.map((gradient) => gradient.square().sum())).sqrt();
  return sum(gradients.map((gradient) => gradient.abs().pow(normType).sum())).pow(1 / normType);
}

function checkAbove(operation: string, option: string, value: number): void {
  check(value > 0, operation, () => `${option} must be above 0, got ${value}`, ArgumentError);
}
