import { ACTIVATION_OPTION_FIELDS, BLOCKED_FIELDS, encode } from '../../geometry.js';
import { ACTIVATION_KINDS } from '../../kernels/operations.js';
import type { Blocked, Emitter } from '../emitter.js';
import type { Value } from '../graph.js';
import { isOverPlanes } from '../passes/fusegradient.js';
import type { BlockedRule } from './rule.js';

/**
 * The kernel that takes a gradient back through a ReLU (with a result of it) and sums what comes out by channel; both can be
 * left out.
 */
function activationGradient(
  dy: Blocked,
  relu: { y: Blocked; dx: Blocked } | null,
  sums: Value | null,
  emitter: Emitter,
): void {
  const { y, dx } = relu ?? {};
  const options = {
    activation: ACTIVATION_KINDS.indexOf(relu ? 'relu' : 'identity'),
    haloOther: y?.g.halo ?? 0,
    haloOut: dx?.g.halo ?? 0,
    blocksOther: y?.g.blocks ?? 0,
    blocksOut: dx?.g.blocks ?? 0,
  };
  emitter.kernels.blockedActivationGrad(
    dy.array,
    y?.array ?? null,
    dx?.array ?? null,
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
    const [gradient, result] = node.inputs as Value[];
    const [dx, sums = null] = node.outputs;
    const dy = emitter.blocked(gradient);
    activationGradient(dy, { y: emitter.blocked(result), dx: emitter.resultOver(dx, gradient) }, sums, emitter);
  },
};

/** The gradient of a bias: the sum over all that is not its channel. */
export const channelSums: BlockedRule = {
  ops: ['sum'],
  accepts: (node, around) => around.isBlocked(node.inputs[0]) && isOverPlanes(node),
  halo: () => 0,
  blockedResults: () => [],
  emit(node, emitter) {
    activationGradient(emitter.blocked(node.inputs[0] as Value), null, node.outputs[0], emitter);
  },
};
