import { describe, expect, it } from 'vitest';
import {
  BINARY_OPERATIONS,
  type BinaryOperation,
  COMPARE_OPERATIONS,
  UNARY_OPERATIONS,
  type UnaryOperation,
} from '../../lib/kernels/operations.js';
import { broadcastShapes, broadcastStrides, encodeStrides, type Shape, sizeOf } from '../../lib/shape.js';
import { BROADCAST_CASES, LENGTHS } from '../cases/elementwise.js';
import { reportNative } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { type Bound, conform, SMALLEST_NORMAL, U, ulpBound } from './conform.js';
import { flags, int32s, normals, wide } from './data.js';

/** How a unary operation is tested: the constants it takes, how close it must come, and where. */
interface UnaryTest {
  alpha?: number;
  beta?: number;
  /** Given the inputs, since some errors are relative to those. Default exact. */
  bound?(x: Float32Array): Bound;
  /** The largest magnitude of ordinary inputs; default 2^20. */
  reach?: number;
}

const ulps = (count: number) => () => ulpBound(count);

const UNARY_TESTS: Record<UnaryOperation, UnaryTest> = {
  neg: {},
  abs: {},
  sign: {},
  exp: { bound: ulps(2), reach: 90 },
  log: { bound: ulps(2) },
  sqrt: {},
  square: {},
  reciprocal: {},
  erf: { bound: ulps(4), reach: 6 },
  tanh: { bound: ulps(3), reach: 12 },
  sigmoid: { bound: ulps(4), reach: 90 },
  relu: {},
  leakyRelu: { alpha: 0.125 },
  elu: { alpha: 0.75, bound: ulps(4), reach: 90 },
  // erf carries 24 bits, so in the lower tail, where 1 + erf cancels, only the error relative to x is small.
  gelu: { bound: (x) => (expected, i) => 4 * U * (Math.abs(x[i]) + Math.abs(expected)) + SMALLEST_NORMAL, reach: 12 },
  // Below −88.7 e^−x overflows and the result is zero instead of −89·e^−89, some 2e-37.
  silu: { bound: () => ulpBound(4, 3e-37), reach: 90 },
  softplus: { bound: ulps(3), reach: 90 },
  clip: { alpha: -0.5, beta: 1.25 },
  affine: {
    alpha: 1.5,
    beta: -0.25,
    // one rounding with a fused multiply-add, two without
    bound: (x) => (expected, i) => 2 * U * (1.5 * Math.abs(x[i]) + Math.abs(expected)) + SMALLEST_NORMAL,
  },
  floor: {},
  ceil: {},
  round: {},
  hardSigmoid: { alpha: 0.25, beta: 0.5, bound: (x) => (_, i) => 2 * U * (0.25 * Math.abs(x[i]) + 0.5) },
  // x/6 and the sum with 1/2 round, the product does, and near −3, where they cancel, only |x| says how much that is
  hardSwish: { bound: (x) => (expected, i) => 3 * U * (Math.abs(x[i]) + Math.abs(expected)) + SMALLEST_NORMAL },
  // e^x is flushed to zero below −87.3, where the result is −87.3·e^−87.3
  mish: { bound: () => ulpBound(6, 1.1e-36), reach: 90 },
};

const SPECIAL = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  1.25,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  SMALLEST_NORMAL,
  -SMALLEST_NORMAL,
  1e-20,
  -1e-20,
  88.5,
  89.5,
  -86,
  -104,
  200,
  -200,
];

function unaryCall(operation: UnaryOperation, x: Float32Array): Call {
  const { alpha = 0, beta = 0 } = UNARY_TESTS[operation];
  return { kernel: 'unary', arguments: [UNARY_OPERATIONS.indexOf(operation), input(x), output(x.length), alpha, beta] };
}

function checkUnary(operation: UnaryOperation, x: Float32Array): void {
  const { bound } = UNARY_TESTS[operation];
  conform(unaryCall(operation, x), [bound ? bound(x) : 'exact'], operation);
}

/** Numbers that step evenly through [−reach, reach], then others at all magnitudes up to it. */
function ordinary(length: number, reach: number): Float32Array {
  const half = length >> 1;
  const steps = Float32Array.from({ length: half }, (_, i) => ((2 * i) / Math.max(1, half - 1) - 1) * reach);
  const scattered = wide(length - half, 7).map((v) => Math.max(-reach, Math.min(reach, v)));
  return Float32Array.from([...steps, ...scattered]);
}

describe('unary', () => {
  reportNative();

  for (const operation of UNARY_OPERATIONS) {
    const { reach = 2 ** 20 } = UNARY_TESTS[operation];

    it(`${operation}: all magnitudes`, () => checkUnary(operation, ordinary(60_001, reach)));

    it(`${operation}: NaN, infinities and the ends of ranges`, () => {
      checkUnary(operation, Float32Array.from(SPECIAL));
      // each of them alone among ordinary numbers: a vector has no lane that speaks for the others
      for (const value of SPECIAL) checkUnary(operation, ordinary(33, 1).fill(value, 19, 20));
    });

    it(`${operation}: every remainder of a vector and of a block`, () => {
      for (const length of LENGTHS) checkUnary(operation, ordinary(length, Math.min(reach, 4)));
    });
  }

  it('clip passes NaN on and may have equal or infinite limits', () => {
    const x = Float32Array.from([...SPECIAL, ...SPECIAL]);
    const clip = UNARY_OPERATIONS.indexOf('clip');
    for (const [low, high] of [
      [0, 6],
      [2, 2],
      [Number.NEGATIVE_INFINITY, 0],
      [0, Number.POSITIVE_INFINITY],
    ]) {
      conform({ kernel: 'unary', arguments: [clip, input(x), output(x.length), low, high] }, ['exact']);
    }
  });

  it('slopes that are negative, zero or one', () => {
    const x = ordinary(50, 3);
    const leakyRelu = UNARY_OPERATIONS.indexOf('leakyRelu');
    for (const slope of [-0.5, 0, 1]) {
      conform({ kernel: 'unary', arguments: [leakyRelu, input(x), output(50), slope, 0] }, ['exact']);
    }
  });
});

function strides(shape: Shape, ...operands: Shape[]): Int32Array {
  return encodeStrides(
    shape,
    operands.map((operand) => broadcastStrides(operand, shape)),
  );
}

/** pow computes in double precision and rounds once more; the rest is a single rounding. */
const binaryBound = (operation: BinaryOperation): Bound => (operation === 'pow' ? ulpBound(1) : 'exact');

/** Every special value against every other. */
function specialPairs(): { a: Float32Array; b: Float32Array } {
  const a = SPECIAL.flatMap((v) => SPECIAL.map(() => v));
  const b = SPECIAL.flatMap(() => SPECIAL);
  return { a: Float32Array.from(a), b: Float32Array.from(b) };
}

describe('binary, compare and where', () => {
  for (const { why, a, b } of BROADCAST_CASES) {
    const shape = broadcastShapes('case', a, b);
    const g = strides(shape, a, b);

    it(`binary: ${why}`, () => {
      for (const [code, operation] of BINARY_OPERATIONS.entries()) {
        const call: Call = {
          kernel: 'binary',
          arguments: [code, input(normals(sizeOf(a), 1)), input(normals(sizeOf(b), 2)), output(sizeOf(shape)), g],
        };
        conform(call, [binaryBound(operation)], operation);
      }
    });

    it(`compare: ${why}`, () => {
      // few different values, so that some are equal
      const few = (length: number, seed: number) => normals(length, seed).map((v) => Math.round(2 * v));
      for (const [code, operation] of COMPARE_OPERATIONS.entries()) {
        const operands = [input(few(sizeOf(a), 1)), input(few(sizeOf(b), 2))];
        const call: Call = { kernel: 'compare', arguments: [code, ...operands, output(sizeOf(shape), 'uint8'), g] };
        conform(call, ['exact'], operation);
      }
    });

    it(`where: ${why}`, () => {
      // the condition takes the place of each operand in turn
      for (const c of [a, b, shape]) {
        const condition = Uint8Array.from({ length: sizeOf(c) }, (_, i) => [0, 1, 0, 255, 2][(i * 7) % 5]);
        const operands = [input(condition), input(normals(sizeOf(a), 1)), input(normals(sizeOf(b), 2))];
        conform({ kernel: 'where', arguments: [...operands, output(sizeOf(shape)), strides(shape, c, a, b)] }, [
          'exact',
        ]);
        for (const [kind, fill] of [
          ['int32', int32s],
          ['uint8', flags],
        ] as const) {
          const choices = [input(condition), input(fill(sizeOf(a), 1)), input(fill(sizeOf(b), 2))];
          const result = output(sizeOf(shape), kind);
          conform({ kernel: 'where', arguments: [...choices, result, strides(shape, c, a, b)] }, ['exact'], kind);
        }
      }
    });
  }

  for (const [code, operation] of BINARY_OPERATIONS.entries()) {
    it(`${operation}: NaN, infinities and the ends of ranges`, () => {
      const { a, b } = specialPairs();
      const g = strides([a.length], [a.length], [b.length]);
      const call: Call = { kernel: 'binary', arguments: [code, input(a), input(b), output(a.length), g] };
      conform(call, [binaryBound(operation)], operation);
    });
  }

  for (const [code, operation] of COMPARE_OPERATIONS.entries()) {
    it(`${operation}: NaN, infinities and zeros`, () => {
      const { a, b } = specialPairs();
      const g = strides([a.length], [a.length], [b.length]);
      conform({ kernel: 'compare', arguments: [code, input(a), input(b), output(a.length, 'uint8'), g] }, ['exact']);
    });
  }

  it('where does not compute with what it leaves out', () => {
    const a = new Float32Array(40).fill(Number.NaN);
    const condition = Uint8Array.from({ length: 40 }, (_, i) => (i === 13 ? 1 : 0));
    const g = strides([40], [40], [40], [40]);
    const call: Call = {
      kernel: 'where',
      arguments: [input(condition), input(a), input(normals(40, 1)), output(40), g],
    };
    conform(call, ['exact']);
    expect(Array.from(oracle(call)[0]).filter(Number.isNaN)).toHaveLength(1);
  });

  it('pow takes squares and other powers in one vector', () => {
    const exponents = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 2 : [2, 3, 0.5, -1, 0][i % 5]));
    const g = strides([64], [64], [64]);
    const pow = BINARY_OPERATIONS.indexOf('pow');
    conform({ kernel: 'binary', arguments: [pow, input(normals(64, 3)), input(exponents), output(64), g] }, [
      ulpBound(1),
    ]);
  });

  it('every remainder of a vector and of a block', () => {
    for (const length of LENGTHS) {
      const operands = [input(normals(length, 1)), input(normals(length, 2))];
      const g = strides([length], [length], [length]);
      conform({ kernel: 'binary', arguments: [0, ...operands, output(length), g] }, ['exact'], `of ${length}`);
      conform(
        { kernel: 'compare', arguments: [2, ...operands, output(length, 'uint8'), g] },
        ['exact'],
        `of ${length}`,
      );
    }
  });
});
