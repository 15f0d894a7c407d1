import type { DType } from '../../dtype.js';
import type { Node, Value } from '../../graph/graph.js';
import { type Shape, sameShape } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import { type Batches, type Extent, extentsOf } from './extent.js';
import type { Attributes, GraphWriter } from './graphwriter.js';

/** Writes the calls of one op: adds nodes, and returns the names of the call's outputs. */
export type Write = (call: ExportCall) => string | readonly string[];

/** Writers by the name of the op. */
export type Writers = Readonly<Record<string, Write>>;

/** A call of an op that is being exported, as it is in both traces. */
export class ExportCall {
  readonly writer: GraphWriter;
  readonly node: Node;
  /** The same call in the trace with the other batch. */
  readonly twin: Node;
  readonly #batches: Batches;
  readonly #used: ReadonlySet<Value>;

  constructor(writer: GraphWriter, node: Node, twin: Node, batches: Batches, used: ReadonlySet<Value>) {
    this.writer = writer;
    this.node = node;
    this.twin = twin;
    this.#batches = batches;
    this.#used = used;
  }

  attributes<A>(): A {
    return this.node.attributes as A;
  }

  /** Names of all inputs; '' for one that is left out. */
  get inputs(): string[] {
    return this.node.inputs.map((value, position) => (value ? this.#nameOf(value, position) : ''));
  }

  input(position: number): string {
    return this.inputs[position] ?? '';
  }

  has(position: number): boolean {
    return (this.node.inputs[position] ?? null) !== null;
  }

  /** Whether anything reads an output. */
  isUsed(position: number): boolean {
    return this.#used.has(this.node.outputs[position]);
  }

  shape(position = 0): Shape {
    return (this.node.inputs[position] as Value).shape;
  }

  dtype(position = 0): DType {
    return (this.node.inputs[position] as Value).dtype;
  }

  /** Constants that are as large as the batch are filled with one element, and made of it. */
  #nameOf(value: Value, position: number): string {
    const twin = this.twin.inputs[position] as Value;
    if (!value.constant || sameShape(value.shape, twin.shape)) return this.writer.nameOf(value);
    const element = new Tensor(value.dtype, value.constant.storage.values.slice(0, 1) as never, []);
    return this.add('Expand', [this.writer.constant(element, 'element'), this.writer.shape(this.extents(position))]);
  }

  /** Sizes of an input, where they may grow with the batch. */
  extents(position = 0): Extent[] {
    return extentsOf(this.#batches, this.shape(position), (this.twin.inputs[position] as Value).shape);
  }

  outputExtents(position = 0): Extent[] {
    return extentsOf(this.#batches, this.node.outputs[position].shape, this.twin.outputs[position].shape);
  }

  add(opType: string, inputs: readonly string[], attributes?: Attributes): string {
    return this.writer.add(opType, inputs, attributes);
  }
}

/** Whether all elements of a tensor are the same. */
export function isFilled({ storage: { values } }: Tensor): boolean {
  return values.every((element: number | bigint) => Object.is(element, values[0]));
}
