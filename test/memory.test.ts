import { setTimeout as delay } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setBackend } from '../lib/backend/backend.js';
import { type ObjectTracker, type Slab, SlabPool } from '../lib/backend/slabs.js';
import { full, randn, zeros } from '../lib/creation.js';
import { Tensor } from '../lib/tensor.js';
import { type CompiledPackage, child, compilePackage, environment, runNode } from './compiled.js';
import { addon, noNative, withReason } from './conformance/backends.js';

const KIB = 1024;
const MIB = 2 ** 20;

/** A tracker whose objects die when a test says so. */
class ManualTracker implements ObjectTracker {
  readonly dead: number[] = [];
  #next = 0;

  alignmentOffset(): number {
    return 32;
  }
  track(): number {
    return this.#next++;
  }
  sweep(): Int32Array {
    return Int32Array.from(this.dead.splice(0));
  }
}

function acquired(pool: SlabPool, bytes: number): Slab {
  const slab = pool.acquire(bytes);
  if (!slab) throw new Error(`the pool refused ${bytes} bytes`);
  return slab;
}

describe('SlabPool', () => {
  it('leaves small arrays to V8', () => {
    const pool = new SlabPool(new ManualTracker());
    expect(pool.acquire(16 * KIB - 1)).toBeNull();
    expect(pool.acquire(0)).toBeNull();
    expect(pool.acquire(16 * KIB)).not.toBeNull();
  });

  it('hands out room for what is asked, at the aligned offset, wasting at most an eighth', () => {
    const pool = new SlabPool(new ManualTracker());
    for (let bytes = 16 * KIB; bytes < 3 * MIB; bytes = Math.ceil(bytes * 1.07)) {
      const { buffer, offset, bytes: size } = acquired(pool, bytes);
      expect(offset).toBe(32);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size / bytes).toBeLessThanOrEqual(1.125);
      expect(offset + size).toBeLessThanOrEqual(buffer.byteLength);
    }
  });

  it('reuses a block once its view is dead, and not before', () => {
    const tracker = new ManualTracker();
    const pool = new SlabPool(tracker);
    const first = acquired(pool, 20 * KIB);
    pool.bind(first, {}); // id 0
    expect(acquired(pool, 20 * KIB)).not.toBe(first);
    expect(pool.usage.liveBytes).toBe(first.bytes);
    tracker.dead.push(0);
    expect(acquired(pool, 20 * KIB)).toBe(first);
    expect(pool.usage).toEqual({ liveBytes: 0, freeBytes: 0 });
  });

  it('gives a block to sizes that round up to the same one only', () => {
    const tracker = new ManualTracker();
    const pool = new SlabPool(tracker);
    const first = acquired(pool, 100_000);
    pool.bind(first, {});
    tracker.dead.push(0);
    expect(acquired(pool, 60_000)).not.toBe(first);
    expect(acquired(pool, first.bytes)).toBe(first);
  });

  it('never reuses a block that user code may hold', () => {
    const tracker = new ManualTracker();
    const pool = new SlabPool(tracker);
    const first = acquired(pool, 20 * KIB);
    pool.bind(first, {});
    first.pooled = false;
    tracker.dead.push(0);
    expect(acquired(pool, 20 * KIB)).not.toBe(first);
    expect(pool.usage).toEqual({ liveBytes: 0, freeBytes: 0 });
  });

  it('lets go of idle blocks after a peak', () => {
    const tracker = new ManualTracker();
    const pool = new SlabPool(tracker);
    const blocks = 80;
    for (let id = 0; id < blocks; id++) pool.bind(acquired(pool, 8 * MIB), {});
    expect(pool.usage.liveBytes).toBe(blocks * 8 * MIB);
    for (let id = 0; id < blocks; id++) tracker.dead.push(id);
    pool.bind(acquired(pool, 20 * KIB), {});
    expect(pool.usage.freeBytes, 'kept for now: the next step may need them').toBe(blocks * 8 * MIB);
    // other sizes, until the pool has handed out enough to look at what it keeps
    for (let i = 0; i < 20; i++) pool.bind(acquired(pool, (30 + i) * MIB), {});
    expect(pool.usage.freeBytes).toBeLessThan(256 * MIB);
  });
});

describe.skipIf(noNative)(withReason('the tracker of the addon'), () => {
  v8.setFlagsFromString('--expose-gc');
  const collectGarbage = vm.runInNewContext('gc') as () => void;
  v8.setFlagsFromString('--no-expose-gc');

  it('reports each object once, when it has been collected', () => {
    const tracker = addon as ObjectTracker;
    const held = new Float32Array(10);
    const heldId = tracker.track(held);
    const ids = (() => Array.from({ length: 50 }, () => tracker.track(new Float32Array(10))))();
    expect(new Set([heldId, ...ids]).size).toBe(51);
    collectGarbage();
    const gone = new Set(tracker.sweep());
    // the last ones may still lie on the stack
    expect(ids.filter((id) => gone.has(id)).length).toBeGreaterThan(45);
    expect(gone.has(heldId)).toBe(false);
    collectGarbage();
    expect([...tracker.sweep()].filter((id) => gone.has(id))).toEqual([]);
    expect(held.length).toBe(10);
  });

  it('finds 64-byte boundaries', () => {
    for (const bytes of [1, 1000, 20 * KIB, 3 * MIB]) {
      const offset = addon?.alignmentOffset(new ArrayBuffer(bytes + 64));
      expect(offset).toBeGreaterThanOrEqual(0);
      expect(offset).toBeLessThan(64);
    }
    expect(() => addon?.alignmentOffset({} as ArrayBuffer)).toThrow(TypeError);
    expect(() => addon?.track(7 as unknown as object)).toThrow(TypeError);
  });

  it('gives tensors aligned memory that comes back after a collection', () => {
    const pool = new SlabPool(addon as ObjectTracker);
    const buffers = new WeakSet<ArrayBuffer>();
    const fill = () => {
      for (let i = 0; i < 100; i++) {
        const slab = acquired(pool, 64 * KIB);
        const view = new Float32Array(slab.buffer, slab.offset, 16 * KIB);
        expect(addon?.alignmentOffset(slab.buffer)).toBe(slab.offset);
        pool.bind(slab, view);
        buffers.add(slab.buffer);
      }
    };
    fill();
    collectGarbage();
    let reused = 0;
    for (let i = 0; i < 100; i++) if (buffers.has(acquired(pool, 64 * KIB).buffer)) reused++;
    expect(reused).toBeGreaterThan(90);
  });
});

describe('memory of tensors', () => {
  for (const backend of ['native', 'typescript'] as const) {
    it.skipIf(backend === 'native' && noNative)(
      withReason(`${backend}: data that the program holds keeps its values while others come and go`),
      async () => {
        setBackend(backend);
        const tensors = Array.from({ length: 20 }, (_, i) => full([40, 256], i).add(1));
        const held = tensors.map((x) => x.data);
        const views = tensors.map((x) => x.mul(2).data.subarray(100, 200)); // only part of the memory is held
        const reshaped = tensors.map((x) => x.mul(3).reshape([256, 40])); // only another tensor over it is held
        tensors.length = 0;
        for (let round = 0; round < 400; round++) {
          randn([40, 256]).add(-1).mul(7).relu();
          if (round % 50 === 0) await delay(0);
        }
        for (let i = 0; i < 20; i++) {
          expect(held[i].every((v) => v === i + 1)).toBe(true);
          expect(views[i].every((v) => v === 2 * (i + 1))).toBe(true);
          expect(reshaped[i].data.every((v) => v === 3 * (i + 1))).toBe(true);
        }
      },
    );

    it.skipIf(backend === 'native' && noNative)(
      withReason(`${backend}: gradients survive a long chain of operations`),
      () => {
        setBackend(backend);
        const x = full([64, 100], 1);
        x.requiresGrad = true;
        let y: Tensor<'float32'> = x;
        for (let i = 0; i < 300; i++) {
          y = y.mul(1.001);
          zeros([64, 100]).add(9); // garbage that takes the memory of whatever is given back too early
        }
        y.sum().backward();
        const gradient = x.grad as Tensor<'float32'>;
        for (const v of gradient.data) expect(Math.abs(v - 1.001 ** 300)).toBeLessThan(1e-4);
      },
    );
  }

  it('a tensor made of a typed array shares it, so changes show on both sides', () => {
    const own = new Float32Array(50_000);
    const x = new Tensor('float32', own, [50_000]);
    own[7] = 3;
    x.data[8] = 4;
    expect([x.data[7], own[8]]).toEqual([3, 4]);
    expect(x.data).toBe(own);
  });
});

describe.skipIf(noNative)(withReason('a plain training loop'), () => {
  let compiled: CompiledPackage;
  beforeAll(() => {
    compiled = compilePackage();
  });
  afterAll(() => compiled?.remove());

  it.each(['eager', 'compiled'])('keeps its resident memory flat over 20,000 %s steps', (mode) => {
    const outcome = runNode(
      { script: child('train.mjs'), args: [compiled.url('index.js'), '20000', '2000', mode] },
      environment(),
    );
    expect(outcome).toMatchObject({ status: 0, signal: null, stderr: '' });
    const { backend, loss, afterWarmUp, peak, end } = JSON.parse(outcome.stdout) as Record<string, number | string>;
    expect(backend).toBe('native');
    expect(loss).toBeLessThan(0.01);
    // Mostly it is 10 MiB. But garbage that was promoted to the old generation may pile up to 256 MiB before the pool asks
    // for a full collection, and 32 MiB are handed out between two small ones; a loaded machine has shown 141. One tensor of
    // 36 KiB lost a step would be 630 MiB over these 18,000.
    expect(Number(peak) - Number(afterWarmUp)).toBeLessThan(320);
    expect(Number(end) - Number(afterWarmUp)).toBeLessThan(320);
  });
});
