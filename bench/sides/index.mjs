import { nativeSide, typescriptSide } from './convforge.mjs';

/**
 * The implementations a convolution can be measured on. A side is { name, detail, prepare(problem) → contestant };
 * the contestant has what the sampler wants, `result()` → the answer as a plain array, and maybe `algorithm`, the name
 * of what was chosen, and `close()`. `prepare` may be asynchronous, and throws Unsupported for what it cannot compute.
 */
const SIDES = {
  native: nativeSide,
  typescript: typescriptSide,
};

export const sideNames = Object.keys(SIDES);

/** The sides asked for; throws with what to install when one is missing. */
export async function openSides(names, machine, options) {
  const sides = [];
  for (const name of names.split(',')) {
    if (!SIDES[name]) throw new Error(`no side ${name}; there are ${sideNames.join(', ')}`);
    sides.push(await SIDES[name](machine, options));
  }
  return sides;
}
