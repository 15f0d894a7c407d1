import { ACTIVATION_OPTION_FIELDS, BLOCKED_FIELDS, encode, NORM_GRADIENT_OPTION_FIELDS } from '../../geometry.js';
import { ACTIVATION_KINDS, type ActivationKind } from '../../kernels/operations.js';
import type { BatchNormAttributes } from '../../ops/channelnorm.js';
import type { Emitter } from '../emitter.js';
import type { Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import type { FusedBatchNormAttributes } from '../ops/fusedbatchnorm.js';
import type { BlockedRule } from './rule.js';

/** Those that the kernels of batch norm apply. */
const ACTIVATIONS: readonly ActivationKind[] = ['identity', 'relu', 'clip', 'leakyRelu', 'hardSwish'];

function attributesOf(node: Node): FusedBatchNormAttributes {
  return { activation: IDENTITY, ...(node.attributes as BatchNormAttributes) };
}

/** Of each image the same channels: a map of rows belongs to `normaliseRows`. */
function isOverChannels(node: Node, x: Value | null): boolean {
  return x?.shape.length === 4 && attributesOf(node).geometry.c === x.shape[1];
}

function floatsOf(value: Value | null | undefined, emitter: Emitter): Float32Array | null {
  return value ? emitter.plainFloats(value) : null;
}

/** Batch norm with the batch's statistics, or with given ones, and what was fused into it. */
export const normalisation: BlockedRule = {
  ops: ['batchNorm', 'fusedBatchNorm'],
  accepts: (node, around) =>
    around.isBlocked(node.inputs[0]) &&
    isOverChannels(node, node.inputs[0]) &&
    ACTIVATIONS.includes(attributesOf(node).activation.kind),
  halo: (_, input) => (input === 0 || input === 5 ? 0 : null),
  emit(node, emitter) {
    const { eps, batchStatistics, activation } = attributesOf(node);
    const [source, weight, bias, mean, variance, residual] = node.inputs;
    const x = emitter.blocked(source as Value);
    const rest = residual ? emitter.blocked(residual) : null;
    const statistics = batchStatistics
      ? node.outputs.slice(1).map((value) => emitter.plainResult(value))
      : [mean, variance].map((value) => emitter.plainFloats(value as Value));
    const g = encode(BLOCKED_FIELDS, x.g);
    if (batchStatistics) emitter.kernels.blockedChannelStatistics(x.array, statistics[0], statistics[1], g);
    const y = emitter.resultOver(node.outputs[0], residual ?? null);
    const options = {
      activation: ACTIVATION_KINDS.indexOf(activation.kind),
      haloOther: rest?.g.halo ?? 0,
      haloOut: y.g.halo,
      blocksOther: rest?.g.blocks ?? 0,
      blocksOut: y.g.blocks,
    };
    emitter.kernels.blockedBatchNorm(
      x.array,
      statistics[0],
      statistics[1],
      floatsOf(weight, emitter),
      floatsOf(bias, emitter),
      rest?.array ?? null,
      y.array,
      g,
      encode(ACTIVATION_OPTION_FIELDS, options),
      eps,
      activation.alpha,
      activation.beta,
    );
  },
};

/** What goes back through a batch norm, and through the ReLU behind it. */
export const normalisationBackward: BlockedRule = {
  ops: ['batchNormBackward', 'fusedBatchNormBackward'],
  accepts: (node, around) => around.isBlocked(sourceOf(node)) && isOverChannels(node, sourceOf(node)),
  halo: (node, input) => (node.inputs[input]?.shape.length === 4 ? 0 : null),
  blockedResults: ({ outputs: [dx, , , dresidual] }) => (dresidual ? [dx, dresidual] : [dx]),
  overlays(node) {
    const [dy] = node.inputs as Value[];
    const [dx, , , dresidual] = node.outputs;
    return dresidual
      ? [
          [dresidual, dy],
          [dx, sourceOf(node) as Value],
        ]
      : [[dx, dy]];
  },
  emit(node, emitter) {
    const isFused = node.op.name === 'fusedBatchNormBackward';
    const [gradient, ...rest] = node.inputs as Value[];
    const [result, source, weight, mean, variance, bias] = isFused ? rest : [null, ...rest];
    const [dxValue, dweight, dbias, dresidual] = node.outputs;
    const dy = emitter.blocked(gradient);
    const x = emitter.blocked(source as Value);
    // Without a residual the kernel finds the argument of the ReLU again from x, which it reads anyway.
    const y = result && dresidual ? emitter.blocked(result) : null;
    const dz = dresidual ? emitter.resultOver(dresidual, gradient) : null;
    const dx = emitter.resultOver(dxValue, dz ? (source as Value) : gradient);
    const { eps, batchStatistics } = node.attributes as BatchNormAttributes;
    const options = {
      activation: ACTIVATION_KINDS.indexOf(isFused ? 'relu' : 'identity'),
      batchStatistics: Number(batchStatistics),
      haloIn: dy.g.halo,
      haloValue: y?.g.halo ?? 0,
      haloOut: dx.g.halo,
      haloResidual: dz?.g.halo ?? 0,
      blocksIn: dy.g.blocks,
      blocksValue: y?.g.blocks ?? 0,
      blocksOut: dx.g.blocks,
      blocksResidual: dz?.g.blocks ?? 0,
    };
    emitter.kernels.blockedBatchNormBackward(
      dy.array,
      y?.array ?? null,
      x.array,
      emitter.plainFloats(mean as Value),
      emitter.plainFloats(variance as Value),
      floatsOf(weight, emitter),
      floatsOf(bias, emitter),
      dx.array,
      dz?.array ?? null,
      emitter.plainResult(dweight),
      emitter.plainResult(dbias),
      encode(BLOCKED_FIELDS, x.g),
      encode(NORM_GRADIENT_OPTION_FIELDS, options),
      eps,
      0,
      0,
    );
  },
};

function sourceOf(node: Node): Value | null {
  return node.inputs[node.op.name === 'fusedBatchNormBackward' ? 2 : 1];
}
