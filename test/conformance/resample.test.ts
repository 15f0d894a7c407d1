import { describe, expect, it } from 'vitest';
import { encode, RESAMPLE_FIELDS } from '../../lib/geometry.js';
import { Generator } from '../../lib/random.js';
import { RESAMPLE_CASES, type ResampleCase } from '../cases/resample.js';
import { reportNative } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { conform, conformSum } from './conform.js';
import { type Fill, integers, normals } from './data.js';

/** Taps around the place an output position comes from; with `holes` some of them are outside. */
function tableOf({ size, count, taps, spread = taps }: ResampleCase, holes: boolean): Int32Array {
  const random = new Generator(size + count);
  return Int32Array.from({ length: taps * count }, (_, at) => {
    const [t, j] = [Math.floor(at / count), at % count];
    if (holes && random.bits() % 7 === 0) return [-1, size, -(2 ** 31), 2 ** 31 - 1][random.bits() % 4];
    const center = Math.floor((j * size) / count);
    return Math.min(size - 1, Math.max(0, center + Math.round((t - taps / 2) * (spread / Math.max(1, taps)))));
  });
}

function callOf(entry: ResampleCase, fill: Fill, holes: boolean): Call {
  const { outer, size, inner, count, taps } = entry;
  const table = [input(tableOf(entry, holes)), input(fill(taps * count, 2))];
  const g = encode(RESAMPLE_FIELDS, { outer, size, inner, count, taps });
  return {
    kernel: 'resample',
    arguments: [input(fill(outer * size * inner, 1)), ...table, output(outer * count * inner), g],
  };
}

describe('resample', () => {
  reportNative();

  for (const entry of RESAMPLE_CASES) {
    it(entry.why, () => {
      for (const holes of [false, true]) {
        conform(callOf(entry, integers, holes), ['exact']);
        conformSum(callOf(entry, normals, holes), entry.taps);
      }
    });
  }

  it('taps that are left out do not meet NaN', () => {
    const index = Int32Array.of(0, 1, -1, 5, 2, -1);
    const g = encode(RESAMPLE_FIELDS, { outer: 1, size: 3, inner: 1, count: 3, taps: 2 });
    const x = Float32Array.of(Number.NaN, 2, 3);
    const call: Call = {
      kernel: 'resample',
      arguments: [input(x), input(index), input(new Float32Array(6).fill(1)), output(3), g],
    };
    conform(call, ['exact']);
    expect([...oracle(call)[0]]).toEqual([Number.NaN, 5, 0]);
  });
});
