import { blockedDirectSide, blockedSide } from './blocked.mjs';
import { nativeSide, typescriptSide } from './convforge.mjs';

/** A side of bench/contenders, loaded when it is asked for. */
const contender = (file, name) =>
  async function openContender(machine) {
    let module;
    try {
      module = await import(`../contenders/${file}.mjs`);
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      throw new Error(`${file} is not installed; run npm ci in bench/contenders (${error.message.split('\n')[0]})`);
    }
    return { ...(await module[name](machine)), isContender: true };
  };

/**
 * The implementations a convolution can be measured on. A side is { name, detail, prepare(problem) → contestant };
 * the contestant has what the sampler wants, `result()` → the answer as a plain array, and maybe `algorithm`, the name
 * of what was chosen, and `close()`. `prepare` may be asynchronous, and throws Unsupported for what it cannot compute.
 */
const SIDES = {
  blocked: blockedSide,
  'blocked-direct': blockedDirectSide,
  native: nativeSide,
  typescript: typescriptSide,
  onednn: contender('onednn', 'onednnSide'),
  'onednn-winograd': contender('onednn', 'onednnWinogradSide'),
  torch: contender('torch', 'torchSide'),
  onnxruntime: contender('onnxruntime', 'onnxruntimeSide'),
  'tfjs-wasm': contender('tfjs', 'tfjsWasmSide'),
  tfjs: contender('tfjs', 'tfjsCpuSide'),
};

export const sideNames = Object.keys(SIDES);

/**
 * A side as it is under other settings: `name` tells it apart, `apply` sets them before each turn, `calibration` is one
 * made under them, if the common one does not do.
 */
export function underSettings(side, name, apply, calibration) {
  return {
    ...side,
    name,
    async prepare(problem) {
      apply();
      const contestant = await side.prepare(problem);
      const activate = () => {
        apply();
        contestant.activate();
      };
      return { ...contestant, activate, calibration };
    },
  };
}

/** The sides asked for; throws with what to install when one is missing. */
export async function openSides(names, machine, options) {
  const sides = [];
  for (const name of names.split(',')) {
    if (!SIDES[name]) throw new Error(`no side ${name}; there are ${sideNames.join(', ')}`);
    sides.push(await SIDES[name](machine, options));
  }
  return sides;
}
