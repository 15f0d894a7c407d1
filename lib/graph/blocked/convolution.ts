import { BLOCK } from '../../backend/blocked.js';
import { CONV2D_FIELDS, CONVOLUTION_OPTION_FIELDS, type Conv2dGeometry, encode } from '../../geometry.js';
import {
  ACTIVATION_KINDS,
  type ActivationKind,
  CONVOLUTION_ALGORITHMS,
  CONVOLUTION_PASSES,
} from '../../kernels/operations.js';
import { HollowStorage } from '../../storage.js';
import type { Blocked, Emitter } from '../emitter.js';
import type { Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import type { FusedConv2dAttributes } from '../ops/fusedconv2d.js';
import type { BlockedRule, Choice, Surroundings } from './rule.js';

/** A convolution of any kind, in the form of the fused one. */
function fusedAttributes(node: Node): FusedConv2dAttributes {
  if (node.op.name === 'fusedConv2d') return node.attributes as FusedConv2dAttributes;
  return { geometry: node.attributes as Conv2dGeometry, activation: IDENTITY, residualAfter: false };
}

const isGradient = ({ op }: Node) => op.name === 'conv2dGradInput' || op.name === 'fusedGradInput';

/**
 * Kernels on blocks compute 16 channels of the result at once. Where most of them are no channels, and the source is not in
 * blocks or small, plain kernels are done earlier: the first layers of a LeNet in training.
 */
function wastesLanes(node: Node, around: Surroundings): boolean {
  const { geometry } = fusedAttributes(node);
  const { ic, oc, groups } = geometry;
  const [from, to] = isGradient(node) ? [oc, ic] : [ic, oc];
  const isFew =
    to < BLOCK / 2 && groups === 1 && !node.inputs[1]?.constant && around.choose(node)?.algorithm !== 'columns';
  return isFew && (!around.isBlocked(node.inputs[0]) || from <= 2 * BLOCK);
}

/**
 * Winograd's weights are four times the weights. Where they change in each run, and belong to few positions, packing them
 * costs more than the layout saves; the plain kernels transform them as they go.
 */
function packsMost(node: Node, around: Surroundings): boolean {
  const { geometry } = fusedAttributes(node);
  const { n, ic, oc, h, w, oh, ow } = geometry;
  const { algorithm = '', floats = 0 } = around.choose(node) ?? {};
  const touched = n * (ic * h * w + oc * oh * ow);
  return !node.inputs[1]?.constant && algorithm.startsWith('winograd') && floats > 8 * touched;
}

/** The weights in the form the algorithm reads: once for all runs if they are constant, else anew in each. */
function packedWeights(
  weight: Value,
  bias: Value | null | undefined,
  geometry: Conv2dGeometry,
  emitter: Emitter,
  { algorithm, pass, floats }: Choice,
): Float32Array {
  if (weight.constant && (!bias || bias.constant)) {
    const offset = bias?.constant ?? null;
    return emitter.weights.packedConvolution(weight.constant, offset, geometry, algorithm, floats, pass);
  }
  const packed = new HollowStorage('float32', floats).values;
  emitter.kernels.blockedConv2dPack(
    emitter.plainFloats(weight),
    bias ? emitter.plainFloats(bias) : null,
    packed,
    encode(CONV2D_FIELDS, geometry),
    CONVOLUTION_PASSES.indexOf(pass),
    CONVOLUTION_ALGORITHMS.indexOf(algorithm),
  );
  return packed;
}

/** How a convolution is computed and its two feature maps lie; without residual and activation. */
function optionsOf({ algorithm, pass }: Choice, x: Blocked | null, y: Blocked) {
  return {
    pass: CONVOLUTION_PASSES.indexOf(pass),
    algorithm: CONVOLUTION_ALGORITHMS.indexOf(algorithm),
    haloIn: x?.g.halo ?? 0,
    haloOut: y.g.halo,
    blocksIn: x?.g.blocks ?? 0,
    blocksOut: y.g.blocks,
    haloResidual: 0,
    blocksResidual: 0,
    activation: 0,
    residualAfter: 0,
  };
}

/**
 * Whether the result may lie over the residual. Activations that need exp work on the stored result, and by then a residual
 * that is to be added after them would be gone.
 */
function mayOverwrite(kind: ActivationKind, residualAfter: boolean): boolean {
  return !residualAfter || !['sigmoid', 'tanh', 'silu', 'gelu'].includes(kind);
}

export const convolution: BlockedRule = {
  ops: ['conv2d', 'fusedConv2d', 'conv2dGradInput', 'fusedGradInput'],
  accepts: (node, around) => around.choose(node) !== null && !wastesLanes(node, around) && !packsMost(node, around),
  halo(node, input, around) {
    const choice = around.choose(node);
    if (input === 3) return 0; // the residual
    return input === 0 && choice && choice.algorithm !== 'plainInput' ? choice.halo : null;
  },
  emit(node, emitter) {
    const { algorithm } = emitter.choiceOf(node);
    const { geometry, activation, residualAfter } = fusedAttributes(node);
    const [source, weight, bias, residual, slopes] = node.inputs as (Value | null)[];
    const isPlain = algorithm === 'plainInput';
    const x = isPlain ? null : emitter.blocked(source as Value);
    const rest = residual ? emitter.blocked(residual) : null;
    // A convolution reads its source all the time: a residual that is the source as well has to stay.
    const y =
      residual !== source && mayOverwrite(activation.kind, residualAfter)
        ? emitter.resultOver(node.outputs[0], residual)
        : emitter.result(node.outputs[0]);
    const packed = packedWeights(weight as Value, bias, geometry, emitter, emitter.choiceOf(node));
    const options = {
      ...optionsOf(emitter.choiceOf(node), x, y),
      haloResidual: rest?.g.halo ?? 0,
      blocksResidual: rest?.g.blocks ?? 0,
      activation: ACTIVATION_KINDS.indexOf(activation.kind),
      residualAfter: Number(residualAfter),
    };
    emitter.detail(algorithm);
    emitter.kernels.blockedConv2d(
      x?.array ?? emitter.plainFloats(source as Value),
      packed,
      rest?.array ?? null,
      slopes ? emitter.plainFloats(slopes) : null,
      y.array,
      encode(CONV2D_FIELDS, geometry),
      encode(CONVOLUTION_OPTION_FIELDS, options),
      activation.alpha,
      activation.beta,
    );
  },
};

/** The gradient of the weights is the sum of x · dy over all images and positions. */
export const weightGradient: BlockedRule = {
  ops: ['conv2dGradWeight'],
  accepts: (node, around) => around.choose(node) !== null && node.inputs.some((value) => around.isBlocked(value)),
  halo(node, input, around) {
    const choice = around.choose(node);
    if (input === 1) return 0;
    return choice && choice.algorithm !== 'plainInput' ? choice.halo : null;
  },
  blockedResults: () => [],
  emit(node, emitter) {
    const { algorithm } = emitter.choiceOf(node);
    const [source, gradient] = node.inputs as [Value, Value];
    const x = algorithm === 'plainInput' ? null : emitter.blocked(source);
    const dy = emitter.blocked(gradient);
    emitter.detail(algorithm);
    emitter.kernels.blockedConv2dGradWeight(
      x?.array ?? emitter.plainFloats(source),
      dy.array,
      emitter.plainResult(node.outputs[0]),
      encode(CONV2D_FIELDS, node.attributes as Conv2dGeometry),
      encode(CONVOLUTION_OPTION_FIELDS, optionsOf(emitter.choiceOf(node), x, dy)),
    );
  },
};
