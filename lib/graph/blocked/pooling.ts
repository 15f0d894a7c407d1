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
import { type BlockedRule, isFeatureMap } from './rule.js';

function operands(node: Node, emitter: Emitter) {
  const x = emitter.blocked(node.inputs[0] as Value);
  const y = emitter.result(node.outputs[0]);
  const options = { haloIn: x.g.halo, haloOut: y.g.halo, blocksIn: x.g.blocks, blocksOut: y.g.blocks };
  const g = encode(POOL2D_FIELDS, node.attributes as Pool2dGeometry);
  return { x: x.array, y: y.array, g, options: encode(LAYOUT_OPTION_FIELDS, options) };
}

export const maxPooling: BlockedRule = {
  ops: ['maxPool2d'],
  accepts: (node, around) => around.isBlocked(node.inputs[0]) && !around.isRead(node.outputs[1]),
  halo: () => 0,
  emit(node, emitter) {
    const { x, y, g, options } = operands(node, emitter);
    emitter.kernels.blockedMaxPool2d(x, y, null, g, options);
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

/** The mean of each plane; what follows works on [n, c] numbers. */
export const globalPooling: BlockedRule = {
  ops: ['adaptiveAvgPool2d'],
  accepts(node, around) {
    const { oh, ow } = node.attributes as AdaptivePool2dGeometry;
    return oh === 1 && ow === 1 && isFeatureMap(node.inputs[0]) && around.isBlocked(node.inputs[0]);
  },
  halo: () => 0,
  plainResult: true,
  emit(node, emitter) {
    const x = emitter.blocked(node.inputs[0] as Value);
    emitter.kernels.blockedGlobalAvgPool2d(x.array, emitter.plainResult(node.outputs[0]), encode(BLOCKED_FIELDS, x.g));
  },
};
