import { BLOCK, blockedElements } from '../../lib/backend/blocked.js';
import type { BlockedGeometry } from '../../lib/geometry.js';

/** Index of a value in a blocked tensor; y and x may lie in the border. */
export function blockedIndex(g: BlockedGeometry, image: number, channel: number, y: number, x: number): number {
  const { c, h, w, halo } = g;
  const plane = blockedElements({ ...g, n: 1, c: 1, h, w, halo });
  const pixel = (y + halo) * (w + 2 * halo) + x + halo;
  return (image * Math.ceil(c / BLOCK) + Math.floor(channel / BLOCK)) * plane + pixel * BLOCK + (channel % BLOCK);
}

function forEachValue(g: BlockedGeometry, visit: (plain: number, blocked: number) => void): void {
  let plain = 0;
  for (let image = 0; image < g.n; image++)
    for (let channel = 0; channel < g.c; channel++)
      for (let y = 0; y < g.h; y++) for (let x = 0; x < g.w; x++) visit(plain++, blockedIndex(g, image, channel, y, x));
}

/** NCHW to blocks. What no kernel may rely on, the channels that do not exist, holds a number of its own. */
export function block(values: ArrayLike<number>, g: BlockedGeometry): Float32Array {
  const blocked = new Float32Array(blockedElements(g));
  for (let image = 0; image < g.n; image++)
    for (let channel = g.c; channel % BLOCK !== 0; channel++)
      for (let y = 0; y < g.h; y++)
        for (let x = 0; x < g.w; x++) blocked[blockedIndex({ ...g, c: channel + 1 }, image, channel, y, x)] = 5;
  forEachValue(g, (from, to) => {
    blocked[to] = values[from];
  });
  return blocked;
}

export function unblock(blocked: ArrayLike<number>, g: BlockedGeometry): Float32Array {
  const values = new Float32Array(g.n * g.c * g.h * g.w);
  forEachValue(g, (to, from) => {
    values[to] = blocked[from];
  });
  return values;
}

/** The position of a value of the border that is not zero; undefined if there is none. */
export function brokenBorder(blocked: ArrayLike<number>, g: BlockedGeometry): string | undefined {
  const { n, c, h, w, halo } = g;
  for (let image = 0; image < n; image++)
    for (let channel = 0; channel < Math.ceil(c / BLOCK) * BLOCK; channel++)
      for (let y = -halo; y < h + halo; y++)
        for (let x = -halo; x < w + halo; x++) {
          if (y >= 0 && y < h && x >= 0 && x < w) continue;
          const value = blocked[blockedIndex({ ...g, c: Math.ceil(c / BLOCK) * BLOCK }, image, channel, y, x)];
          if (value !== 0) return `border of image ${image}, channel ${channel} at (${y}, ${x}) is ${value}`;
        }
  return undefined;
}
