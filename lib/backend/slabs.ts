import v8 from 'node:v8';
import vm from 'node:vm';

/** What the pool needs of the native addon. */
export interface ObjectTracker {
  /** Bytes to add to the start of `buffer` to reach a 64-byte boundary. */
  alignmentOffset(buffer: ArrayBuffer): number;
  /** Starts watching an object weakly; returns an id. */
  track(object: object): number;
  /** Ids of watched objects that have been garbage collected since the last call. */
  sweep(): Int32Array;
}

/** One reusable block. `pooled` turns false when user code may hold its memory: then the garbage collector owns it. */
export interface Slab {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
  readonly bytes: number;
  pooled: boolean;
}

const MIB = 2 ** 20;
const ALIGNMENT = 64;
/** Below this a plain typed array costs less than watching one. */
const SMALLEST_BYTES = 16 * 1024;
/** Bytes handed out between two collections, at least. */
const COLLECT_EVERY_BYTES = 32 * MIB;
/** Growth past the last full collection that calls for another. */
const FULL_COLLECT_BYTES = 256 * MIB;
/** Unused bytes that may always be kept. */
const IDLE_BYTES = 256 * MIB;

/**
 * Reuses the memory of tensors that the program no longer holds, without `dispose` and without waiting for the event loop.
 *
 * Fresh memory is slow: the kernel zeroes each 4 KiB page on first touch, about 0.15 ms per MiB, as long as a
 * convolution takes to fill it. So blocks are kept and handed out again once the typed array over them has been collected.
 * Finalizers cannot tell, since Node runs them from the event loop, which a synchronous training loop never reaches; weak
 * references polled from native code can. The collector is asked for a minor collection (0.1 to 0.4 ms) when enough bytes
 * have been handed out; a full one only when survivors pile up in the old generation.
 *
 * The blocks are ordinary ArrayBuffers: V8 allocates them and counts their bytes.
 */
export class SlabPool {
  readonly #tracker: ObjectTracker;
  readonly #free = new Map<number, Slab[]>();
  readonly #live = new Map<number, Slab>();
  #liveBytes = 0;
  #liveBytesAfterFull = 0;
  #nextCollect = COLLECT_EVERY_BYTES;
  #handedOut = 0;
  #collector: ((options: { type: 'minor' | 'major' }) => void) | null | undefined;

  constructor(tracker: ObjectTracker) {
    this.#tracker = tracker;
  }

  /** A block for `bytes` bytes with undefined contents, or null when the caller should allocate plainly. */
  acquire(bytes: number): Slab | null {
    if (bytes < SMALLEST_BYTES || this.#gc() === null) return null;
    const size = sizeClass(bytes);
    let slab = this.#free.get(size)?.pop();
    if (!slab) {
      this.#reclaim();
      slab = this.#free.get(size)?.pop();
    }
    if (!slab) {
      const buffer = new ArrayBuffer(size + ALIGNMENT);
      slab = { buffer, offset: this.#tracker.alignmentOffset(buffer), bytes: size, pooled: true };
    }
    this.#handedOut += size;
    return slab;
  }

  /** Ties the slab to the life of `view`, the typed array over it. */
  bind(slab: Slab, view: object): void {
    this.#live.set(this.#tracker.track(view), slab);
    this.#liveBytes += slab.bytes;
  }

  /** Bytes in use by live tensors, and bytes kept for reuse. */
  get usage(): { liveBytes: number; freeBytes: number } {
    let freeBytes = 0;
    for (const [size, slabs] of this.#free) freeBytes += size * slabs.length;
    return { liveBytes: this.#liveBytes, freeBytes };
  }

  #reclaim(): void {
    if (this.#handedOut < this.#nextCollect) {
      this.#sweep();
      return;
    }
    this.#dropIdle();
    this.#collect('minor');
    if (this.#liveBytes > 2 * this.#liveBytesAfterFull + FULL_COLLECT_BYTES) {
      this.#collect('major');
      this.#liveBytesAfterFull = this.#liveBytes;
    }
    this.#handedOut = 0;
    this.#nextCollect = Math.max(COLLECT_EVERY_BYTES, this.#liveBytes / 2);
  }

  #collect(type: 'minor' | 'major'): void {
    this.#gc()?.({ type });
    this.#sweep();
  }

  #sweep(): void {
    for (const id of this.#tracker.sweep()) {
      const slab = this.#live.get(id);
      if (!slab) continue;
      this.#live.delete(id);
      this.#liveBytes -= slab.bytes;
      if (!slab.pooled) continue;
      const slabs = this.#free.get(slab.bytes);
      if (slabs) slabs.push(slab);
      else this.#free.set(slab.bytes, [slab]);
    }
  }

  /** After a peak, idle blocks go back to V8 when they outweigh what is in use. */
  #dropIdle(): void {
    const { liveBytes, freeBytes } = this.usage;
    if (freeBytes > Math.max(2 * liveBytes, IDLE_BYTES)) this.#free.clear();
  }

  /** V8's own collector, or null where the runtime does not let it be reached. */
  #gc() {
    if (this.#collector === undefined) {
      try {
        v8.setFlagsFromString('--expose-gc');
        this.#collector = vm.runInNewContext('typeof gc === "function" ? gc : null');
        v8.setFlagsFromString('--no-expose-gc');
      } catch {
        this.#collector = null;
      }
    }
    return this.#collector;
  }
}

/** Rounds up to 1, 1⅛, 1¼ … 1⅞ times a power of two: at most 12.5 % is wasted, and sizes meet again. */
function sizeClass(bytes: number): number {
  const step = 2 ** Math.max(6, Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
