import { describe, expect, it } from 'vitest';
import { CONV2D_FIELDS, type Conv2dGeometry, encode } from '../../lib/geometry.js';
import { axisPairs, CONV2D_CASES, conv2dGeometry, randomConvolutions, tinyAxes } from '../cases/conv2d.js';
import { reportNative } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { conform, sumBound } from './conform.js';
import { type Fill, integers, positives } from './data.js';

/** A call of each kernel for one geometry, and how many products its sums have. */
interface ConvolutionKernel {
  terms(g: Conv2dGeometry): number;
  /** Geometries that would take long and show nothing new. */
  leavesOut?(g: Conv2dGeometry): boolean;
  call(g: Conv2dGeometry, fill: Fill): Call;
}

const sizes = (g: Conv2dGeometry) => ({
  x: g.n * g.ic * g.h * g.w,
  weight: g.oc * (g.ic / g.groups) * g.kh * g.kw,
  y: g.n * g.oc * g.oh * g.ow,
  columns: g.n * g.ic * g.kh * g.kw * g.oh * g.ow,
});
const hasManyColumns = (g: Conv2dGeometry) => sizes(g).columns > 3e5;
const flat = (g: Conv2dGeometry) => encode(CONV2D_FIELDS, g);

function forward(bias: boolean): ConvolutionKernel {
  return {
    terms: (g) => (g.ic / g.groups) * g.kh * g.kw + 1,
    call(g, fill) {
      const { x, weight, y } = sizes(g);
      const inputs = [input(fill(x, 1)), input(fill(weight, 2)), bias ? input(fill(g.oc, 3)) : null];
      return { kernel: 'conv2dForward', arguments: [...inputs, output(y), flat(g), 1] };
    },
  };
}

const KERNELS: Record<string, ConvolutionKernel> = {
  'conv2dForward with bias': forward(true),
  'conv2dForward without bias': forward(false),
  conv2dGradInput: {
    terms: (g) => (g.oc / g.groups) * g.kh * g.kw,
    call(g, fill) {
      const { x, weight, y } = sizes(g);
      return {
        kernel: 'conv2dGradInput',
        arguments: [input(fill(y, 4)), input(fill(weight, 5)), output(x), flat(g), 1],
      };
    },
  },
  conv2dGradWeight: {
    terms: (g) => g.n * g.oh * g.ow,
    call(g, fill) {
      const { x, weight, y } = sizes(g);
      return {
        kernel: 'conv2dGradWeight',
        arguments: [input(fill(x, 6)), input(fill(y, 7)), output(weight), flat(g), 1],
      };
    },
  },
  im2col: {
    terms: () => 1,
    leavesOut: hasManyColumns,
    call(g, fill) {
      const { x, columns } = sizes(g);
      return { kernel: 'im2col', arguments: [input(fill(x, 8)), output(columns), flat(g)] };
    },
  },
  col2im: {
    terms: (g) => g.kh * g.kw,
    leavesOut: hasManyColumns,
    call(g, fill) {
      const { x, columns } = sizes(g);
      return { kernel: 'col2im', arguments: [input(fill(columns, 9)), output(x), flat(g)] };
    },
  },
};

const describeGeometry = (g: Conv2dGeometry) => CONV2D_FIELDS.map((field) => `${field} ${g[field]}`).join(', ');

/** Whole numbers must come out exactly, others within the bound of their sum: of one sign, S is the sum itself. */
function checkExactAndRounded(kernel: ConvolutionKernel, g: Conv2dGeometry): void {
  conform(kernel.call(g, integers), ['exact'], `of whole numbers, ${describeGeometry(g)}`);
  const call = kernel.call(g, positives);
  conform(call, [sumBound(oracle(call)[0], kernel.terms(g))], describeGeometry(g));
}

describe('convolution kernels', () => {
  reportNative();

  for (const [name, kernel] of Object.entries(KERNELS)) {
    describe(name, () => {
      for (const entry of CONV2D_CASES) {
        const g = conv2dGeometry(entry);
        if (kernel.leavesOut?.(g)) continue;
        it(entry.why, () => checkExactAndRounded(kernel, g));
      }
    });
  }

  it('take denormal numbers for zero or better', () => {
    const g = conv2dGeometry({ x: [1, 17, 9, 9], oc: 18, kernel: [3, 3], padding: 1 });
    for (const name of ['conv2dForward without bias', 'conv2dGradInput', 'conv2dGradWeight']) {
      const call = KERNELS[name].call(g, (length, seed) =>
        positives(length, seed).map((v) => (seed % 2 ? v * 1e-40 : v)),
      );
      conform(call, [sumBound(oracle(call)[0], KERNELS[name].terms(g))], name);
    }
  });

  it('spread NaN and infinity only to the outputs that see them', () => {
    const g = conv2dGeometry({ x: [1, 17, 9, 9], oc: 18, kernel: [3, 3], padding: 1 });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const kernel = KERNELS['conv2dForward without bias'];
      const call = kernel.call(g, (length, seed) => {
        const data = positives(length, seed);
        if (seed === 1) data[40] = value;
        return data;
      });
      conform(call, [sumBound(oracle(call, Math.abs)[0], kernel.terms(g))], String(value));
    }
  });
});

describe('many geometries', () => {
  const paddings = [[0, 0], [1, 1], [2, 0], [0, 1], [1, 3]] as const; // biome-ignore format: pairs
  const axes = tinyAxes(paddings);

  /** [groups, ic, oc]: all channels together, two groups, depthwise, depthwise with a multiplier. */
  const channels = [
    [1, 2, 3],
    [2, 4, 2],
    [3, 3, 3],
    [2, 2, 6],
  ] as const;

  it('covers each axis of the sweep', () => {
    expect(axes.length).toBeGreaterThan(500);
  });

  for (const [name, kernel] of Object.entries(KERNELS)) {
    it(`${name}: all that are tiny`, () => {
      let count = 0;
      for (const [h, w] of axisPairs(axes, 2)) {
        const [groups, ic, oc] = channels[count % channels.length];
        const g = conv2dGeometry({
          x: [1 + (count % 2), ic, h.size, w.size],
          oc,
          kernel: [h.kernel, w.kernel],
          stride: [h.stride, w.stride],
          dilation: [h.dilation, w.dilation],
          padding: [h.padStart, w.padStart, h.padEnd, w.padEnd],
          groups,
        });
        conform(kernel.call(g, integers), ['exact'], describeGeometry(g));
        count++;
      }
      expect(count).toBe(2 * axes.length);
    });
  }

  const drawn = randomConvolutions(150, 1e6);
  for (const [name, kernel] of Object.entries(KERNELS)) {
    it(`${name}: sizes drawn at random`, () => {
      const geometries = drawn.filter((g) => !kernel.leavesOut?.(g));
      expect(geometries.length).toBeGreaterThan(100);
      for (const g of geometries) conform(kernel.call(g, integers), ['exact'], describeGeometry(g));
    });
  }

  // Strides take an input gradient apart into phases; each width leaves other remainders to each of them.
  for (const groups of [1, 18]) {
    it(`gradients with stride on narrow inputs, ${groups} groups`, () => {
      for (let w = 1; w <= 18; w++) {
        for (const stride of [2, 3]) {
          for (let kernel = 1; kernel <= 5; kernel++) {
            const g = conv2dGeometry({ x: [1, 18, 5, w], oc: 18, kernel: [2, kernel], stride, padding: 2, groups });
            conform(KERNELS.conv2dGradInput.call(g, integers), ['exact'], describeGeometry(g));
            conform(KERNELS.conv2dGradWeight.call(g, integers), ['exact'], describeGeometry(g));
          }
        }
      }
    });
  }

  // Tile remainders: every number of output channels and of pixels up to twice a tile.
  for (const [name, kernel] of Object.entries(KERNELS).slice(0, 4)) {
    it(`${name}: every number of channels and pixels around a tile`, () => {
      for (let oc = 1; oc <= 30; oc++) {
        for (const w of [1, 3, 8, 15, 16, 17, 31, 32, 33, 34, 49]) {
          for (const size of [1, 2]) {
            const g = conv2dGeometry({ x: [1, 3, 2, w], oc, kernel: [size, 1] });
            conform(kernel.call(g, integers), ['exact'], describeGeometry(g));
          }
        }
      }
    });
  }
});
