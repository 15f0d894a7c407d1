import { ACTIVATION_OPTION_FIELDS, BLOCKED_FIELDS, encode } from '../../geometry.js';
import { ACTIVATION_KINDS } from '../../kernels/operations.js';
import type { Emitter } from '../emitter.js';
import type { Value } from '../graph.js';
import { isOverPlanes } from '../passes/fusegradient.js';
import type { BlockedRule } from './rule.js';

/** What goes back through a ReLU, and with `sums` the gradients of a bias before it. */
function backThroughRelu(gradient: Value, result: Value, dxValue: Value, sums: Value | null, emitter: Emitter): void {
  const dy = emitter.blocked(gradient);
  const y = emitter.blocked(result);
  const dx = emitter.resultOver(dxValue, gradient);
  const options = {
    activation: ACTIVATION_KINDS.indexOf('relu'),
    haloOther: y.g.halo,
    haloOut: dx.g.halo,
    blocksOther: y.g.blocks,
    blocksOut: dx.g.blocks,
  };
  emitter.kernels.blockedActivationGrad(
    dy.array,
    y.array,
    dx.array,
    sums && emitter.plainResult(sums),
    encode(BLOCKED_FIELDS, dy.g),
    encode(ACTIVATION_OPTION_FIELDS, options),
    0,
    0,
  );
}

export const reluBackward: BlockedRule = {
  ops: ['reluGrad', 'reluGradSum'],
  accepts: (node, around) => node.inputs.some((value) => around.isBlocked(value)),
  halo: () => 0,
  overlays: ({ inputs: [dy], outputs: [dx] }) => [[dx, dy as Value]],
  emit(node, emitter) {
    const [dy, y] = node.inputs as Value[];
    const [dx, sums = null] = node.outputs;
    backThroughRelu(dy, y, dx, sums, emitter);
  },
};

/** The gradient of a bias: the sum over all that is not its channel. */
export const channelSums: BlockedRule = {
  ops: ['sum'],
  accepts: (node, around) => around.isBlocked(node.inputs[0]) && isOverPlanes(node),
  halo: () => 0,
  blockedResults: () => [],
  emit(node, emitter) {
    const x = emitter.blocked(node.inputs[0] as Value);
    const options = { activation: 0, haloOther: 0, haloOut: 0, blocksOther: 0, blocksOut: 0 };
    emitter.kernels.blockedActivationGrad(
      x.array,
      null,
      null,
      emitter.plainResult(node.outputs[0]),
      encode(BLOCKED_FIELDS, x.g),
      encode(ACTIVATION_OPTION_FIELDS, options),
      0,
      0,
    );
  },
};
