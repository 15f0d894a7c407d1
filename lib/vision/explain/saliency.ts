import { grad } from '../../autograd.js';
import { ArgumentError, check, DTypeError } from '../../errors.js';
import type { Module } from '../../nn/module.js';
import { formatShape } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import { record } from './activations.js';
import { scoreOf, type TargetOptions } from './score.js';

/**
 * How much each pixel matters for the score of a class: |d score / d pixel|, the greatest over the channels, for images
 * x [n, c, h, w] and a model with scores [n, classes] → [n, h, w] (Simonyan, Vedaldi and Zisserman 2014).
 *
 * @throws ShapeError unless x is [n, c, h, w] and the output [n, classes]; ArgumentError for classes that it does not have, or
 *   an output that does not depend on x
 * @example
 * const net = new nn.Sequential(new nn.Flatten(), new nn.Linear(4, 2));
 * saliency(net, zeros([3, 1, 2, 2]), { target: 1 }).shape; // [3, 2, 2]
 */
export function saliency(model: Module, x: Tensor<'float32'>, { target }: TargetOptions = {}): Tensor<'float32'> {
  checkImages('saliency', x);
  const input = leafOf(x);
  const { sum } = scoreOf('saliency', record('saliency', model, input).output, target);
  const [gradient] = grad([sum], [input]) as [Tensor<'float32'> | null];
  check(gradient !== null, 'saliency', () => 'the output does not depend on the images', ArgumentError);
  return gradient.abs().max(1);
}

/** The images as a leaf whose gradient can be asked for, in the same memory. */
export function leafOf(x: Tensor<'float32'>): Tensor<'float32'> {
  const leaf = x.detach();
  leaf.requiresGrad = true;
  return leaf;
}

export function checkImages(operation: string, x: Tensor): void {
  check(
    x instanceof Tensor && x.rank === 4 && x.size > 0,
    operation,
    () => `x must be images [n, c, h, w], got ${x instanceof Tensor ? formatShape(x.shape) : typeof x}`,
  );
  check(x.dtype === 'float32', operation, () => `x must be float32, got ${x.dtype}`, DTypeError);
}
