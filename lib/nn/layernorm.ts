import { ones, zeros } from '../creation.js';
import { whole } from '../geometry.js';
import { layerNorm, type NormOptions } from '../ops/layernorm.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { Module, parameter } from './module.js';

/** Options of {@link LayerNorm}. */
export interface LayerNormLayerOptions extends NormOptions {
  /** Learn a scale and an offset for every element. Default true. */
  elementwiseAffine?: boolean;
  /** Learn the offset too. Default true. */
  bias?: boolean;
}

/**
 * Layer normalisation over the last axes (Ba et al. 2016), named by their sizes; see {@link layerNorm}.
 *
 * Parameters: weight [normalizedShape] ones, bias [normalizedShape] zeros.
 *
 * @throws ArgumentError for a size below 1
 * @example
 * new nn.LayerNorm([4, 5]).forward(zeros([2, 3, 4, 5])).shape; // [2, 3, 4, 5]
 */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape;
  readonly weight: Tensor<'float32'> | null;
  readonly bias: Tensor<'float32'> | null;
  readonly eps: number;

  constructor(normalizedShape: number | Shape, options: LayerNormLayerOptions = {}) {
    super();
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    const shape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
    for (const size of shape) whole('LayerNorm', 'normalizedShape', size, 1);
    this.normalizedShape = shape;
    this.weight = elementwiseAffine ? parameter(ones(shape)) : null;
    this.bias = elementwiseAffine && bias ? parameter(zeros(shape)) : null;
    this.eps = eps;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, { eps: this.eps });
  }

  /** The weight is a scale of each element. */
  override multiplyAdds(): number {
    return 0;
  }
}
