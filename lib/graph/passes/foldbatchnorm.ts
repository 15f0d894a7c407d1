import type { Conv2dGeometry } from '../../geometry.js';
import { floats } from '../../ops/op.js';
import { Tensor } from '../../tensor.js';
import { type Graph, Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import { fusedMap } from '../ops/fusedmap.js';
import { onlyReader, otherInput, perChannel, replaceNode } from '../rewrite.js';
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
  const consumers = graph.consumers();
  for (const node of [...graph.nodes]) {
    const affine = affineOf(node);
    if (!affine) continue;
    const source = affine.x.producer;
    if (source?.op.name === 'conv2d' && source.inputs[1]?.constant && onlyReader(graph, consumers, affine.x) === node) {
      foldInto(graph, source as Node<Conv2dGeometry>, node, affine);
      consumers.set(source.outputs[0], consumers.get(node.outputs[0]) ?? []);
    } else if (node.op.name === 'batchNorm') {
      const [scale, shift] = [affine.scale, affine.shift].map((v) => v && constant(v));
      const result = new Value('float32', node.outputs[0].shape, node.outputs[0].name);
      const map = new Node(
        fusedMap,
        { operation: null, activation: IDENTITY },
        [affine.x, scale, shift, null, null],
        [result],
        node.name,
      );
      replaceNode(graph, node, [map as unknown as Node], result);
      consumers.set(result, consumers.get(node.outputs[0]) ?? []);
    }
  }
}

/** The convolution's own result takes the place of the folded node's. */
function foldInto(graph: Graph, conv: Node<Conv2dGeometry>, node: Node, { scale, shift }: Affine): void {
  const [, weight, bias] = conv.inputs;
  const { oc } = conv.attributes;
  const base = weight?.constant as Tensor;
  if (scale) conv.inputs[1] = Value.of(ScaledWeight.of(base, scale), weight?.name);
  if (shift || (scale && bias)) {
    const old = bias?.constant ? floats(bias.constant) : new Float32Array(oc);
    conv.inputs[2] = constant(Float64Array.from(old, (b, o) => b * (scale?.[o] ?? 1) + (shift?.[o] ?? 0)));
  }
  graph.nodes.splice(graph.nodes.indexOf(node), 1);
  conv.outputs[0].name = node.outputs[0].name;
  graph.replace(node.outputs[0], conv.outputs[0]);
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
