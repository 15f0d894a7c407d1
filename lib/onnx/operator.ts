import { ModelFormatError, UnsupportedOpError } from '../errors.js';
import type { NestedArray, Tensor } from '../tensor.js';
import type { OnnxGraph } from './graph.js';
import { constantTensor, type Initializer } from './initializer.js';
import type { AttributeType } from './proto/types.js';

/** Value of an attribute. Integers beyond 2^53 are cut to it: they mean "to the end". */
export type AttributeValue = number | readonly number[] | string | readonly string[] | Initializer | OnnxGraph;

/** Kind of an attribute, or which values of it convforge supports. */
export type AttributeRule = Extract<AttributeType, 'float' | 'int' | 'string' | 'tensor' | 'graph' | 'floats' | 'ints'>;
export type AttributeRules = Readonly<Record<string, AttributeRule | readonly string[] | readonly number[]>>;

/** Rule of an attribute that is on or off. */
export const FLAG = [0, 1] as const;

/** One operator of ONNX: what nodes of it may look like, and how it is computed with convforge's functions. */
export interface Operator {
  /** First opset that has it. Default 7, the first that is read. */
  readonly since?: number;
  /** Fewest and most inputs. */
  readonly inputs: readonly [least: number, most: number];
  /** Most outputs. Default 1. */
  readonly outputs?: number;
  readonly attributes?: AttributeRules;
  /** What of this node is not supported, in words that follow on the node's name; undefined when all is. */
  unsupported?(facts: NodeFacts): string | undefined;
  evaluate(call: OperatorCall): Tensor | readonly Tensor[];
}

/** What is known of a node before anything is computed. */
export class NodeFacts {
  readonly opset: number;
  readonly node: OnnxNode;
  readonly #shapes: (name: string) => readonly number[] | undefined;

  constructor(opset: number, node: OnnxNode, shapes: (name: string) => readonly number[] | undefined) {
    this.opset = opset;
    this.node = node;
    this.#shapes = shapes;
  }

  int(name: string): number | undefined;
  int(name: string, otherwise: number): number;
  int(name: string, otherwise?: number): number | undefined {
    return (this.node.attributes.get(name) as number | undefined) ?? otherwise;
  }

  float(name: string): number | undefined;
  float(name: string, otherwise: number): number;
  float(name: string, otherwise?: number): number | undefined {
    return (this.node.attributes.get(name) as number | undefined) ?? otherwise;
  }

  flag(name: string, otherwise = false): boolean {
    return this.int(name, Number(otherwise)) !== 0;
  }

  string(name: string): string | undefined;
  string(name: string, otherwise: string): string;
  string(name: string, otherwise?: string): string | undefined {
    return (this.node.attributes.get(name) as string | undefined) ?? otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    return this.node.attributes.get(name) as readonly number[] | undefined;
  }

  floats(name: string): readonly number[] | undefined {
    return this.node.attributes.get(name) as readonly number[] | undefined;
  }

  tensor(name: string): Tensor | undefined {
    const initializer = this.node.attributes.get(name) as Initializer | undefined;
    return initializer && constantTensor(initializer);
  }

  graph(name: string): OnnxGraph | undefined {
    return this.node.attributes.get(name) as OnnxGraph | undefined;
  }

  /** Whether the node has an input at this position. */
  has(position: number): boolean {
    return (this.node.inputs[position] ?? '') !== '';
  }

  /** Whether the node gives an output at this position. */
  gives(position: number): boolean {
    return (this.node.outputs[position] ?? '') !== '';
  }

  /** Shape of an input that is an initializer; undefined for any other. */
  constantShape(position: number): readonly number[] | undefined {
    return this.has(position) ? this.#shapes(this.node.inputs[position]) : undefined;
  }
}

/** A node that is being computed. */
export class OperatorCall extends NodeFacts {
  /** Whether layers such as dropout and batch norm behave as in training. */
  readonly training: boolean;
  readonly #values: readonly (Tensor | null)[];
  readonly #branch: (graph: OnnxGraph) => Tensor[];

  constructor(
    opset: number,
    node: OnnxNode,
    values: readonly (Tensor | null)[],
    training: boolean,
    branch: (graph: OnnxGraph) => Tensor[],
  ) {
    super(opset, node, () => undefined);
    this.training = training;
    this.#values = values;
    this.#branch = branch;
  }

  /** An input that the operator needs. */
  input<T extends Tensor = Tensor<'float32'>>(position: number): T {
    const value = this.optional<T>(position);
    if (!value) throw this.malformed(`input ${position} is missing`);
    return value;
  }

  /** An input, or null when the node leaves it out. */
  optional<T extends Tensor = Tensor<'float32'>>(position: number): T | null {
    return (this.#values[position] ?? null) as T | null;
  }

  /** All inputs, of which none may be left out. */
  inputs<T extends Tensor = Tensor<'float32'>>(): T[] {
    return this.#values.map((_, position) => this.input<T>(position));
  }

  /** Elements of an input that says how to compute, such as sizes or axes; undefined when the node leaves it out. */
  numbers(position: number): number[] | undefined {
    const tensor = this.optional<Tensor>(position);
    return tensor ? ([tensor.toArray()].flat(Number.POSITIVE_INFINITY as 8) as NestedArray[]).map(Number) : undefined;
  }

  /** What was an attribute in early opsets and is an input in later ones. */
  integers(attribute: string, position: number): readonly number[] | undefined {
    return this.ints(attribute) ?? this.numbers(position);
  }

  /** The single element of an input; undefined when the node leaves it out. */
  number(position: number): number | undefined {
    const values = this.numbers(position);
    if (values && values.length !== 1) throw this.malformed(`input ${position} has ${values.length} elements, not one`);
    return values?.[0];
  }

  /** Computes a graph that is an attribute of the node. */
  evaluate(graph: OnnxGraph): Tensor[] {
    return this.#branch(graph);
  }

  malformed(why: string): ModelFormatError {
    return new ModelFormatError(`${describe(this.node, this.opset)}: ${why}`);
  }

  unsupported(why: string): UnsupportedOpError {
    return new UnsupportedOpError(`${describe(this.node, this.opset)}: ${why}`);
  }
}

/** One step of a model. */
export interface OnnxNode {
  /** As in the file, or made of the operator and its position. */
  readonly name: string;
  readonly opType: string;
  readonly operator: Operator;
  /** Names of values; '' where an optional one is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** How many outputs it had before those that nobody reads were dropped. */
  readonly declaredOutputs: number;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** Names that graphs in its attributes read from outside. */
  readonly captures: readonly string[];
}

/** How messages name a node. */
export function describe({ name, opType }: Pick<OnnxNode, 'name' | 'opType'>, opset: number): string {
  return `node '${name}' (${opType}, opset ${opset})`;
}
