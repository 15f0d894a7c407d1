import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Kernels } from '../lib/backend/typescript.js';
import {
  ADAPTIVE_POOL2D_FIELDS,
  AXIS_FIELDS,
  CHANNEL_FIELDS,
  CONV2D_FIELDS,
  encode,
  GEMM_FIELDS,
  PAD2D_FIELDS,
  POOL2D_FIELDS,
} from '../lib/geometry.js';
import { encodeStrides } from '../lib/shape.js';
import { conv2dGeometry } from './cases/conv2d.js';
import { pool2dGeometry } from './cases/pool2d.js';
import { child, environment, runNode } from './compiled.js';
import { addon, nativePath, noNative, withReason } from './conformance/backends.js';
import { type Argument, type Call, inout, input, output, run } from './conformance/call.js';
import { normals, positives } from './conformance/data.js';

const filled = new Map<number, Float32Array>();

/** Numbers for an input; the same ones for the same length, which making them over and over would outlast the kernels. */
function data(length: number): Argument {
  const values = filled.get(length) ?? normals(length, length);
  filled.set(length, values);
  return input(values);
}

const call = (kernel: keyof Kernels, ...list: Argument[]): Call => ({ kernel, arguments: list });

/** Calls large enough to be split, with numbers whose sums round: another split of a sum would show in the last bits. */
const LARGE_CALLS: Record<string, () => Call[]> = {
  convolution() {
    const geometries = [
      conv2dGeometry({ x: [4, 32, 28, 28], oc: 48, kernel: [3, 3], padding: 1 }),
      conv2dGeometry({ x: [1, 3, 100, 101], oc: 16, kernel: [7, 7], stride: 2, padding: 3 }),
      conv2dGeometry({ x: [3, 64, 30, 31], oc: 64, kernel: [3, 3], padding: 1, groups: 64 }),
      conv2dGeometry({ x: [2, 48, 40, 40], oc: 64, kernel: [1, 1] }),
    ];
    return geometries.flatMap((g) => {
      const x = g.n * g.ic * g.h * g.w;
      const y = g.n * g.oc * g.oh * g.ow;
      const weight = g.oc * (g.ic / g.groups) * g.kh * g.kw;
      const flat = encode(CONV2D_FIELDS, g);
      return [
        call('conv2dForward', data(x), data(weight), data(g.oc), output(y), flat, 1),
        call('conv2dGradInput', data(y), data(weight), output(x), flat, 1),
        call('conv2dGradWeight', data(x), data(y), output(weight), flat, 1),
      ];
    });
  },
  columns() {
    const g = conv2dGeometry({ x: [2, 16, 30, 31], oc: 1, kernel: [3, 3], padding: 1 });
    const columns = 2 * 16 * 9 * g.oh * g.ow;
    const flat = encode(CONV2D_FIELDS, g);
    return [
      call('im2col', data(2 * 16 * 930), output(columns), flat),
      call('col2im', data(columns), output(2 * 16 * 930), flat),
    ];
  },
  'matrix products'() {
    const sizes = [
      [1, 300, 310, 320],
      [7, 60, 70, 500],
      [1, 1, 4000, 400],
      [1, 4000, 1, 400],
      [1, 20, 20, 30_000],
      [1, 1, 1, 300_000],
    ];
    return sizes.flatMap(([batch, m, n, k]) =>
      [0, 1].map((trans) => {
        const g = { batch, m, n, k, transA: trans, transB: 1 - trans, strideA: m * k, strideB: k * n };
        const flat = encode(GEMM_FIELDS, g);
        return call(
          'gemm',
          data(batch * m * k),
          data(batch * k * n),
          inout(positives(batch * m * n, 3)),
          flat,
          1.5,
          0.5,
        );
      }),
    );
  },
  pooling() {
    const g = pool2dGeometry({ x: [2, 40, 60, 61], kernel: [3, 3], stride: 2, padding: 1 });
    const [x, y] = [2 * 40 * 60 * 61, 2 * 40 * g.oh * g.ow];
    const flat = encode(POOL2D_FIELDS, g);
    const adaptive = encode(ADAPTIVE_POOL2D_FIELDS, { n: 2, c: 40, h: 60, w: 61, oh: 7, ow: 9 });
    const indices = input(Int32Array.from({ length: y }, (_, i) => (i * 37) % 3660));
    return [
      call('maxPool2dForward', data(x), output(y), output(y, 'int32'), flat),
      call('maxPool2dBackward', data(y), indices, output(x), flat),
      call('maxPool2dGather', data(x), indices, output(y), flat),
      call('avgPool2dForward', data(x), output(y), flat),
      call('avgPool2dBackward', data(y), output(x), flat),
      call('adaptiveAvgPool2dForward', data(x), output(2 * 40 * 63), adaptive),
      call('adaptiveAvgPool2dBackward', data(2 * 40 * 63), output(x), adaptive),
    ];
  },
  'batch norm'() {
    // many channels, few channels that are cut into chunks of images, and channels side by side
    return [
      [8, 96, 300],
      [16, 4, 9000],
      [3000, 130, 1],
    ].flatMap(([n, c, size]) => {
      const [length, g] = [n * c * size, encode(CHANNEL_FIELDS, { n, c, size })];
      const statistics = [data(c), input(positives(c, 1)), data(c)];
      return [
        call('batchNormStatistics', data(length), output(c), output(c), g),
        call('batchNormForward', data(length), ...statistics, data(c), output(length), g, 1e-5),
        call(
          'batchNormBackward',
          data(length),
          data(length),
          ...statistics,
          output(length),
          output(c),
          output(c),
          g,
          1e-5,
          1,
        ),
      ];
    });
  },
  elementwise() {
    const length = 400_003;
    const g = encodeStrides([400, 1000], [[1000, 1], [0, 1]]); // biome-ignore format: rows of strides
    const condition = input(Uint8Array.from({ length: 400_000 }, (_, i) => i % 3));
    return [
      ...[3, 4, 8, 9, 10, 14].map((operation) => call('unary', operation, data(length), output(length), 0, 0)),
      ...[0, 3, 6].map((operation) => call('binary', operation, data(400_000), data(1000), output(400_000), g)),
      call('compare', 2, data(400_000), data(1000), output(400_000, 'uint8'), g),
      call(
        'where',
        condition,
        data(400_000),
        data(1000),
        output(400_000),
        encodeStrides(
          [400, 1000],
          [
            [1000, 1],
            [1000, 1],
            [0, 1],
          ],
        ),
      ),
    ];
  },
  movement() {
    const pads = { planes: 60, h: 50, w: 51, padTop: 2, padLeft: 3, padBottom: 1, padRight: 4 };
    return [0, 1, 2, 3].flatMap((mode) => [
      call('pad2dForward', data(60 * 50 * 51), output(60 * 53 * 58), encode(PAD2D_FIELDS, { ...pads, mode }), 1),
      call('pad2dBackward', data(60 * 53 * 58), output(60 * 50 * 51), encode(PAD2D_FIELDS, { ...pads, mode })),
      call(
        'stridedCopy',
        data(200_000),
        inout(normals(200_000, 1)),
        encodeStrides(
          [400, 500],
          [
            [1, 400],
            [500, 1],
          ],
          [0, 0],
        ),
      ),
    ]);
  },
  reductions() {
    const shapes = [
      [1, 1_000_003, 1],
      [500, 600, 1],
      [1, 20_000, 20],
      [30, 40, 333],
    ];
    return shapes.flatMap(([outer, size, inner]) => {
      const [length, g] = [outer * size * inner, encode(AXIS_FIELDS, { outer, size, inner })];
      return [
        ...[0, 1, 2, 3].map((operation) => call('reduce', operation, data(length), output(outer * inner), g)),
        call('argReduce', 0, data(length), output(outer * inner, 'int32'), g),
        call('softmaxForward', data(length), output(length), g),
        call('softmaxBackward', data(length), data(length), output(length), g),
        call('logSoftmaxForward', data(length), output(length), g),
        call('logSoftmaxBackward', data(length), data(length), output(length), g),
        call(
          'crossEntropyForward',
          data(length),
          input(new Int32Array(outer * inner)),
          output(outer * inner),
          output(length),
          g,
        ),
        call(
          'crossEntropyBackward',
          data(outer * inner),
          data(length),
          input(new Int32Array(outer * inner)),
          output(length),
          g,
        ),
      ];
    });
  },
  optimizers() {
    const [length, state] = [300_007, (seed: number) => inout(positives(300_007, seed))];
    const settings = (...numbers: number[]) => input(Float32Array.from(numbers));
    const adam = settings(0.1, 1, 0.01, 0.9, 0.1, 0.999, 0.001, 0.03, 1e-8, 1);
    const rmsprop = settings(0.1, 0.01, 0.9, 0.1, 0.1, 0.5, 1);
    return [
      call('sgdUpdate', state(1), data(length), state(2), settings(0.1, 0.01, 0.9, 1, 1), 1),
      call('adamUpdate', state(1), data(length), state(2), state(3), state(4), adam),
      call('rmspropUpdate', state(1), data(length), state(2), state(3), state(4), rmsprop),
      call('lionUpdate', state(1), data(length), state(2), settings(0.1, 0.99, 0.9, 0.1, 0.99, 0.01, 1)),
      call('blend', state(1), data(length), settings(0.9, 0.1)),
    ];
  },
};

const bytesOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

describe.skipIf(noNative)(withReason('native results do not depend on the number of threads'), () => {
  for (const isa of addon?.isas ?? []) {
    for (const [name, calls] of Object.entries(LARGE_CALLS)) {
      it(`${name} on ${isa}: the same bits with 1, 2, 3 and 8 threads`, () => {
        addon?.setIsa(isa);
        for (const each of calls()) {
          const results = [1, 2, 3, 8].map((threads) => {
            addon?.setThreads(threads);
            return run(addon?.kernels as Kernels, each, 'tight').outputs;
          });
          for (const [i, outputs] of results.entries()) {
            const same = outputs.every((view, o) => bytesOf(view).equals(bytesOf(results[0][o])));
            expect(same, `${each.kernel}, result ${i} of 1, 2, 3 and 8 threads`).toBe(true);
          }
        }
      });
    }
  }

  it.skipIf(process.platform !== 'linux')('large calls really run on several threads (Linux names them)', () => {
    addon?.setThreads(4);
    for (const each of LARGE_CALLS.convolution()) run(addon?.kernels as Kernels, each, 'tight');
    const names = readdirSync('/proc/self/task').map((id) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim());
    expect(names.filter((name) => name === 'convforge').length).toBeGreaterThanOrEqual(3);
  });

  it('threads may be many more than cores, and be changed between calls', () => {
    const [each] = LARGE_CALLS['matrix products']();
    const expected = run(addon?.kernels as Kernels, each, 'tight').outputs[0];
    for (const threads of [64, 1, 1024, 5, 2, 300, 1]) {
      addon?.setThreads(threads);
      expect(addon?.threads()).toBe(threads);
      expect(bytesOf(run(addon?.kernels as Kernels, each, 'tight').outputs[0]).equals(bytesOf(expected))).toBe(true);
    }
    addon?.setThreads(addon.defaultThreads);
  });
});

describe.skipIf(noNative)(withReason('worker_threads'), () => {
  const start = (rounds: number) =>
    new Worker(child('multiply.mjs'), { workerData: { path: nativePath, rounds }, env: environment() });

  const finished = (worker: Worker) =>
    new Promise<{ wrong: number; calls: number }>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });

  it('that call kernels at once all get right results, as does the main thread', async () => {
    addon?.setThreads(3);
    const workers = Array.from({ length: 4 }, () => start(150));
    const results = Promise.all(workers.map(finished));
    let done = false;
    results.finally(() => {
      done = true;
    });
    const [each] = LARGE_CALLS['matrix products']();
    const expected = run(addon?.kernels as Kernels, each, 'tight').outputs[0];
    let rounds = 0;
    while (!done) {
      expect(bytesOf(run(addon?.kernels as Kernels, each, 'tight').outputs[0]).equals(bytesOf(expected))).toBe(true);
      rounds++;
      await new Promise(setImmediate);
    }
    for (const { wrong, calls } of await results) {
      expect(wrong).toBe(0);
      expect(calls).toBe(150);
    }
    expect(rounds).toBeGreaterThan(0);
    addon?.setThreads(addon.defaultThreads);
  });

  it('may be ended in the middle of a call', async () => {
    for (let i = 0; i < 5; i++) {
      const worker = start(1e6);
      await new Promise((resolve) => worker.once('online', resolve));
      await new Promise((resolve) => setTimeout(resolve, 20 + 10 * i));
      await worker.terminate();
    }
    expect((await finished(start(5))).wrong).toBe(0);
  });

  it('may be the only ones to load the addon, one after another', () => {
    const code = `
      import { Worker } from 'node:worker_threads';
      for (let i = 0; i < 4; i++) {
        const worker = new Worker(${JSON.stringify(child('multiply.mjs'))}, { workerData: { path: ${JSON.stringify(nativePath)}, rounds: 10 }, execArgv: [] });
        const gone = new Promise((resolve) => worker.once('exit', resolve));
        const { wrong } = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
        await gone;
        console.log(wrong);
      }`;
    expect(runNode({ code })).toEqual({ status: 0, signal: null, stdout: '0\n0\n0\n0\n', stderr: '' });
  });

  it('process.exit in the middle of their calls is clean, twenty times', () => {
    for (let i = 0; i < 20; i++) {
      const outcome = runNode({ script: child('exit.mjs'), args: [nativePath, String(5 + 7 * i)] });
      expect(outcome, `exit ${i}`).toEqual({ status: 0, signal: null, stdout: 'leaving\n', stderr: '' });
    }
  });
});
