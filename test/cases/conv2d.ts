import { type Conv2dGeometry, type Padding, type Pair, window2d } from '../../lib/geometry.js';
import { Generator } from '../../lib/random.js';

/** One convolution, for all kernels that share its geometry: im2col, col2im, forward and both gradients. */
export interface Conv2dCase {
  why: string;
  /** [n, ic, h, w] */
  x: readonly [number, number, number, number];
  oc: number;
  /** [kh, kw] */
  kernel: readonly [number, number];
  stride?: Pair;
  padding?: Padding;
  dilation?: Pair;
  groups?: number;
}

export function conv2dGeometry({ x, oc, kernel, groups = 1, ...options }: Omit<Conv2dCase, 'why'>): Conv2dGeometry {
  const [n, ic, h, w] = x;
  const [kh, kw] = kernel;
  return { n, ic, h, w, oc, kh, kw, groups, ...window2d('case', [h, w], [kh, kw], options) };
}

// biome-ignore format: one case a line
export const CONV2D_CASES: readonly Conv2dCase[] = [
  { why: 'the smallest there is', x: [1, 1, 1, 1], oc: 1, kernel: [1, 1] },
  { why: 'the usual layer', x: [2, 16, 14, 14], oc: 32, kernel: [3, 3], padding: 1 },
  { why: 'no size is a multiple of a vector', x: [1, 17, 19, 23], oc: 31, kernel: [3, 3], padding: 1 },
  { why: 'three input channels, as in every first layer', x: [1, 3, 33, 37], oc: 20, kernel: [7, 7], stride: 2, padding: 3 },
  { why: 'one input channel', x: [3, 1, 28, 28], oc: 32, kernel: [5, 5], padding: 2 },
  { why: 'more images than anything else', x: [37, 2, 5, 5], oc: 3, kernel: [3, 3] },

  { why: '1x1 is a plain matrix product', x: [2, 32, 14, 14], oc: 64, kernel: [1, 1] },
  { why: '1x1 with few channels', x: [1, 5, 9, 7], oc: 3, kernel: [1, 1] },
  { why: '1x1 that skips pixels', x: [2, 24, 15, 15], oc: 40, kernel: [1, 1], stride: 2 },
  { why: '1x1 with padding: a frame of nothing but bias', x: [1, 8, 4, 4], oc: 8, kernel: [1, 1], padding: 2 },
  { why: 'the kernel is as large as the input: one output pixel', x: [2, 6, 7, 5], oc: 9, kernel: [7, 5] },

  { why: 'kernel 1x21', x: [1, 4, 5, 40], oc: 6, kernel: [1, 21], padding: [0, 10] },
  { why: 'kernel 21x1', x: [1, 4, 40, 5], oc: 6, kernel: [21, 1], padding: [10, 0] },
  { why: 'a kernel wider than the unpadded input', x: [1, 3, 4, 6], oc: 5, kernel: [3, 21], padding: [1, 10] },
  { why: 'an 11x11 kernel with a large stride', x: [1, 3, 35, 35], oc: 12, kernel: [11, 11], stride: 4, padding: 2 },

  { why: 'stride 2', x: [1, 18, 15, 17], oc: 20, kernel: [3, 3], stride: 2, padding: 1 },
  { why: 'stride 3 on a narrow input: some pixels are seen by no window', x: [2, 18, 9, 10], oc: 17, kernel: [2, 2], stride: 3 },
  { why: 'a stride per axis', x: [1, 4, 11, 12], oc: 6, kernel: [3, 3], stride: [1, 3], padding: [1, 0] },
  { why: 'stride larger than the kernel', x: [2, 5, 13, 13], oc: 7, kernel: [2, 2], stride: 5 },
  { why: 'stride larger than the input', x: [2, 5, 6, 6], oc: 7, kernel: [3, 3], stride: 9, padding: 1 },

  { why: 'dilation 2 with padding', x: [1, 6, 12, 13], oc: 8, kernel: [3, 3], dilation: 2, padding: 2 },
  { why: 'dilation 3 with padding', x: [1, 6, 12, 13], oc: 8, kernel: [3, 3], dilation: 3, padding: 3 },
  { why: 'dilation 4: taps jump over the whole input', x: [1, 6, 5, 6], oc: 8, kernel: [3, 3], dilation: 4, padding: 4 },
  { why: 'dilation and stride, unlike per axis', x: [1, 6, 17, 19], oc: 8, kernel: [3, 2], dilation: [2, 3], stride: [3, 2], padding: [2, 1] },

  { why: 'padding on one side only', x: [1, 5, 9, 9], oc: 6, kernel: [3, 3], padding: [0, 2, 0, 0] },
  { why: 'four different paddings', x: [2, 5, 8, 10], oc: 6, kernel: [4, 3], padding: [1, 0, 3, 2] },
  { why: 'an even kernel with same padding, which is uneven', x: [1, 16, 16, 16], oc: 16, kernel: [2, 2], padding: 'same' },
  { why: 'padding beyond the kernel: windows that see nothing but padding', x: [1, 3, 3, 4], oc: 4, kernel: [2, 2], padding: 5 },
  { why: 'only the padding makes room for the kernel', x: [1, 3, 2, 2], oc: 4, kernel: [5, 5], padding: 2 },

  { why: 'depthwise', x: [2, 32, 14, 14], oc: 32, kernel: [3, 3], padding: 1, groups: 32 },
  { why: 'depthwise with stride 2 and an odd width', x: [1, 19, 15, 17], oc: 19, kernel: [3, 3], padding: 1, stride: 2, groups: 19 },
  { why: 'depthwise with a 5x5 kernel and dilation', x: [1, 9, 16, 13], oc: 9, kernel: [5, 5], padding: 4, dilation: 2, groups: 9 },
  { why: 'depthwise with kernel 1x21', x: [1, 6, 5, 33], oc: 6, kernel: [1, 21], padding: [0, 10], groups: 6 },
  { why: 'depthwise, two outputs per channel', x: [1, 12, 9, 9], oc: 24, kernel: [3, 3], padding: 1, groups: 12 },
  { why: 'depthwise, three outputs per channel, stride 2', x: [2, 5, 10, 9], oc: 15, kernel: [3, 3], padding: 1, stride: 2, groups: 5 },
  { why: 'depthwise with a 1x1 kernel: a scale per channel', x: [2, 17, 6, 6], oc: 17, kernel: [1, 1], groups: 17 },
  { why: 'two groups', x: [2, 16, 10, 10], oc: 24, kernel: [3, 3], padding: 1, groups: 2 },
  { why: 'three groups of uneven sizes', x: [1, 15, 9, 11], oc: 21, kernel: [3, 3], padding: 1, groups: 3 },
  { why: 'groups of two inputs and one output', x: [1, 14, 8, 8], oc: 7, kernel: [3, 3], padding: 1, groups: 7 },
  { why: 'groups of a 1x1 kernel with stride', x: [1, 16, 9, 9], oc: 32, kernel: [1, 1], stride: 2, groups: 4 },

  { why: 'one row', x: [2, 8, 1, 65], oc: 16, kernel: [1, 3], padding: [0, 1] },
  { why: 'one column', x: [2, 8, 65, 1], oc: 16, kernel: [3, 1], padding: [1, 0] },
  { why: 'many channels on one pixel', x: [3, 130, 1, 1], oc: 67, kernel: [1, 1] },
  { why: 'many channels, 3x3 on 2x2 pixels: most taps lie in padding', x: [2, 96, 2, 2], oc: 64, kernel: [3, 3], padding: 1 },

  { why: 'powers of two everywhere: rows that share cache sets', x: [1, 32, 32, 32], oc: 32, kernel: [3, 3], padding: 1 },
  { why: '64 channels on 64 columns', x: [1, 64, 8, 64], oc: 64, kernel: [3, 3], padding: 1 },
  { why: '128 channels', x: [1, 128, 8, 8], oc: 128, kernel: [3, 3], padding: 1 },
  { why: 'depthwise over powers of two', x: [1, 64, 32, 32], oc: 64, kernel: [3, 3], padding: 1, groups: 64 },
  { why: 'a batch that threads share', x: [8, 16, 16, 16], oc: 24, kernel: [3, 3], padding: 1 },
  { why: 'one large image that threads share', x: [1, 3, 96, 90], oc: 16, kernel: [3, 3], padding: 1 },

  { why: 'rows too long for any buffer in a cache', x: [1, 2, 3, 20_000], oc: 2, kernel: [3, 3], padding: 1, groups: 2 },
  { why: 'rows longer still', x: [1, 1, 2, 140_000], oc: 1, kernel: [1, 3], padding: [0, 1] },
  { why: 'depthwise on a tall image', x: [1, 2, 900, 130], oc: 2, kernel: [5, 3], padding: [2, 1], groups: 2 },
  { why: 'depthwise with stride 5', x: [2, 6, 23, 31], oc: 6, kernel: [3, 3], stride: 5, padding: 1, groups: 6 },
  { why: 'a depth of several blocks', x: [1, 150, 6, 6], oc: 20, kernel: [5, 5], padding: 2 },
  { why: 'many small images', x: [150, 4, 3, 3], oc: 5, kernel: [3, 3], padding: 1 },

  { why: 'a batch of few channels that a kernel shrinks', x: [9, 6, 14, 14], oc: 17, kernel: [5, 5] },
  { why: 'the same with dilation and uneven padding', x: [8, 3, 17, 14], oc: 33, kernel: [5, 5], dilation: [2, 1], padding: [1, 0, 0, 2] },

  { why: 'no images', x: [0, 3, 5, 5], oc: 4, kernel: [3, 3] },
  { why: 'an image without pixels: windows of padding', x: [2, 3, 0, 2], oc: 4, kernel: [2, 2], padding: 1 },
];

/**
 * Geometries drawn at random, whose sizes meet in ways nobody thinks of; each takes at most `mostProducts` multiplications.
 */
export function randomConvolutions(count: number, mostProducts: number): Conv2dGeometry[] {
  const random = new Generator(11);
  const upTo = (most: number) => 1 + random.integer(most);
  const drawn: Conv2dGeometry[] = [];
  while (drawn.length < count) {
    const groups = [1, 1, 2, 3, upTo(24)][random.integer(5)];
    const [perGroup, outPerGroup] = [upTo(groups > 3 ? 2 : 24), upTo(groups > 3 ? 3 : 24)];
    const x = [upTo(4), perGroup * groups, upTo(60), upTo(70)] as const;
    const kernel = [upTo(7), upTo(7)] as const;
    const stride: Pair = [upTo(random.integer(2) ? 2 : 6), upTo(random.integer(2) ? 2 : 6)];
    const dilation: Pair = [upTo(random.integer(2) ? 1 : 4), upTo(random.integer(2) ? 1 : 4)];
    const padding = [random.integer(5), random.integer(7), random.integer(5), random.integer(7)] as const;
    if (x[2] + padding[0] + padding[2] <= dilation[0] * (kernel[0] - 1)) continue;
    if (x[3] + padding[1] + padding[3] <= dilation[1] * (kernel[1] - 1)) continue;
    const g = conv2dGeometry({ x, oc: outPerGroup * groups, kernel, stride, dilation, padding, groups });
    if (g.n * g.oc * g.oh * g.ow * perGroup * g.kh * g.kw <= mostProducts) drawn.push(g);
  }
  return drawn;
}

/** Sizes of one axis with everything that decides which taps meet which pixels. */
export interface AxisCase {
  size: number;
  kernel: number;
  stride: number;
  dilation: number;
  padStart: number;
  padEnd: number;
}

/** Every axis of size 1 to 6, kernel 1 to 5, stride 1 to 3, dilation 1 and 2, and even and uneven padding that has a window. */
export function tinyAxes(paddings: readonly (readonly [number, number])[]): AxisCase[] {
  const axes: AxisCase[] = [];
  for (let size = 1; size <= 6; size++) {
    for (let kernel = 1; kernel <= 5; kernel++) {
      for (let stride = 1; stride <= 3; stride++) {
        for (let dilation = 1; dilation <= 2; dilation++) {
          for (const [padStart, padEnd] of paddings) {
            if (size + padStart + padEnd < dilation * (kernel - 1) + 1) continue;
            axes.push({ size, kernel, stride, dilation, padStart, padEnd });
          }
        }
      }
    }
  }
  return axes;
}

/**
 * Every tiny axis across, each with another one down; `channels` says [groups, channels in, channels out of a group] of
 * the i-th, `images` how many images.
 */
export function tinyConvolutions(
  channels: (i: number) => readonly [groups: number, ic: number, oc: number],
  images: (i: number) => number,
): Conv2dGeometry[] {
  const axes = tinyAxes([
    [0, 0],
    [1, 1],
    [2, 1],
  ]);
  return axes.map((across, i) => {
    const down = axes[(i * 7 + 3) % axes.length];
    const [groups, ic, oc] = channels(i);
    return conv2dGeometry({
      x: [images(i), groups * ic, down.size, across.size],
      oc: groups * oc,
      groups,
      kernel: [down.kernel, across.kernel],
      stride: [down.stride, across.stride],
      dilation: [down.dilation, across.dilation],
      padding: [down.padStart, across.padStart, down.padEnd, across.padEnd],
    });
  });
}

/**
 * Pairs of axes in which each one occurs `rounds` times as the height and as often as the width, every time with another
 * partner. The two axes of a kernel are treated alike but independently, so all pairs would test the same thing over.
 */
export function* axisPairs(axes: readonly AxisCase[], rounds: number): Iterable<[AxisCase, AxisCase]> {
  const step = Math.floor(axes.length / rounds) | 1;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < axes.length; i++) yield [axes[i], axes[(i * 7 + round * step + 1) % axes.length]];
  }
}
