import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor.js';
import { checkRange } from './optimizer.js';

/**
 * A module's parameters in two groups: weights of two or more axes, which decay, and biases and the scales of
 * normalisations, which do not.
 *
 * @throws ArgumentError for a weightDecay below 0
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.BatchNorm2d(8));
 * const optimizer = new AdamW(optim.weightDecayGroups(net, 0.05), { lr: 1e-3 });
 * optimizer.groups.map(({ params, weightDecay }) => [params.length, weightDecay]); // [[1, 0.05], [3, 0]]
 */
export function weightDecayGroups(module: Module, weightDecay: number): { params: Tensor[]; weightDecay: number }[] {
  checkRange('weightDecayGroups', 'weightDecay', weightDecay, 0);
  const parameters = module.parameters();
  return [
    { params: parameters.filter(({ rank }) => rank > 1), weightDecay },
    { params: parameters.filter(({ rank }) => rank <= 1), weightDecay: 0 },
  ].filter(({ params }) => params.length > 0);
}
