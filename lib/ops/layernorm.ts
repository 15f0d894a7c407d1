import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape, type Shape, sameShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { normaliseRows } from './channelnorm.js';
import { mul } from './mul.js';

/** Options of normalisations over parts of one example. */
export interface NormOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
}

/**
 * Layer normalisation (Ba et al. 2016): (x − mean) / √(variance + eps) · weight + bias with the statistics of the last axes.
 *
 * `normalizedShape` names the last axes of x by their sizes; weight and bias have that shape or are null (1 and 0).
 *
 * @throws ShapeError when x does not end in normalizedShape or weight and bias have another shape; ArgumentError for an eps
 *   below 0; DTypeError unless all share a floating type
 * @example
 * layerNorm(tensor([[1, 3], [5, 5]]), [2], null, null, { eps: 0.5 }).shape; // [2, 2]
 */
export function layerNorm<D extends DType>(
  x: Tensor<D>,
  normalizedShape: number | Shape,
  weight: Tensor<D> | null = null,
  bias: Tensor<D> | null = null,
  { eps = 1e-5 }: NormOptions = {},
): Tensor<D> {
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  checkFloat('layerNorm', x, ...[weight, bias].filter((v) => v !== null));
  check(
    shape.length > 0 && shape.length <= x.rank && sameShape(x.shape.slice(x.rank - shape.length), shape),
    'layerNorm',
    () => `x ${formatShape(x.shape)} does not end in ${formatShape(shape)}`,
  );
  for (const v of [weight, bias]) {
    check(
      !v || sameShape(v.shape, shape),
      'layerNorm',
      () => `weight and bias must be ${formatShape(shape)}, got ${formatShape((v as Tensor).shape)}`,
    );
  }
  check(eps >= 0, 'layerNorm', () => `eps must be at least 0, got ${eps}`, ArgumentError);
  const normal = normaliseRows(x, sizeOf(x.shape.slice(0, x.rank - shape.length)), eps) as Tensor<D>;
  const scaled = weight ? mul(normal, weight) : normal;
  return bias ? add(scaled, bias) : scaled;
}
