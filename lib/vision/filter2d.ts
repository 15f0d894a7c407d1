import { tensor } from '../creation.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { conv2d } from '../ops/conv2d.js';
import { pad } from '../ops/pad.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { BORDERS, type Border } from './border.js';
import { isKernel, type Kernel, type KernelName, kernels } from './kernels.js';

/** Options of {@link filter2d}. */
export interface Filter2dOptions {
  /**
   * What lies beyond the edge: 'zero'; 'constant' (`value`); 'reflect' (default; mirrored, the edge pixel not repeated);
   * 'replicate' (the edge pixel repeated); 'circular' (the opposite side).
   */
  border?: Border;
  /** The value of border 'constant', which needs one; no other border takes one. */
  value?: number;
}

/**
 * Slides a kernel over every channel of an image; the output has the image's shape.
 *
 * image [h, w], [c, h, w] or [n, c, h, w]; kernel: the name of one of {@link kernels}, rows of numbers, or a tensor
 * [kh, kw]. out(i, j) = Σ in(i + p − ⌊(kh − 1) / 2⌋, j + q − ⌊(kw − 1) / 2⌋) · kernel(p, q), a cross-correlation as in
 * all deep learning: the kernel is not turned. A kernel of even size has no middle; it reaches one pixel further down and
 * to the right than up and to the left. Values are not clipped. Differentiable in the image and in a kernel given as a
 * tensor.
 *
 * @throws ArgumentError for an unknown kernel or border, or a value that does not go with the border; ShapeError when the
 *   image or the kernel has another rank, or the kernel reaches further than the border can be continued
 * @example
 * const soft = filter2d(photo, 'blur');
 * const steps = filter2d(photo, [[-1, 1]], { border: 'replicate' });
 */
export function filter2d<D extends DType>(
  image: Tensor<D>,
  kernel: KernelName | Kernel | Tensor<D>,
  options: Filter2dOptions = {},
): Tensor<D> {
  checkFloat('filter2d', image);
  check(
    image.rank >= 2 && image.rank <= 4 && Math.min(...image.shape.slice(-2)) > 0,
    'filter2d',
    () => `image must be [h, w], [c, h, w] or [n, c, h, w] with pixels in it, got ${formatShape(image.shape)}`,
  );
  const weight = kernelTensor(image, kernel);
  const [kh, kw] = weight.shape;
  const { border, value } = continuation(options);
  const [top, left] = [Math.floor((kh - 1) / 2), Math.floor((kw - 1) / 2)];
  const [bottom, right] = [kh - 1 - top, kw - 1 - left];
  const [h, w] = image.shape.slice(-2);
  checkReach(border, h, bottom, 'rows');
  checkReach(border, w, right, 'columns');
  const mode = border === 'zero' ? 'constant' : border;
  const padded = pad(image, [top, left, bottom, right], { mode, value });
  // Every plane is an image of its own: one kernel serves all channels and the whole batch.
  const planes = padded.reshape([image.shape.slice(0, -2).reduce((a, b) => a * b, 1), 1, h + kh - 1, w + kw - 1]);
  return conv2d(planes, weight.reshape([1, 1, kh, kw])).reshape(image.shape);
}

function kernelTensor<D extends DType>(image: Tensor<D>, kernel: KernelName | Kernel | Tensor<D>): Tensor<D> {
  if (kernel instanceof Tensor) {
    checkFloat('filter2d', image, kernel);
    check(
      kernel.rank === 2 && kernel.size > 0,
      'filter2d',
      () => `kernel must be [kh, kw] with at least one value, got ${formatShape(kernel.shape)}`,
    );
    return kernel;
  }
  check(
    typeof kernel !== 'string' || Object.hasOwn(kernels, kernel),
    'filter2d',
    () => `kernel must be one of ${Object.keys(kernels).join(', ')}, rows of numbers, or a tensor, got '${kernel}'`,
    ArgumentError,
  );
  const rows: Kernel = typeof kernel === 'string' ? kernels[kernel] : kernel;
  check(
    isKernel(rows),
    'filter2d',
    () => 'a kernel given as rows must have at least one row, all of the same length, of finite numbers',
    ArgumentError,
  );
  return tensor(rows, { dtype: image.dtype });
}

function continuation({ border = 'reflect', value }: Filter2dOptions): { border: Border; value: number } {
  check(
    BORDERS.includes(border),
    'filter2d',
    () => `border must be one of ${BORDERS.join(', ')}, got ${JSON.stringify(border)}`,
    ArgumentError,
  );
  check(
    border === 'constant' ? typeof value === 'number' : value === undefined,
    'filter2d',
    () =>
      border === 'constant'
        ? "border 'constant' needs a value, which is a number"
        : `a value goes with border 'constant' only, got ${value} with border '${border}'`,
    ArgumentError,
  );
  return { border, value: value ?? 0 };
}

/** `after` is the larger side of the two, see the anchor of even kernels. */
function checkReach(border: Border, extent: number, after: number, unit: string): void {
  const limit = border === 'reflect' ? extent - 1 : border === 'circular' ? extent : Infinity;
  check(
    after <= limit,
    'filter2d',
    () =>
      `border '${border}' can continue ${extent} ${unit} by at most ${limit}, the kernel reaches ${after} beyond the edge`,
  );
}
