import { sameShape } from '../../shape.js';
import { type Graph, Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import { type FusedMapAttributes, fusedMap } from '../ops/fusedmap.js';
import { absorbActivations, type Found } from './fuseactivation.js';

/**
 * Makes one pass over memory of two: of a folded batch norm, or a sum of two feature maps that no convolution could take in,
 * and the activation behind it.
 */
export function fuseMap(graph: Graph): void {
  absorbActivations(graph, withActivation);
}

function withActivation(node: Node, { activation, slopes }: Found): Node | null {
  const [y] = node.outputs;
  const result = new Value('float32', y.shape);
  if (node.op.name === 'add') {
    const areMaps = node.inputs.every((input) => input && !input.constant && sameShape(input.shape, y.shape));
    if (!areMaps || y.shape.length !== 4) return null;
    const inputs = [node.inputs[0], null, null, node.inputs[1], slopes];
    return new Node(fusedMap, { operation: 'add', activation }, inputs, [result], node.name) as unknown as Node;
  }
  if (node.op.name !== 'fusedMap') return null;
  const map = node as Node<FusedMapAttributes>;
  if (map.attributes.activation !== IDENTITY) return null;
  const inputs = [...map.inputs.slice(0, 4), slopes];
  return new Node(fusedMap, { ...map.attributes, activation }, inputs, [result], node.name) as unknown as Node;
}
