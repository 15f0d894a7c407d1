import { describe, expect, it } from 'vitest';
import type { NativeAddon } from '../../lib/backend/native.js';
import { addon, backends, noNative, reportNative, withReason } from './backends.js';

/** The kernels behind bench/: no TypeScript twin, so their answers are worked out here. */
interface MeasureKernels {
  measureFma(sums: Float32Array, flops: number): void;
  measureMemory(
    x: Float32Array | null,
    y: Float32Array,
    reads: number,
    writes: number,
    length: number,
    parts: number,
    sweeps: number,
  ): void;
}
const kernels = (addon as NativeAddon)?.kernels as unknown as MeasureKernels;
const native = backends.filter(({ name }) => name.startsWith('native'));

reportNative();

describe.each(native)('on $name', ({ activate }) => {
  it('measureFma leaves a finite sum in every line', () => {
    activate();
    const sums = new Float32Array(5 * 16 + 3).fill(7);
    kernels.measureFma(sums, 1e5);
    for (let i = 0; i < sums.length; i++) {
      if (i % 16 === 0 && i < 80)
        expect(sums[i]).toBeGreaterThan(10); // every chain ends at 1
      else expect(sums[i]).toBe(7);
    }
    kernels.measureFma(sums, 0);
    expect(sums[0]).toBeGreaterThan(10);
    kernels.measureFma(new Float32Array(15), 1e5);
  });

  it('measureMemory adds the streams it reads and writes the sum to others', () => {
    activate();
    const [length, pitch] = [512, 520];
    for (let reads = 1; reads <= 4; reads++) {
      for (let writes = 1; writes <= 4; writes++) {
        const x = Float32Array.from({ length: reads * pitch }, (_, i) => (i % pitch) + 1000 * Math.floor(i / pitch));
        const y = new Float32Array(writes * pitch).fill(-1);
        kernels.measureMemory(x, y, reads, writes, length, 2, 3);
        for (let i = 0; i < y.length; i++) {
          const place = i % pitch;
          const sum = reads * place + (1000 * reads * (reads - 1)) / 2;
          expect(y[i]).toBe(place < length ? sum : -1);
        }
      }
    }
  });

  it('measureMemory writes zeros if it reads nothing, and sums if it writes nothing', () => {
    activate();
    const y = new Float32Array(256).fill(5);
    kernels.measureMemory(null, y, 0, 1, 256, 1, 1);
    expect(y.every((value) => value === 0)).toBe(true);
    const sums = new Float32Array(32);
    kernels.measureMemory(new Float32Array(512).fill(1), sums, 2, 0, 256, 2, 3);
    expect([sums[0], sums[16]]).toEqual([2 * 128 * 3, 2 * 128 * 3]);
  });

  it('measureMemory works in place', () => {
    activate();
    const x = Float32Array.from({ length: 512 }, (_, i) => (i < 256 ? i : 1));
    kernels.measureMemory(x, x.subarray(0, 256), 2, 1, 256, 1, 2);
    expect([...x.subarray(0, 256)]).toEqual(Array.from({ length: 256 }, (_, i) => i + 2));
  });
});

describe.skipIf(noNative)(withReason('sizes that do not fit'), () => {
  const x = new Float32Array(256);
  it.each([
    [() => kernels.measureFma(x, Number.NaN), 'measureFma: flops out of range'],
    [() => kernels.measureFma(x, -1), 'measureFma: flops out of range'],
    [() => kernels.measureFma(x, 1e30), 'measureFma: flops out of range'],
    [() => kernels.measureMemory(x, x, 5, 0, 16, 1, 1), '0 to 4 streams'],
    [() => kernels.measureMemory(x, x, 0, 0, 16, 1, 1), '0 to 4 streams'],
    [() => kernels.measureMemory(x, x, 1, -1, 16, 1, 1), '0 to 4 streams'],
    [() => kernels.measureMemory(x, x, 1, 1, 16, 0, 1), 'parts or sweeps'],
    [() => kernels.measureMemory(x, x, 1, 1, 16, 1, 0), 'parts or sweeps'],
    [() => kernels.measureMemory(x, x, 1, 1, 16, 2 ** 30, 1), 'parts or sweeps'],
    [() => kernels.measureMemory(x, x, 1, 1, -16, 1, 1), 'x is too short'],
    [() => kernels.measureMemory(null, x, 0, 1, -16, 1, 1), 'too short'],
    [() => kernels.measureMemory(x, x, 2, 1, 129, 1, 1), 'x is too short'],
    [() => kernels.measureMemory(null, x, 1, 1, 16, 1, 1), 'x is too short'],
    [() => kernels.measureMemory(x, x, 1, 2, 129, 1, 1), 'y is too short'],
    [() => kernels.measureMemory(x, x.subarray(0, 16), 1, 0, 16, 2, 1), 'y is too short'],
    [() => kernels.measureMemory(x, x, 4, 4, 2 ** 31 - 1, 1, 1), 'x is too short'],
  ])('are refused, row %#', (attempt, message) => {
    expect(attempt).toThrow(message);
  });
});
