import { CONV2D_FIELDS, CONVOLUTION_OPTION_FIELDS, type Conv2dGeometry, encode } from '../../geometry.js';
import {
  ACTIVATION_KINDS,
  type ActivationKind,
  CONVOLUTION_ALGORITHMS,
  CONVOLUTION_PASSES,
} from '../../kernels/operations.js';
import type { Tensor } from '../../tensor.js';
import type { Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import type { FusedConv2dAttributes } from '../ops/fusedconv2d.js';
import type { BlockedRule } from './rule.js';

/** A convolution of any kind, in the form of the fused one. */
function fusedAttributes(node: Node): FusedConv2dAttributes {
  if (node.op.name === 'fusedConv2d') return node.attributes as FusedConv2dAttributes;
  return { geometry: node.attributes as Conv2dGeometry, activation: IDENTITY, residualAfter: false };
}

/**
 * Whether the result may lie over the residual. Activations that need exp work on the stored result, and by then a residual
 * that is to be added after them would be gone.
 */
function mayOverwrite(kind: ActivationKind, residualAfter: boolean): boolean {
  return !residualAfter || !['sigmoid', 'tanh', 'silu', 'gelu'].includes(kind);
}

export const convolution: BlockedRule = {
  ops: ['conv2d', 'fusedConv2d', 'conv2dGradInput'],
  accepts: (node, around) => around.choose(node) !== null,
  halo(node, input, around) {
    const choice = around.choose(node);
    if (input === 3) return 0; // the residual
    return input === 0 && choice && choice.algorithm !== 'plainInput' ? choice.halo : null;
  },
  emit(node, emitter) {
    const { algorithm, pass, floats } = emitter.choiceOf(node);
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
    const packed = emitter.weights.packedConvolution(
      weight?.constant as Tensor,
      bias?.constant ?? null,
      geometry,
      algorithm,
      floats,
      pass,
    );
    const options = {
      pass: CONVOLUTION_PASSES.indexOf(pass),
      algorithm: CONVOLUTION_ALGORITHMS.indexOf(algorithm),
      haloIn: x?.g.halo ?? 0,
      haloOut: y.g.halo,
      blocksIn: x?.g.blocks ?? 0,
      blocksOut: y.g.blocks,
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
