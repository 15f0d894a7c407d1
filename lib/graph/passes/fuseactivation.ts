import type { Conv2dGeometry } from '../../geometry.js';
import { ACTIVATION_KINDS, type ActivationKind } from '../../kernels/operations.js';
import { Tensor } from '../../tensor.js';
import { type Graph, Node, Value } from '../graph.js';
import { type Activation, IDENTITY } from '../ops/activate.js';
import { type FusedConv2dAttributes, fusedConv2d } from '../ops/fusedconv2d.js';
import { type FusedLinearAttributes, fusedLinear } from '../ops/fusedlinear.js';
import { type FusedMapAttributes, fusedMap } from '../ops/fusedmap.js';
import { onlyReader, perChannel, replaceNode } from '../rewrite.js';

/** An activation function and, of a PReLU, its slopes. */
interface Found {
  readonly activation: Activation;
  readonly slopes: Value | null;
}

/**
 * Lets convolutions, fully connected layers and maps apply the activation that follows them before they store their
 * results. Sums of two feature maps become maps if an activation follows.
 */
export function fuseActivation(graph: Graph): void {
  for (const node of [...graph.nodes]) {
    const [y] = node.outputs;
    const reader = onlyReader(graph, graph.consumers(), y);
    const found = reader && activationOf(reader, y);
    const fused = found && withActivation(node, found);
    if (!reader || !fused) continue;
    replaceNode(graph, reader, [fused], fused.outputs[0]);
    graph.nodes.splice(graph.nodes.indexOf(node), 1);
  }
}

/** The convolution as a node that can take more in. */
export function asFused(node: Node): Node<FusedConv2dAttributes> | null {
  if (node.op.name === 'fusedConv2d') return node as Node<FusedConv2dAttributes>;
  if (node.op.name !== 'conv2d' || node.outputs[0].dtype !== 'float32') return null;
  const attributes = { geometry: node.attributes as Conv2dGeometry, activation: IDENTITY, residualAfter: false };
  return new Node(fusedConv2d, attributes, [...node.inputs, null, null], [...node.outputs], node.name);
}

function withActivation(node: Node, { activation, slopes }: Found): Node | null {
  const result = () => new Value('float32', node.outputs[0].shape);
  const conv = asFused(node);
  if (conv) {
    const [x, weight, bias, residual, ownSlopes] = conv.inputs;
    if (conv.attributes.activation !== IDENTITY || conv.attributes.residualAfter) return null;
    const inputs = [x, weight, bias, residual, slopes ?? ownSlopes];
    return new Node(fusedConv2d, { ...conv.attributes, activation }, inputs, [result()], node.name) as unknown as Node;
  }
  if (node.op.name === 'fusedLinear') {
    const linear = node as Node<FusedLinearAttributes>;
    if (linear.attributes.activation !== IDENTITY || slopes) return null;
    return new Node(fusedLinear, { ...linear.attributes, activation }, linear.inputs, [result()], node.name) as unknown as Node;
  }
  const isSum = node.op.name === 'add' && node.inputs.every((input) => input && !input.constant && sameMap(input, node.outputs[0]));
  if (isSum) {
    const inputs = [node.inputs[0], null, null, node.inputs[1], slopes];
    return new Node(fusedMap, { operation: 'add', activation }, inputs, [result()], node.name) as unknown as Node;
  }
  if (node.op.name !== 'fusedMap') return null;
  const map = node as Node<FusedMapAttributes>;
  if (map.attributes.activation !== IDENTITY) return null;
  const [x, scale, shift, other] = map.inputs;
  const attributes = { ...map.attributes, activation };
  return new Node(fusedMap, attributes, [x, scale, shift, other, slopes], [result()], node.name) as unknown as Node;
}

function sameMap(a: Value, b: Value): boolean {
  return a.dtype === 'float32' && a.shape.length === 4 && a.shape.every((extent, axis) => extent === b.shape[axis]);
}

/** What a node does to `x` if it is an activation that kernels know. */
export function activationOf(node: Node, x: Value): Found | null {
  if (x.dtype !== 'float32') return null;
  if (node.op.name === 'prelu') {
    if (node.inputs[0] !== x || x.shape.length !== 4) return null;
    const slopes = perChannel(node.inputs[1], x.shape[1], 4);
    if (!slopes) return null;
    const values = Value.of(new Tensor('float32', Float32Array.from(slopes)));
    return { activation: { kind: 'prelu', alpha: 0, beta: 0 }, slopes: values };
  }
  const kind = node.op.name as ActivationKind;
  if (!ACTIVATION_KINDS.includes(kind)) return null;
  const { alpha, beta } = node.attributes as { alpha: number; beta: number };
  return { activation: { kind, alpha, beta }, slopes: null };
}
