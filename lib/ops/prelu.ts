import { checkFloat, type DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp } from './binary.js';
import { gt } from './gt.js';
import { mul } from './mul.js';
import { scalarLike } from './scalarlike.js';
import { where } from './where.js';

const op = binaryOp('prelu', {}, ({ needs, input }, dy) => {
  const [x, slope] = [input(0), input(1)];
  const positive = gt(x, 0);
  return [
    needs[0] ? where(positive, dy, mul(dy, slope)) : null,
    needs[1] ? where(positive, scalarLike(dy, 0), mul(dy, x)) : null,
  ];
});

/**
 * x where x > 0, else slope · x, element by element; `slope` broadcasts to x (He et al. 2015). One slope a channel of
 * x [n, c, h, w] is a tensor [c, 1, 1].
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32 or both float64
 * @example
 * prelu(tensor([[-2, 2], [-4, 4]]), tensor([[0.5], [0.25]])).toArray(); // [[-1, 2], [-1, 4]]
 */
export function prelu<D extends DType>(x: Tensor<D>, slope: Tensor<D>): Tensor<D> {
  checkFloat('prelu', x, slope);
  return applyBinary(op, x, slope);
}
