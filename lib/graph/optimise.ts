import { ArgumentError, check } from '../errors.js';
import type { Graph } from './graph.js';
import { foldBatchNorm } from './passes/foldbatchnorm.js';
import { foldPad } from './passes/foldpad.js';
import { fuseActivation } from './passes/fuseactivation.js';
import { fuseGradient } from './passes/fusegradient.js';
import { fuseLinear } from './passes/fuselinear.js';
import { fuseMap } from './passes/fusemap.js';
import { fuseNorm } from './passes/fusenorm.js';
import { fuseResidual } from './passes/fuseresidual.js';
import { linearise } from './passes/linearise.js';
import { recognise } from './passes/recognise.js';
import { removeDead } from './passes/removedead.js';
import { schedule } from './passes/schedule.js';

/** All passes, in the order in which they run. */
const PASSES: readonly (readonly [name: string, pass: (graph: Graph) => void])[] = [
  ['removeDead', removeDead],
  ['recognise', recognise],
  // the parts of what was recognised, whose reading would keep others from being fused
  ['removeDead', removeDead],
  ['foldPad', foldPad],
  ['foldBatchNorm', foldBatchNorm],
  ['fuseNorm', fuseNorm],
  ['linearise', linearise],
  ['fuseLinear', fuseLinear],
  ['fuseActivation', fuseActivation],
  ['fuseResidual', fuseResidual],
  // again for activations behind a sum that a convolution has taken in
  ['fuseActivation', fuseActivation],
  ['fuseMap', fuseMap],
  ['fuseGradient', fuseGradient],
  ['removeDead', removeDead],
];

/** Passes that can be switched off; 'blocked' is the layout of the native kernels. */
export const PASS_NAMES: readonly string[] = [...new Set(PASSES.map(([name]) => name)), 'blocked'];

/** Improves a graph in place: same answers to rounding, less to do. */
export function optimise(graph: Graph, disabled: readonly string[] = []): void {
  for (const name of disabled) {
    check(
      PASS_NAMES.includes(name),
      'disabledPasses',
      () => `there is no pass ${JSON.stringify(name)}; there are ${PASS_NAMES.join(', ')}`,
      ArgumentError,
    );
  }
  for (const [name, pass] of PASSES) if (!disabled.includes(name)) pass(graph);
  schedule(graph);
}
