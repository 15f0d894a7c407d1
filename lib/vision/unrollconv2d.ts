import { zeros } from '../creation.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { checkIndexable, window2d } from '../geometry.js';
import type { Conv2dOptions } from '../ops/conv2d.js';
import { floats } from '../ops/op.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/**
 * A convolution as the matrix it is. For an input of a given size, convolving is linear, so it is the product with one
 * matrix: weight [oc, ic / groups, kh, kw] → matrix [oc·oh·ow, ic·h·w], one row for each output value, one column for
 * each input value, both counted in row order. Each row holds the same few weights at other places and is zero elsewhere:
 * a dense layer of the same size would have to learn every entry.
 *
 * matrix · x.reshape([ic·h·w, 1]) = conv2d(x, weight).reshape([oc·oh·ow, 1]) with the same stride, padding, dilation and
 * groups.
 *
 * @throws ShapeError when sizes do not fit or the matrix is too large to index; ArgumentError for options out of range
 * @example
 * unrollConv2d(tensor([[[[1, 2]]]]), [1, 3]).toArray(); // [[1, 2, 0], [0, 1, 2]]
 */
export function unrollConv2d<D extends DType>(
  weight: Tensor<D>,
  size: readonly [h: number, w: number],
  options: Conv2dOptions = {},
): Tensor<D> {
  checkFloat('unrollConv2d', weight);
  const { groups = 1 } = options;
  check(
    weight.rank === 4 && weight.size > 0,
    'unrollConv2d',
    () =>
      `weight must be [out channels, in channels / groups, kernel height, kernel width], got ${formatShape(weight.shape)}`,
  );
  check(
    Array.isArray(size) && size.length === 2 && size.every((extent) => Number.isInteger(extent) && extent >= 1),
    'unrollConv2d',
    () => `size must be the input's [height, width], integers of at least 1, got ${JSON.stringify(size)}`,
    ArgumentError,
  );
  const [oc, perGroup, kh, kw] = weight.shape;
  check(
    Number.isInteger(groups) && groups >= 1,
    'unrollConv2d',
    () => `groups must be an integer of at least 1, got ${groups}`,
    ArgumentError,
  );
  check(oc % groups === 0, 'unrollConv2d', () => `${oc} output channels cannot be split into ${groups} groups`);
  const [h, w] = size;
  const window = window2d('unrollConv2d', [h, w], [kh, kw], options);
  const { oh, ow, strideH, strideW, dilationH, dilationW, padTop, padLeft } = window;
  const columns = perGroup * groups * h * w;
  checkIndexable('unrollConv2d', oc * oh * ow * columns);
  const matrix = zeros([oc * oh * ow, columns], { dtype: weight.dtype });
  const [from, to] = [floats(weight), floats(matrix)];
  for (let row = 0; row < oc * oh * ow; row++) {
    const o = Math.floor(row / (oh * ow));
    const top = (Math.floor(row / ow) % oh) * strideH - padTop;
    const left = (row % ow) * strideW - padLeft;
    const firstChannel = Math.floor(o / (oc / groups)) * perGroup;
    for (let c = 0; c < perGroup; c++) {
      for (let p = 0; p < kh; p++) {
        for (let q = 0; q < kw; q++) {
          const [y, x] = [top + p * dilationH, left + q * dilationW];
          if (y < 0 || y >= h || x < 0 || x >= w) continue; // in the padding, which is zero
          const column = ((firstChannel + c) * h + y) * w + x;
          to[row * columns + column] = from[((o * perGroup + c) * kh + p) * kw + q];
        }
      }
    }
  }
  return matrix;
}
