import type { BatchNormAttributes } from '../../ops/channelnorm.js';
import type { Reduction } from '../../ops/reduction.js';
import { type Graph, Node } from '../graph.js';
import { fusedBatchNormBackward, reluGradSum } from '../ops/fusedbatchnorm.js';

/**
 * Lets the way back through a batch norm begin with the way back through the ReLU behind it, and that through a ReLU sum up
 * the gradient of the bias before it: one pass over memory instead of two.
 */
export function fuseGradient(graph: Graph): void {
  for (const node of graph.nodes) {
    const [dx] = node.outputs;
    if (node.op.name !== 'reluGrad' || dx.dtype !== 'float32' || dx.shape.length !== 4) continue;
    const [dy, y] = node.inputs;
    const readers = graph.readersOf(dx);
    const norm = readers.find((reader) => reader.op.name === 'batchNormBackward' && reader.inputs[0] === dx);
    if (norm && y?.producer?.op.name === 'fusedBatchNorm') {
      const [, , bias, , , residual] = y.producer.inputs;
      const inputs = [dy, y, ...norm.inputs.slice(1), bias];
      const attributes = norm.attributes as BatchNormAttributes;
      // Where the norm alone reads what comes out of the ReLU, nobody is told, and the kernel finds the argument of the ReLU
      // from x: that of a norm without a residual, whether or not the residual gets a gradient.
      const isRead = residual || readers.length > 1 || graph.outputs.includes(dx);
      const outputs = isRead ? [...norm.outputs, dx] : norm.outputs;
      const fused = new Node(fusedBatchNormBackward, attributes, inputs, outputs, norm.name);
      graph.replace(norm, [fused as unknown as Node], norm.outputs[0], node);
      continue;
    }
    const sum = readers.find((reader) => reader.op.name === 'sum' && isOverPlanes(reader));
    if (sum) {
      const fused = new Node(reluGradSum, null, [dy, y], [dx, sum.outputs[0]], node.name);
      graph.replace(node, [fused as unknown as Node], dx, sum);
    }
  }
}

/** Whether a sum leaves one number a channel of [n, c, h, w]. */
export function isOverPlanes(node: Node): boolean {
  const { axes, result } = node.attributes as Reduction;
  return axes.join() === '0,2,3' && result.length === 1;
}
