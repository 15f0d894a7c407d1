import { BLOCK, blockedElements, blockedPlane } from '../../lib/backend/blocked.js';
import { type BlockedGeometry, encode, LAYOUT_OPTION_FIELDS } from '../../lib/geometry.js';

/** Distances in floats between rows, planes and images, and where pixel (0, 0) of a plane lies. */
function stridesOf(g: BlockedGeometry) {
  const row = (g.w + 2 * g.halo) * BLOCK;
  const plane = blockedPlane(g);
  return { row, plane, image: (g.blocks || Math.ceil(g.c / BLOCK)) * plane, first: g.halo * row + g.halo * BLOCK };
}

/** Index of a value in a blocked tensor; y and x may lie in the border. */
export function blockedIndex(g: BlockedGeometry, image: number, channel: number, y: number, x: number): number {
  const { row, plane, image: step, first } = stridesOf(g);
  return image * step + Math.floor(channel / BLOCK) * plane + first + y * row + x * BLOCK + (channel % BLOCK);
}

/** Visits the rows of the channels from `begin` to `end` of every image. */
function forEachRow(g: BlockedGeometry, begin: number, end: number, visit: (row: number, blocked: number) => void) {
  const strides = stridesOf(g);
  for (let image = 0; image < g.n; image++)
    for (let channel = begin; channel < end; channel++) {
      const at =
        image * strides.image + Math.floor(channel / BLOCK) * strides.plane + (channel % BLOCK) + strides.first;
      for (let y = 0; y < g.h; y++) visit((image * g.c + channel) * g.h + y, at + y * strides.row);
    }
}

/** NCHW to blocks. What no kernel may rely on, the channels that do not exist, holds a number of its own. */
export function block(values: ArrayLike<number>, g: BlockedGeometry): Float32Array {
  const blocked = new Float32Array(blockedElements(g));
  forEachRow(g, g.c, Math.ceil(g.c / BLOCK) * BLOCK, (_, to) => {
    for (let x = 0; x < g.w; x++) blocked[to + x * BLOCK] = 5;
  });
  forEachRow(g, 0, g.c, (row, to) => {
    for (let x = 0; x < g.w; x++) blocked[to + x * BLOCK] = values[row * g.w + x];
  });
  return blocked;
}

/** How two blocked tensors lie, as kernels want it whose sizes are in another geometry. */
export const layoutOptions = (x: BlockedGeometry, y: BlockedGeometry): Int32Array =>
  encode(LAYOUT_OPTION_FIELDS, { haloIn: x.halo, haloOut: y.halo, blocksIn: x.blocks, blocksOut: y.blocks });

export function unblock(blocked: ArrayLike<number>, g: BlockedGeometry): Float32Array {
  const values = new Float32Array(g.n * g.c * g.h * g.w);
  forEachRow(g, 0, g.c, (row, from) => {
    for (let x = 0; x < g.w; x++) values[row * g.w + x] = blocked[from + x * BLOCK];
  });
  return values;
}

/** The position of a value of the border that is not zero; undefined if there is none. */
export function brokenBorder(blocked: ArrayLike<number>, g: BlockedGeometry): string | undefined {
  const { n, c, h, w, halo } = g;
  const strides = stridesOf(g);
  for (let image = 0; image < n; image++)
    for (let block = 0; block < Math.ceil(c / BLOCK); block++)
      for (let y = -halo; y < h + halo; y++) {
        const isInside = y >= 0 && y < h;
        const row = image * strides.image + block * strides.plane + strides.first + y * strides.row;
        for (let x = -halo; x < w + halo; x++) {
          if (isInside && x === 0) x = w;
          if (x >= w + halo) break;
          for (let lane = 0; lane < BLOCK; lane++) {
            const value = blocked[row + x * BLOCK + lane];
            if (value !== 0)
              return `border of image ${image}, channel ${block * BLOCK + lane} at (${y}, ${x}) is ${value}`;
          }
        }
      }
  return undefined;
}
