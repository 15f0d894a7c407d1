import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type BackendName,
  backendInfo,
  Generator,
  InferenceSession,
  randn,
  setBackend,
  type Tensor,
} from '../lib/index.js';
import { evaluate, readModel } from '../lib/onnx/index.js';
import { root } from './compiled.js';

/** Models that leave sizes open, with shapes to run them on. */
const MODELS: [name: string, ...shapes: number[][]][] = [
  ['exporter/classifier', [1, 3, 9, 11], [4, 3, 9, 11], [2, 3, 9, 11]],
  ['exporter/residual', [2, 4, 6, 5], [1, 4, 6, 5], [17, 4, 6, 5]],
  ['exporter/inverted', [1, 4, 7, 7], [3, 4, 7, 7]],
  ['exporter/unet_resized', [1, 2, 7, 9], [1, 2, 8, 8], [1, 2, 2, 31], [1, 2, 33, 17]],
  ['exporter/super_resolution', [1, 3, 9, 11], [1, 3, 1, 1], [1, 3, 40, 23]],
  ['exporter/yolo_head', [1, 14, 3, 4], [1, 14, 1, 1], [1, 14, 13, 7]],
  ['exporter/attention', [2, 3, 8], [1, 1, 8], [3, 37, 8]],
  ['exporter/reshape_chain9', [1, 3, 9, 11], [5, 3, 2, 1], [2, 3, 16, 16]],
  ['exporter/reshape_chain17', [1, 3, 9, 11], [5, 3, 2, 1], [2, 3, 16, 16]],
  ['norm/torch_group_dynamic', [2, 4, 3, 3], [1, 4, 1, 2], [3, 4, 19, 18]],
  ['pad/torch_reflect', [1, 2, 4, 3], [1, 2, 20, 9]],
  ['product/torch_linear_3d', [2, 4, 5], [1, 1, 5], [7, 19, 5]],
];

/** Two ways through the same kernels or through TypeScript's: sums in another order, several layers deep. */
const TOLERANCE = 2e-5;

const before = backendInfo().backend;
const BACKENDS: BackendName[] = before === 'native' ? ['native', 'typescript'] : ['typescript'];

function largestDifference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [a, b].map(({ data }) => Array.from(data, Number));
  const largest = Math.max(...y.map(Math.abs), 1e-30);
  return Math.max(0, ...x.map((value, i) => Math.abs(value - y[i]))) / largest;
}

describe.each(BACKENDS)('a session on %s', (backend) => {
  afterAll(() => setBackend(before));

  it.each(MODELS)('runs %s on other shapes, and back', async (name, ...shapes) => {
    const path = join(root, 'test', 'golden', 'onnx', `${name}.onnx`);
    const generator = new Generator(1);
    const pictures = shapes.map((shape) => randn(shape, { generator }));
    setBackend('typescript');
    const model = readModel(path);
    const expected = pictures.map((x) => evaluate(model, new Map([['x', x]])).get('y') as Tensor);
    model.close();
    setBackend(backend);
    // fewer plans than shapes, so that some are made again
    const session = await InferenceSession.create(path, { plans: 2 });
    for (let round = 0; round < 2; round++) {
      for (const [i, x] of pictures.entries()) {
        const { y } = await session.run({ x });
        expect(largestDifference(y, expected[i]), `[${shapes[i]}]`).toBeLessThanOrEqual(TOLERANCE);
      }
    }
    // all at once, while plans are made and go
    const together = await Promise.all([...pictures, ...pictures].map((x) => session.run({ x })));
    for (const [i, { y }] of together.entries()) {
      const at = i % pictures.length;
      expect(largestDifference(y, expected[at]), `[${shapes[at]}]`).toBeLessThanOrEqual(TOLERANCE);
    }
    await session.release();
  });
});
