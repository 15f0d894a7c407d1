import type { DType } from '../dtype.js';
import { check } from '../errors.js';
import { formatShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { matmul } from './matmul.js';
import { reshape } from './reshape.js';

/**
 * Fully connected layer y = x·weightᵀ + bias: x [..., in], weight [out, in], bias [out] or null → [..., out].
 *
 * @throws ShapeError when sizes do not fit; DTypeError unless all share a floating type
 * @example
 * linear(tensor([[1, 2]]), tensor([[3, 4], [5, 6]]), tensor([0, 1])).toArray(); // [[11, 18]]
 */
export function linear<D extends DType>(x: Tensor<D>, weight: Tensor<D>, bias: Tensor<D> | null = null): Tensor<D> {
  check(weight.rank === 2, 'linear', () => `weight must be [out, in], got ${formatShape(weight.shape)}`);
  const [outputs, inputs] = weight.shape;
  check(
    x.rank > 0 && x.shape.at(-1) === inputs,
    'linear',
    () =>
      `weight ${formatShape(weight.shape)} expects ${inputs} features, x ${formatShape(x.shape)} has ${x.shape.at(-1) ?? 'none'}`,
  );
  check(
    !bias || (bias.rank === 1 && bias.size === outputs),
    'linear',
    () =>
      `bias must be [${outputs}] for weight ${formatShape(weight.shape)}, got ${formatShape((bias as Tensor).shape)}`,
  );
  const rows = x.rank === 2 ? x : reshape(x, [sizeOf(x.shape.slice(0, -1)), inputs]);
  const product = matmul(rows, weight, { transposeB: true });
  const y = bias ? add(product, bias) : product;
  return x.rank === 2 ? y : reshape(y, [...x.shape.slice(0, -1), outputs]);
}
