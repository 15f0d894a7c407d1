import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Adam,
  AdamW,
  type BackendName,
  backendInfo,
  type FloatDType,
  Lion,
  optim,
  RMSprop,
  SGD,
  setBackend,
  type Tensor,
  tensor,
} from '../lib/index.js';
import { noNative } from './conformance/backends.js';

const readJson = (name: string) => JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8'));

/** Updates, and how far PyTorch's float32 strays from its float64; make_golden_optim.py writes them. */
interface Updates {
  shapes: number[][];
  keptSteps: number[];
  cases: {
    kind: keyof typeof OPTIMIZERS;
    options: { lr: number };
    groups?: { params: number[] }[];
    kept: number[][][];
    float32Strays: number[][];
  }[];
}

interface Schedules {
  rates: number[];
  metrics: number[];
  cases: { name: string; options: Record<string, unknown>; optimizer: 'SGD' | 'Adam'; rows: number[][] }[];
}

const OPTIMIZERS = { SGD, Adam, AdamW, RMSprop, Lion };
const updates = readJson('update') as Updates;
const schedules = readJson('schedule') as Schedules;
const before = backendInfo().backend;

const sizeOf = (shape: number[]) => shape.reduce((product, extent) => product * extent, 1);

/** The formulas of make_golden_optim.py. */
function parameter(k: number, dtype: FloatDType): Tensor {
  const shape = updates.shapes[k];
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => (((i * 13 + k * 7 + 3) % 19) - 9) / 16);
  return tensor(values, shape, { dtype, requiresGrad: true });
}

function gradient(k: number, t: number, dtype: FloatDType): Tensor | null {
  if ((k === 1 && [1, 6, 7].includes(t)) || (k === 3 && t < 4)) return null;
  const shape = updates.shapes[k];
  const value = (i: number) => (k === 4 ? 5 + (t % 2) : ((i * 37 + t * 17 + k * 11) % 23) - 11) / 16;
  return tensor(
    Array.from({ length: sizeOf(shape) }, (_, i) => value(i)),
    shape,
    { dtype },
  );
}

interface Run {
  name: string;
  backend: BackendName;
  dtype: FloatDType;
  skipped?: string;
}

const RUNS: Run[] = [
  { name: 'float64', backend: 'typescript', dtype: 'float64' },
  { name: 'float32 on TypeScript', backend: 'typescript', dtype: 'float32' },
  { name: 'float32 on native', backend: 'native', dtype: 'float32', skipped: noNative },
];

for (const { name, backend, dtype, skipped } of RUNS) {
  describe.skipIf(skipped)(`${name}${skipped ? ` (skipped: ${skipped})` : ''}: 20 updates are PyTorch's`, () => {
    beforeAll(() => setBackend(backend));
    afterAll(() => setBackend(before));

    for (const c of updates.cases) {
      it(`${c.kind} ${JSON.stringify(c.options)}${c.groups ? ` in groups ${JSON.stringify(c.groups)}` : ''}`, () => {
        const parameters = updates.shapes.map((_, k) => parameter(k, dtype));
        const groups = c.groups?.map(({ params, ...options }) => ({
          ...options,
          params: params.map((k) => parameters[k]),
        }));
        const optimizer: optim.Optimizer = new OPTIMIZERS[c.kind](groups ?? parameters, c.options);
        const last = updates.keptSteps.at(-1) as number;
        for (let t = 0; t < last; t++) {
          for (const [k, p] of parameters.entries()) p.grad = gradient(k, t, dtype);
          optimizer.step();
          const at = updates.keptSteps.indexOf(t + 1);
          if (at < 0) continue;
          for (const [k, p] of parameters.entries()) {
            const largest = Math.max(...c.kept[at][k].map(Math.abs));
            // Twelve digits are stored. In float32 rounding errors of another order of operations are alike in size to
            // PyTorch's: eight times those, and no less than two roundings of the largest number.
            const bound =
              dtype === 'float64' ? 1e-11 * largest : 8 * Math.max(c.float32Strays[at][k], 2 ** -23 * largest);
            const wrong = c.kept[at][k].flatMap((expected, i) => {
              const actual = p.storage.values[i] as number;
              return Math.abs(actual - expected) <= bound
                ? []
                : [`[${i}] is ${actual}, PyTorch has ${expected} ± ${bound}`];
            });
            expect(wrong, `parameter ${k} after step ${t + 1}`).toEqual([]);
          }
        }
      });
    }
  });
}

type Spec = [name: string, options: Record<string, unknown>];

function make([name, options]: Spec, optimizer: optim.Optimizer): optim.Scheduler {
  const inner = (options.schedulers as Spec[] | undefined)?.map((spec) => make(spec, optimizer)) ?? [];
  if (name === 'ChainedScheduler') return new optim.ChainedScheduler(inner);
  if (name === 'SequentialLR') {
    return new optim.SequentialLR(optimizer, { schedulers: inner, milestones: options.milestones as number[] });
  }
  if (name === 'LambdaLR') {
    return new optim.LambdaLR(optimizer, { lrLambda: [(epoch) => 0.95 ** epoch, (epoch) => 1 / (1 + epoch)] });
  }
  const Class = optim[name as 'StepLR'] as new (optimizer: optim.Optimizer, options: never) => optim.Scheduler;
  return new Class(optimizer, options as never);
}

function optimizerOf(kind: 'SGD' | 'Adam'): SGD | Adam {
  const groups = schedules.rates.map((lr) => ({ params: [tensor([0], { requiresGrad: true })], lr }));
  return kind === 'SGD' ? new SGD(groups, { lr: 1, momentum: 0.9 }) : new Adam(groups);
}

/** Learning rates and momenta of the groups, as the golden file has them. */
function rowOf(optimizer: SGD | Adam, width: number): number[] {
  const rates = optimizer.groups.map(({ lr }) => lr);
  const momenta = optimizer.groups.map((group) => ('betas' in group ? group.betas[0] : group.momentum));
  return [...rates, ...momenta].slice(0, width);
}

function expectRow(actual: number[], expected: number[], epoch: number): void {
  actual.forEach((value, i) => {
    // Fourteen digits are stored, and recursions drift by a rounding each epoch.
    const bound = 1e-12 * Math.max(Math.abs(expected[i]), 1e-3);
    expect(Math.abs(value - expected[i]), `number ${i} of epoch ${epoch} is ${value}, not ${expected[i]}`).toBeLessThan(
      bound,
    );
  });
}

describe("schedules are PyTorch's", () => {
  const advance = (scheduler: optim.Scheduler, epoch: number) => scheduler.step(schedules.metrics[epoch]);

  for (const { name, options, optimizer: kind, rows } of schedules.cases) {
    const title = `${name} ${JSON.stringify(options)}`;
    it(title, () => {
      const optimizer = optimizerOf(kind);
      const scheduler = make([name, options], optimizer);
      rows.forEach((row, epoch) => {
        expectRow(rowOf(optimizer, row.length), row, epoch);
        advance(scheduler, epoch);
      });
    });

    it(`${title}, continued from what was saved as JSON at any epoch`, () => {
      for (const stop of [0, 1, 8, 21, 40]) {
        const first = optimizerOf(kind);
        const early = make([name, options], first);
        for (let epoch = 0; epoch < stop; epoch++) advance(early, epoch);
        const saved = JSON.parse(JSON.stringify(early.stateDict()));
        const second = optimizerOf(kind);
        const late = make([name, options], second);
        second.loadStateDict(first.stateDict());
        late.loadStateDict(saved);
        for (let epoch = stop; epoch < rows.length; epoch++) {
          const width = rows[epoch].length;
          expect(rowOf(second, width)).toEqual(rowOf(first, width));
          expectRow(rowOf(second, width), rows[epoch], epoch);
          advance(early, epoch);
          advance(late, epoch);
        }
      }
    });
  }

  it('there are at least 50 epochs of each', () => {
    expect(Math.min(...schedules.cases.map(({ rows }) => rows.length))).toBeGreaterThanOrEqual(50);
  });
});
