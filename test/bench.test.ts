import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { averagePercent, classBars, evaluate, layersByName, matches, targetKinds } from '../bench/analysis.mjs';
import { barChart } from '../bench/chart.mjs';
import { placesOf, worstError } from '../bench/convolution.mjs';
import { networkNames, relativeError } from '../bench/networks/models.mjs';
import { QUANTITIES } from '../bench/networks/session.mjs';
import { markdown } from '../bench/report/markdown.mjs';
import { measure } from '../bench/sampler.mjs';
import { describeLayer, layersOf, networks } from '../bench/shapes.mjs';
import { geometricMean, median, spread, summarise, summariseRounds } from '../bench/statistics.mjs';
import { networkNames as trainings } from '../bench/training/networks.mjs';
import { typescriptKernels } from '../lib/backend/typescript.js';
import { CONV2D_FIELDS, encode } from '../lib/geometry.js';
import { root } from './compiled.js';

interface Layer {
  id: string;
  name: string;
  count: number;
  flops: number;
}
const rowsOf = (network: string): Layer[] => layersOf(network);

describe('statistics of the bench', () => {
  it('median, spread, geometric mean', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(spread([10, 10, 12, 8, 100])).toBe(0.2);
    expect(geometricMean([2, 8])).toBeCloseTo(4);
    expect(geometricMean([2, 8], [2, 1])).toBeCloseTo(32 ** (1 / 3));
  });

  it('count only samples between calibrations at full speed, without interruption', () => {
    const samples = [
      { ms: 1, calibrationMs: 0.025, share: 1 },
      { ms: 3, calibrationMs: 0.05, share: 1 },
      { ms: 1.5, calibrationMs: 0.0261, share: 0.99 },
      { ms: 2, calibrationMs: 0.0263, share: 1 },
      { ms: 7, calibrationMs: 0.025, share: 0.9 },
    ];
    expect(summarise(samples, 0.025)).toMatchObject({ ms: 1.25, clean: 2, dropped: 3 });
    // a better calibration, seen later, condemns them all
    expect(summarise(samples, 0.02)).toMatchObject({ ms: 2, clean: 0, dropped: 5 });
  });

  it('compare sides in rounds that were undisturbed for all of them', () => {
    const sample = (ms: number, calibrationMs: number) => ({ ms, calibrationMs, share: 1 });
    const one = [sample(1, 0.02), sample(2, 0.03), sample(3, 0.02), sample(5, 0.02)];
    const other = [sample(10, 0.03), sample(20, 0.02), sample(30, 0.02), sample(50, 0.02)];
    const [a, b] = summariseRounds([one, other], [0.02, 0.02]);
    expect([a, b]).toMatchObject([
      { ms: 4, clean: 2, dropped: 2 },
      { ms: 40, clean: 2, dropped: 2 },
    ]);
    // without such a round, all of them
    expect(summariseRounds([one.slice(0, 2), other.slice(0, 2)], [0.02, 0.02])).toMatchObject([
      { ms: 1.5, clean: 0, dropped: 2 },
      { ms: 15, clean: 0, dropped: 2 },
    ]);
  });
});

describe('answers of networks', () => {
  it('are off by a share of the largest number expected', () => {
    expect(relativeError([1, -4], [1, -4])).toBe(0);
    expect(relativeError([1, -4], [1.5, -4])).toBe(0.125);
    expect(relativeError([1, -4], [1])).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError([1, -4], [Number.NaN, -4])).toBeNaN();
  });
});

describe('the sampler', () => {
  it('takes turns, and repeats short runs', async () => {
    const turns: string[] = [];
    const contestant = (name: string, ms: number) => ({
      repeats: 0,
      calibration: { bestMs: 0.02 },
      activate: () => turns.push(name),
      async sample(repeats: number) {
        this.repeats = repeats;
        return { ms, calibrationMs: 0.02, share: 1 };
      },
    });
    const contestants = [contestant('a', 0.01), contestant('b', 5)];
    const [a, b] = await measure(contestants, { bestMs: 1, run: () => 1 }, { seconds: 10 });
    expect(a).toMatchObject({ ms: 0.01, spread: 0, dropped: 0 });
    expect(b).toMatchObject({ ms: 5, spread: 0, dropped: 0 });
    expect(Math.min(a.clean, b.clean)).toBeGreaterThanOrEqual(40);
    expect(contestants.map(({ repeats }) => repeats)).toEqual([90, 1]);
    expect(turns.slice(0, 6)).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('times what runs in this process, synchronous or not', async () => {
    const calibration = { bestMs: 0.02, run: () => 0.02 };
    let runs = 0;
    const busy = (ms: number) => {
      runs++;
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    const contestants = [
      { activate() {}, run: () => busy(0.2) },
      { activate() {}, isAsync: true, run: async () => busy(0.2), warmups: 3 },
    ];
    for (const { ms, clean, dropped } of await measure(contestants, calibration, { seconds: 0.01 })) {
      expect(ms).toBeGreaterThan(0.19); // how much longer depends on what else the machine does
      expect(clean + dropped).toBeGreaterThan(0);
    }
    expect(runs).toBeGreaterThan(20);
  });

  it('believes a contestant in another process', async () => {
    const sample = async (repeats: number) => ({ ms: 0.005, calibrationMs: repeats > 0 ? 0.03 : 0, share: 1 });
    const calibration = { bestMs: 0.025 };
    const contestant = { activate() {}, sample, calibration };
    const [summary] = await measure([contestant], { bestMs: 1, run: () => 1 }, { seconds: 0.001 });
    expect(summary).toMatchObject({ ms: 0.005, clean: 0 });
  });
});

describe('shapes of the bench', () => {
  it('are known networks and odd layers', () => {
    const classifiers = [
      'densenet121',
      'efficientnet_b0',
      'mobilenet_v2',
      'resnet18',
      'resnet50',
      'squeezenet',
      'vgg16',
    ];
    const known = [...classifiers, 'lenet', 'odd', 'training'].sort();
    expect(networks).toEqual(known);
  });

  // multiply-adds of the convolutions alone, in millions, and how many there are; as published with the networks
  it.each([
    ['resnet50', 53, 4087],
    ['resnet18', 20, 1814],
    ['vgg16', 13, 15347],
    ['mobilenet_v2', 52, 300],
    ['squeezenet', 26, 349],
    ['efficientnet_b0', 81, 385],
    ['densenet121', 120, 2833],
    ['lenet', 3, 0.4],
  ])('%s has %i convolutions of %d million multiply-adds', (name, count, millions) => {
    const layers = rowsOf(name);
    expect(layers.reduce((sum, layer) => sum + layer.count, 0)).toBe(count);
    const flops = layers.reduce((sum, layer) => sum + layer.count * layer.flops, 0);
    expect(flops / 2e6 / millions).toBeCloseTo(1, 1);
  });

  it.each(networks.map((name) => [name]))('%s: names are unique', (name) => {
    const names = rowsOf(name).map((layer) => layer.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('can be picked and put into batches', () => {
    const [layer] = layersOf('resnet50,vgg16', { only: 'conv3_3x3_s2', batch: 4 });
    expect(layer.geometry).toMatchObject({ n: 4, ic: 128, oc: 128, h: 56, oh: 28, strideW: 2, padLeft: 1, groups: 1 });
    expect(describeLayer(layer)).toBe('batch 4, 128→128 3×3 stride 2, 56×56');
    expect(() => layersOf('resnet50', { only: 'conv9' })).toThrow('resnet50 has no layer conv9; it has conv1, ');
    expect(() => layersOf('alexnet')).toThrow('no shapes/alexnet.json; there are densenet121, ');
  });
});

describe('answers', () => {
  const [layer] = layersOf('odd', { only: 'groups_32x8' });
  const small = { ...layer.geometry, ic: 4, oc: 6, groups: 2, h: 7, w: 5, oh: 4, ow: 3, strideH: 2, strideW: 2 };
  const numbers = (length: number, seed: number) => Float32Array.from({ length }, (_, i) => Math.sin(seed * (i + 1)));
  const x = numbers(4 * 7 * 5, 1);
  const weight = numbers(6 * 2 * 9, 2);
  const dy = numbers(6 * 4 * 3, 3);
  const flat = encode(CONV2D_FIELDS, small);
  const shapes = { forward: [1, 6, 4, 3], gradInput: [1, 4, 7, 5], gradWeight: [6, 2, 3, 3] };
  const run = {
    forward: (y: Float32Array) => typescriptKernels.conv2dForward(x, weight, null, y, flat, 1),
    gradInput: (dx: Float32Array) => typescriptKernels.conv2dGradInput(dy, weight, dx, flat, 1),
    gradWeight: (dw: Float32Array) => typescriptKernels.conv2dGradWeight(x, dy, dw, flat, 1),
  };

  it.each(['forward', 'gradInput', 'gradWeight'] as const)('of %s are right, or found out', (pass) => {
    const resultShape = shapes[pass];
    const resultSize = resultShape.reduce((a, b) => a * b, 1);
    const problem = { layer: { geometry: small }, pass, x, weight, dy, resultShape, resultSize };
    const result = new Float32Array(resultSize);
    run[pass](result);
    expect(worstError(problem, result)).toBeLessThan(1);
    result[resultSize - 1] += 1e-3;
    expect(worstError(problem, result)).toBeGreaterThan(1);
    result[3] = Number.NaN;
    expect(worstError(problem, result)).toBe(Number.POSITIVE_INFINITY);
    expect(worstError(problem, result.subarray(1))).toBe(Number.POSITIVE_INFINITY);
  });

  it('are looked at in the corners and all over', () => {
    const places: Map<number, number[]> = placesOf([2, 64, 56, 56]);
    expect(places.size).toBeGreaterThan(800);
    for (const [index, [n, c, h, w]] of places) expect(index).toBe(((n * 64 + c) * 56 + h) * 56 + w);
    expect(places.get(2 * 64 * 56 * 56 - 1)).toEqual([1, 63, 55, 55]);
  });
});

describe('targets', () => {
  const record = (layer: string, side: string, ms: number, more = {}) => ({
    ...{ network: 'net', layer, count: 1, flops: 1e9, channels: 64, pass: 'forward', side, ms, clean: 9 },
    ...{ gflops: 1e3 / ms, percent: 1e3 / ms / 2, algorithm: 'direct', ...more },
  });
  const convolutions = [
    record('a', 'blocked', 10, { count: 3 }),
    record('a', 'onednn', 20, { count: 3 }),
    record('b', 'blocked', 5, { algorithm: 'winograd4' }),
    record('b', 'blocked-direct', 12),
    record('b', 'onednn', 4),
    { ...record('c', 'blocked', 1), unsupported: 'why' },
  ];
  const run = (side: string, ms: number, threads = 1) => ({
    ...{ network: 'vgg16', batch: 1, threads, side, ms, clean: 9 },
  });
  const networkRecords = [
    ...[run('convforge', 40), run('onnxruntime', 100), run('convforge', 30, 2), run('onnxruntime', 50, 2)],
    { ...run('convforge', 5), network: 'lenet' },
    { ...run('onnxruntime', 5), network: 'lenet', unsupported: 'not installed' },
  ];
  const sessions = [
    { quantity: 'memory', side: 'convforge', value: 120, unit: 'MiB' },
    { quantity: 'memory', side: 'onnxruntime', value: 240, unit: 'MiB' },
    { quantity: 'lateness', side: 'convforge', value: 12.5, unit: 'ms' },
  ];
  const rest = { gemm: [], memory: [], threads: [], isas: [], steps: [] };
  const records = { convolutions, networks: networkRecords, sessions, ...rest };

  it('have kinds, and layers that exist', () => {
    const targets = JSON.parse(readFileSync(join(root, 'bench/targets.json'), 'utf8'));
    const ids = networks.flatMap((name) => rowsOf(name).map(({ id }) => id));
    for (const { kind, layers = [], network, quantity, class: name, ...limits } of targets) {
      expect(targetKinds, name).toContain(kind);
      expect(Number('atLeast' in limits) + Number('atMost' in limits), name).toBe(1);
      if (network) expect(kind === 'step' ? trainings : networkNames, name).toContain(network);
      if (quantity) expect(Object.keys(QUANTITIES), name).toContain(quantity);
      for (const pattern of layers)
        expect(
          ids.some((id) => matches([pattern], id)),
          pattern,
        ).toBe(true);
    }
  });

  it('match names by patterns', () => {
    expect(matches(['net.*_1x1', 'other'], 'net.conv_1x1')).toBe(true);
    expect(matches(['net.*_1x1'], 'netXconv_1x1')).toBe(false);
    expect(matches(['net.conv'], 'net.conv_1x1')).toBe(false);
  });

  it('take the direct side where there is one', () => {
    const [a, b, c] = layersByName(convolutions);
    expect(a.sides.direct.ms).toBe(10);
    expect(b.sides.direct.ms).toBe(12);
    expect(c.sides).toEqual({});
  });

  it('are met by the lowest number', () => {
    const of = (target: object) => evaluate({ class: 'x', layers: ['*'], ...target }, records);
    expect(of({ kind: 'layers', atLeast: 50 })).toMatchObject({ worst: 50, where: 'net.a', count: 2, met: true });
    expect(of({ kind: 'layers', side: 'direct', atLeast: 50 })).toMatchObject({
      where: 'net.b',
      missed: [['net.b', expect.closeTo(41.7, 0.1)]],
      met: false,
    });
    expect(of({ kind: 'faster', than: 'onednn', atLeast: 95 })).toMatchObject({ worst: 80, where: 'net.b' });
    expect(of({ kind: 'fasterMean', than: 'onednn', atLeast: 95 }).worst).toBeCloseTo(100 * (2 ** 3 * 0.8) ** (1 / 4));
    expect(of({ kind: 'average', atLeast: 55 }).worst).toBeCloseTo((100 * 4) / 35 / 2 / 0.1);
    expect(of({ kind: 'memory', ops: ['relu'], atLeast: 80 })).toMatchObject({ count: 0, met: null });
    expect(averagePercent([layersByName(convolutions)[0]], 'blocked')).toBeCloseTo(50);
  });

  it('are met by the highest number, where that is to be small', () => {
    const of = (target: object) => evaluate({ class: 'x', ...target }, records);
    const network = { kind: 'network', network: 'vgg16', batch: 1 };
    expect(of({ ...network, atMost: 60 })).toMatchObject({ worst: 60, where: '2 threads', count: 2, met: true });
    expect(of({ ...network, atMost: 45 })).toMatchObject({ missed: [['2 threads', 60]], met: false });
    expect(of({ ...network, batch: 8, atMost: 45 })).toMatchObject({ count: 0, met: null });
    expect(of({ ...network, network: 'lenet', atMost: 45 })).toMatchObject({ count: 0, met: null });
    expect(of({ kind: 'session', quantity: 'lateness', atMost: 10 })).toMatchObject({ worst: 12.5, met: false });
    expect(of({ kind: 'sessionRatio', quantity: 'memory', atMost: 65 })).toMatchObject({ worst: 50, met: true });
    expect(of({ kind: 'sessionRatio', quantity: 'lateness', atMost: 65 })).toMatchObject({ met: null });
  });

  it('become bars, whose other sides do not use Winograd where ours must not', () => {
    const target = { class: 'x', kind: 'layers', layers: ['net.b'], atLeast: 90 };
    const sides = ['onednn', 'onednn-winograd'];
    expect(classBars([target], convolutions, sides)).toEqual([
      { name: 'x', target: 90, values: { own: 100, onednn: 125 } },
    ]);
    const [direct] = classBars(
      [{ ...target, side: 'direct' }],
      [...convolutions, record('b', 'native', 5)],
      ['native'],
    );
    expect(Object.keys(direct.values)).toEqual(['own']);
  });

  it('are said in the report, met or not, with every layer', () => {
    const machine = { isa: 'avx9', peakOfOne: 100, peakOfAll: 199, memory: [], processor: 'P' };
    const targets = [
      { class: 'all', kind: 'layers', layers: ['*'], atLeast: 50 },
      { class: 'fast', kind: 'faster', than: 'onednn', layers: ['*'], atLeast: 95 },
      { class: 'later', kind: 'isa', atLeast: 85 },
      { class: 'timer', kind: 'session', quantity: 'lateness', unit: 'ms', atMost: 10 },
      { class: 'whole', kind: 'network', network: 'vgg16', batch: 1, atMost: 45 },
    ];
    const sides = ['blocked', 'blocked-direct', 'onednn'];
    const text = markdown({ machine, date: 'today', sides, records, targets, chart: 'chart.svg' });
    expect(text).toContain('## Targets: 1 of 4 met');
    expect(text).toContain('| all | ≥ 50.0 % | 50.0 % | net.a | 70.7 % | met |');
    expect(text).toContain('| fast | ≥ 0.95 × | 0.80 × | net.b | 1.26 × | **1 of 2 missed** |');
    expect(text).toContain('| later | ≥ 85.0 % | not measured |');
    expect(text).toContain('| timer | ≤ 10.0 ms | 12.5 ms |  |  | **missed** |');
    expect(text).toContain('| whole | ≤ 0.45 × | 0.60 × | 2 threads | 0.49 × | **1 of 2 missed** |');
    expect(text).toContain('- fast: net.b 0.80 ×');
    expect(text).toContain('| VGG-16 | 1 | 2 | 30.000 ms | 50.000 ms | 0.60 |');
    expect(text).toContain('| LeNet | 1 | 1 | 5.000 ms |  |  |');
    expect(text).toContain(`| ${QUANTITIES.lateness.title} | 12.5 ms |  |`);
    expect(text).toContain('| a ×3 | direct | 10.000 ms | 100 | 50 |  | 2.00 |');
    expect(text).toContain('| b | winograd4 | 5.000 ms | 200 | 100 | 42 | 0.80 |');
    expect(text).toContain('blocked 35.000 ms, 57 % of peak; onednn 64.000 ms, 31 % of peak, geometric mean 1.59 ×');
  });

  it('are ticks in the chart', () => {
    const bars = [{ name: 'class <1>', target: 90, values: { own: 80, onednn: 120 } }];
    const series = [
      ['own', 'ours'],
      ['onednn', 'oneDNN'],
    ];
    const svg: string = barChart({ title: 'T', subtitle: 'S', bars, series });
    for (const text of ['class &lt;1&gt;', '>80<', '>120<', '100 %', 'ours', 'oneDNN', 'target']) {
      expect(svg).toContain(text);
    }
  });
});
