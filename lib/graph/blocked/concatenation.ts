import { BLOCK } from '../../backend/blocked.js';
import { BLOCKED_FIELDS, encode } from '../../geometry.js';
import type { Graph, Node, Value } from '../graph.js';
import { type BlockedRule, isFeatureMap } from './rule.js';

/** Channels that lie at `block` of a wider tensor, as every sixteenth place allows without a copy. */
export interface Home {
  readonly whole: Value;
  readonly block: number;
}

function isAlongChannels(node: Node): boolean {
  return node.op.name === 'concat' && (node.attributes as { axis: number }).axis === 1 && isFeatureMap(node.outputs[0]);
}

/**
 * Decides which tensors are written right to where their concatenation will be. The widest concatenation comes first; one
 * that holds the first parts of a wider one (each layer of a DenseNet reads all layers before it) then is a range of it.
 */
export function findHomes(graph: Graph, isBlocked: (value: Value) => boolean): Map<Value, Home> {
  const homes = new Map<Value, Home>();
  const concats = graph.nodes.filter((node) => isAlongChannels(node) && isBlocked(node.outputs[0]));
  concats.sort((a, b) => b.outputs[0].shape[1] - a.outputs[0].shape[1]);
  for (const node of concats) {
    const [whole] = node.outputs;
    const parts = node.inputs as Value[];
    const range = rangeOf(parts, homes);
    if (range && !homes.has(whole)) {
      homes.set(whole, range);
      continue;
    }
    let channel = 0;
    for (const [i, part] of parts.entries()) {
      // All but the last part must fill their blocks.
      const aligned = channel % BLOCK === 0 && (part.shape[1] % BLOCK === 0 || i === parts.length - 1);
      if (aligned && !homes.has(part) && !part.constant && !wraps(part, whole, homes)) {
        homes.set(part, { whole, block: channel / BLOCK });
      }
      channel += part.shape[1];
    }
  }
  return homes;
}

/** Where the parts lie, if they already lie side by side in one wider tensor. */
function rangeOf(parts: readonly Value[], homes: ReadonlyMap<Value, Home>): Home | null {
  const first = homes.get(parts[0]);
  if (!first) return null;
  let block = first.block;
  for (const part of parts) {
    const home = homes.get(part);
    if (home?.whole !== first.whole || home.block !== block) return null;
    block += Math.ceil(part.shape[1] / BLOCK);
  }
  return first;
}

/** Whether `part` holds `whole`, however far up: nothing can lie in a part of itself. */
function wraps(part: Value, whole: Value, homes: ReadonlyMap<Value, Home>): boolean {
  for (let value: Value | undefined = whole; value; value = homes.get(value)?.whole) if (value === part) return true;
  return false;
}

export const concatenation: BlockedRule = {
  ops: ['concat'],
  accepts: (node, around) => isAlongChannels(node) && node.inputs.some((part) => around.isBlocked(part)),
  halo: () => 0,
  emit(node, emitter) {
    const whole = emitter.result(node.outputs[0]);
    let first = 0;
    for (const part of node.inputs as Value[]) {
      const x = emitter.blocked(part);
      if (!emitter.liesIn(part, node.outputs[0], first)) {
        const channels = Int32Array.from({ length: part.shape[1] }, (_, i) => i);
        const [from, to] = [encode(BLOCKED_FIELDS, x.g), encode(BLOCKED_FIELDS, whole.g)];
        emitter.kernels.blockedGatherChannels(x.array, channels, whole.array, from, to, first);
      }
      first += part.shape[1];
    }
  },
};
