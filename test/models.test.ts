import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BackendName,
  backendInfo,
  type DType,
  manualSeed,
  nn,
  noGrad,
  randn,
  setBackend,
  Tensor,
  tensor,
  zeros,
} from '../lib/index.js';
import { decodeSafetensors, encodeSafetensors } from '../lib/io/index.js';
import * as models from '../lib/models/index.js';
import { noNative } from './conformance/backends.js';
import { failure } from './failure.js';

/** PyTorch's answer in float64, and how far its float32 strays; make_golden_models.py writes them. */
interface Answer {
  shape: number[];
  data: number[];
  float32Strays: number;
}

interface ModelCase {
  name: string;
  options: object;
  tensors: number;
  parameters: number;
  sha256: string;
  input?: number[];
  watched?: string[];
  eval?: Answer;
  train?: Answer;
  gradientNorms?: Answer;
  statistics?: Answer;
}

const golden = JSON.parse(readFileSync(new URL('golden/models.json', import.meta.url), 'utf8')) as {
  cases: ModelCase[];
  starts: { name: string; options: object; starts: Record<string, [deviation: number, mean: number]> }[];
};

function make({ name, options }: { name: string; options: object }): nn.Module {
  return (models as unknown as Record<string, (options: object) => nn.Module>)[name](options);
}

/** Multiples of 2^-24 in [-0.5, 0.5) that follow from a name: the formula of make_golden_models.py. */
function noise(name: string, size: number, scale = 1, offset = 0): Float32Array {
  const seed = crc32(name);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let x = (Math.imul(i, 2654435761) + seed) | 0;
    x = Math.imul(x ^ (x >>> 15), 2246822519);
    x = Math.imul(x ^ (x >>> 13), 3266489917);
    values[i] = offset + ((x >>> 8) / 2 ** 24 - 0.5) * scale;
  }
  return values;
}

function filled(name: string, dtype: DType, shape: readonly number[]): Tensor {
  if (dtype === 'int64') return new Tensor('int64', BigInt64Array.of(3n), []);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const fanIn = size / shape[0];
  if (shape.length > 1) return tensor(noise(name, size, Math.sqrt(24 / fanIn)), shape);
  const isScale = name.endsWith('running_var') || name.endsWith('weight');
  return tensor(isScale ? noise(name, size, 0.5, 1) : noise(name, size, 0.25), shape);
}

/** A network with the weights of the golden script. */
function filledModel(c: ModelCase): nn.Module {
  const net = nn.init.skip(() => make(c));
  // one at a time, since VGG's weights take half a gigabyte
  for (const [name, { dtype, shape }] of Object.entries(net.stateDict())) {
    net.loadStateDict({ [name]: filled(name, dtype, shape) }, { strict: false });
  }
  return net;
}

const titleOf = ({ name, options }: { name: string; options: object }) => `${name} ${JSON.stringify(options)}`;

describe("state dicts have torchvision's names, shapes and dtypes", () => {
  it.each(golden.cases.map((c) => [titleOf(c), c] as const))('%s', (_, c) => {
    const net = nn.init.skip(() => make(c));
    const lines = Object.entries(net.stateDict()).map(([name, t]) => `${name}${t.dtype}[${t.shape}]`);
    const signature = {
      tensors: lines.length,
      parameters: net.parameters().reduce((sum, { size }) => sum + size, 0),
      sha256: createHash('sha256').update(lines.sort().join('\n')).digest('hex'),
    };
    expect(signature).toEqual({ tensors: c.tensors, parameters: c.parameters, sha256: c.sha256 });
  });
});

const before = backendInfo().backend;
const RUNS: { backend: BackendName; skipped?: string }[] = [
  { backend: 'native', skipped: noNative },
  { backend: 'typescript' },
];
/** What TypeScript kernels compute in seconds. */
const SMALL = ['lenet5', 'unet', 'squeezenet'];

for (const { backend, skipped } of RUNS) {
  describe.skipIf(skipped)(`${backend}: answers are PyTorch's${skipped ? ` (skipped: ${skipped})` : ''}`, () => {
    beforeAll(() => setBackend(backend));
    afterAll(() => setBackend(before));

    const cases = golden.cases.filter(({ input, name }) => input && (backend === 'native' || SMALL.includes(name)));
    it.each(cases.map((c) => [titleOf(c), c] as const))('%s', (_, c) => {
      const net = filledModel(c);
      const input = c.input as number[];
      const x = tensor(
        noise(
          'input',
          input.reduce((a, b) => a * b),
          4,
        ),
        input,
      );
      const problems: string[] = [];
      // Rounding errors of another order of summation are alike in size to PyTorch's own; Winograd's are up to twice as
      // large, and one network is not another: sixteen times, and no less than the roundings of a few dozen layers. An
      // activation that falls on the other side of a kink changes the gradients of deep layers by some 1e-4.
      const compare = (what: string, actual: ArrayLike<number>, { data, float32Strays }: Answer, least?: number) => {
        const largest = Math.max(...data.map(Math.abs));
        const step = data.length < actual.length ? 7 : 1; // of pictures every 7th number is stored
        data.forEach((expected, i) => {
          const bound = least
            ? Math.max(16 * float32Strays, least) * Math.abs(expected)
            : Math.max(16 * float32Strays, 2 ** -19 * largest);
          const value = actual[i * step];
          if (!(Math.abs(value - expected) <= bound))
            problems.push(`${what}[${i}] is ${value}, not ${expected} ± ${bound}`);
        });
      };
      const evaluated = noGrad(() => net.eval().forward(x));
      expect(evaluated.shape).toEqual(c.eval?.shape);
      compare('eval', evaluated.data as Float32Array, c.eval as Answer);
      const trained = net.train().forward(x);
      compare('train', trained.detach().data as Float32Array, c.train as Answer);
      trained
        .mul(tensor(noise('loss', trained.size), trained.shape))
        .sum()
        .backward();
      const parameters = new Map(net.namedParameters());
      const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
      const norms = c.watched?.map((name) => norm(parameters.get(name)?.grad?.data as Float32Array)) as number[];
      compare('gradient norm', norms, c.gradientNorms as Answer, 2e-3);
      const state = net.stateDict();
      const statistics = Object.keys(state).filter((name) => /running_(mean|var)$/.test(name));
      expect(statistics.length > 0).toBe(c.statistics !== undefined);
      if (c.statistics) {
        const [mean, variance] = statistics.slice(-2);
        const last = [mean, variance].map((name) => norm(state[name].data as Float32Array));
        compare('running statistics', last, c.statistics, 2 ** -19);
        expect(state[mean.replace('running_mean', 'num_batches_tracked')].item()).toBe(4);
      }
      expect(problems).toEqual([]);
    });
  });
}

describe("fresh networks start as torchvision's do", () => {
  beforeAll(() => manualSeed(7));

  it.each(golden.starts.map((c) => [titleOf(c), c] as const))('%s', (_, c) => {
    const net = make(c);
    const problems = net.namedParameters().flatMap(([name, { storage, size }]) => {
      const values = storage.values as Float32Array;
      const mean = values.reduce((sum, v) => sum + v, 0) / size;
      const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size);
      const [wanted, wantedMean] = c.starts[name];
      // Both are samples: a deviation errs by about 1/√(2n) of itself, a mean by 1/√n of the deviation. Six times that.
      const allowed = 6 * wanted * Math.SQRT2;
      const fits =
        Math.abs(deviation - wanted) <= allowed / Math.sqrt(2 * size) + 1e-4 * wanted &&
        Math.abs(mean - wantedMean) <= allowed / Math.sqrt(size) + 1e-4 * Math.abs(wantedMean);
      return fits
        ? []
        : [`${name}: deviation ${deviation} instead of ${wanted}, mean ${mean} instead of ${wantedMean}`];
    });
    expect(problems).toEqual([]);
    expect(Object.keys(c.starts).sort()).toEqual(
      net
        .namedParameters()
        .map(([name]) => name)
        .sort(),
    );
  });

  it('VGG: convolutions by fan-out, linear layers with a deviation of 0.01, biases 0', () => {
    const net = new models.VGG([4, 'pool', 8, 'pool'], true, { numClasses: 30 });
    const of = (name: string) => net.stateDict()[name].data as Float32Array;
    const deviation = (name: string) => Math.sqrt(of(name).reduce((sum, v) => sum + v * v, 0) / of(name).length);
    expect(deviation('features.4.weight')).toBeCloseTo(Math.sqrt(2 / (8 * 9)), 1);
    for (const layer of [0, 3, 6]) expect(deviation(`classifier.${layer}.weight`)).toBeCloseTo(0.01, 4);
    for (const name of Object.keys(net.stateDict()))
      if (name.endsWith('bias')) expect(of(name).every((v) => v === 0)).toBe(true);
    expect(of('features.1.weight').every((v) => v === 1)).toBe(true);
  });

  it('the same seed gives the same weights, and skip leaves them 0', () => {
    const weights = () => {
      manualSeed(11);
      return models.lenet5().stateDict()['conv2.weight'].toArray();
    };
    expect(weights()).toEqual(weights());
    const empty = nn.init.skip(() => models.squeezenet());
    expect(empty.parameters().every(({ storage }) => (storage.values as Float32Array).every((v) => v === 0))).toBe(
      true,
    );
    expect(() =>
      nn.init.skip(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(new nn.Linear(1, 1).weight.item()).not.toBe(0);
  });
});

describe('a state dict that was saved as safetensors', () => {
  const trained = models.resnet18({ numClasses: 4 });
  trained.train().forward(randn([2, 3, 32, 32])); // so that statistics and counts are not those of a fresh one
  const file = () => decodeSafetensors(encodeSafetensors(trained.stateDict())).tensors;

  it('loads by name, counts of batches too', () => {
    const net = nn.init.skip(() => models.resnet18({ numClasses: 4 }));
    expect(net.loadStateDict(file())).toEqual({ missing: [], unexpected: [] });
    expect(net.stateDict()['layer4.1.bn2.num_batches_tracked'].item()).toBe(1);
    const x = randn([1, 3, 40, 33]);
    const run = (each: nn.Module) => noGrad(() => each.eval().forward(x)).toArray();
    expect(run(net)).toEqual(run(trained));
  });

  it('loads into another architecture as far as it goes, and what did not fit is reported', () => {
    const net = nn.init.skip(() => models.resnet34({ numClasses: 4 }));
    const report = net.loadStateDict(file(), { strict: false });
    expect(report.unexpected).toEqual([]);
    expect(report.missing).toContain('layer3.5.bn2.num_batches_tracked');
    expect(report.missing).toHaveLength(218 - 122);
    const { 'fc.bias': _, ...rest } = file();
    expect(failure(() => net.loadStateDict({ ...rest, extra: zeros([1]) }))).toMatch(
      /missing: .*fc\.bias; unexpected: extra$/,
    );
    expect(net.loadStateDict({ ...rest, extra: zeros([1]) }, { strict: false }).unexpected).toEqual(['extra']);
  });

  it('of other shapes is refused in any case, as in PyTorch; leaving those out is for the caller', () => {
    const net = nn.init.skip(() => models.resnet18({ numClasses: 9 }));
    expect(failure(() => net.loadStateDict(file(), { strict: false }))).toBe(
      'ConvforgeError ERR_STATE_DICT loadStateDict: fc.weight is float32 [4, 512], the module has float32 [9, 512]; fc.bias is float32 [4], the module has float32 [9]',
    );
    expect(net.stateDict()['conv1.weight'].toArray()).toEqual(zeros([64, 3, 7, 7]).toArray());
    const { 'fc.weight': _, 'fc.bias': __, ...backbone } = file();
    expect(net.loadStateDict(backbone, { strict: false })).toEqual({
      missing: ['fc.weight', 'fc.bias'],
      unexpected: [],
    });
  });
});

describe('options', () => {
  it('change channels of images and classes', () => {
    for (const [name, size] of [
      ['lenet5', 28],
      ['mobilenetV2', 32],
      ['squeezenet', 32],
      ['cifarResnet18', 16],
    ] as const) {
      const net = make({ name, options: { inChannels: 2, numClasses: 3 } }).eval();
      expect(noGrad(() => net.forward(zeros([1, 2, size, size]))).shape, name).toEqual([1, 3]);
    }
  });

  it('let residual blocks begin as the identity', () => {
    const zero = models.resnet18({ zeroInitResidual: true }).stateDict();
    expect(zero['layer2.1.bn2.weight'].toArray()).toEqual(zeros([128]).toArray());
    expect(models.resnet18().stateDict()['layer2.1.bn2.weight'].toArray()).toEqual(zeros([128]).add(1).toArray());
  });

  it('drop out in training only', () => {
    const net = models.mobilenetV2({ dropout: 1, numClasses: 2 });
    const x = randn([2, 3, 32, 32]);
    const bias = net.stateDict()['classifier.1.bias'].toArray();
    expect(noGrad(() => net.train().forward(x)).toArray()).toEqual([bias, bias]);
    expect(noGrad(() => net.eval().forward(x)).toArray()).not.toEqual([bias, bias]);
  });

  it('images too small are refused with the layer that cannot take them', () => {
    expect(failure(() => models.lenet5().forward(zeros([1, 1, 4, 4])))).toContain('ShapeError');
    expect(failure(() => models.resnet18().forward(zeros([1, 1, 32, 32])))).toContain('expects 3 input channels');
  });
});
