import { noGrad } from '../autograd.js';
import { zeros } from '../creation.js';
import { formatShape, type Shape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Module } from './module.js';

/** One layer of a {@link Summary}. */
export interface SummaryRow {
  name: string;
  layer: string;
  output: Shape;
  parameters: number;
  /** Multiply-adds for the given input. */
  multiplyAdds: number;
}

/** What `module.summary()` returns; `toString()` gives a table. */
export class Summary {
  readonly rows: readonly SummaryRow[];
  /** Trainable numbers of the whole model. */
  readonly parameters: number;
  readonly multiplyAdds: number;
  /**
   * Weights that fully connected layers between the same activations would need in place of the convolutions, plus the
   * model's other parameters.
   */
  readonly denseParameters: number;

  constructor(rows: readonly SummaryRow[], parameters: number, denseParameters: number) {
    this.rows = rows;
    this.parameters = parameters;
    this.multiplyAdds = rows.reduce((sum, row) => sum + row.multiplyAdds, 0);
    this.denseParameters = denseParameters;
  }

  toString(): string {
    const count = (value: number) => value.toLocaleString('en-US');
    const table = [
      ['layer', '', 'output', 'parameters', 'multiply-adds'],
      ...this.rows.map((row) => [
        row.name,
        row.layer,
        formatShape(row.output),
        count(row.parameters),
        count(row.multiplyAdds),
      ]),
      ['total', '', '', count(this.parameters), count(this.multiplyAdds)],
    ];
    const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
    const lines = table.map((row) =>
      row.map((cell, column) => (column < 3 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '),
    );
    const dense = `fully connected layers between the same activations would need ${count(this.denseParameters)} parameters`;
    return [...lines, ...(this.denseParameters > this.parameters ? [dense] : [])].join('\n');
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Runs a module once on zeros and notes what each layer without sublayers produces. */
export function summarise(module: Module, inputShapes: readonly Shape[]): Summary {
  const rows: SummaryRow[] = [];
  const leaves = module.modules().filter(([, leaf]) => leaf.children().length === 0);
  const total = countParameters(module);
  let denseParameters = total;
  const ownForward = new Map(leaves.map(([, leaf]) => [leaf, Object.getOwnPropertyDescriptor(leaf, 'forward')]));
  const wasTraining = new Map(module.modules().map(([, each]) => [each, each.training]));
  for (const [name, leaf] of leaves) {
    const forward = leaf.forward;
    // An own property hides the method of the class until it is taken away again.
    leaf.forward = (...inputs: Tensor[]) => {
      const y = forward.apply(leaf, inputs);
      const parameters = countParameters(leaf);
      const multiplyAdds = leaf.multiplyAdds(inputs[0], y);
      const weight = leaf.namedParameters().find(([own]) => own === 'weight')?.[1];
      if (weight && weight.rank > 2 && multiplyAdds > 0)
        denseParameters += inputs[0].size * (y.size / inputs[0].shape[0] ** 2) - weight.size;
      rows.push({ name, layer: leaf.constructor.name, output: y.shape, parameters, multiplyAdds });
      return y;
    };
  }
  try {
    module.eval();
    noGrad(() => module.forward(...inputShapes.map((shape) => zeros(shape))));
  } finally {
    for (const [leaf, descriptor] of ownForward) {
      if (descriptor) Object.defineProperty(leaf, 'forward', descriptor);
      else delete (leaf as Partial<Module>).forward;
    }
    for (const [each, training] of wasTraining) each.training = training;
  }
  return new Summary(rows, total, denseParameters);
}

function countParameters(module: Module): number {
  return module.parameters().reduce((sum, tensor) => sum + sizeOf(tensor.shape), 0);
}
