import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { triangle } from './triangle.js';

/**
 * The elements of x [..., rows, columns] on and below a diagonal, the others 0. `diagonal` 0 (default) is the main
 * one, 1 the one to its right.
 *
 * @throws ShapeError when x has fewer than two axes; ArgumentError for a diagonal that is no integer
 * @example
 * tril(tensor([[1, 2], [3, 4]])).toArray(); // [[1, 0], [3, 4]]
 */
export function tril<D extends DType>(x: Tensor<D>, diagonal = 0): Tensor<D> {
  return triangle('tril', x, diagonal, (distance) => distance <= diagonal);
}
