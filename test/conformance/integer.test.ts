import { describe, expect, it } from 'vitest';
import { AXIS_FIELDS, encode } from '../../lib/geometry.js';
import {
  BINARY_INT_OPERATIONS,
  COMPARE_OPERATIONS,
  LOGICAL_OPERATIONS,
  REDUCE_INT_OPERATIONS,
  UNARY_INT_OPERATIONS,
} from '../../lib/kernels/operations.js';
import { broadcastShapes, broadcastStrides, encodeStrides, sizeOf } from '../../lib/shape.js';
import { BROADCAST_CASES, LENGTHS } from '../cases/elementwise.js';
import { AXIS_CASES, EMPTY_AXIS } from '../cases/reduce.js';
import { reportNative } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { conform } from './conform.js';
import { flags, int32s, wide } from './data.js';

const LEAST = -(2 ** 31);
const GREATEST = 2 ** 31 - 1;

describe('int32 kernels', () => {
  reportNative();

  for (const { why, a, b } of BROADCAST_CASES) {
    const shape = broadcastShapes('case', a, b);
    const g = encodeStrides(shape, [broadcastStrides(a, shape), broadcastStrides(b, shape)]);
    const size = sizeOf(shape);

    it(`binary: ${why}`, () => {
      const operands = [input(int32s(sizeOf(a), 1)), input(int32s(sizeOf(b), 2))];
      for (const [code, operation] of BINARY_INT_OPERATIONS.entries()) {
        conform(
          { kernel: 'binaryInt', arguments: [code, ...operands, output(size, 'int32'), g] },
          ['exact'],
          operation,
        );
      }
    });

    it(`compare: ${why}`, () => {
      const operands = [input(int32s(sizeOf(a), 1)), input(int32s(sizeOf(b), 2))];
      for (const [code, operation] of COMPARE_OPERATIONS.entries()) {
        conform(
          { kernel: 'compareInt', arguments: [code, ...operands, output(size, 'uint8'), g] },
          ['exact'],
          operation,
        );
      }
    });

    it(`logic: ${why}`, () => {
      const operands = [input(flags(sizeOf(a), 1)), input(flags(sizeOf(b), 2))];
      for (const [code, operation] of LOGICAL_OPERATIONS.entries()) {
        conform({ kernel: 'logical', arguments: [code, ...operands, output(size, 'uint8'), g] }, ['exact'], operation);
      }
    });
  }

  it('every number of interest against every other', () => {
    const some = [
      LEAST,
      LEAST + 1,
      -65536,
      -46341,
      -7,
      -2,
      -1,
      0,
      1,
      2,
      3,
      7,
      31,
      32,
      46341,
      65536,
      GREATEST - 1,
      GREATEST,
    ];
    const a = Int32Array.from(some.flatMap((v) => some.map(() => v)));
    const b = Int32Array.from(some.flatMap(() => some));
    const g = encodeStrides([a.length], [[1], [1]]);
    for (const [code, operation] of BINARY_INT_OPERATIONS.entries()) {
      const call: Call = { kernel: 'binaryInt', arguments: [code, input(a), input(b), output(a.length, 'int32'), g] };
      conform(call, ['exact'], operation);
    }
  });

  it('results wrap around, and nothing is divided by 0', () => {
    const of = (operation: (typeof BINARY_INT_OPERATIONS)[number], a: number, b: number) => {
      const operands = [
        input(Int32Array.of(a)),
        input(Int32Array.of(b)),
        output(1, 'int32'),
        encodeStrides([], [[], []]),
      ];
      const code = BINARY_INT_OPERATIONS.indexOf(operation);
      return oracle({ kernel: 'binaryInt', arguments: [code, ...operands] })[0][0];
    };
    expect([of('add', GREATEST, 1), of('sub', LEAST, 1), of('mul', 65537, 65537)]).toEqual([LEAST, GREATEST, 131073]);
    expect([of('div', 7, 0), of('mod', 7, 0), of('fmod', 7, 0), of('div', LEAST, -1), of('mod', LEAST, -1)]).toEqual([
      0,
      0,
      0,
      LEAST,
      0,
    ]);
    expect([of('div', -7, 2), of('mod', -7, 2), of('fmod', -7, 2), of('mod', 7, -2)]).toEqual([-3, 1, -1, -1]);
    expect([of('pow', 3, 5), of('pow', 2, 31), of('pow', 2, 40), of('pow', -1, -3), of('pow', 0, -1)]).toEqual([
      243,
      LEAST,
      0,
      -1,
      0,
    ]);
  });

  it('unary', () => {
    for (const length of LENGTHS) {
      for (const [code, operation] of UNARY_INT_OPERATIONS.entries()) {
        const arguments_ = [code, input(int32s(length, 1)), output(length, 'int32'), -5, 12];
        conform({ kernel: 'unaryInt', arguments: arguments_ }, ['exact'], `${operation} of ${length}`);
      }
    }
    const ends = Int32Array.of(LEAST, LEAST + 1, -1, 0, 1, GREATEST);
    const clip = UNARY_INT_OPERATIONS.indexOf('clip');
    for (const [low, high] of [
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      [Number.NEGATIVE_INFINITY, -3],
      [LEAST, GREATEST],
      [4, 4],
    ]) {
      conform({ kernel: 'unaryInt', arguments: [clip, input(ends), output(6, 'int32'), low, high] }, ['exact']);
    }
  });

  for (const entry of [...AXIS_CASES, EMPTY_AXIS]) {
    it(`reductions: ${entry.why}`, () => {
      const x = int32s(entry.outer * entry.size * entry.inner, 1);
      const g = encode(AXIS_FIELDS, { outer: entry.outer, size: entry.size, inner: entry.inner });
      for (const [code, operation] of REDUCE_INT_OPERATIONS.entries()) {
        const result = output(entry.outer * entry.inner, 'int32');
        conform({ kernel: 'reduceInt', arguments: [code, input(x), result, g] }, ['exact'], operation);
      }
    });
  }
});

describe('cast and fill', () => {
  const NUMBERS = [0, -0, 0.9, -0.9, 1.5, -1.5, 255, 256, -1, 300.7, -300.7, 2 ** 31, -(2 ** 31), 2 ** 31 + 256, 2 ** 32 + 512, 2 ** 40, -(2 ** 40) - 2 ** 20, 1e30, -1e30, 3e38, 2147483520, -2147483904, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]; // biome-ignore format: a list

  it('every kind to every other', () => {
    for (const length of LENGTHS) {
      for (const x of [wide(length, 1), int32s(length, 2), flags(length, 3)]) {
        for (const kind of ['float32', 'int32', 'uint8'] as const) {
          const label = `${x.constructor.name} to ${kind}`;
          conform({ kernel: 'cast', arguments: [input(x), output(length, kind), 0] }, ['exact'], label);
        }
        conform({ kernel: 'cast', arguments: [input(x), output(length, 'uint8'), 1] }, ['exact'], 'truth');
      }
    }
  });

  it('numbers beyond the range of integers wrap around', () => {
    const x = Float32Array.from(NUMBERS);
    for (const kind of ['int32', 'uint8'] as const) {
      conform({ kernel: 'cast', arguments: [input(x), output(x.length, kind), 0] }, ['exact'], kind);
    }
    conform({ kernel: 'cast', arguments: [input(x), output(x.length, 'uint8'), 1] }, ['exact'], 'truth');
  });

  it('fill converts like cast', () => {
    for (const value of [...NUMBERS, 2 ** 53 + 2, 2 ** 60 + 2 ** 20, -(2 ** 33) - 5.5, 2147483647.5]) {
      for (const kind of ['float32', 'int32', 'uint8'] as const) {
        conform({ kernel: 'fill', arguments: [output(37, kind), value] }, ['exact'], `${value} as ${kind}`);
      }
    }
    for (const length of LENGTHS) conform({ kernel: 'fill', arguments: [output(length), -2.5] }, ['exact']);
  });
});
