import type { Conv2dGeometry } from '../../geometry.js';
import { ACTIVATION_KINDS, type ActivationKind } from '../../kernels/operations.js';
import { Tensor } from '../../tensor.js';
import { type Graph, Node, Value } from '../graph.js';
import { type Activation, IDENTITY } from '../ops/activate.js';
import { type FusedConv2dAttributes, fusedConv2d } from '../ops/fusedconv2d.js';
import { type FusedLinearAttributes, fusedLinear } from '../ops/fusedlinear.js';
import { perChannel } from '../rewrite.js';

/** An activation function and, of a PReLU, its slopes. */
export interface Found {
  readonly activation: Activation;
  readonly slopes: Value | null;
}

/** Lets convolutions and fully connected layers apply the activation that follows them before they store their results. */
export function fuseActivation(graph: Graph): void {
  absorbActivations(graph, withActivation);
}

/** Puts what `absorb` makes of a node and the activation that alone reads it in the place of both; null leaves them. */
export function absorbActivations(graph: Graph, absorb: (node: Node, found: Found) => Node | null): void {
  for (const node of graph.nodes) {
    const [y] = node.outputs;
    const reader = graph.onlyReaderOf(y);
    const found = reader && activationOf(reader, y);
    const fused = found && absorb(node, found);
    if (reader && fused) graph.replace(reader, [fused], fused.outputs[0], node);
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
    return new Node(
      fusedLinear,
      { ...linear.attributes, activation },
      linear.inputs,
      [result()],
      node.name,
    ) as unknown as Node;
  }
  return null;
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
