import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NativeAddon } from '../../lib/backend/native.js';
import { type Kernels, typescriptKernels } from '../../lib/backend/typescript.js';
import {
  ADAPTIVE_POOL2D_FIELDS,
  AXIS_FIELDS,
  CHANNEL_FIELDS,
  CONV2D_FIELDS,
  GEMM_FIELDS,
  PAD2D_FIELDS,
  POOL2D_FIELDS,
  RESAMPLE_FIELDS,
  RUNNING_FIELDS,
  SELECTION_FIELDS,
  SUPPRESSION_FIELDS,
} from '../../lib/geometry.js';
import { child, environment, runNode } from '../compiled.js';
import { addon, nativePath, noNative, withReason } from './backends.js';
import { type Argument, type Call, run } from './call.js';
import { VALID_CALLS } from './templates.js';

/** Arguments that may be null. */
const NULLABLE: Record<string, number[]> = {
  conv2dForward: [2],
  maxPool2dForward: [2],
  batchNormForward: [3, 4],
  batchNormBackward: [4],
  sgdUpdate: [2],
  adamUpdate: [4],
  rmspropUpdate: [3, 4],
};
/** Arguments whose length says how much there is to do: a shorter one is a smaller call. */
const SETS_LENGTH: Record<string, number> = {
  unary: 2,
  unaryInt: 2,
  cast: 1,
  fill: 0,
  nonZero: 0,
  randomMask: 1,
  sgdUpdate: 0,
  adamUpdate: 0,
  rmspropUpdate: 0,
  lionUpdate: 0,
  blend: 0,
};
/** Kernels that take buffers of any kind, which must be the same for all of them. */
const ANY_KIND: Record<string, number[]> = {
  where: [1, 2, 3],
  cast: [0, 1],
  stridedCopy: [0, 1],
  fill: [0],
  gatherSlices: [0, 2],
  scatterSlices: [2, 3],
  gatherElements: [0, 2],
  scatterElements: [2, 3],
  topK: [0, 1],
  nonZero: [0],
  cumSum: [0, 1],
};

const isBuffer = (argument: Argument): argument is Exclude<Argument, Int32Array | number | null> =>
  argument !== null && typeof argument === 'object' && 'role' in argument;

type AnyKernel = (...values: unknown[]) => void;
const native = addon as NativeAddon; // the tests below run only where there is one

interface Resizable extends ArrayBuffer {
  resize(bytes: number): void;
}
// newer than the library that the project compiles against
const ResizableBuffer = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => Resizable;

/** Plain values of a valid call, arrays fresh each time. */
function valuesOf(call: Call): unknown[] {
  return call.arguments.map((argument) => {
    if (!isBuffer(argument)) return argument instanceof Int32Array ? argument.slice() : argument;
    if (argument.role !== 'out') return argument.values.slice();
    const { kind, length } = argument;
    return kind === 'float32'
      ? new Float32Array(length)
      : kind === 'int32'
        ? new Int32Array(length)
        : new Uint8Array(length);
  });
}

function kindOf(values: Float32Array | Int32Array | Uint8Array): string {
  return values instanceof Float32Array ? 'float32' : values instanceof Int32Array ? 'int32' : 'uint8';
}

function errorOf(kernel: string, values: unknown[]): (Error & { code?: string }) | undefined {
  try {
    (native.kernels[kernel as keyof Kernels] as AnyKernel)(...values);
    return undefined;
  } catch (error) {
    return error as Error & { code?: string };
  }
}

function expectTypeError(call: Call, position: number, value: unknown, label: string): void {
  const values = valuesOf(call);
  values[position] = value;
  const error = errorOf(call.kernel, values);
  expect(error, `${call.kernel}, argument ${position}: ${label}`).toBeInstanceOf(TypeError);
  expect(error?.code).toBe('ERR_ARGUMENT');
  expect(error?.message).toMatch(new RegExp(`^${call.kernel}: \\w+ must be `));
}

function expectRefused(call: Call, values: unknown[], label: string): void {
  const error = errorOf(call.kernel, values);
  expect(error, `${call.kernel}: ${label}`).toBeInstanceOf(Error);
  expect(['ERR_NATIVE', 'ERR_ARGUMENT'], `${call.kernel}: ${label}: ${error?.message}`).toContain(error?.code);
  expect(error?.message.startsWith(`${call.kernel}: `), error?.message).toBe(true);
}

/** Fields of each geometry that count something, so that −1 of them is absurd. */
const SIZES: Record<string, readonly string[]> = {
  Conv2d: ['n', 'ic', 'h', 'w', 'oc', 'kh', 'kw', 'oh', 'ow', 'strideH', 'strideW', 'dilationH', 'dilationW', 'groups'],
  Pool2d: ['n', 'c', 'h', 'w', 'kh', 'kw', 'oh', 'ow', 'strideH', 'strideW', 'dilationH', 'dilationW'],
  Adaptive: ['n', 'c', 'h', 'w', 'oh', 'ow'],
  Pad2d: ['planes', 'h', 'w'],
  Gemm: ['batch', 'm', 'n', 'k', 'strideA', 'strideB'],
  Axis: ['outer', 'size', 'inner'],
  Channel: ['n', 'c', 'size'],
  Selection: ['outer', 'size', 'inner', 'k'],
  Running: ['outer', 'size', 'inner'],
  Resample: ['outer', 'size', 'inner', 'count', 'taps'],
  Suppression: ['n', 'classes', 'spatial', 'most'],
};
/** Kernels whose geometry is that of one of these. */
const KIND_OF: Record<string, string> = {
  topK: 'Selection',
  cumSum: 'Running',
  resample: 'Resample',
  nonMaxSuppression: 'Suppression',
};
/** Shapes with strides that are laid out like no other: fields whose change must be noticed. */
const SIZES_AT: Record<string, { sizes: number[]; strides: number[] }> = {
  gatherSlices: { sizes: [6, 7, 8, 9, 10, 11], strides: [] },
  scatterSlices: { sizes: [6, 7, 8, 9, 10, 11], strides: [] },
  gatherElements: { sizes: [0, 7, 17], strides: [15, 16] },
  scatterElements: { sizes: [0, 7, 17], strides: [15, 16] },
};
const AT_LEAST_ONE = ['strideH', 'strideW', 'dilationH', 'dilationW', 'groups'];
const FIELDS: Record<string, readonly string[]> = {
  Conv2d: CONV2D_FIELDS,
  Pool2d: POOL2D_FIELDS,
  Adaptive: ADAPTIVE_POOL2D_FIELDS,
  Pad2d: PAD2D_FIELDS,
  Gemm: GEMM_FIELDS,
  Axis: AXIS_FIELDS,
  Channel: CHANNEL_FIELDS,
  Selection: SELECTION_FIELDS,
  Running: RUNNING_FIELDS,
  Resample: RESAMPLE_FIELDS,
  Suppression: SUPPRESSION_FIELDS,
};

/** Which geometry a kernel takes, told from its name and the number of fields. */
function geometryKind({ kernel }: Call, fields: number): string | undefined {
  if (KIND_OF[kernel] || SIZES_AT[kernel]) return KIND_OF[kernel];
  return Object.keys(FIELDS).find((kind) => {
    if (FIELDS[kind].length !== fields || Object.values(KIND_OF).includes(kind)) return false;
    return fields !== 3 || (kind === 'Channel') === kernel.startsWith('batchNorm');
  });
}

describe.skipIf(noNative)(withReason('native kernels refuse'), () => {
  it('nothing of the valid calls', () => {
    expect(VALID_CALLS.map(({ kernel }) => kernel).sort()).toEqual(Object.keys(typescriptKernels).sort());
    for (const call of VALID_CALLS) expect(errorOf(call.kernel, valuesOf(call)), call.kernel).toBeUndefined();
  });

  for (const call of VALID_CALLS) {
    it(`arguments of the wrong kind: ${call.kernel}`, () => {
      call.arguments.forEach((argument, position) => {
        const isArray = argument !== null && typeof argument === 'object';
        const wrong: unknown[] = isArray
          ? [
              'text',
              7,
              {},
              [],
              true,
              new Float64Array(500),
              new DataView(new ArrayBuffer(4)),
              new ArrayBuffer(64),
              Symbol('s'),
              7n,
            ]
          : ['7', {}, null, undefined, [7], new Float32Array(1), Symbol('s'), 7n];
        for (const value of wrong) expectTypeError(call, position, value, typeof value);
        if (argument instanceof Int32Array) {
          for (const length of [0, argument.length - 1, argument.length + 1]) {
            expectTypeError(call, position, new Int32Array(length), `${length} fields`);
          }
          for (const value of [null, undefined]) expectTypeError(call, position, value, 'null');
        }
      });
      expectRefused(call, [], 'no arguments');
    });

    it(`buffers that are short, detached or missing: ${call.kernel}`, () => {
      call.arguments.forEach((argument, position) => {
        if (!isBuffer(argument) || SETS_LENGTH[call.kernel] === position) return;
        const whole = valuesOf(call)[position] as Float32Array;
        const refuse = (buffer: unknown, label: string) => {
          const values = valuesOf(call);
          values[position] = buffer;
          expectRefused(call, values, `argument ${position} ${label}`);
        };
        refuse(whole.subarray(1), 'is one element short');
        refuse(whole.subarray(0, 0), 'is empty');
        const detached = whole.slice();
        structuredClone(detached, { transfer: [detached.buffer] });
        refuse(detached, 'is detached');
        const resizable = new ResizableBuffer(whole.byteLength, { maxByteLength: whole.byteLength });
        const tracking = new (whole.constructor as Float32ArrayConstructor)(resizable);
        resizable.resize(0);
        refuse(tracking, 'has shrunk to nothing');
        if (!NULLABLE[call.kernel]?.includes(position)) refuse(null, 'is null');
      });
    });

    it(`absurd sizes: ${call.kernel}`, () => {
      const position = call.arguments.findIndex((argument) => argument instanceof Int32Array);
      if (position < 0) return;
      const geometry = call.arguments[position] as Int32Array;
      const attempt = (change: (g: Int32Array) => void) => {
        const values = valuesOf(call);
        change(values[position] as Int32Array);
        return values;
      };
      const kind = geometryKind(call, geometry.length);
      if (!kind) {
        // shapes with strides: [shape, strides of each operand, …]
        const { sizes, strides } = SIZES_AT[call.kernel] ?? { sizes: [0, 7], strides: [15] };
        const change = (at: number, value: number) => {
          expectRefused(
            call,
            attempt((g) => g.fill(value, at, at + 1)),
            `field ${at} is ${value}`,
          );
        };
        for (const at of sizes) for (const size of [-1, 2 ** 31 - 1, -(2 ** 31)]) change(at, size);
        for (const at of strides) for (const stride of [1000, 2 ** 31 - 1, -1, -(2 ** 31)]) change(at, stride);
        return;
      }
      for (const [index, field] of FIELDS[kind].entries()) {
        if (!SIZES[kind].includes(field)) continue;
        // averages are not dilated, and that one argument is ignored
        if (field.startsWith('dilation') && call.kernel.startsWith('avgPool2d')) continue;
        for (const size of [-1, -(2 ** 31), ...(AT_LEAST_ONE.includes(field) ? [0] : [])]) {
          expectRefused(
            call,
            attempt((g) => g.fill(size, index, index + 1)),
            `${field} ${size}`,
          );
        }
      }
      expectRefused(
        call,
        attempt((g) => g.fill(2 ** 31 - 1)),
        'everything huge',
      );
      expectRefused(
        call,
        attempt((g) => g.fill(-1)),
        'everything −1',
      );
      expectRefused(
        call,
        attempt((g) => g.fill(65536)),
        'sizes whose product passes 2^32',
      );
    });
  }

  it('operation codes that do not exist', () => {
    const coded = [
      'unary',
      'binary',
      'compare',
      'reduce',
      'argReduce',
      'logical',
      'unaryInt',
      'binaryInt',
      'compareInt',
    ];
    for (const kernel of [...coded, 'reduceInt', 'scatterSlices', 'scatterElements']) {
      const call = VALID_CALLS.find((each) => each.kernel === kernel) as Call;
      for (const code of [-1, 100, 2 ** 31 - 1, -(2 ** 31)]) {
        const values = valuesOf(call);
        values[0] = code;
        expectRefused(call, values, `code ${code}`);
      }
    }
  });

  it('buffers of different kinds in one call', () => {
    for (const [kernel, positions] of Object.entries(ANY_KIND)) {
      if (kernel === 'cast' || positions.length === 1) continue;
      const call = VALID_CALLS.find((each) => each.kernel === kernel) as Call;
      for (const position of positions) {
        for (const ArrayOf of [Int32Array, Uint8Array]) {
          const values = valuesOf(call);
          values[position] = ArrayOf.from(values[position] as Float32Array);
          expectRefused(call, values, `argument ${position} is of another kind`);
        }
      }
    }
  });

  it('nothing of a valid call after a refused one, and leave memory alone', () => {
    for (const call of VALID_CALLS) {
      errorOf(call.kernel, []);
      expect(run(native.kernels, call, 'guarded').damage, call.kernel).toBeUndefined();
    }
  });

  for (const isa of addon?.isas ?? []) {
    it(`thousands of mutated calls on ${isa} without a crash or a write out of bounds`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'convforge-'));
      try {
        const path = join(folder, 'calls.json');
        writeFileSync(
          path,
          JSON.stringify(VALID_CALLS, (_, value) => {
            if (value?.role && value.role !== 'out') return { ...value, kind: kindOf(value.values) };
            return ArrayBuffer.isView(value) ? [...(value as Int32Array)] : value;
          }),
        );
        const { status, signal, stdout, stderr } = runNode(
          { script: child('fuzz.mjs'), args: [nativePath, isa, path, '4000'] },
          environment(),
        );
        expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
        const { accepted, refused } = JSON.parse(stdout) as { accepted: number; refused: number };
        expect(accepted + refused).toBe(4000);
        expect(Math.min(accepted, refused), 'both outcomes are common').toBeGreaterThan(300);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
