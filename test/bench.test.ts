import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { averagePercent, classBars, evaluate, layersByName, matches, targetKinds } from '../bench/analysis.mjs';
import { barChart } from '../bench/chart.mjs';
import { placesOf, worstError } from '../bench/convolution.mjs';
import { markdown } from '../bench/report/markdown.mjs';
import { measure } from '../bench/sampler.mjs';
import { describeLayer, layersOf, networks } from '../bench/shapes.mjs';
import { geometricMean, median, spread, summarise } from '../bench/statistics.mjs';
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
});

describe('the sampler', () => {
  it('takes turns, and runs each contestant for about as long', async () => {
    const calibration = { bestMs: 0.02, run: () => 0.02 };
    const turns: string[] = [];
    const waiter = (name: string, ms: number) => ({
      runs: 0,
      activate: () => turns.push(name),
      run() {
        this.runs++;
        const end = performance.now() + ms;
        while (performance.now() < end);
      },
    });
    const contestants = [waiter('a', 0.2), waiter('b', 2)];
    const [a, b] = await measure(contestants, calibration, { seconds: 0.02 });
    expect(a.ms / 0.2).toBeCloseTo(1, 0);
    expect(b.ms / 2).toBeCloseTo(1, 0);
    expect(a.clean).toBeGreaterThanOrEqual(7);
    expect(b.clean).toBeGreaterThanOrEqual(3);
    expect(turns.slice(0, 4)).toEqual(['a', 'b', 'a', 'b']);
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
    const known = ['lenet', 'mobilenet_v2', 'odd', 'resnet18', 'resnet50', 'squeezenet', 'training', 'vgg16'];
    expect(networks).toEqual(known);
  });

  // multiply-adds of the convolutions alone, in millions, and how many there are; as published with the networks
  it.each([
    ['resnet50', 53, 4087],
    ['resnet18', 20, 1814],
    ['vgg16', 13, 15347],
    ['mobilenet_v2', 52, 300],
    ['squeezenet', 26, 349],
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
    expect(() => layersOf('alexnet')).toThrow('no shapes/alexnet.json; there are lenet, ');
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
  const records = { convolutions, gemm: [], memory: [], threads: [], isas: [] };

  it('have kinds, and layers that exist', () => {
    const targets = JSON.parse(readFileSync(join(root, 'bench/targets.json'), 'utf8'));
    const ids = networks.flatMap((name) => rowsOf(name).map(({ id }) => id));
    for (const { kind, layers = [], class: name } of targets) {
      expect(targetKinds, name).toContain(kind);
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
    expect(of({ kind: 'layers', side: 'direct', atLeast: 50 })).toMatchObject({ where: 'net.b', short: 1, met: false });
    expect(of({ kind: 'faster', than: 'onednn', atLeast: 95 })).toMatchObject({ worst: 80, where: 'net.b' });
    expect(of({ kind: 'fasterMean', than: 'onednn', atLeast: 95 }).worst).toBeCloseTo(100 * (2 ** 3 * 0.8) ** (1 / 4));
    expect(of({ kind: 'average', atLeast: 55 }).worst).toBeCloseTo((100 * 4) / 35 / 2 / 0.1);
    expect(of({ kind: 'memory', ops: ['relu'], atLeast: 80 })).toMatchObject({ count: 0, met: null });
    expect(averagePercent([layersByName(convolutions)[0]], 'blocked')).toBeCloseTo(50);
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
    ];
    const sides = ['blocked', 'blocked-direct', 'onednn'];
    const text = markdown({ machine, date: 'today', sides, records, targets, chart: 'chart.svg' });
    expect(text).toContain('## Targets: 1 of 2 met');
    expect(text).toContain('| all | 50.0 % | 50.0 % | net.a | 70.7 % | met |');
    expect(text).toContain('| fast | 0.95 × | 0.80 × | net.b | 1.26 × | **1 of 2 below** |');
    expect(text).toContain('| later | 85.0 % | not measured |');
    expect(text).toContain('- fast: net.b 0.80 ×');
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
