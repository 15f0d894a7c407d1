import {
  type AdaptivePool2dGeometry,
  BLOCKED_FIELDS,
  encode,
  LAYOUT_OPTION_FIELDS,
  POOL2D_FIELDS,
  type Pool2dGeometry,
} from '../../geometry.js';
import type { Emitter } from '../emitter.js';
import type { Node, Value } from '../graph.js';
import { type BlockedRule, isReadInBlocks } from './rule.js';

function operands(node: Node, emitter: Emitter) {
  const x = emitter.blocked(node.inputs[0] as Value);
  const y = emitter.result(node.outputs[0]);
  const options = { haloIn: x.g.halo, haloOut: y.g.halo, blocksIn: x.g.blocks, blocksOut: y.g.blocks };
  const g = encode(POOL2D_FIELDS, node.attributes as Pool2dGeometry);
  return { x: x.array, y: y.array, g, options: encode(LAYOUT_OPTION_FIELDS, options) };
}

export const maxPooling: BlockedRule = {
  ops: ['maxPool2d'],
  // Only the kernel that goes back knows the form in which this one notes the winners.
  accepts: (node, around) =>
    around.isBlocked(node.inputs[0]) &&
    around.readersOf(node.outputs[1])?.every(({ op }) => op.name === 'maxPool2dBackward') === true,
  halo: () => 0,
  emit(node, emitter) {
    const { x, y, g, options } = operands(node, emitter);
    const winners = emitter.isRead(node.outputs[1]) ? emitter.taps(node.outputs[1]) : null;
    emitter.kernels.blockedMaxPool2d(x, y, winners, g, options);
  },
};

export const maxPoolingBackward: BlockedRule = {
  ops: ['maxPool2dBackward'],
  accepts: (node, around) => around.hasRule(node.inputs[1]?.producer ?? null),
  halo: (_, input) => (input === 0 ? 0 : null),
  emit(node, emitter) {
    const { x, y, g, options } = operands(node, emitter);
    emitter.kernels.blockedMaxPool2dBackward(x, emitter.taps(node.inputs[1] as Value), y, g, options);
  },
};

export const averagePooling: BlockedRule = {
  ops: ['avgPool2d'],
  accepts: (node, around) => around.isBlocked(node.inputs[0]),
  halo: () => 0,
  emit(node, emitter) {
    const { x, y, g, options } = operands(node, emitter);
    emitter.kernels.blockedAvgPool2d(x, y, g, options);
  },
};

export const averagePoolingBackward: BlockedRule = {
  ops: ['avgPool2dBackward'],
  accepts: (node, around) => around.isBlocked(node.inputs[0]),
  halo: () => 0,
  emit(node, emitter) {
    const { x, y, g, options } = operands(node, emitter);
    emitter.kernels.blockedAvgPool2dBackward(x, y, g, options);
  },
};

function isGlobal(node: Node): boolean {
  const { oh, ow } = node.attributes as AdaptivePool2dGeometry;
  return oh === 1 && ow === 1;
}

/** The mean of each plane; what follows works on [n, c] numbers. */
export const globalPooling: BlockedRule = {
  ops: ['adaptiveAvgPool2d'],
  accepts: (node, around) => isGlobal(node) && around.isBlocked(node.inputs[0]),
  halo: () => 0,
  blockedResults: () => [],
  emit(node, emitter) {
    const x = emitter.blocked(node.inputs[0] as Value);
    emitter.kernels.blockedGlobalAvgPool2d(x.array, emitter.plainResult(node.outputs[0]), encode(BLOCKED_FIELDS, x.g));
  },
};

/** Its gradient is the same for all positions of a plane: written in blocks at once for those who go on in blocks. */
export const globalPoolingBackward: BlockedRule = {
  ops: ['adaptiveAvgPool2dBackward'],
  accepts: (node, around) => isGlobal(node) && isReadInBlocks(node.outputs[0], around),
  halo: () => null,
  emit(node, emitter) {
    const y = emitter.result(node.outputs[0]);
    const dy = emitter.plainFloats(node.inputs[0] as Value);
    emitter.kernels.blockedGlobalAvgPool2dBackward(dy, y.array, encode(BLOCKED_FIELDS, y.g));
  },
};
