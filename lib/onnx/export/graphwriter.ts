import type { DType } from '../../dtype.js';
import { UnsupportedOpError } from '../../errors.js';
import type { Value } from '../../graph/graph.js';
import { formatShape, type Shape } from '../../shape.js';
import type { Storage } from '../../storage.js';
import type { Tensor } from '../../tensor.js';
import { emptyAttribute, emptyTensor } from '../proto/decode.js';
import { BytesSource } from '../proto/source.js';
import { ATTRIBUTE_TYPES, type AttributeProto, type NodeProto, type TensorProto } from '../proto/types.js';
import type { Extent } from './extent.js';

/** Number of each dtype in TensorProto.DataType. */
export const ELEMENT_CODES: Readonly<Record<DType, number>> = {
  float32: 1,
  float64: 11,
  int32: 6,
  int64: 7,
  uint8: 2,
  bool: 9,
};

/** Attributes of a node: text, lists of integers, integers, and `{ float }`. */
export type Attributes = Readonly<Record<string, string | number | readonly number[] | { readonly float: number }>>;

/** Collects the nodes and initializers of a graph, and gives names to values. */
export class GraphWriter {
  readonly opset: number;
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #taken = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #names = new Map<Value, string>();
  /** Constants by their memory and shape: the same tensor is a value of its own wherever it is read. */
  readonly #constants = new Map<Storage, Map<string, string>>();
  readonly #lists = new Map<string, string>();
  readonly #batch: () => string;

  /** `batch` names the value whose first axis is the batch. */
  constructor(opset: number, batch: () => string) {
    this.opset = opset;
    this.#batch = batch;
  }

  /** A name that no value has yet: the wanted one, or with a number behind it. */
  unique(wanted: string): string {
    let name = wanted;
    while (name === '' || this.#taken.has(name)) {
      const count = (this.#counts.get(wanted) ?? 0) + 1;
      this.#counts.set(wanted, count);
      name = `${wanted}_${count}`;
    }
    this.#taken.add(name);
    return name;
  }

  /** Says what a value of the traced graph is called. */
  bind(value: Value, name: string): void {
    this.#names.set(value, name);
  }

  /** The name of a value; a constant becomes an initializer when it is first asked for. */
  nameOf(value: Value): string {
    const known = this.#names.get(value);
    if (known) return known;
    const tensor = value.constant as Tensor;
    const shapes = this.#constants.get(tensor.storage) ?? new Map<string, string>();
    const shape = formatShape(tensor.shape);
    const name = shapes.get(shape) ?? this.constant(tensor, value.name || 'constant');
    this.#constants.set(tensor.storage, shapes.set(shape, name));
    this.bind(value, name);
    return name;
  }

  /** Gives the result of a node another name, for the outputs of the graph. */
  rename(before: string, after: string): void {
    const renamed = (names: readonly string[]) => names.map((name) => (name === before ? after : name));
    for (const node of this.nodes) {
      node.inputs = renamed(node.inputs);
      node.outputs = renamed(node.outputs);
    }
  }

  /** Adds a node of one output and returns its name. */
  add(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.addAll(opType, inputs, attributes, 1)[0];
  }

  /** Adds a node of several outputs. */
  addAll(opType: string, inputs: readonly string[], attributes: Attributes, outputs: number): string[] {
    const name = this.unique(opType);
    const names = Array.from({ length: outputs }, (_, i) => (i === 0 ? name : this.unique(`${name}_${i}`)));
    const list = Object.entries(attributes).map(([key, value]) => attribute(key, value));
    this.nodes.push({ name, opType, domain: '', inputs: [...inputs], outputs: names, attributes: list });
    return names;
  }

  /** Adds an initializer. Its elements are written from the tensor's own memory. */
  constant(tensor: Tensor, wanted = 'constant'): string {
    const name = this.unique(wanted);
    const { buffer, byteOffset, byteLength } = tensor.storage.values;
    const source = new BytesSource(new Uint8Array(buffer, byteOffset, byteLength));
    const raw = { source, offset: 0, length: byteLength };
    this.initializers.push({
      ...emptyTensor(),
      name,
      dims: [...tensor.shape],
      dataType: ELEMENT_CODES[tensor.dtype],
      raw,
    });
    return name;
  }

  /** A list of integers, or a single one without axes, as an initializer of int64; the same list is written once. */
  integers(values: readonly number[] | number): string {
    const key = JSON.stringify(values);
    let name = this.#lists.get(key);
    if (!name) {
      name = this.unique('integers');
      const list = typeof values === 'number' ? [values] : values;
      const raw = new BytesSource(new Uint8Array(BigInt64Array.from(list, BigInt).buffer));
      const location = { source: raw, offset: 0, length: raw.size };
      const dims = typeof values === 'number' ? [] : [list.length];
      this.initializers.push({ ...emptyTensor(), name, dims, dataType: ELEMENT_CODES.int64, raw: location });
      this.#lists.set(key, name);
    }
    return name;
  }

  /** Sizes as a value of int64: a constant, or computed from the batch. */
  shape(extents: readonly Extent[]): string {
    if (extents.every((extent) => typeof extent === 'number')) return this.integers(extents as Shape);
    const parts = extents.map((extent) => {
      if (typeof extent === 'number') return this.integers([extent]);
      const batch = this.add('Shape', [this.#batch()], { start: 0, end: 1 });
      const product = extent.factor === 1 ? batch : this.add('Mul', [batch, this.integers([extent.factor])]);
      return extent.offset === 0 ? product : this.add('Add', [product, this.integers([extent.offset])]);
    });
    return parts.length === 1 ? parts[0] : this.add('Concat', parts, { axis: 0 });
  }

  /** int32 positions from what ONNX counts in int64. */
  narrow(name: string): string {
    return this.add('Cast', [name], { to: ELEMENT_CODES.int32 });
  }

  unsupported(why: string): UnsupportedOpError {
    return new UnsupportedOpError(`exportOnnx: ${why}`);
  }
}

function attribute(name: string, value: Attributes[string]): AttributeProto {
  const base = { ...emptyAttribute(), name };
  if (typeof value === 'string') return { ...base, type: ATTRIBUTE_TYPES.string, string: Buffer.from(value) };
  if (typeof value === 'number') return { ...base, type: ATTRIBUTE_TYPES.int, int: BigInt(value) };
  if ('float' in value) return { ...base, type: ATTRIBUTE_TYPES.float, float: value.float };
  return { ...base, type: ATTRIBUTE_TYPES.ints, ints: value.map(BigInt) };
}
