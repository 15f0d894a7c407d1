import type { DType } from '../dtype.js';
import { check } from '../errors.js';
import { checkShape, formatShape, type Shape, sizeOf } from '../shape.js';
import { Tensor } from '../tensor.js';
import { applyOne, type Op } from './op.js';

const op: Op<{ shape: Shape }> = {
  name: 'reshape',
  forward: ([x], { shape }) => new Tensor((x as Tensor).dtype, (x as Tensor).storage, shape),
  gradient: ({ inputShapes }, dy) => [reshape(dy, inputShapes[0])],
  saves: { inputs: [] },
};

/**
 * The same elements in the same order under another shape, sharing memory. One extent may be −1: it is worked out.
 *
 * @throws ShapeError when the number of elements differs
 * @example
 * reshape(tensor([1, 2, 3, 4]), [2, -1]).toArray(); // [[1, 2], [3, 4]]
 */
export function reshape<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  const resolved = resolve(x, shape);
  return applyOne(op, [x], { shape: resolved }) as Tensor<D>;
}

function resolve(x: Tensor, shape: Shape): Shape {
  const unknown = shape.indexOf(-1);
  let resolved = shape;
  if (unknown >= 0) {
    const known = sizeOf(shape.filter((_, axis) => axis !== unknown));
    check(known > 0 && x.size % known === 0, 'reshape', () => mismatch(x, shape));
    resolved = shape.with(unknown, x.size / known);
  }
  checkShape('reshape', resolved);
  check(sizeOf(resolved) === x.size, 'reshape', () => mismatch(x, shape));
  return Object.freeze([...resolved]);
}

function mismatch(x: Tensor, shape: Shape): string {
  return `${formatShape(x.shape)} has ${x.size} elements, which do not fill ${formatShape(shape)}`;
}
