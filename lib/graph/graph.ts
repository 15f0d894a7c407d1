import type { DType } from '../dtype.js';
import type { Op } from '../ops/op.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/**
 * A network as passes see it: op calls in an order in which they can run, and the values that flow between them, all of
 * known dtype and shape. Made by tracing ({@link trace}), for one set of input shapes.
 */
export class Graph {
  readonly inputs: readonly Value[];
  #outputs: readonly Value[];
  #nodes: readonly Node[];
  /** Nodes that read each value; one that reads it twice is there twice. */
  readonly #readers = new Map<Value, Node[]>();

  constructor(inputs: readonly Value[], outputs: readonly Value[], nodes: readonly Node[]) {
    this.inputs = inputs;
    this.#outputs = outputs;
    this.#nodes = nodes;
    for (const node of nodes) this.#enter(node);
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  /** In an order in which they can run. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** The nodes that read a value; one that reads it twice is there twice. */
  readersOf(value: Value): readonly Node[] {
    return this.#readers.get(value) ?? [];
  }

  /** The node that reads a value if it is the only one and the value is no output; null otherwise. */
  onlyReaderOf(value: Value): Node | null {
    const readers = this.readersOf(value);
    return readers.length === 1 && !this.#outputs.includes(value) ? readers[0] : null;
  }

  /**
   * Puts nodes in the place of one, and `to` in the place of its first output, and drops `others`, whose results nobody
   * else reads.
   */
  replace(node: Node, replacement: readonly Node[], to: Value, ...others: readonly Node[]): void {
    this.#nodes = this.#nodes.flatMap((each) => (each === node ? replacement : others.includes(each) ? [] : [each]));
    for (const gone of [node, ...others]) this.#leave(gone);
    for (const made of replacement) this.#enter(made);
    const [from] = node.outputs;
    to.name ||= from.name;
    if (from === to) return;
    for (const reader of [...this.readersOf(from)]) {
      this.#leave(reader);
      for (let i = 0; i < reader.inputs.length; i++) if (reader.inputs[i] === from) reader.inputs[i] = to;
      this.#enter(reader);
    }
    this.#outputs = this.#outputs.map((output) => (output === from ? to : output));
  }

  /** Drops all nodes but those that `isWanted`. */
  keep(isWanted: (node: Node) => boolean): void {
    const kept: Node[] = [];
    for (const node of this.#nodes) {
      if (isWanted(node)) kept.push(node);
      else this.#leave(node);
    }
    this.#nodes = kept;
  }

  /** Puts all nodes in another order. */
  reorder(nodes: readonly Node[]): void {
    if (nodes.length !== this.#nodes.length) throw new Error('a graph has a circle');
    this.#nodes = nodes;
  }

  toString(): string {
    return this.#nodes.map(String).join('\n');
  }

  #enter(node: Node): void {
    for (const value of node.inputs) {
      if (!value) continue;
      const readers = this.#readers.get(value);
      if (readers) readers.push(node);
      else this.#readers.set(value, [node]);
    }
  }

  #leave(node: Node): void {
    for (const value of node.inputs) {
      const readers = value && this.#readers.get(value);
      if (readers) readers.splice(readers.indexOf(node), 1);
    }
  }
}

/** A tensor in a graph. */
export class Value {
  readonly dtype: DType;
  readonly shape: Shape;
  /** What it is called in the model it came from; '' if nothing. */
  name: string;
  /** The tensor itself, where it does not depend on the inputs. */
  readonly constant: Tensor | null;
  /** The tensor whose memory holds it from run to run, such as a parameter; null for all that is made anew in each run. */
  state: Tensor | null = null;
  /** The call that computes it; null for inputs, constants, and state that was not changed yet. */
  producer: Node | null = null;

  constructor(dtype: DType, shape: Shape, name = '', constant: Tensor | null = null) {
    this.dtype = dtype;
    this.shape = shape;
    this.name = name;
    this.constant = constant;
  }

  static stateOf(tensor: Tensor, name = ''): Value {
    const value = new Value(tensor.dtype, tensor.shape, name);
    value.state = tensor;
    return value;
  }

  static of(constant: Tensor, name = ''): Value {
    return new Value(constant.dtype, constant.shape, name, constant);
  }
}

/** A call of an op. */
export class Node<A = unknown> {
  readonly op: Op<A>;
  readonly attributes: A;
  readonly inputs: (Value | null)[];
  readonly outputs: Value[];
  /** What it is called in the model it came from; '' if nothing. */
  name: string;

  constructor(op: Op<A>, attributes: A, inputs: (Value | null)[], outputs: Value[], name = '') {
    this.op = op;
    this.attributes = attributes;
    this.inputs = inputs;
    this.outputs = outputs;
    this.name = name;
    for (const output of outputs) output.producer = this as unknown as Node;
  }

  toString(): string {
    const values = (list: readonly (Value | null)[]) =>
      list.map((value) =>
        value ? `${value.constant ? 'constant ' : ''}${value.name || '·'}[${value.shape.join(', ')}]` : '–',
      );
    return `${this.name || '·'}: ${this.op.name}(${values(this.inputs).join(', ')}) → ${values(this.outputs).join(', ')}`;
  }
}
