import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { where } from './where.js';
import { zerosLike } from './zeroslike.js';

/** Keeps the elements of the last two axes whose column minus row satisfies `keeps`, and makes the others 0. */
export function triangle<D extends DType>(
  operation: string,
  x: Tensor<D>,
  diagonal: number,
  keeps: (distance: number) => boolean,
): Tensor<D> {
  check(x.rank >= 2, operation, () => `x needs at least two axes, got ${formatShape(x.shape)}`);
  check(Number.isInteger(diagonal), operation, () => `diagonal must be an integer, got ${diagonal}`, ArgumentError);
  const [rows, columns] = x.shape.slice(-2);
  const mask = Uint8Array.from({ length: rows * columns }, (_, i) =>
    Number(keeps((i % columns) - Math.floor(i / columns))),
  );
  return where(new Tensor('bool', mask, [rows, columns]), x, zerosLike(x));
}
