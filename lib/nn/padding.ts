import { type PadOptions, type PadWidths, pad, padSides } from '../ops/pad.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/**
 * Layer that pads height and width. Widths are a number, [height, width] or [top, left, bottom, right] as everywhere in
 * convforge; PyTorch's padding layers take (left, right, top, bottom).
 */
abstract class Padding2d extends Module {
  readonly padding: PadWidths;
  readonly options: Readonly<PadOptions>;

  constructor(padding: PadWidths, options: PadOptions) {
    super();
    padSides(new.target.name, padding);
    this.padding = padding;
    this.options = options;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return pad(x, this.padding, this.options);
  }
}

/**
 * Pads with zeros: x [n, c, h, w] → [n, c, h + top + bottom, w + left + right]; see {@link pad}.
 *
 * @throws ArgumentError for widths that are no integers of at least 0
 * @example
 * new nn.ZeroPad2d([0, 1]).forward(ones([1, 1, 1, 1])).toArray(); // [[[[0, 1, 0]]]]
 */
export class ZeroPad2d extends Padding2d {
  constructor(padding: PadWidths) {
    super(padding, {});
  }
}

/**
 * Pads with a number; see {@link pad}.
 *
 * @throws ArgumentError for widths that are no integers of at least 0
 * @example
 * new nn.ConstantPad2d([0, 1], 5).forward(ones([1, 1, 1, 1])).toArray(); // [[[[5, 1, 5]]]]
 */
export class ConstantPad2d extends Padding2d {
  constructor(padding: PadWidths, value: number) {
    super(padding, { value });
  }
}

/**
 * Pads with the image mirrored, its edge not repeated; see {@link pad}.
 *
 * @throws ArgumentError for widths that are no integers of at least 0
 * @example
 * new nn.ReflectionPad2d([0, 1]).forward(tensor([[[[1, 2, 3]]]])).toArray(); // [[[[2, 1, 2, 3, 2]]]]
 */
export class ReflectionPad2d extends Padding2d {
  constructor(padding: PadWidths) {
    super(padding, { mode: 'reflect' });
  }
}

/**
 * Pads with the edge repeated; see {@link pad}.
 *
 * @throws ArgumentError for widths that are no integers of at least 0
 * @example
 * new nn.ReplicationPad2d([0, 2]).forward(tensor([[[[1, 2]]]])).toArray(); // [[[[1, 1, 1, 2, 2, 2]]]]
 */
export class ReplicationPad2d extends Padding2d {
  constructor(padding: PadWidths) {
    super(padding, { mode: 'replicate' });
  }
}

/**
 * Pads with the image wrapped around; see {@link pad}.
 *
 * @throws ArgumentError for widths that are no integers of at least 0
 * @example
 * new nn.CircularPad2d([0, 1]).forward(tensor([[[[1, 2, 3]]]])).toArray(); // [[[[3, 1, 2, 3, 1]]]]
 */
export class CircularPad2d extends Padding2d {
  constructor(padding: PadWidths) {
    super(padding, { mode: 'circular' });
  }
}
