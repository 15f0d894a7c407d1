import { type Graph, Node, Value } from '../graph.js';
import { IDENTITY } from '../ops/activate.js';
import { fusedLinear } from '../ops/fusedlinear.js';
import { otherInput } from '../rewrite.js';

/** Turns a product [m, k] × a constant matrix, and the bias that is added to it, into one fully connected layer. */
export function fuseLinear(graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.op.name !== 'matmul') continue;
    const { transA, transB } = node.attributes as { transA: boolean; transB: boolean };
    const [x, weight] = node.inputs as [Value, Value];
    if (transA || x.dtype !== 'float32' || x.shape.length !== 2 || !weight.constant || weight.shape.length !== 2)
      continue;
    const [product] = node.outputs;
    const reader = graph.onlyReaderOf(product);
    const bias = reader?.op.name === 'add' ? biasOf(otherInput(reader, product), product.shape[1]) : null;
    const replaced = bias && reader ? reader : node;
    const result = new Value('float32', product.shape);
    const attributes = { transposed: transB, activation: IDENTITY };
    const layer = new Node(fusedLinear, attributes, [x, weight, bias], [result], node.name);
    graph.replace(replaced, [layer as unknown as Node], result, node);
  }
}

/** A constant [n] or [1, n]; null if the value is something else. */
function biasOf(value: Value, n: number): Value | null {
  const isVector = value.shape.at(-1) === n && value.shape.slice(0, -1).every((extent) => extent === 1);
  if (!value.constant || !isVector) return null;
  return value.shape.length === 1 ? value : Value.of(value.constant.reshape([n]), value.name);
}
