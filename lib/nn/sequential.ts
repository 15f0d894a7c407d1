import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/**
 * Layers one after another. Their names in the state dict are their positions: `0.weight`, `2.bias`.
 *
 * @example
 * const net = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 2));
 * Object.keys(net.stateDict()); // ["0.weight", "0.bias", "2.weight", "2.bias"]
 */
export class Sequential extends Module {
  readonly layers: readonly Module[];

  constructor(...layers: Module[]) {
    super();
    this.layers = layers;
  }

  override children(): [name: string, module: Module][] {
    return this.layers.map((layer, i) => [String(i), layer]);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    let y: Tensor = x;
    for (const layer of this.layers) y = layer.forward(y);
    return y as Tensor<'float32'>;
  }
}
