import type { Conv2dGeometry } from '../geometry.js';
import type { Graph, Node } from '../graph/graph.js';
import type { FusedConv2dAttributes } from '../graph/ops/fusedconv2d.js';
import { formatShape, type Shape, sizeOf } from '../shape.js';

/** One node of an {@link Inspection}. */
export interface InspectionRow {
  readonly name: string;
  readonly op: string;
  /** Shape of the first output. */
  readonly output: Shape;
  /** Elements of the constants it reads. */
  readonly parameters: number;
  readonly multiplyAdds: number;
  /** Algorithm, where there was a choice. */
  readonly algorithm: string;
}

/** A model as it will run for inputs of certain shapes. Printing it gives a table. */
export class Inspection {
  readonly rows: readonly InspectionRow[];
  readonly parameters: number;
  readonly multiplyAdds: number;
  /** Bytes of activations that a run needs at once; null where the interpreter runs. */
  readonly activationBytes: number | null;

  constructor(graph: Graph, details: ReadonlyMap<Node, string>, activationBytes: number | null) {
    this.rows = graph.nodes.map((node) => ({
      name: node.name,
      op: node.op.name,
      output: node.outputs[0].shape,
      parameters: node.inputs.reduce((sum, value) => sum + (value?.constant?.size ?? 0), 0),
      multiplyAdds: multiplyAdds(node),
      algorithm: details.get(node) ?? '',
    }));
    // A constant that several nodes read counts once.
    const constants = new Set(graph.nodes.flatMap(({ inputs }) => inputs.flatMap((value) => value?.constant ?? [])));
    this.parameters = [...constants].reduce((sum, { size }) => sum + size, 0);
    this.multiplyAdds = this.rows.reduce((sum, row) => sum + row.multiplyAdds, 0);
    this.activationBytes = activationBytes;
  }

  toString(): string {
    const count = (value: number) => value.toLocaleString('en-US');
    const table = [
      ['node', 'op', 'output', 'algorithm', 'parameters', 'multiply-adds'],
      ...this.rows.map(({ name, op, output, algorithm, parameters, multiplyAdds }) => [
        name,
        op,
        formatShape(output),
        algorithm,
        count(parameters),
        count(multiplyAdds),
      ]),
      [`${this.rows.length} nodes`, '', '', '', count(this.parameters), count(this.multiplyAdds)],
    ];
    const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
    const lines = table.map((row) =>
      row.map((cell, i) => (i < 4 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    );
    const memory = `weights ${megabytes(4 * this.parameters)}`;
    const activations = this.activationBytes === null ? '' : `, activations ${megabytes(this.activationBytes)} a run`;
    return [...lines, memory + activations].join('\n');
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Multiply-adds of a convolution or matrix product; 0 for everything else. */
function multiplyAdds(node: Node): number {
  const size = sizeOf(node.outputs[0].shape);
  switch (node.op.name) {
    case 'conv2d':
      return size * sumsOf(node.attributes as Conv2dGeometry);
    case 'fusedConv2d':
      return size * sumsOf((node.attributes as FusedConv2dAttributes).geometry);
    case 'conv2dGradInput':
    case 'fusedGradInput': {
      const { n, oc, oh, ow, ...rest } = node.attributes as Conv2dGeometry;
      return n * oc * oh * ow * sumsOf({ n, oc, oh, ow, ...rest });
    }
    case 'fusedLinear':
    case 'matmul':
      return size * ((node.inputs[0]?.shape.at(-1) as number) ?? 0);
    default:
      return 0;
  }
}

/** Terms of the sum for one result. */
function sumsOf({ ic, kh, kw, groups }: Conv2dGeometry): number {
  return (ic / groups) * kh * kw;
}
