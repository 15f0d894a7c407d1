import { sameShape } from '../../shape.js';
import { type Graph, Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import { type FusedConv2dAttributes, fusedConv2d } from '../ops/fusedconv2d.js';
import { asFused } from './fuseactivation.js';

/**
 * Lets a convolution add the other operand of the sum that follows it: the shortcut of a residual block then is read while
 * the result is in registers, and the sum costs no pass over memory. Of two convolutions the later one does it.
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
    const conv = asFused(before) as Node<FusedConv2dAttributes>;
    const [x, weight, bias, , slopes] = conv.inputs;
    const { activation } = conv.attributes;
    const attributes = { ...conv.attributes, residualAfter: activation !== IDENTITY };
    const result = new Value('float32', node.outputs[0].shape);
    const inputs = [x, weight, bias, chosen === a ? b : a, slopes];
    const fused = new Node(fusedConv2d, attributes, inputs, [result], before.name);
    graph.replace(node, [fused as unknown as Node], result, before);
  }
}

function canTake(node: Node | null): boolean {
  if (node?.op.name === 'conv2d') return true;
  return node?.op.name === 'fusedConv2d' && !node.inputs[3];
}

function position(graph: Graph, value: Value): number {
  return value.producer ? graph.nodes.indexOf(value.producer) : -1;
}
