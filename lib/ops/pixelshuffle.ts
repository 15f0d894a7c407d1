import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { permute } from './permute.js';
import { reshape } from './reshape.js';

/** Options of {@link pixelShuffle} and {@link pixelUnshuffle}. */
export interface PixelShuffleOptions {
  /**
   * Order of the c·r² channels: 'CRD' (default, PyTorch's) has the pixels of one channel next to each other, 'DCR' the
   * channels of one pixel, which is the default of DepthToSpace in ONNX.
   */
  order?: 'CRD' | 'DCR';
}

/**
 * Blocks of pixels from channels (Shi et al. 2016): x [n, c·r², h, w] → [n, c, h·r, w·r].
 *
 * @throws ShapeError unless x has four axes and r² divides the channels; ArgumentError for a factor that is no integer of at
 *   least 1, or an unknown order
 * @example
 * pixelShuffle(tensor([[[[1]], [[2]], [[3]], [[4]]]]), 2).toArray(); // [[[[1, 2], [3, 4]]]]
 */
export function pixelShuffle<D extends DType>(
  x: Tensor<D>,
  upscaleFactor: number,
  { order = 'CRD' }: PixelShuffleOptions = {},
): Tensor<D> {
  const r = upscaleFactor;
  checkArguments('pixelShuffle', x, r, order);
  const [n, channels, h, w] = x.shape;
  const c = channels / (r * r);
  check(
    Number.isInteger(c),
    'pixelShuffle',
    () => `${r * r} does not divide the channels of x ${formatShape(x.shape)}`,
  );
  const split =
    order === 'CRD'
      ? permute(reshape(x, [n, c, r, r, h, w]), [0, 1, 4, 2, 5, 3])
      : permute(reshape(x, [n, r, r, c, h, w]), [0, 3, 4, 1, 5, 2]);
  return reshape(split, [n, c, h * r, w * r]);
}

/**
 * Channels from blocks of pixels, the reverse of pixelShuffle: x [n, c, h·r, w·r] → [n, c·r², h, w].
 *
 * @throws ShapeError unless x has four axes and r divides height and width; ArgumentError for a factor that is no integer of
 *   at least 1, or an unknown order
 * @example
 * pixelUnshuffle(tensor([[[[1, 2], [3, 4]]]]), 2).toArray(); // [[[[1]], [[2]], [[3]], [[4]]]]
 */
export function pixelUnshuffle<D extends DType>(
  x: Tensor<D>,
  downscaleFactor: number,
  { order = 'CRD' }: PixelShuffleOptions = {},
): Tensor<D> {
  const r = downscaleFactor;
  checkArguments('pixelUnshuffle', x, r, order);
  const [n, c, height, width] = x.shape;
  const [h, w] = [height / r, width / r];
  check(
    Number.isInteger(h) && Number.isInteger(w),
    'pixelUnshuffle',
    () => `${r} does not divide height and width of x ${formatShape(x.shape)}`,
  );
  const axes = order === 'CRD' ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
  return reshape(permute(reshape(x, [n, c, h, r, w, r]), axes), [n, c * r * r, h, w]);
}

function checkArguments(operation: string, x: Tensor, factor: number, order: string): void {
  check(x.rank === 4, operation, () => `x must be [n, channels, height, width], got ${formatShape(x.shape)}`);
  check(
    Number.isInteger(factor) && factor >= 1,
    operation,
    () => `the factor must be an integer of at least 1, got ${factor}`,
    ArgumentError,
  );
  check(
    order === 'CRD' || order === 'DCR',
    operation,
    () => `order must be 'CRD' or 'DCR', got ${JSON.stringify(order)}`,
    ArgumentError,
  );
}
