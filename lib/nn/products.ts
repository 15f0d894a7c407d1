import { zeros } from '../creation.js';
import { ArgumentError, check } from '../errors.js';
import { whole } from '../geometry.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { fans, kaimingUniform, uniform } from './init.js';
import { parameter } from './module.js';

// What layers share whose outputs are sums of products.

/** Weight of the given shape and bias [outputs], both uniform in ±1/√fanIn, as PyTorch's layers start. */
export function productParameters(
  shape: Shape,
  outputs: number,
  hasBias: boolean,
): { weight: Tensor<'float32'>; bias: Tensor<'float32'> | null } {
  // a = √5 gives the bound 1/√fanIn.
  const weight = parameter(kaimingUniform(zeros(shape), { a: Math.sqrt(5) }));
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  return { weight, bias: hasBias ? parameter(uniform(zeros([outputs]), -bound, bound)) : null };
}

/** Checks the channels of a convolution. */
export function checkChannels(layer: string, inChannels: number, outChannels: number, groups: number): void {
  whole(layer, 'inChannels', inChannels, 1);
  whole(layer, 'outChannels', outChannels, 1);
  whole(layer, 'groups', groups, 1);
  check(
    inChannels % groups === 0 && outChannels % groups === 0,
    layer,
    () => `${inChannels} input and ${outChannels} output channels cannot be split into ${groups} groups`,
    ArgumentError,
  );
}

/** What the padding of a convolution can be filled with. */
const PADDING_MODES = ['zeros', 'reflect', 'replicate', 'circular'] as const;
export type PaddingMode = (typeof PADDING_MODES)[number];

export function checkPaddingMode(layer: string, mode: PaddingMode): void {
  check(
    PADDING_MODES.includes(mode),
    layer,
    () => `paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got ${JSON.stringify(mode)}`,
    ArgumentError,
  );
}
