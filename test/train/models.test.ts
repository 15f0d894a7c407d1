import { afterEach, describe, expect, it } from 'vitest';
import { nativeAddon } from '../../lib/backend/backend.js';
import {
  compileStep,
  crossEntropy,
  EagerStep,
  Generator,
  manualSeed,
  nn,
  randn,
  SGD,
  setPrecision,
  type Tensor,
  tensor,
} from '../../lib/index.js';
import * as models from '../../lib/models/index.js';

afterEach(() => setPrecision('fast'));

const CLASSES = 5;
const STEPS = 3;
/**
 * Where a ReLU opens or closes decides a rounding. Batch norms over sixteen numbers make much of that: when all pixels are
 * changed by 1e-6, the gradients of a ResNet-50 as a whole move by 2 to 4 %, those of single layers by more.
 */
const FURTHEST = 0.25;

interface Case {
  make: () => nn.Module;
  image: readonly [channels: number, height: number, width: number];
  /** Labels of every pixel instead of one of the image. */
  dense?: boolean;
}

const options = { numClasses: CLASSES };
const CASES: Record<string, Case> = {
  lenet5: { make: () => models.lenet5(options), image: [1, 28, 28] },
  vgg11Bn: { make: () => models.vgg11Bn(options), image: [3, 32, 32] },
  resnet18: { make: () => models.resnet18(options), image: [3, 64, 64] },
  resnet34: { make: () => models.resnet34(options), image: [3, 64, 64] },
  resnet50: { make: () => models.resnet50(options), image: [3, 64, 64] },
  cifarResnet18: { make: () => models.cifarResnet18(options), image: [3, 32, 32] },
  mobilenetV2: { make: () => models.mobilenetV2(options), image: [3, 64, 64] },
  squeezenet: { make: () => models.squeezenet(options), image: [3, 64, 64] },
  unet: { make: () => models.unet(options), image: [3, 32, 48], dense: true },
};

function batchOf({ image, dense }: Case, n: number, seed: number): [Tensor, Tensor] {
  const generator = new Generator(seed);
  const shape = dense ? [n, image[1], image[2]] : [n];
  const labels = Int32Array.from({ length: shape.reduce((a, b) => a * b) }, () => generator.integer(CLASSES));
  return [randn([n, ...image], { generator }), tensor(labels, shape)];
}

/** Gradients are compared, not trainings: networks of fifty layers that start from nothing are chaotic (below). */
const LR = 1e-5;

function made({ make }: Case) {
  // half of all is the drawing of random weights, which these need not be
  const model = nn.init.skip(make);
  let state = 1;
  for (const { data, shape, size, rank } of model.parameters()) {
    const spread = rank > 1 ? Math.sqrt((24 * shape[0]) / size) : 0.5;
    const offset = rank > 1 ? 0 : 0.75; // scales of batch norms; biases may be 0.75 too
    for (let i = 0; i < size; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      data[i] = offset + spread * (state / 2 ** 32);
    }
  }
  return { model, loss: crossEntropy, optimizer: new SGD(model.parameters(), { lr: LR, momentum: 0.9 }) };
}

/** How far each parameter of two models has moved apart, as a share of how far it moved from where both began. */
function apart(a: nn.Module, b: nn.Module, start: ReadonlyMap<string, Float32Array>): [name: string, share: number][] {
  const other = new Map(b.namedParameters());
  const ways = a.namedParameters().map(([name, { data }]): [string, number, number] => {
    const [from, to] = [start.get(name), other.get(name)?.data] as Float32Array[];
    let difference = 0;
    let way = 0;
    for (let i = 0; i < data.length; i++) {
      difference += (data[i] - to[i]) ** 2;
      way += (to[i] - from[i]) ** 2;
    }
    return [name, Math.sqrt(difference / data.length), Math.sqrt(way / data.length)];
  });
  // a bias before a batch norm moves by roundings only
  const floor = 1e-3 * Math.max(...ways.map(([, , way]) => way));
  return ways.map(([name, difference, way]) => [name, difference / Math.max(way, floor)]);
}

// On TypeScript a step of these takes minutes; what compiled steps do there is tested with smaller networks.
describe.skipIf(!nativeAddon())('compiled and eager steps agree on', () => {
  for (const [name, entry] of Object.entries(CASES)) {
    it(name, { timeout: 120_000 }, async () => {
      setPrecision('exact');
      const [a, b] = [made(entry), made(entry)];
      const start = new Map(b.model.namedParameters().map(([key, { data }]) => [key, data.slice()]));
      const batches = Array.from({ length: STEPS }, (_, i) => batchOf(entry, 4, i + 1));
      manualSeed(9);
      const compiled = await compileStep(a, batches[0]);
      const losses: number[] = [];
      for (const batch of batches) losses.push((await compiled.run(batch)).loss.item());
      await compiled.release();
      manualSeed(9);
      const eager = new EagerStep(b);
      for (const [i, batch] of batches.entries()) {
        const loss = (await eager.run(batch)).loss.item();
        expect(Math.abs(losses[i] - loss) / loss, `loss of step ${i}`).toBeLessThan(1e-3);
      }
      for (const [key, share] of apart(a.model, b.model, start)) expect(share, key).toBeLessThan(FURTHEST);
      const running = b.model.stateDict();
      for (const [key, { data, dtype }] of Object.entries(a.model.stateDict())) {
        if (key.includes('running'))
          for (const [i, v] of data.entries()) expect(v, key).toBeCloseTo(Number(running[key].data[i]), 3);
        if (dtype === 'int64') expect(data, key).toEqual(running[key].data);
      }
    });
  }
});
