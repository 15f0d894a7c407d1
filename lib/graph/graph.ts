import type { DType } from '../dtype.js';
import type { Op } from '../ops/op.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/**
 * A network as passes see it: op calls in an order in which they can run, and the values that flow between them, all of
 * known dtype and shape. Made by tracing ({@link trace}), for one set of input shapes.
 */
export class Graph {
  readonly inputs: Value[];
  outputs: Value[];
  nodes: Node[];

  constructor(inputs: Value[], outputs: Value[], nodes: Node[]) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.nodes = nodes;
  }

  /** Which nodes read each value; a node that reads it twice is there twice. */
  consumers(): Map<Value, Node[]> {
    const consumers = new Map<Value, Node[]>();
    for (const node of this.nodes) {
      for (const value of node.inputs) {
        if (!value) continue;
        const readers = consumers.get(value);
        if (readers) readers.push(node);
        else consumers.set(value, [node]);
      }
    }
    return consumers;
  }

  /** Lets every reader of `from`, and the graph's outputs, read `to` instead. */
  replace(from: Value, to: Value): void {
    for (const node of this.nodes) {
      for (let i = 0; i < node.inputs.length; i++) if (node.inputs[i] === from) node.inputs[i] = to;
    }
    this.outputs = this.outputs.map((output) => (output === from ? to : output));
  }

  toString(): string {
    return this.nodes.map(String).join('\n');
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
  /** The call that computes it; null for inputs and constants. */
  producer: Node | null = null;

  constructor(dtype: DType, shape: Shape, name = '', constant: Tensor | null = null) {
    this.dtype = dtype;
    this.shape = shape;
    this.name = name;
    this.constant = constant;
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
