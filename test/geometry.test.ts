import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArgumentError, ConvforgeError, ShapeError } from '../lib/errors.js';
import * as geometry from '../lib/geometry.js';
import { checkIndexable, encode, outputSize, type Padding, pair, window2d } from '../lib/geometry.js';
import * as operations from '../lib/kernels/operations.js';
import { encodeStrides } from '../lib/shape.js';
import { root } from './compiled.js';

describe('outputSize', () => {
  // [input, kernel, stride, dilation, padding at both ends] and what PyTorch's layers give, plain and with ceil_mode
  it.each([
    [28, 3, 1, 1, 0, 26, 26],
    [28, 3, 1, 1, 1, 28, 28],
    [28, 2, 2, 1, 0, 14, 14],
    [224, 7, 2, 1, 3, 112, 113],
    [112, 3, 2, 1, 1, 56, 57],
    [7, 7, 1, 1, 0, 1, 1],
    [5, 2, 2, 1, 0, 2, 3],
    [6, 3, 2, 1, 0, 2, 3],
    [7, 3, 2, 1, 0, 3, 3],
    [5, 3, 3, 1, 1, 2, 2],
    [10, 3, 1, 2, 0, 6, 6],
    [10, 3, 2, 2, 1, 4, 5],
    [10, 3, 1, 4, 4, 10, 10],
    [13, 2, 5, 1, 0, 3, 3],
    [14, 2, 5, 1, 0, 3, 3],
    [16, 2, 5, 1, 0, 3, 4],
    [6, 3, 9, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 1, 1],
    [32, 11, 4, 1, 2, 7, 8],
  ])('of %i with kernel %i, stride %i, dilation %i, padding %i is %i, with ceil mode %i', (...row) => {
    const [input, kernel, stride, dilation, padding, floor, ceil] = row;
    expect(outputSize(input, kernel, stride, dilation, padding, padding)).toBe(floor);
    expect(outputSize(input, kernel, stride, dilation, padding, padding, true)).toBe(ceil);
  });

  it('drops a last window of ceil mode that would start in the end padding', () => {
    // ⌈(5 + 2 − 2) / 3⌉ + 1 = 3 windows, of which the third would start at 6 = 5 + 1
    expect(outputSize(5, 2, 3, 1, 1, 1, true)).toBe(2);
    expect(outputSize(2, 2, 2, 1, 1, 1, true)).toBe(2);
  });

  it('counts windows as one would by moving them', () => {
    for (let input = 0; input <= 9; input++) {
      for (let kernel = 1; kernel <= 5; kernel++) {
        for (let stride = 1; stride <= 4; stride++) {
          for (let dilation = 1; dilation <= 3; dilation++) {
            for (const [padStart, padEnd] of [
              [0, 0],
              [1, 1],
              [0, 3],
              [2, 1],
            ] as const) {
              const reach = dilation * (kernel - 1) + 1;
              let windows = 0;
              for (let start = -padStart; start + reach <= input + padEnd; start += stride) windows++;
              const label = `input ${input}, kernel ${kernel}, stride ${stride}, dilation ${dilation}, padding ${padStart} ${padEnd}`;
              expect(outputSize(input, kernel, stride, dilation, padStart, padEnd), label).toBe(windows);
            }
          }
        }
      }
    }
  });

  it('is not positive when no window fits', () => {
    expect(outputSize(2, 3, 1, 1, 0, 0)).toBeLessThanOrEqual(0);
    expect(outputSize(4, 3, 1, 3, 1, 1, true)).toBeLessThanOrEqual(0);
  });
});

describe('window2d', () => {
  const windows = (padding: Padding | undefined, kernel: [number, number] = [3, 4], stride = 1) =>
    window2d('test', [10, 12], kernel, { padding, stride });
  const sides = ({ padTop, padLeft, padBottom, padRight }: ReturnType<typeof windows>) => [
    padTop,
    padLeft,
    padBottom,
    padRight,
  ];

  it('reads every form of padding', () => {
    expect(sides(windows(undefined))).toEqual([0, 0, 0, 0]);
    expect(sides(windows('valid'))).toEqual([0, 0, 0, 0]);
    expect(sides(windows(2))).toEqual([2, 2, 2, 2]);
    expect(sides(windows([1, 2]))).toEqual([1, 2, 1, 2]);
    expect(sides(windows([1, 2, 3, 4]))).toEqual([1, 2, 3, 4]);
  });

  it("pads by 'same' so that the output is ⌈input / stride⌉, the odd pixel at bottom and right", () => {
    expect(sides(windows('same'))).toEqual([1, 1, 1, 2]);
    for (const stride of [1, 2, 3, 5]) {
      for (const kernel of [
        [1, 1],
        [2, 3],
        [5, 4],
        [7, 7],
      ] as [number, number][]) {
        const { oh, ow, padTop, padLeft, padBottom, padRight } = windows('same', kernel, stride);
        expect([oh, ow]).toEqual([Math.ceil(10 / stride), Math.ceil(12 / stride)]);
        expect([padBottom - padTop, padRight - padLeft].every((extra) => extra === 0 || extra === 1)).toBe(true);
      }
    }
  });

  it('keeps strides and dilations of both axes apart', () => {
    const result = window2d('test', [20, 30], [3, 2], { stride: [2, 3], dilation: [4, 5], padding: [1, 0] });
    expect(result).toEqual({
      oh: outputSize(20, 3, 2, 4, 1, 1),
      ow: outputSize(30, 2, 3, 5, 0, 0),
      strideH: 2,
      strideW: 3,
      dilationH: 4,
      dilationW: 5,
      padTop: 1,
      padLeft: 0,
      padBottom: 1,
      padRight: 0,
    });
  });

  it.each([
    [{ stride: 0 }, ArgumentError, 'test: stride must be an integer of at least 1 or a pair of them, got 0'],
    [
      { stride: [1, 2, 3] },
      ArgumentError,
      'test: stride must be an integer of at least 1 or a pair of them, got [1,2,3]',
    ],
    [{ stride: '2' }, ArgumentError, 'test: stride must be an integer of at least 1 or a pair of them, got "2"'],
    [
      { dilation: [1, 0] },
      ArgumentError,
      'test: dilation must be an integer of at least 1 or a pair of them, got [1,0]',
    ],
    [{ dilation: 1.5 }, ArgumentError, 'test: dilation must be an integer of at least 1 or a pair of them, got 1.5'],
    [
      { stride: 2 ** 31 },
      ArgumentError,
      'test: stride must be an integer of at least 1 or a pair of them, got 2147483648',
    ],
    [{ padding: -1 }, ArgumentError, 'test: padding must be an integer of at least 0 or a pair of them, got -1'],
    [{ padding: [1, 2, 3, -4] }, ArgumentError, 'test: padding must be integers of at least 0, got [1,2,3,-4]'],
    [
      { padding: 'full' },
      ArgumentError,
      `test: padding must be a number, [height, width], [top, left, bottom, right], 'same' or 'valid', got "full"`,
    ],
    [
      { padding: [1, 2, 3] },
      ArgumentError,
      `test: padding must be a number, [height, width], [top, left, bottom, right], 'same' or 'valid', got [1,2,3]`,
    ],
    [{ dilation: 9, padding: 1 }, ShapeError, 'test: a window of 19×28 does not fit into the padded input of 12×14'],
  ])('refuses %o', (options, kind, message) => {
    const attempt = () => window2d('test', [10, 12], [3, 4], options as geometry.WindowOptions);
    expect(attempt).toThrow(kind);
    expect(attempt).toThrow(message);
  });
});

describe('pair and checkIndexable', () => {
  it('spread a number and leave a pair', () => {
    expect(pair('test', 'size', 3, 1)).toEqual([3, 3]);
    expect(pair('test', 'size', [3, 5], 1)).toEqual([3, 5]);
    expect(() => pair('test', 'size', null as unknown as number, 1)).toThrow(ConvforgeError);
    expect(() => pair('test', 'size', undefined as unknown as number, 1)).toThrow(ConvforgeError);
    expect(() => pair('test', 'size', {} as unknown as number, 1)).toThrow(ConvforgeError);
  });

  it('guard 32-bit indices', () => {
    expect(() => checkIndexable('test', 2 ** 31 - 1)).not.toThrow();
    expect(() => checkIndexable('test', 2 ** 31)).toThrow(
      'test: a tensor of 2147483648 elements is larger than the 2147483647 a kernel can index',
    );
  });
});

const header = (name: string) => readFileSync(join(root, 'native/kernels', name), 'utf8').replace(/\/\/.*$/gm, '');

/** Structs of geometry.h as [name, fields], arrays and all. */
function structs(): Map<string, string[]> {
  const found = header('geometry.h').matchAll(/struct (\w+) \{([^}]*)\}/g);
  return new Map(
    [...found].map(([, name, body]) => [
      name,
      [...body.matchAll(/int32_t ([^;]+);/g)].flatMap(([, names]) => names.split(',').map((each) => each.trim())),
    ]),
  );
}

describe('the native headers', () => {
  it.each([
    ['Conv2dGeometry', geometry.CONV2D_FIELDS],
    ['Pool2dGeometry', geometry.POOL2D_FIELDS],
    ['AdaptivePool2dGeometry', geometry.ADAPTIVE_POOL2D_FIELDS],
    ['Pad2dGeometry', geometry.PAD2D_FIELDS],
    ['GemmGeometry', geometry.GEMM_FIELDS],
    ['AxisGeometry', geometry.AXIS_FIELDS],
    ['ChannelGeometry', geometry.CHANNEL_FIELDS],
    ['SelectionGeometry', geometry.SELECTION_FIELDS],
    ['RunningGeometry', geometry.RUNNING_FIELDS],
    ['ResampleGeometry', geometry.RESAMPLE_FIELDS],
    ['SuppressionGeometry', geometry.SUPPRESSION_FIELDS],
    ['BlockedGeometry', geometry.BLOCKED_FIELDS],
    ['LayoutOptions', geometry.LAYOUT_OPTION_FIELDS],
    ['ConvolutionOptions', geometry.CONVOLUTION_OPTION_FIELDS],
    ['MapOptions', geometry.MAP_OPTION_FIELDS],
    ['ActivationOptions', geometry.ACTIVATION_OPTION_FIELDS],
    ['NormGradientOptions', geometry.NORM_GRADIENT_OPTION_FIELDS],
  ])('have the fields of %s in the order of lib/geometry.ts', (name, fields) => {
    expect(structs().get(name)).toEqual([...fields]);
  });

  it('have no geometry that this test leaves out', () => {
    expect([...structs().keys()].filter((name) => !name.endsWith('Strides'))).toHaveLength(
      Object.keys(geometry).filter((name) => name.endsWith('_FIELDS')).length,
    );
  });

  it('have rows of strides as encodeStrides packs them', () => {
    expect(header('geometry.h')).toContain(`kMaxRank = ${geometry.MAX_RANK};`);
    expect(structs().get('UnaryStrides')).toEqual([
      'shape[kMaxRank]',
      'x[kMaxRank]',
      'y[kMaxRank]',
      'offsetX',
      'offsetY',
    ]);
    expect(structs().get('BinaryStrides')).toEqual(['shape[kMaxRank]', 'a[kMaxRank]', 'b[kMaxRank]']);
    const three = ['condition[kMaxRank]', 'a[kMaxRank]', 'b[kMaxRank]'];
    expect(structs().get('TernaryStrides')).toEqual(['shape[kMaxRank]', ...three]);
    const slices = ['batch', 'count', 'inner', 'depth', 'shared'];
    expect(structs().get('SliceStrides')).toEqual(['size[kMaxRank]', ...slices]);
    expect(structs().get('ElementStrides')).toEqual(['shape[kMaxRank]', 'x[kMaxRank]', 'stride', 'size']);
    expect([...encodeStrides([3, 4], [[4, 1]], [7, 9])]).toEqual([
      ...[1, 1, 1, 1, 1, 1, 3, 4],
      ...[0, 0, 0, 0, 0, 0, 4, 1],
      ...[7, 9],
    ]);
  });

  it('number the operations as lib/kernels/operations.ts does', () => {
    const lists = {
      UnaryOperation: operations.UNARY_OPERATIONS,
      BinaryOperation: operations.BINARY_OPERATIONS,
      CompareOperation: operations.COMPARE_OPERATIONS,
      LogicalOperation: operations.LOGICAL_OPERATIONS,
      UnaryIntOperation: operations.UNARY_INT_OPERATIONS,
      BinaryIntOperation: operations.BINARY_INT_OPERATIONS,
      ReduceIntOperation: operations.REDUCE_INT_OPERATIONS,
      ScatterReduction: operations.SCATTER_REDUCTIONS,
      ReduceOperation: operations.REDUCE_OPERATIONS,
      ArgReduceOperation: operations.ARG_REDUCE_OPERATIONS,
      PadMode: operations.PAD_MODES,
      ConvolutionPass: operations.CONVOLUTION_PASSES,
      ConvolutionAlgorithm: operations.CONVOLUTION_ALGORITHMS,
      MapOperand: operations.MAP_OPERANDS,
      ActivationKind: operations.ACTIVATION_KINDS,
    };
    const found = [...header('operations.h').matchAll(/namespace (\w+) \{\s*enum \{([^}]*)\}/g)];
    const parsed = Object.fromEntries(
      found.map(([, name, body]) => [name, body.split(',').map((each) => each.trim())]),
    );
    expect(parsed).toEqual(Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, [...list]])));
    expect(Object.keys(operations).filter((name) => name === name.toUpperCase())).toHaveLength(found.length);
  });

  it('encode flattens in the order of the fields', () => {
    expect([...encode(geometry.AXIS_FIELDS, { inner: 3, outer: 1, size: 2 })]).toEqual([1, 2, 3]);
  });
});
