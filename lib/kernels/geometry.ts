import { CONV2D_FIELDS, type Conv2dGeometry, POOL2D_FIELDS, type Pool2dGeometry } from '../geometry.js';

/** Names the fields of a flat geometry: the inverse of `encode`. */
function decode<F extends readonly string[]>(fields: F, flat: Int32Array): Record<F[number], number> {
  const geometry = {} as Record<string, number>;
  for (let i = 0; i < fields.length; i++) geometry[fields[i]] = flat[i];
  return geometry as Record<F[number], number>;
}

export const conv2dGeometry = (flat: Int32Array): Conv2dGeometry => decode(CONV2D_FIELDS, flat);
export const pool2dGeometry = (flat: Int32Array): Pool2dGeometry => decode(POOL2D_FIELDS, flat);

/**
 * The first i in [0, count] with start + i·step ≥ bound (step > 0). With bound 0 and bound = size this gives the part of
 * a walk that lies inside an axis: the taps of one window, or the windows that one tap can serve.
 */
export function firstAtLeast(bound: number, start: number, step: number, count: number): number {
  if (start >= bound) return 0;
  return Math.min(count, Math.ceil((bound - start) / step));
}
