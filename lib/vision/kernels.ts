import { ArgumentError, check } from '../errors.js';

/** A filter kernel as plain numbers, rows of columns [kh][kw]. */
export type Kernel = readonly (readonly number[])[];

function over(divisor: number, rows: Kernel): Kernel {
  return rows.map((row) => row.map((value) => value / divisor));
}

/**
 * The classical kernels by name. They are meant for cross-correlation, which is what `filter2d` and `conv2d` compute: the
 * kernel is laid over the image as it is printed here, not turned by 180°.
 *
 * Those that average (blur, boxBlur) sum to 1 and keep the brightness, as do sharpen and emboss; those that measure change
 * (edges, laplacian, sobel, prewitt) sum to 0 and are 0 on a flat image.
 *
 * @example
 * kernels.sharpen; // [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
 */
export const kernels = {
  identity: [
    [0, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
  ],
  /** A bell of whole numbers over 273: a Gaussian of standard deviation 1. */
  blur: over(273, [
    [1, 4, 7, 4, 1],
    [4, 16, 26, 16, 4],
    [7, 26, 41, 26, 7],
    [4, 16, 26, 16, 4],
    [1, 4, 7, 4, 1],
  ]),
  /** The plain mean of 3×3 pixels. */
  boxBlur: over(9, [
    [1, 1, 1],
    [1, 1, 1],
    [1, 1, 1],
  ]),
  /** The pixel plus its differences from its four neighbours. */
  sharpen: [
    [0, -1, 0],
    [-1, 5, -1],
    [0, -1, 0],
  ],
  /** Edge detection: how far the pixel stands out from its eight neighbours. */
  edges: [
    [-1, -1, -1],
    [-1, 8, -1],
    [-1, -1, -1],
  ],
  /** Second derivative, both axes: negative on a bright dot. */
  laplacian: [
    [0, 1, 0],
    [1, -4, 1],
    [0, 1, 0],
  ],
  /** First derivative to the right: positive where it gets brighter from left to right. */
  sobelX: [
    [-1, 0, 1],
    [-2, 0, 2],
    [-1, 0, 1],
  ],
  /** First derivative downwards: positive where it gets brighter from top to bottom. */
  sobelY: [
    [-1, -2, -1],
    [0, 0, 0],
    [1, 2, 1],
  ],
  /** As sobelX, the three rows weighing the same. */
  prewittX: [
    [-1, 0, 1],
    [-1, 0, 1],
    [-1, 0, 1],
  ],
  /** As sobelY, the three columns weighing the same. */
  prewittY: [
    [-1, -1, -1],
    [0, 0, 0],
    [1, 1, 1],
  ],
  /** Relief, lit from the bottom right. */
  emboss: [
    [-2, -1, 0],
    [-1, 1, 1],
    [0, 1, 2],
  ],
} as const satisfies Record<string, Kernel>;

export type KernelName = keyof typeof kernels;

/**
 * A Gaussian kernel of size×size that sums to 1: values of the bell curve with standard deviation `sigma` (in pixels) at
 * the pixels' distances from the middle.
 *
 * @throws ArgumentError unless size is an integer of at least 1 and sigma a number above 0
 * @example
 * gaussian(9, 2); // 9 rows of 9 numbers; filter2d(photo, gaussian(9, 2)) is softer than 'blur'
 */
export function gaussian(size: number, sigma: number): Kernel {
  check(
    Number.isInteger(size) && size >= 1,
    'gaussian',
    () => `size must be an integer of at least 1, got ${size}`,
    ArgumentError,
  );
  check(
    Number.isFinite(sigma) && sigma > 0,
    'gaussian',
    () => `sigma must be a number above 0, got ${sigma}`,
    ArgumentError,
  );
  const squares = Array.from({ length: size }, (_, i) => (i - (size - 1) / 2) ** 2);
  // Relative to the middle, so that a tiny sigma leaves a 1 there and not zeros everywhere.
  const middle = Math.min(...squares);
  const bell = squares.map((square) => Math.exp(-(square - middle) / sigma / sigma / 2));
  const total = bell.reduce((sum, value) => sum + value, 0);
  return bell.map((a) => bell.map((b) => (a * b) / total ** 2));
}

/** Whether a value, such as one parsed from JSON, is a kernel: rows of one length, of finite numbers. */
export function isKernel(value: unknown): value is Kernel {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (row) => Array.isArray(row) && row.length > 0 && row.length === value[0].length && row.every(Number.isFinite),
    )
  );
}
