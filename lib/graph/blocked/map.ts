import { BLOCKED_FIELDS, encode, MAP_OPTION_FIELDS } from '../../geometry.js';
import { ACTIVATION_KINDS, BINARY_OPERATIONS, MAP_OPERANDS } from '../../kernels/operations.js';
import { sameShape } from '../../shape.js';
import type { Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import type { FusedMapAttributes, MapOperation } from '../ops/fusedmap.js';
import { activationOf } from '../passes/fuseactivation.js';
import { type BlockedRule, isFeatureMap, type Surroundings } from './rule.js';

/** Everything that one pass over a feature map can do, as kernels take it. */
interface Map2d {
  readonly x: Value;
  readonly scale: Value | null;
  readonly shift: Value | null;
  readonly other: Value | null;
  readonly slopes: Value | null;
  readonly attributes: FusedMapAttributes;
}

const BINARY_OPS: Readonly<Record<string, MapOperation>> = {
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  maximum: 'max',
  minimum: 'min',
};

function read(node: Node): Map2d | null {
  const [y] = node.outputs;
  if (!isFeatureMap(y)) return null;
  if (node.op.name === 'fusedMap') {
    const [x, scale, shift, other, slopes] = node.inputs;
    return { x: x as Value, scale, shift, other, slopes, attributes: node.attributes as FusedMapAttributes };
  }
  const [a, b = null] = node.inputs as (Value | null)[];
  const operation = Object.hasOwn(BINARY_OPS, node.op.name) ? BINARY_OPS[node.op.name] : undefined;
  if (operation) {
    // A gate may come first; then the operands change places, which a difference does not allow.
    const swap = !sameShape((a as Value).shape, y.shape) && operation !== 'sub';
    const [x, other] = swap ? [b, a] : [a, b];
    return {
      x: x as Value,
      scale: null,
      shift: null,
      other,
      slopes: null,
      attributes: { operation, activation: IDENTITY },
    };
  }
  const found = activationOf(node, a as Value);
  if (!found) return null;
  const attributes = { operation: null, activation: found.activation };
  return { x: a as Value, scale: null, shift: null, other: null, slopes: found.slopes, attributes };
}

/** A number for each image and channel. */
function isGate(other: Value, x: Value): boolean {
  const [n, c] = x.shape;
  return (
    other.dtype === 'float32' &&
    other.shape.length === 4 &&
    sameShape(other.shape, [n, c, 1, 1]) &&
    !sameShape(other.shape, x.shape)
  );
}

function accepts(node: Node, around: Surroundings): boolean {
  const map = read(node);
  if (!map || !sameShape(map.x.shape, node.outputs[0].shape)) return false;
  const constants = [map.scale, map.shift, map.slopes];
  if (constants.some((value) => value && !value.constant)) return false;
  const { other } = map;
  if (other && !sameShape(other.shape, map.x.shape) && !isGate(other, map.x)) return false;
  return around.isBlocked(map.x) || (other !== null && sameShape(other.shape, map.x.shape) && around.isBlocked(other));
}

export const mapping: BlockedRule = {
  ops: ['fusedMap', ...Object.keys(BINARY_OPS), 'prelu', ...ACTIVATION_KINDS.slice(1)],
  accepts,
  halo(node, input) {
    const map = read(node) as Map2d;
    const value = node.inputs[input];
    return value === map.x || (value === map.other && value && sameShape(value.shape, map.x.shape)) ? 0 : null;
  },
  emit(node, emitter) {
    const { x, scale, shift, other, slopes, attributes } = read(node) as Map2d;
    const gate = other !== null && isGate(other, x);
    const from = emitter.blocked(x);
    const second = other && !gate ? emitter.blocked(other) : null;
    const to = emitter.resultOver(node.outputs[0], x);
    const options = {
      operation: BINARY_OPERATIONS.indexOf(attributes.operation ?? 'add'),
      otherKind: MAP_OPERANDS.indexOf(gate ? 'gate' : 'tensor'),
      activation: ACTIVATION_KINDS.indexOf(attributes.activation.kind),
      haloOther: second?.g.halo ?? 0,
      haloOut: to.g.halo,
      blocksOther: second?.g.blocks ?? 0,
      blocksOut: to.g.blocks,
    };
    const plain = (value: Value | null) => value && emitter.plainFloats(value);
    emitter.kernels.blockedMap(
      from.array,
      plain(scale),
      plain(shift),
      second?.array ?? (gate ? emitter.plainFloats(other) : null),
      plain(slopes),
      to.array,
      encode(BLOCKED_FIELDS, from.g),
      encode(MAP_OPTION_FIELDS, options),
      attributes.activation.alpha,
      attributes.activation.beta,
    );
  },
};
