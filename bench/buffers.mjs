/** Floats from a 64-byte boundary on. */
export function alignedFloats(addon, length) {
  const buffer = new ArrayBuffer(4 * length + 64);
  return new Float32Array(buffer, addon.alignmentOffset(buffer), length);
}

/**
 * Fills with numbers in [-1, 1) from a linear congruential generator (Numerical Recipes' constants). So simple because
 * contenders in other languages make the same numbers.
 */
export function fill(floats, seed) {
  let state = seed | 0;
  for (let i = 0; i < floats.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    floats[i] = (state >> 7) / 2 ** 24;
  }
  return floats;
}
