import type { Conv2dGeometry } from '../../geometry.js';
import { sameShape } from '../../shape.js';
import { type Graph, Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import { type FusedConv2dAttributes, fusedConv2d } from '../ops/fusedconv2d.js';
import { fusedGradInput } from '../ops/fusedgradinput.js';
import { asFused } from './fuseactivation.js';

/**
 * Lets a convolution, or the gradient of its input, add the other operand of the sum that follows it: the shortcut of a
 * residual block then is read while the result is in registers, and the sum costs no pass over memory. Of two convolutions
 * the later one does it.
 */
export function fuseResidual(graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.op.name !== 'add') continue;
    const [a, b] = node.inputs as [Value, Value];
    if (a === b || a.constant || b.constant || !sameShape(a.shape, b.shape) || a.dtype !== 'float32') continue;
    const [chosen] = [a, b]
      .filter((value) => graph.onlyReaderOf(value) === node && canTake(value.producer))
      .sort((x, y) => position(graph, y) - position(graph, x));
    if (!chosen) continue;
    const before = chosen.producer as Node;
    const result = new Value('float32', node.outputs[0].shape);
    const fused = withResidual(before, chosen === a ? b : a, result);
    graph.replace(node, [fused as unknown as Node], result, before);
  }
}

function withResidual(node: Node, residual: Value, result: Value): Node<FusedConv2dAttributes> | Node<Conv2dGeometry> {
  const { inputs, name } = node;
  if (node.op.name === 'conv2dGradInput') {
    const geometry = node.attributes as Conv2dGeometry;
    return new Node(fusedGradInput, geometry, [inputs[0], inputs[1], null, residual], [result], name);
  }
  const conv = asFused(node) as Node<FusedConv2dAttributes>;
  const [x, weight, bias, , slopes] = conv.inputs;
  const attributes = { ...conv.attributes, residualAfter: conv.attributes.activation !== IDENTITY };
  return new Node(fusedConv2d, attributes, [x, weight, bias, residual, slopes], [result], name);
}

function canTake(node: Node | null): boolean {
  if (node?.op.name === 'conv2d' || node?.op.name === 'conv2dGradInput') return true;
  return node?.op.name === 'fusedConv2d' && !node.inputs[3];
}

function position(graph: Graph, value: Value): number {
  return value.producer ? graph.nodes.indexOf(value.producer) : -1;
}
