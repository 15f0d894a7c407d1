import { afterEach, describe, expect, it } from 'vitest';
import {
  compileStep,
  EagerStep,
  Generator,
  manualSeed,
  mse,
  nn,
  randn,
  SGD,
  setPrecision,
  type Tensor,
} from '../../lib/index.js';

/** Steps of random networks of which any part may be frozen or in inference mode, compiled and op by op. */
const SEEDS = 80;

afterEach(() => setPrecision('fast'));

const CHANNELS = [3, 5, 16, 20, 33];
const MAPS: readonly ((channels: number) => nn.Module)[] = [
  () => new nn.MaxPool2d(2),
  () => new nn.AvgPool2d(3, { stride: 1, padding: 1 }),
  () => new nn.AdaptiveMaxPool2d([5, 4]),
  () => new nn.Upsample({ scaleFactor: 2 }),
  () => new nn.Dropout2d(0.3),
  (channels) => new nn.GroupNorm(1, channels),
  (channels) => new nn.InstanceNorm2d(channels, { affine: true, trackRunningStats: true }),
  (channels) => new nn.ConvTranspose2d(channels, channels, 3, { padding: 1 }),
];

/** Layers such as classifiers have, for inputs of `channels`. */
class RandomLayers {
  readonly channels: number;
  readonly #random: Generator;

  constructor(seed: number) {
    this.#random = new Generator(seed);
    this.channels = this.#of(CHANNELS);
  }

  make(): nn.Sequential {
    let channels = this.channels;
    const layers = Array.from({ length: 3 + this.#random.integer(4) }, () => {
      const layer = this.#layer(channels);
      channels = layer.outChannels ?? channels;
      return layer.module;
    });
    const net = new nn.Sequential(...layers);
    for (const [, module] of net.modules()) this.#change(module);
    if (this.#chance(3)) for (const layer of layers.slice(0, this.#random.integer(layers.length))) layer.freeze();
    return net;
  }

  #layer(channels: number): { module: nn.Module; outChannels?: number } {
    const kind = this.#random.integer(5);
    if (kind === 0) return { module: this.#of(MAPS)(channels) };
    if (kind <= 2) {
      const outChannels = this.#of(CHANNELS);
      const conv = new nn.Conv2d(channels, outChannels, 3, { padding: 1, bias: this.#chance(2) });
      const norm = this.#chance(3) ? [] : [new nn.BatchNorm2d(outChannels)];
      return { module: new nn.Sequential(conv, ...norm, this.#activation()), outChannels };
    }
    const convolved = (kernelSize: number, padding: number) =>
      new nn.Sequential(
        new nn.Conv2d(channels, channels, kernelSize, { padding, bias: false }),
        new nn.BatchNorm2d(channels),
      );
    const shortcut = this.#chance(3) ? convolved(1, 0) : null;
    return { module: new nn.Residual(convolved(3, 1), { shortcut, activation: this.#activation() }) };
  }

  #activation(): nn.Module {
    const others = [new nn.LeakyReLU(), new nn.ReLU6(), new nn.SiLU(), new nn.Hardswish(), new nn.PReLU()];
    return this.#chance(4) ? this.#of(others) : new nn.ReLU();
  }

  #change(module: nn.Module): void {
    if (module instanceof nn.BatchNorm2d) {
      nn.init.uniform(module.weight as Tensor, 0.5, 1.5, this.#random);
      nn.init.uniform(module.bias as Tensor, -0.7, 0.7, this.#random);
      if (this.#chance(4)) module.eval();
    }
    if (module.children().length === 0 && this.#chance(4)) module.freeze();
  }

  #of<T>(list: readonly T[]): T {
    return list[this.#random.integer(list.length)];
  }

  /** True once in so many times. */
  #chance(times: number): boolean {
    return this.#random.integer(times) === 0;
  }
}

function start(seed: number) {
  manualSeed(seed);
  const layers = new RandomLayers(seed);
  const model = layers.make();
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  return { model, loss: mse, optimizer, x: randn([3, layers.channels, 9, 8]) };
}

const valuesOf = (model: nn.Module) =>
  new Map(model.namedParameters().map(([name, { data }]) => [name, Float32Array.from(data)]));

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

describe('a compiled step of a random network with frozen parts', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`seed ${seed}`, async () => {
      setPrecision('exact');
      const { model, x } = start(seed);
      const y = model.forward(x);
      if (!y.requiresGrad) return; // all is frozen: there is nothing to train
      const batch = [x, randn(y.shape)];
      const [a, b] = [start(seed), start(seed)];
      const before = valuesOf(a.model);
      manualSeed(5);
      const compiled = await compileStep(a, batch);
      await compiled.run(batch);
      manualSeed(5);
      await new EagerStep(b).run(batch);
      const [mine, yours] = [a, b].map((each) => valuesOf(each.model));
      const moves = [...before].map(([name, from]) => distance(from, yours.get(name) as Float32Array));
      // A ReLU opens or closes by a rounding. A gradient that cancels is off by roundings of what it adds up.
      const floor = 1e-7 + 1e-4 * Math.max(...moves);
      [...yours].forEach(([name, values], i) => {
        expect(distance(values, mine.get(name) as Float32Array), name).toBeLessThan(floor + 0.02 * moves[i]);
      });
      await compiled.release();
    });
  }
});
