import type { Conv2dGeometry } from '../../geometry.js';
import { floats } from '../../ops/op.js';
import { Tensor } from '../../tensor.js';
import { type Graph, Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import { fusedMap } from '../ops/fusedmap.js';
import { otherInput, perChannel } from '../rewrite.js';
import { ScaledWeight } from '../scaledweight.js';

/** y = x · scale[c] + shift[c]; null is 1 and 0. */
interface Affine {
  readonly x: Value;
  readonly scale: Float64Array | null;
  readonly shift: Float64Array | null;
}

/**
 * Folds batch norms in inference form, and products and sums with a number per channel, into the convolution they follow:
 * w · scale, bias · scale + shift, worked out in float64 and rounded once. A batch norm that follows something else becomes
 * a map with one multiplication and one addition.
 */
export function foldBatchNorm(graph: Graph): void {
  for (const node of graph.nodes) {
    const affine = affineOf(node);
    if (!affine) continue;
    const source = affine.x.producer;
    if (source && canFold(source) && graph.onlyReaderOf(affine.x) === node) {
      const folded = withAffine(source as Node<Conv2dGeometry>, affine);
      graph.replace(node, [folded as unknown as Node], folded.outputs[0], source);
    } else if (node.op.name === 'batchNorm') {
      const [scale, shift] = [affine.scale, affine.shift].map((v) => v && constant(v));
      const result = new Value('float32', node.outputs[0].shape);
      const inputs = [affine.x, scale, shift, null, null];
      const map = new Node(fusedMap, { operation: null, activation: IDENTITY }, inputs, [result], node.name);
      graph.replace(node, [map as unknown as Node], result);
    }
  }
}

function canFold({ op, inputs: [, weight, bias] }: Node): boolean {
  return op.name === 'conv2d' && Boolean(weight?.constant) && (!bias || bias.constant !== null);
}

function withAffine(conv: Node<Conv2dGeometry>, { scale, shift }: Affine): Node<Conv2dGeometry> {
  const [x, weight, bias] = conv.inputs;
  const scaled = scale ? Value.of(ScaledWeight.of(weight?.constant as Tensor, scale), weight?.name) : weight;
  let offset = bias;
  if (shift || (scale && bias)) {
    const old = bias?.constant ? floats(bias.constant) : new Float32Array(conv.attributes.oc);
    offset = constant(Float64Array.from(old, (b, o) => b * (scale?.[o] ?? 1) + (shift?.[o] ?? 0)));
  }
  const result = new Value('float32', conv.outputs[0].shape);
  return new Node(conv.op, conv.attributes, [x, scaled, offset], [result], conv.name);
}

function affineOf(node: Node): Affine | null {
  const [y] = node.outputs;
  if (y.dtype !== 'float32' || y.shape.length < 2) return null;
  const channels = y.shape[1];
  if (node.op.name === 'batchNorm') return normalisation(node as Node<{ eps: number; batchStatistics: boolean }>);
  if (node.op.name !== 'mul' && node.op.name !== 'add') return null;
  const x = node.inputs[0]?.constant ? node.inputs[1] : node.inputs[0];
  const numbers = perChannel(otherInput(node, x as Value), channels, y.shape.length);
  if (!x || !numbers || x.shape.length !== y.shape.length || x.shape[1] !== channels) return null;
  return node.op.name === 'mul' ? { x, scale: numbers, shift: null } : { x, scale: null, shift: numbers };
}

function normalisation(node: Node<{ eps: number; batchStatistics: boolean }>): Affine | null {
  const { eps, batchStatistics } = node.attributes;
  const [x, weight, bias, mean, variance] = node.inputs;
  const known = [weight, bias, mean, variance].every((value) => !value || value.constant);
  if (batchStatistics || !known || !x || !mean?.constant || !variance?.constant) return null;
  const [gamma, beta] = [weight, bias].map((value) => value?.constant && floats(value.constant));
  const mu = floats(mean.constant);
  const scale = Float64Array.from(floats(variance.constant), (v, c) => (gamma?.[c] ?? 1) / Math.sqrt(v + eps));
  return { x, scale, shift: scale.map((s, c) => (beta?.[c] ?? 0) - mu[c] * s) };
}

function constant(numbers: Float64Array): Value {
  return Value.of(new Tensor('float32', Float32Array.from(numbers)));
}
