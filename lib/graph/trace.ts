import { noGrad } from '../autograd.js';
import { withKernels } from '../backend/backend.js';
import { type Kernels, typescriptKernels } from '../backend/typescript.js';
import { DTYPES, type DType, type TypedArrays } from '../dtype.js';
import { check, TraceError } from '../errors.js';
import { type Op, outputsOf, type Tracer, withTracer } from '../ops/op.js';
import { type Shape, sizeOf } from '../shape.js';
import { HollowStorage, Storage } from '../storage.js';
import { Tensor } from '../tensor.js';
import { Graph, Node, Value } from './graph.js';

/** Kernels that do nothing: an op that runs on them leaves outputs of the right shapes. */
const idleKernels = Object.fromEntries(
  Object.keys(typescriptKernels).map((name) => [name, () => {}]),
) as unknown as Kernels;

/** A tensor with a shape and no elements, which stands for an input or a result of a compiled model. */
export function hollow<D extends DType>(dtype: D, shape: Shape): Tensor<D> {
  return new Tensor<D>(dtype, new HollowStorage(dtype, sizeOf(shape)), shape);
}

/** Whether the elements of a tensor are not known before the compiled model runs. */
export function isHollow(tensor: Tensor): boolean {
  return !tensor.storage.isKnown;
}

/**
 * Notes the calls that have hollow inputs. A call of which everything is known is carried out at once and its result is a
 * constant, so that arithmetic on shapes leaves no trace.
 */
export class Trace implements Tracer {
  readonly inputs: Value[] = [];
  readonly nodes: Node[] = [];
  /** What this thread has to do before each run, in order, given what the inputs are. */
  readonly effects: ((inputs: readonly Tensor[]) => void)[] = [];
  /** What the calls from now on belong to in the model. */
  scope = '';
  /** What each call has returned so far, whether noted or carried out. */
  readonly results: (readonly Tensor[])[] = [];
  /** What the first calls return, because a trace before this one has made them. */
  #given: readonly (readonly Tensor[])[] = [];
  /** Hollow memory belongs to one value; a tensor that was detached still is that value. */
  readonly #hollow = new Map<Storage, Value>();
  /** Known tensors may share memory and differ in shape. */
  readonly #known = new Map<Tensor, Value>();
  /** Memory of what is known and was read. */
  readonly #constants = new Set<Storage>();
  /** Memory to unveil when the trace is done. */
  readonly #veiled = new Set<Storage>();

  /** Lets the first calls return these tensors instead of being noted. */
  replay(results: readonly (readonly Tensor[])[]): void {
    this.#given = results;
  }

  /** Declares an input and returns the tensor to trace with. */
  input<D extends DType>(name: string, dtype: D, shape: Shape): Tensor<D> {
    const tensor = hollow(dtype, shape);
    const value = new Value(dtype, shape, name);
    this.#hollow.set(tensor.storage, value);
    this.inputs.push(value);
    return tensor;
  }

  /** A tensor that stands for a value of a graph which this trace is to continue. */
  adopt(value: Value): Tensor {
    if (value.constant) {
      this.#known.set(value.constant, value);
      return value.constant;
    }
    const tensor = hollow(value.dtype, value.shape);
    this.#hollow.set(tensor.storage, value);
    return tensor;
  }

  /** The value that a tensor seen in this trace is; a constant if it was never computed here. */
  valueOf(tensor: Tensor): Value {
    const computed = this.#hollow.get(tensor.storage);
    if (computed) return computed;
    let constant = this.#known.get(tensor);
    if (!constant) {
      constant = Value.of(tensor);
      this.#known.set(tensor, constant);
      this.#constants.add(tensor.storage);
    }
    return constant;
  }

  /**
   * Lets the graph read the memory of a tensor at each run, and change it, instead of taking its elements as they are now;
   * `body` is what is traced meanwhile.
   */
  withState<T>(tensors: readonly Tensor[], body: () => T): T {
    for (const tensor of tensors) this.#admitState(tensor);
    try {
      return body();
    } finally {
      for (const storage of this.#veiled) storage.veil(false);
      this.#veiled.clear();
    }
  }

  supply<D extends DType>(dtype: D, shape: Shape, fill: (values: TypedArrays[D]) => void): Tensor<D> {
    const { array } = DTYPES[dtype];
    const tensor = new Tensor<D>(dtype, new Storage(new array(sizeOf(shape)) as TypedArrays[D]), shape);
    this.onRun(() => fill(tensor.storage.values));
    tensor.storage.veil(true); // for good: nobody else has it
    this.#hollow.set(tensor.storage, Value.stateOf(tensor));
    return tensor;
  }

  onRun(effect: () => void): void {
    this.effects.push(effect);
  }

  inspect<D extends DType>(tensor: Tensor<D>, look: (values: TypedArrays[D]) => void): void {
    if (!isHollow(tensor)) {
      look(tensor.storage.read());
      return;
    }
    const index = this.inputs.indexOf(this.valueOf(tensor));
    if (index >= 0) this.effects.push((inputs) => look(inputs[index].storage.values as TypedArrays[D]));
  }

  call(op: Op<never>, inputs: readonly (Tensor | null)[], attributes: unknown): Tensor[] {
    const results = [...(this.#given[this.results.length] ?? this.#carryOut(op, inputs, attributes))];
    this.results.push(results);
    return results;
  }

  #carryOut(op: Op<never>, inputs: readonly (Tensor | null)[], attributes: unknown): Tensor[] {
    const forward = (given: readonly (Tensor | null)[]) =>
      withTracer(null, () => outputsOf(op, given, attributes as never));
    if (!inputs.some((input) => input && isHollow(input))) return forward(inputs);
    // Weights that are only read from their file when they are needed must not be read for this.
    const shapes = inputs.map((input) => input && (isHollow(input) ? input : hollow(input.dtype, input.shape)));
    const results = withKernels(idleKernels, () => forward(shapes)).map(({ dtype, shape }) => hollow(dtype, shape));
    const values = results.map(({ dtype, shape }) => new Value(dtype, shape));
    results.forEach((result, i) => {
      this.#hollow.set(result.storage, values[i]);
    });
    const changed = (op.updates ?? []).map((index) => inputs[index]).filter((input) => input !== null);
    for (const tensor of changed) {
      // What was made during the trace (the state of an optimizer at its first update) can still be state.
      const isConstant = !isHollow(tensor) && this.#constants.has(tensor.storage);
      check(
        !isConstant,
        op.name,
        () => 'memory that the graph has read as a constant cannot be changed in place',
        TraceError,
      );
      this.#admitState(tensor);
    }
    const operands = inputs.map((input) => input && this.valueOf(input));
    for (const tensor of changed) {
      const after = Value.stateOf(tensor, this.#hollow.get(tensor.storage)?.name);
      this.#hollow.set(tensor.storage, after);
      values.push(after);
    }
    this.nodes.push(new Node(op as unknown as Op<unknown>, attributes, operands, values, this.scope));
    return results;
  }

  #admitState(tensor: Tensor): void {
    const { storage } = tensor;
    if (this.#hollow.has(storage)) return;
    this.#hollow.set(storage, Value.stateOf(tensor));
    storage.veil(true);
    this.#veiled.add(storage);
  }

  /** Runs `body` with all op calls noted. */
  record<T>(body: () => T): T {
    return withTracer(this, () => noGrad(body));
  }

  graph(outputs: Readonly<Record<string, Tensor>>): Graph {
    const values = Object.entries(outputs).map(([name, tensor]) => {
      const value = this.valueOf(tensor);
      value.name ||= name;
      return value;
    });
    return new Graph(this.inputs, values, this.nodes);
  }
}
