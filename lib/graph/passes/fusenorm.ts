import type { BatchNormAttributes } from '../../ops/channelnorm.js';
import { sameShape } from '../../shape.js';
import { type Graph, Node, type Value } from '../graph.js';
import { type Activation, IDENTITY } from '../ops/activate.js';
import { type FusedBatchNormAttributes, fusedBatchNorm } from '../ops/fusedbatchnorm.js';
import { otherInput } from '../rewrite.js';
import { activationOf } from './fuseactivation.js';

/**
 * Lets a batch norm add the residual and apply the activation that follow it, in training: its result then is not written
 * and read again.
 */
export function fuseNorm(graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.op.name !== 'batchNorm' || node.outputs[0].dtype !== 'float32' || node.outputs[0].shape.length !== 4)
      continue;
    let norm = node as Node<BatchNormAttributes>;
    const sum = graph.onlyReaderOf(norm.outputs[0]);
    const residual = sum?.op.name === 'add' ? otherInput(sum, norm.outputs[0]) : null;
    if (sum && residual && isResidualOf(residual, norm)) norm = replaced(graph, norm, sum, residual, IDENTITY);
    const [y] = norm.outputs;
    const reader = graph.onlyReaderOf(y);
    const found = reader && activationOf(reader, y);
    if (reader && found && !found.slopes) {
      const taken = norm.op.name === 'fusedBatchNorm' ? norm.inputs[5] : null;
      replaced(graph, norm, reader, taken, found.activation);
    }
  }
}

/** A map of the same shape, which cannot depend on the norm: the sum alone reads that. */
function isResidualOf(residual: Value, norm: Node): boolean {
  return !residual.constant && residual !== norm.outputs[0] && sameShape(residual.shape, norm.outputs[0].shape);
}

/** Puts a norm that does what `last` does as well in the place of `last`. */
function replaced(
  graph: Graph,
  norm: Node<BatchNormAttributes>,
  last: Node,
  residual: Value | null,
  activation: Activation,
): Node<FusedBatchNormAttributes> {
  const [, ...statistics] = norm.outputs;
  const [result] = last.outputs;
  const inputs = [...norm.inputs.slice(0, 5), residual];
  const attributes = { ...norm.attributes, activation };
  const fused = new Node(fusedBatchNorm, attributes, inputs, [result, ...statistics], norm.name);
  graph.replace(last, [fused as unknown as Node], result, norm as unknown as Node);
  return fused;
}
