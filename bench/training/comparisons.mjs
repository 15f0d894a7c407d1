import { comparisons } from '../networks/comparisons.mjs';

const LAYOUTS = { 'torch-nchw': 'NCHW', 'torch-nhwc': 'channels-last' };

/**
 * Records by network and threads, as comparisons() has them, where `torch` is the faster one of PyTorch's layouts, with
 * `layout`, what that is called.
 */
export function stepComparisons(records) {
  return comparisons(records).map(({ sides, ...rest }) => {
    const [torch] = Object.keys(LAYOUTS)
      .filter((side) => sides[side])
      .map((side) => ({ ...sides[side], layout: LAYOUTS[side] }))
      .sort((a, b) => a.ms - b.ms);
    return { ...rest, sides: torch ? { ...sides, torch } : sides };
  });
}
