import { describe, expect, it } from 'vitest';
import { evaluate } from '../bench/analysis.mjs';
import { slowProducts } from '../bench/contenders/torchtrain.mjs';
import { lateTimers } from '../bench/lateness.mjs';
import { markdown } from '../bench/report/markdown.mjs';
import { peakResident } from '../bench/resident.mjs';
import { inTurn } from '../bench/rounds.mjs';
import { stepComparisons } from '../bench/training/comparisons.mjs';
import { checkLosses, lossError } from '../bench/training/losses.mjs';
import { contestantsOf, sideNames } from '../bench/training/measure.mjs';
import { batchOf, firstValues, networks } from '../bench/training/networks.mjs';
import { latenessTable, memoryTable, stepTable, typescriptTable } from '../bench/training/tables.mjs';

describe('turns of processes', () => {
  it('go around until there are enough clean rounds', async () => {
    const turns: string[] = [];
    const child = (name: string, shares: number[]) => ({
      async ask(task: string) {
        expect(task).toBe('sample');
        turns.push(name);
        const share = shares.shift() ?? 2;
        return { ms: share < 1 ? 50 : 10, calibrationMs: 0.02, bestCalibrationMs: 0.02, share };
      },
    });
    // with two threads a share of 1.9 is an interruption where 2 was seen
    const [a, b] = await inTurn([child('a', [0.5]), child('b', [2, 1.9])], 0.005);
    expect(a).toMatchObject({ ms: 10, clean: turns.length / 2 - 2, dropped: 2 });
    expect(b).toMatchObject({ ms: 10, dropped: 2 });
    expect(turns.slice(0, 4)).toEqual(['a', 'b', 'a', 'b']);
    expect(await inTurn([], 1)).toEqual([]);
  });

  it('end where no round is ever clean', async () => {
    let calibrationMs = 0.01;
    const ask = async () => {
      calibrationMs += 0.01;
      return { ms: 10, calibrationMs, bestCalibrationMs: 0.01, share: 1 };
    };
    expect(await inTurn([{ ask }], 1e-6)).toMatchObject([{ ms: 10, clean: 0 }]);
  });
});

describe('late timers and memory', () => {
  it('are noticed when the loop is blocked', async () => {
    const block = async () => {
      const end = performance.now() + 40;
      while (performance.now() < end);
    };
    const late = await lateTimers(0.01, block);
    expect(late.at(1)).toBeGreaterThan(30);
    expect(late.at(0)).toBeLessThanOrEqual(late.at(1));
  });

  it('is a peak', () => {
    const now = process.memoryUsage.rss() / 2 ** 20;
    expect(peakResident()).toBeGreaterThan(now - 4); // the system counts pages in batches
    expect(peakResident()).toBeLessThanOrEqual(process.resourceUsage().maxRSS / 1024 + 4);
  });
});

describe('training steps of the bench', () => {
  const record = (side: string, ms: number, more = {}) => ({
    ...{ network: 'lenet', batch: 64, threads: 1, side, ms, clean: 7, ...more },
  });
  const records = [
    record('compiled', 2, { peak: 80, lateness: { p99: 1.25, max: 3, idleP99: 0.5 } }),
    record('eager', 4, { peak: 110 }),
    record('torch-nchw', 6, { peak: 240 }),
    record('torch-nhwc', 5, { peak: 250 }),
    record('typescript', 100),
    record('tfjs', 1500, { clean: 0 }),
    record('compiled', 2, { threads: 2, clean: 0, peak: 90 }),
    record('torch-nchw', 3, { threads: 2, peak: 60 }),
    record('torch-nhwc', 1, { threads: 2, unsupported: 'why' }),
    record('compiled', 1, { network: 'vgg_cifar', unsupported: 'why' }),
    record('torch-nchw', 9, { network: 'vgg_cifar' }),
  ];

  it('begin with numbers that formulas give', () => {
    const weight: Float32Array = firstValues('0.weight', [6, 2, 5, 5], 0);
    expect(weight).toHaveLength(300);
    const bound = Math.sqrt(6 / 50);
    expect(Math.max(...weight.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
    const variance = weight.reduce((sum, value) => sum + value * value, 0) / 300;
    expect(variance / (2 / 50)).toBeGreaterThan(0.8);
    expect(variance / (2 / 50)).toBeLessThan(1.2);
    // the generator's first number for seed 5: (5 · 1664525 + 1013904223) >> 7, of 2^24
    const first = (5 * 1664525 + 1013904223) >> 7;
    expect(firstValues('1.weight', [4], 4)[0]).toBeCloseTo(1 + 0.1 * (first / 2 ** 24), 7);
    expect(firstValues('1.bias', [4], 4)[0]).toBeCloseTo(0.1 * (first / 2 ** 24), 7);
    const { x, shape, labels } = batchOf(networks.vgg_cifar);
    expect(shape).toEqual([64, 3, 32, 32]);
    expect(x).toHaveLength(64 * 3 * 32 * 32);
    expect([...labels.slice(0, 11)]).toEqual([3, 0, 7, 4, 1, 8, 5, 2, 9, 6, 3]);
  });

  it('are measured on the sides asked for, plain JavaScript only for LeNet on one thread', () => {
    const of = (network: string, threads: number, sides = sideNames) => contestantsOf({ network, threads, sides });
    expect(of('lenet', 1)).toEqual(['compiled', 'eager', 'torch-nchw', 'torch-nhwc', 'typescript', 'tfjs']);
    expect(of('lenet', 2)).toEqual(['compiled', 'eager', 'torch-nchw', 'torch-nhwc']);
    expect(of('vgg_cifar', 1, ['tfjs'])).toEqual([]);
    expect(() => of('lenet', 1, ['torch', 'jax'])).toThrow('no side jax; there are compiled, eager, torch, ');
    expect(() => of('alexnet', 1)).toThrow('no network alexnet; there are lenet, ');
  });

  it('have losses that are off by a share of what they were', () => {
    expect(lossError([2, 4], [2, 4])).toBe(0);
    expect(lossError([2, 1], [2, 1.5])).toBe(0.25);
    expect(lossError([1, 2], [1.25, 2.25])).toBe(0.25);
    expect(lossError([1, 2], [1])).toBe(Number.POSITIVE_INFINITY);
    expect(lossError([1, 2, 3], [1, Number.NaN, 3])).toBeNaN();
  });

  it('must lose as PyTorch does, ours more like each other', () => {
    const answer = (side: string, ...losses: number[]) => ({ network: 'lenet', side, losses });
    const compiled = answer('compiled', 2, 1, 0.5);
    const eager = answer('eager', 2, 1, 0.5001);
    const nchw = answer('torch-nchw', 2, 1, 0.501);
    const nhwc = answer('torch-nhwc', 2, 1, 0.51);
    const silent = { network: 'lenet', side: 'tfjs', unsupported: 'not installed' };
    const all: object[] = [compiled, eager, nchw, nhwc, silent];
    checkLosses(all);
    expect(all).toEqual([
      { ...compiled, error: expect.closeTo(5e-4, 8) },
      { ...eager, error: expect.closeTo(4.5e-4, 8), apart: expect.closeTo(5e-5, 8) },
      nchw,
      { ...nhwc, error: expect.closeTo(4.5e-3, 8), unsupported: expect.stringContaining('0.0045 off 2, 1, 0.501') },
      silent,
    ]);
    expect(() => checkLosses([compiled, answer('eager', 2, 1, 0.501), nchw])).toThrow(
      'lenet, eager: its losses 2, 1, 0.501 are 0.00050 off 2, 1, 0.5 of compiled',
    );
    expect(() => checkLosses([answer('compiled', 2, 1.01, 0.501), nchw])).toThrow('of torch-nchw');
    expect(() => checkLosses([answer('compiled', 2, Number.NaN, 0.501), nchw])).toThrow('are NaN off');
    checkLosses([silent]);
  });

  it('are compared with the faster layout of PyTorch', () => {
    expect(stepComparisons(records).map(({ sides: { torch } }) => [torch.ms, torch.layout])).toEqual([
      [5, 'channels-last'],
      [3, 'NCHW'],
      [9, 'NCHW'],
    ]);
  });

  it('refuse a PyTorch that multiplies matrices slowly', () => {
    expect(slowProducts({ gflops: 60, library: null }, 118)).toBeUndefined();
    expect(slowProducts({ gflops: 3.5, library: '/lib/libblas.so.3' }, 118)).toContain(
      'at 3.5 GFLOP/s of 118: its BLAS (/lib/libblas.so.3) is not a tuned one',
    );
    expect(slowProducts({ gflops: Number.NaN, library: null }, 118)).toContain('its BLAS is not');
  });

  it('have targets', () => {
    const of = (target: object) => evaluate({ class: 'x', ...target }, { steps: records });
    const step = { kind: 'step', network: 'lenet' };
    expect(of({ ...step, atLeast: 200 })).toMatchObject({ worst: 150, where: '2 threads', count: 2, met: false });
    expect(of({ ...step, network: 'vgg_cifar', atLeast: 200 })).toMatchObject({ count: 0, met: null });
    expect(of({ ...step, side: 'typescript', than: 'tfjs', atLeast: 2000 })).toMatchObject({ worst: 1500, met: false });
    expect(of({ kind: 'stepMemory', atMost: 100 })).toMatchObject({
      missed: [['lenet, 2 threads', 150]],
      count: 2,
      met: false,
    });
    expect(of({ kind: 'stepLateness', atMost: 10 })).toMatchObject({ worst: 1.25, where: 'lenet', met: true });
  });

  it('are tables', () => {
    const targets = [
      { kind: 'step', network: 'lenet', side: 'typescript', atLeast: 2000 },
      { kind: 'step', network: 'lenet', atLeast: 200 },
      { kind: 'stepLateness', atMost: 10 },
    ];
    const one = ['LeNet', '64', '1', '2.00', '4.00', '5.00', 'channels-last', '32000', '12800', '1.25', '2.50'];
    const two = ['LeNet', '64', '2', '2.00*', '', '3.00', 'NCHW', '32000', '21333', '', '1.50*'];
    const { titles, rows } = stepTable(records, targets);
    expect(rows).toEqual([
      [...one, '2.0', 'met'],
      [...two, '2.0', 'missed*'],
      ['VGG-like, CIFAR', '64', '1', '', '', '9.00', 'NCHW', '', '7111', '', '', '', ''],
    ]);
    expect(latenessTable(records, [{ kind: 'stepLateness', atMost: 1 }]).rows[0].at(-1)).toBe('missed');
    expect(rows.every((row: string[]) => row.length === titles.length)).toBe(true);
    expect(memoryTable(records).rows).toEqual([
      ['LeNet', '1', '80', '110', '250', 'met'],
      ['LeNet', '2', '90', '', '60', 'missed'],
    ]);
    expect(latenessTable(records, targets).rows).toEqual([['LeNet', '1.25 ms', '3.00 ms', '0.500 ms', 'met']]);
    expect(typescriptTable(records, targets).rows).toEqual([
      ['LeNet', '100.00', '1500.00*', '15.00*', '20.0', 'missed*'],
    ]);
  });

  it('are said in the report', () => {
    const machine = { isa: 'avx9', peakOfOne: 100, peakOfAll: 199, memory: [], processor: 'P' };
    const none = { convolutions: [], networks: [], sessions: [], gemm: [], memory: [], threads: [], isas: [] };
    const targets = [{ class: 'LeNet step', kind: 'step', network: 'lenet', atLeast: 200 }];
    const input = { machine, date: 'today', sides: [], targets, chart: 'chart.svg' };
    const text = markdown({ ...input, records: { ...none, steps: records } });
    expect(text).toContain('| LeNet step | ≥ 2.00 × | 1.50 × | 2 threads | 1.94 × | **1 of 2 missed** |');
    expect(text).toContain('## Training steps');
    expect(text).toContain('| LeNet | 64 | 1 | 2.00 | 4.00 | 5.00 | channels-last |');
    expect(markdown({ ...input, records: { ...none, steps: [] } })).not.toContain('## Training steps');
  });
});
