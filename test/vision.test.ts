import { describe, expect, it } from 'vitest';
import { conv2d, Generator, grad, ones, pad, rand, randn, type Tensor, tensor, zeros } from '../lib/index.js';
import {
  type Border,
  filter2d,
  gaussian,
  type Kernel,
  type KernelName,
  kernels,
  unrollConv2d,
} from '../lib/vision/index.js';

/** An error of exactly this message. */
const saying = (message: string) => expect.objectContaining({ message });
const sum = (kernel: Kernel) => kernel.flat().reduce((a, b) => a + b, 0);

function expectClose(actual: Tensor, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.size).toBe(expected.length);
  const values = actual.data as Float32Array;
  let worst = 0;
  for (let i = 0; i < values.length; i++) worst = Math.max(worst, Math.abs(values[i] - expected[i]));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe('kernels', () => {
  it('have the values of the textbooks', () => {
    expect(kernels.blur.map((row) => row.map((value) => Math.round(value * 273 * 1e9) / 1e9))).toEqual([
      [1, 4, 7, 4, 1],
      [4, 16, 26, 16, 4],
      [7, 26, 41, 26, 7],
      [4, 16, 26, 16, 4],
      [1, 4, 7, 4, 1],
    ]);
    expect(kernels.blur[2][2]).toBe(41 / 273);
    expect(kernels.sharpen).toEqual([
      [0, -1, 0],
      [-1, 5, -1],
      [0, -1, 0],
    ]);
    expect(kernels.edges).toEqual([
      [-1, -1, -1],
      [-1, 8, -1],
      [-1, -1, -1],
    ]);
    expect(kernels.boxBlur).toEqual(Array(3).fill(Array(3).fill(1 / 9)));
    expect(kernels.sobelX).toEqual([
      [-1, 0, 1],
      [-2, 0, 2],
      [-1, 0, 1],
    ]);
  });

  it('keep the brightness, or are 0 on a flat image', () => {
    for (const name of ['identity', 'blur', 'boxBlur', 'sharpen', 'emboss'] as const) {
      expect(sum(kernels[name])).toBeCloseTo(1, 12);
    }
    for (const name of ['edges', 'laplacian', 'sobelX', 'sobelY', 'prewittX', 'prewittY'] as const) {
      expect(sum(kernels[name])).toBe(0);
    }
  });

  it('measure change in the direction they are named for', () => {
    const toTheRight = tensor([0, 1, 2, 3].map(() => [0, 1, 2, 3]));
    const middle = (name: KernelName, image: Tensor<'float32'>) => filter2d(image, name).data[5];
    expect(middle('sobelX', toTheRight)).toBe(8);
    expect(middle('sobelY', toTheRight)).toBe(0);
    expect(middle('prewittX', toTheRight)).toBe(6);
    expect(middle('sobelY', toTheRight.transpose(0, 1))).toBe(8);
    expect(middle('prewittY', toTheRight.transpose(0, 1))).toBe(6);
  });

  it('gaussian sums to 1, is symmetric and survives extreme widths', () => {
    const kernel = gaussian(5, 1);
    expect(sum(kernel)).toBeCloseTo(1, 12);
    expect(kernel[0][1]).toBeCloseTo(kernel[4][3], 15);
    expect(kernel[2][3] / kernel[2][2]).toBeCloseTo(Math.exp(-0.5), 12);
    expect(gaussian(3, 1e-200)).toEqual(kernels.identity);
    expect(gaussian(2, 1e-200)).toEqual(Array(2).fill([0.25, 0.25]));
    expect(() => gaussian(0, 1)).toThrow(saying('gaussian: size must be an integer of at least 1, got 0'));
    expect(() => gaussian(3, 0)).toThrow(saying('gaussian: sigma must be a number above 0, got 0'));
  });
});

/** Index of the pixel that stands for position `at` of an axis; null where the border is a constant. */
const SOURCE: Record<Border, (at: number, size: number) => number | null> = {
  zero: () => null,
  constant: () => null,
  reflect: (at, size) => (at < 0 ? -at : 2 * (size - 1) - at),
  replicate: (at, size) => Math.min(size - 1, Math.max(0, at)),
  circular: (at, size) => (at + size) % size,
};

function naiveFilter(image: Tensor, kernel: Kernel, border: Border, value: number): number[] {
  const [h, w] = image.shape.slice(-2);
  const values = image.data as Float32Array;
  const source = (at: number, size: number) => (at >= 0 && at < size ? at : SOURCE[border](at, size));
  const [kh, kw] = [kernel.length, kernel[0].length];
  return Array.from(values, (_, index) => {
    const [plane, i, j] = [Math.floor(index / (h * w)), Math.floor(index / w) % h, index % w];
    let total = 0;
    for (let p = 0; p < kh; p++) {
      for (let q = 0; q < kw; q++) {
        const y = source(i + p - Math.floor((kh - 1) / 2), h);
        const x = source(j + q - Math.floor((kw - 1) / 2), w);
        total += kernel[p][q] * (y === null || x === null ? value : values[plane * h * w + y * w + x]);
      }
    }
    return total;
  });
}

describe('filter2d', () => {
  const generator = new Generator(1);
  const random = (kh: number, kw: number): Kernel =>
    Array.from({ length: kh }, () => Array.from({ length: kw }, () => generator.normal()));
  const own: Kernel[] = [random(3, 3), random(1, 5), random(4, 2), random(2, 2), random(1, 1), random(5, 3)];

  for (const border of Object.keys(SOURCE) as Border[]) {
    it(`equals plain loops with border ${border}`, () => {
      const options = border === 'constant' ? { border, value: 0.7 } : { border };
      for (const shape of [
        [9, 8],
        [3, 7, 9],
        [2, 2, 6, 5],
      ]) {
        const image = rand(shape, { generator });
        for (const kernel of [...own, kernels.blur]) {
          const filtered = filter2d(image, kernel, options);
          expect(filtered.shape).toEqual(shape);
          expectClose(filtered, naiveFilter(image, kernel, border, border === 'constant' ? 0.7 : 0), 2e-5);
        }
      }
    });
  }

  it('reflects where no border is named, and takes names and tensors as kernels', () => {
    const image = rand([3, 9, 9], { generator });
    expectClose(filter2d(image, 'edges'), naiveFilter(image, kernels.edges, 'reflect', 0));
    const kernel = tensor([[1, 2, 3]]);
    expectClose(filter2d(image, kernel), naiveFilter(image, [[1, 2, 3]], 'reflect', 0));
    const double = image.to('float64');
    expect(filter2d(double, 'blur').dtype).toBe('float64');
  });

  it('is differentiable in the image and in the kernel', () => {
    const image = rand([2, 5, 5], { generator });
    const kernel = randn([3, 3], { generator });
    image.requiresGrad = true;
    kernel.requiresGrad = true;
    const [dImage, dKernel] = grad([filter2d(image, kernel, { border: 'circular' }).sum()], [image, kernel]);
    expectClose(dImage as Tensor, Array(50).fill((kernel.sum() as Tensor).item()));
    expectClose(dKernel as Tensor, Array(9).fill((image.sum() as Tensor).item()), 1e-4);
  });

  it('says what is wrong', () => {
    const image = zeros([3, 2, 4]);
    const kernelNames = Object.keys(kernels).join(', ');
    const cases: [() => unknown, string][] = [
      [
        () => filter2d(zeros([4]), 'blur'),
        'filter2d: image must be [h, w], [c, h, w] or [n, c, h, w] with pixels in it, got [4]',
      ],
      [
        () => filter2d(zeros([3, 0, 4]), 'blur'),
        'filter2d: image must be [h, w], [c, h, w] or [n, c, h, w] with pixels in it, got [3, 0, 4]',
      ],
      [
        () => filter2d(image, 'toString' as never),
        `filter2d: kernel must be one of ${kernelNames}, rows of numbers, or a tensor, got 'toString'`,
      ],
      [
        () => filter2d(image, [[1, 2], [3]]),
        'filter2d: a kernel given as rows must have at least one row, all of the same length, of finite numbers',
      ],
      [
        () => filter2d(image, [[Number.NaN]]),
        'filter2d: a kernel given as rows must have at least one row, all of the same length, of finite numbers',
      ],
      [
        () => filter2d(image, null as never),
        'filter2d: a kernel given as rows must have at least one row, all of the same length, of finite numbers',
      ],
      [
        () => filter2d(image, zeros([1, 3, 3])),
        'filter2d: kernel must be [kh, kw] with at least one value, got [1, 3, 3]',
      ],
      [
        () => filter2d(image, zeros([1, 1], { dtype: 'float64' }) as never),
        'filter2d: operands must share one dtype, got float32 and float64',
      ],
      [
        () => filter2d(image.to('uint8') as never, 'blur'),
        "filter2d: expects float32 or float64, got uint8; convert with .to('float32')",
      ],
      [
        () => filter2d(image, 'blur', { border: 'mirror' as never }),
        'filter2d: border must be one of zero, constant, reflect, replicate, circular, got "mirror"',
      ],
      [
        () => filter2d(image, 'blur', { border: 'constant' }),
        "filter2d: border 'constant' needs a value, which is a number",
      ],
      [
        () => filter2d(image, 'blur', { border: 'zero', value: 0.5 }),
        "filter2d: a value goes with border 'constant' only, got 0.5 with border 'zero'",
      ],
      [
        () => filter2d(image, 'blur'),
        "filter2d: border 'reflect' can continue 2 rows by at most 1, the kernel reaches 2 beyond the edge",
      ],
      [
        () => filter2d(image, ones([1, 11]), { border: 'circular' }),
        "filter2d: border 'circular' can continue 4 columns by at most 4, the kernel reaches 5 beyond the edge",
      ],
    ];
    for (const [call, message] of cases) expect(call).toThrow(saying(message));
  });
});

describe('unrollConv2d', () => {
  const generator = new Generator(3);
  const cases: [weight: number[], size: [number, number], options: Parameters<typeof unrollConv2d>[2]][] = [
    [[1, 1, 3, 3], [5, 6], {}],
    [[4, 3, 3, 2], [6, 7], { stride: 2 }],
    [[2, 3, 2, 3], [7, 6], { stride: [1, 3], padding: [2, 1] }],
    [[3, 2, 3, 3], [7, 8], { dilation: 2, padding: [0, 1, 2, 3] }],
    [[4, 2, 3, 3], [5, 5], { groups: 2, padding: 'same' }],
    [[6, 1, 3, 2], [6, 5], { groups: 3, stride: [2, 1], dilation: [1, 2], padding: 2 }],
    [[2, 3, 1, 1], [3, 3], { padding: 'valid' }],
  ];
  for (const [shape, [h, w], options] of cases) {
    it(`times the input is the convolution: weight [${shape}], input ${h}×${w}, ${JSON.stringify(options)}`, () => {
      const weight = randn(shape, { generator });
      const ic = shape[1] * (options?.groups ?? 1);
      const x = randn([1, ic, h, w], { generator });
      const expected = conv2d(x, weight, null, options);
      const matrix = unrollConv2d(weight, [h, w], options);
      expect(matrix.shape).toEqual([expected.size, ic * h * w]);
      expectClose(matrix.matmul(x.reshape([ic * h * w, 1])), expected.data as Float32Array);
    });
  }

  it('is sparse and repeats itself', () => {
    expect(unrollConv2d(tensor([[[[1, 2]]]]), [2, 3]).toArray()).toEqual([
      [1, 2, 0, 0, 0, 0],
      [0, 1, 2, 0, 0, 0],
      [0, 0, 0, 1, 2, 0],
      [0, 0, 0, 0, 1, 2],
    ]);
  });

  it('says what is wrong', () => {
    const weight = ones([2, 1, 3, 3]);
    const cases: [() => unknown, string][] = [
      [
        () => unrollConv2d(ones([3, 3]), [5, 5]),
        'unrollConv2d: weight must be [out channels, in channels / groups, kernel height, kernel width], got [3, 3]',
      ],
      [
        () => unrollConv2d(weight, [5] as never),
        "unrollConv2d: size must be the input's [height, width], integers of at least 1, got [5]",
      ],
      [
        () => unrollConv2d(weight, [5, 5], { groups: 0 }),
        'unrollConv2d: groups must be an integer of at least 1, got 0',
      ],
      [
        () => unrollConv2d(weight, [5, 5], { groups: 3 }),
        'unrollConv2d: 2 output channels cannot be split into 3 groups',
      ],
      [() => unrollConv2d(weight, [2, 9]), 'unrollConv2d: a window of 3×3 does not fit into the padded input of 2×9'],
      [
        () => unrollConv2d(weight, [400, 400]),
        'unrollConv2d: a tensor of 50689280000 elements is larger than the 2147483647 a kernel can index',
      ],
    ];
    for (const [call, message] of cases) expect(call).toThrow(saying(message));
  });
});

/** x with all rows moved down and all columns to the right, what falls out coming in at the other side. */
function shifted(x: Tensor<'float32'>, down: number, right: number): Tensor<'float32'> {
  const [h, w] = x.shape.slice(-2);
  return pad(x, [down, right, 0, 0], { mode: 'circular' }).slice([null, null, [0, h], [0, w]]);
}

describe('convolution is shift equivariant: to shift and to convolve may change places', () => {
  const generator = new Generator(4);
  const x = randn([2, 3, 11, 13], { generator });
  const weight = randn([4, 3, 3, 5], { generator });

  it('exactly, with circular padding', () => {
    const layer = (input: Tensor<'float32'>) => conv2d(pad(input, [1, 2], { mode: 'circular' }), weight);
    for (const [down, right] of [
      [1, 0],
      [0, 4],
      [3, 7],
    ]) {
      const moved = layer(shifted(x, down, right));
      expectClose(moved, shifted(layer(x), down, right).data as Float32Array, 1e-5);
    }
  });

  it('away from the edges, with zero padding', () => {
    const layer = (input: Tensor<'float32'>) => conv2d(input, weight, null, { padding: 'same' });
    const [down, right] = [2, 3];
    // Rows that saw the padding before the shift, or see it or what came in from the other side after it.
    const inside = (y: Tensor<'float32'>) => y.slice([null, null, [down + 1, -1], [right + 2, -2]]);
    const moved = inside(layer(shifted(x, down, right)));
    expectClose(moved, inside(shifted(layer(x), down, right)).data as Float32Array, 1e-5);
  });
});
