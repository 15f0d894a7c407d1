/** A buffer that lives from one instruction to another. */
export interface Lifetime {
  readonly bytes: number;
  /** Index of the first instruction that touches it, and of the last. */
  readonly first: number;
  last: number;
}

const ALIGNMENT = 64;
/**
 * Buffers whose addresses agree modulo 4 KiB make processors wait: a load looks as if it read what a store in flight will
 * write. Large ones, planes of images, are therefore put half a page apart.
 */
const PAGE = 4096;
const STAGGER = 2048;

/**
 * Lays buffers out so that those in use at the same time do not overlap: the largest first, each at the lowest place that is
 * free during its whole life. Within a few per cent of the least memory possible on common networks.
 */
export function planArena(lifetimes: readonly Lifetime[]): { offsets: number[]; bytes: number } {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes
    .map((_, i) => i)
    .sort((a, b) => lifetimes[b].bytes - lifetimes[a].bytes || lifetimes[a].first - lifetimes[b].first);
  const placed: number[] = [];
  let bytes = 0;
  for (const i of order) {
    const own = lifetimes[i];
    const taken = placed
      .filter((j) => lifetimes[j].first <= own.last && own.first <= lifetimes[j].last)
      .sort((a, b) => offsets[a] - offsets[b]);
    let offset = 0;
    for (const j of taken) {
      if (offset + own.bytes <= offsets[j]) break;
      offset = Math.max(offset, align(offsets[j] + lifetimes[j].bytes, own.bytes, offsets[j]));
    }
    offsets[i] = offset;
    placed.push(i);
    bytes = Math.max(bytes, offset + own.bytes);
  }
  return { offsets, bytes };
}

/** The next place at or after `offset` for a buffer behind one that starts at `before`. */
function align(offset: number, bytes: number, before: number): number {
  if (bytes < PAGE) return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
  const wanted = (before + STAGGER) % PAGE;
  return offset + ((wanted - (offset % PAGE) + PAGE) % PAGE);
}
