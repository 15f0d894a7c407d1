import { kernelsFor } from '../backend/backend.js';
import { check, DTypeError } from '../errors.js';
import { stridesOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { div } from './div.js';
import { mod } from './mod.js';
import { apply, elements, empty, type Op, values } from './op.js';
import { slice } from './slice.js';
import { stack } from './stack.js';

/** All positions that there may be, and how many of them there are: a shape cannot depend on elements. */
const op: Op<null> = {
  name: 'nonZero',
  forward([input]) {
    const x = input as Tensor;
    const [positions, count] = [empty('int32', [x.size]), empty('int32', [1])];
    kernelsFor(x.dtype).nonZero(elements(x), values(positions), values(count));
    return [positions, count];
  },
};

/**
 * Positions of the elements that are not 0, in row order: one row per axis of x, one column per element → int32
 * [rank, count], as NonZero in ONNX (PyTorch's has rows and columns exchanged). NaN is not 0.
 *
 * @throws DTypeError for int64
 * @example
 * nonZero(tensor([[0, 7], [8, 0]])).toArray(); // [[0, 1], [1, 0]]
 */
export function nonZero(x: Tensor): Tensor<'int32'> {
  check(x.dtype !== 'int64', 'nonZero', () => "int64 is not supported; convert with .to('int32')", DTypeError);
  const [positions, count] = apply(op, [x.detach()], null) as [Tensor<'int32'>, Tensor<'int32'>];
  const found = slice(positions, [[0, count.item()]]);
  if (x.rank === 0) return empty('int32', [0, found.size]);
  const strides = stridesOf(x.shape);
  return stack(x.shape.map((extent, axis) => mod(div(found, strides[axis]), extent)));
}
