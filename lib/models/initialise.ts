import { BatchNorm2d } from '../nn/batchnorm.js';
import { Conv2d } from '../nn/conv2d.js';
import { constant, kaimingNormal, normal } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import type { Module } from '../nn/module.js';

/**
 * The start that VGG and MobileNetV2 have in torchvision: convolutions as He et al. 2015 with the fan-out, linear layers
 * normal with a deviation of 0.01, biases 0, batch norms the identity.
 */
export function initialise(module: Module): void {
  for (const [, layer] of module.modules()) {
    if (layer instanceof Conv2d) kaimingNormal(layer.weight, { mode: 'fanOut', nonlinearity: 'relu' });
    if (layer instanceof Linear) normal(layer.weight, 0, 0.01);
    if (layer instanceof BatchNorm2d && layer.weight) constant(layer.weight, 1);
    if ((layer instanceof Conv2d || layer instanceof Linear) && layer.bias) constant(layer.bias, 0);
  }
}
