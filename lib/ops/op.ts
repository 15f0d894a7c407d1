import { type Call, GradNode, isGradEnabled } from '../autograd.js';
import type { DType, TypedArrays } from '../dtype.js';
import { checkIndexable } from '../geometry.js';
import type { Elements } from '../kernels/types.js';
import { type Shape, sizeOf } from '../shape.js';
import { allocate } from '../storage.js';
import { Tensor } from '../tensor.js';

/** One operation: how it computes, and how it is differentiated. `A` are its attributes (sizes, options), all resolved. */
export interface Op<A> {
  readonly name: string;
  /** Computes the outputs with kernels. Inputs are validated before. */
  forward(inputs: readonly (Tensor | null)[], attributes: A): Tensor | readonly Tensor[];
  /**
   * Gradients of the inputs from those of the outputs, written with ops. A gradient is null where none arrived, which for
   * an op of one output cannot happen.
   */
  gradient?(call: Call<A>, ...gradients: Tensor[]): readonly (Tensor | null)[];
  /** What the gradient rule reads, which stays in memory until then: indices of inputs (default all), of outputs (none). */
  readonly saves?: { readonly inputs?: readonly number[]; readonly outputs?: readonly number[] };
  /**
   * Indices of inputs that are changed in place: parameters by an optimizer, running statistics by a batch norm. `forward`
   * returns no outputs then, and there is no gradient.
   */
  readonly updates?: readonly number[];
}

/** Sees every op call instead of it being carried out, while a graph is traced. */
export interface Tracer {
  call(op: Op<never>, inputs: readonly (Tensor | null)[], attributes: unknown): Tensor[];
  /** See {@link supply}. */
  supply<D extends DType>(dtype: D, shape: Shape, fill: (values: TypedArrays[D]) => void): Tensor<D>;
  /** See {@link onRun}. */
  onRun(effect: () => void): void;
  /** See {@link inspect}. */
  inspect<D extends DType>(tensor: Tensor<D>, look: (values: TypedArrays[D]) => void): void;
}

let tracer: Tracer | null = null;

/** Runs `body`, synchronous, with all op calls going to `to`; null: carried out as usual. */
export function withTracer<T>(to: Tracer | null, body: () => T): T {
  const before = tracer;
  tracer = to;
  try {
    return body();
  } finally {
    tracer = before;
  }
}

/** Runs an op and, if any input requires a gradient, records the call. The one door through which all ops go. */
export function apply<A>(op: Op<A>, inputs: readonly (Tensor | null)[], attributes: A): Tensor[] {
  const outputs = tracer
    ? tracer.call(op as unknown as Op<never>, inputs, attributes)
    : outputsOf(op, inputs, attributes);
  for (const index of op.updates ?? []) {
    const changed = inputs[index];
    if (changed) changed.storage.version++;
  }
  if (isGradEnabled() && inputs.some((input) => input?.requiresGrad)) {
    const node = new GradNode(op as unknown as Op<never>, attributes, inputs, outputs);
    for (let i = 0; i < outputs.length; i++) if (outputs[i].isFloat()) outputs[i].recordedBy(node, i);
  }
  return outputs;
}

/** Carries an op out on the kernels that are active. */
export function outputsOf<A>(op: Op<A>, inputs: readonly (Tensor | null)[], attributes: A): Tensor[] {
  const result = op.forward(inputs, attributes);
  return result instanceof Tensor ? [result] : [...result];
}

/**
 * A tensor whose elements this thread makes: now, or if a graph is being traced, anew before each of its runs. So numbers
 * that change from step to step (a learning rate, the seed of a dropout) reach a compiled step.
 */
export function supply<D extends DType>(dtype: D, shape: Shape, fill: (values: TypedArrays[D]) => void): Tensor<D> {
  if (tracer) return tracer.supply(dtype, shape, fill);
  const tensor = empty(dtype, shape);
  fill(tensor.storage.values);
  return tensor;
}

/** Does something on this thread, such as counting: now, or if a graph is being traced, at each of its runs. */
export function onRun(effect: () => void): void {
  if (tracer) tracer.onRun(effect);
  else effect();
}

/**
 * Looks at the elements of an argument, to check them: now, or if it is an input of a graph that is being traced, at those
 * that each run is given. What such a graph computes itself cannot be looked at.
 */
export function inspect<D extends DType>(tensor: Tensor<D>, look: (values: TypedArrays[D]) => void): void {
  if (tracer) tracer.inspect(tensor, look);
  else look(tensor.storage.read());
}

/** {@link apply} for ops of one output. */
export function applyOne<A>(op: Op<A>, inputs: readonly (Tensor | null)[], attributes: A): Tensor {
  return apply(op, inputs, attributes)[0];
}

/** A tensor with undefined contents for a kernel to fill. */
export function empty<D extends DType>(dtype: D, shape: Shape): Tensor<D> {
  const size = sizeOf(shape);
  checkIndexable('Tensor', size);
  return new Tensor<D>(dtype, allocate(dtype, size), shape);
}

/** Elements of a floating-point tensor, as kernels take them. */
export function floats(tensor: Tensor): Float32Array {
  return tensor.storage.values as Float32Array;
}

/** Elements of an int32 tensor, as kernels take them. */
export function integers(tensor: Tensor): Int32Array {
  return tensor.storage.values as Int32Array;
}

/** Elements of a tensor of any dtype, for kernels that move them. */
export function elements(tensor: Tensor): Elements {
  return tensor.storage.values;
}

/** Elements of a tensor of a known dtype, as kernels take them. */
export function values<D extends DType>(tensor: Tensor<D>): TypedArrays[D] {
  return tensor.storage.values;
}
