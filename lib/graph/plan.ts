import { noGrad } from '../autograd.js';
import type { NativeAddon } from '../backend/native.js';
import { DTYPES, type DType, type TypedArray } from '../dtype.js';
import { outputsOf } from '../ops/op.js';
import { type Shape, sizeOf } from '../shape.js';
import { allocate, type Storage } from '../storage.js';
import { Tensor } from '../tensor.js';
import { Emitter } from './emitter.js';
import type { Graph, Node, Value } from './graph.js';
import { assignLayout } from './layout.js';
import { optimise } from './optimise.js';
import { assemble, type Program } from './program.js';
import { aborted, type ProgramOptions, runProgram, startProgram } from './runs.js';
import type { Weights } from './weights.js';

/** A graph made ready to run, again and again, for inputs of the shapes it was traced for. */
export interface Plan {
  readonly graph: Graph;
  /** Off this thread where there are native kernels. `outputs` may lend memory to write results to. */
  run(inputs: readonly Tensor[], outputs: readonly (Tensor | null)[], options: ProgramOptions): Promise<Result>;
  runSync(inputs: readonly Tensor[], outputs: readonly (Tensor | null)[], threads: number): Tensor[];
  /** Gives its memory back once no run is under way. */
  release(): void;
}

/** What a run gives. */
export interface Result {
  readonly outputs: Tensor[];
  /** Calls with the time each took, of a profiled run. */
  readonly calls: readonly TimedCall[] | null;
}

/** A kernel call of a profiled run. */
export interface TimedCall {
  readonly kernel: string;
  readonly node: Node | null;
  readonly detail: string;
  /** µs since the run began, and how many it took. */
  readonly start: number;
  readonly duration: number;
}

/** What plans of one session have in common. */
export interface PlanOptions {
  readonly exact: boolean;
  readonly disabledPasses: readonly string[];
}

/** Runs as short as this are waited for without letting the event loop sleep. */
const SHORT_MS = 0.25;

/** A plan on the native executor. Runs of a graph with state must not overlap. */
export class NativePlan implements Plan {
  readonly graph: Graph;
  readonly arenaBytes: number;
  readonly details: ReadonlyMap<Node, string>;
  readonly #addon: NativeAddon;
  readonly #program: Program;
  readonly #weights: Weights;
  readonly #calls: readonly { kernel: string; node: Node | null }[];
  readonly #lent: readonly TypedArray[];
  /** Memory from run to run, which is lent to each: what is only read, and what is changed in place. */
  readonly #read: readonly Storage[];
  readonly #changed: readonly Storage[];
  readonly #declared: readonly { dtype: DType; shape: Shape }[];
  /** Runs that are under way, whose program has to stay. */
  #running = 0;
  #isReleased = false;
  /**
   * How long runs usually take: the last one, but a little more than before at most. A run that was held up by something
   * else then does not make the next ones wait as long runs do, and those of a large model are known after a dozen.
   */
  #usualMs = 0;

  constructor(graph: Graph, addon: NativeAddon, weights: Weights, { exact, disabledPasses }: PlanOptions) {
    optimise(graph, disabledPasses);
    this.graph = graph;
    this.#addon = addon;
    const layout = assignLayout(graph, addon, { exact, blocked: !disabledPasses.includes('blocked') });
    const emitter = new Emitter(addon, weights, layout);
    const { inputs, outputs, state } = emitter.emit(graph, exact);
    weights.commit();
    this.#weights = weights;
    const [read, changed] = [false, true].map((isChanged) => state.filter((buffer) => buffer.isChanged === isChanged));
    const bindings = {
      inputs: [...inputs, ...read.map(({ storage }) => storage.values)],
      outputs: [...outputs, ...changed.map(({ storage }) => storage.values)],
      constant: (array: TypedArray) => weights.placeOf(array),
    };
    this.#program = assemble(addon, emitter.listing, bindings, weights.handle);
    this.#read = read.map(({ of }) => of);
    this.#changed = changed.map(({ of }) => of);
    this.#lent = this.#program.inputs.slice(bindings.inputs.length);
    this.arenaBytes = this.#program.arenaBytes;
    this.details = emitter.details;
    this.#calls = emitter.listing.instructions.map(({ kernel, node }) => ({ kernel, node }));
    this.#declared = graph.outputs.map(({ dtype, shape }) => ({ dtype, shape }));
  }

  /** Whether native kernels can compute all of a graph: they have none for elements of eight bytes. */
  static accepts(graph: Graph): boolean {
    const values = [
      ...graph.inputs,
      ...graph.outputs,
      ...graph.nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]),
    ];
    return values.every((value) => !value || DTYPES[value.dtype].bytes < 8);
  }

  /** Brings weights that no plan before needed into the form their kernels read. */
  prepare(threads: number): Promise<void> {
    return this.#weights.fill(({ handle, inputs }) => startProgram(handle, inputs, [], { threads }));
  }

  async run(inputs: readonly Tensor[], lent: readonly (Tensor | null)[], options: ProgramOptions): Promise<Result> {
    this.#running++;
    try {
      if (!this.#weights.isFilled) await this.prepare(options.threads);
      const outputs = this.#outputs(lent);
      const start = performance.now();
      // A core for this thread has to be left: otherwise looking out holds up what it waits for.
      const isShort = this.#usualMs < SHORT_MS && options.threads < this.#addon.defaultThreads;
      const settings = { ...options, isShort };
      const times = await startProgram(this.#program.handle, this.#inputs(inputs), this.#results(outputs), settings);
      this.#usualMs = Math.min(performance.now() - start, 1.1 * this.#usualMs + SHORT_MS / 16);
      return { outputs, calls: times && this.#timed(times) };
    } finally {
      this.#running--;
      if (this.#isReleased) this.release();
    }
  }

  runSync(inputs: readonly Tensor[], lent: readonly (Tensor | null)[], threads: number): Tensor[] {
    this.#weights.fillSync(({ handle, inputs: lent }) => runProgram(handle, lent, [], threads));
    const outputs = this.#outputs(lent);
    runProgram(this.#program.handle, this.#inputs(inputs), this.#results(outputs), threads);
    return outputs;
  }

  release(): void {
    this.#isReleased = true;
    if (this.#running === 0) this.#addon.release(this.#program.handle);
  }

  #inputs(inputs: readonly Tensor[]): TypedArray[] {
    return [...arraysOf(inputs), ...this.#read.map(({ values }) => values), ...this.#lent];
  }

  #results(outputs: readonly Tensor[]): TypedArray[] {
    return [...arraysOf(outputs), ...this.#changed.map(({ values }) => values)];
  }

  #outputs(lent: readonly (Tensor | null)[]): Tensor[] {
    return this.#declared.map(
      ({ dtype, shape }, i) => lent[i] ?? new Tensor(dtype, allocate(dtype, sizeOf(shape)), shape),
    );
  }

  #timed(times: readonly number[]): TimedCall[] {
    return this.#calls.map(({ kernel, node }, i) => ({
      kernel,
      node,
      detail: (node && this.details.get(node)) ?? '',
      start: times[i] - times[0],
      duration: times[i + 1] - times[i],
    }));
  }
}

function arraysOf(tensors: readonly Tensor[]): TypedArray[] {
  return tensors.map(({ storage }) => storage.values);
}

/** How long the interpreter computes before it lets the event loop turn. */
const TURN_MS = 8;

/** A plan that runs op by op on the kernels of the backend, on this thread: the fallback, and the oracle of the tests. */
export class InterpretedPlan implements Plan {
  readonly graph: Graph;
  readonly #lastReads: ReadonlyMap<Node, readonly Value[]>;

  constructor(graph: Graph, { disabledPasses }: PlanOptions) {
    optimise(graph, disabledPasses);
    this.graph = graph;
    this.#lastReads = lastReads(graph);
  }

  async run(inputs: readonly Tensor[], lent: readonly (Tensor | null)[], options: ProgramOptions): Promise<Result> {
    const { signal = null, profile = false } = options;
    const calls: TimedCall[] = [];
    const begin = performance.now();
    let turn = begin;
    const values = this.#inputs(inputs);
    for (const node of this.graph.nodes) {
      if (signal?.aborted) throw aborted(signal);
      const start = performance.now();
      this.#compute(node, values);
      const now = performance.now();
      calls.push({
        kernel: node.op.name,
        node,
        detail: 'typescript',
        start: 1000 * (start - begin),
        duration: 1000 * (now - start),
      });
      if (now - turn < TURN_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turn = performance.now();
    }
    if (signal?.aborted) throw aborted(signal);
    return { outputs: this.#outputs(values, lent), calls: profile ? calls : null };
  }

  runSync(inputs: readonly Tensor[], lent: readonly (Tensor | null)[]): Tensor[] {
    const values = this.#inputs(inputs);
    for (const node of this.graph.nodes) this.#compute(node, values);
    return this.#outputs(values, lent);
  }

  release(): void {}

  #inputs(inputs: readonly Tensor[]): Map<Value, Tensor> {
    return new Map(this.graph.inputs.map((value, i) => [value, inputs[i]]));
  }

  #compute(node: Node, values: Map<Value, Tensor>): void {
    const inputs = node.inputs.map((value) => value && tensorOf(value, values));
    const outputs = noGrad(() => outputsOf(node.op, inputs, node.attributes));
    // What was changed in place is found by its state, so only the outputs proper are new.
    outputs.forEach((tensor, i) => {
      values.set(node.outputs[i], tensor);
    });
    for (const value of this.#lastReads.get(node) ?? []) values.delete(value);
  }

  #outputs(values: ReadonlyMap<Value, Tensor>, lent: readonly (Tensor | null)[]): Tensor[] {
    return this.graph.outputs.map((value, i) => {
      const found = tensorOf(value, values);
      const to = lent[i];
      if (!to) return found.clone();
      (to.storage.values as Float32Array).set(found.storage.values as Float32Array);
      return to;
    });
  }
}

function tensorOf(value: Value, values: ReadonlyMap<Value, Tensor>): Tensor {
  return value.constant ?? value.state ?? (values.get(value) as Tensor);
}

/** Which values nobody needs after a node. */
function lastReads(graph: Graph): Map<Node, Value[]> {
  const last = new Map<Value, Node>();
  for (const node of graph.nodes)
    for (const value of [...node.inputs, ...node.outputs]) if (value) last.set(value, node);
  const reads = new Map<Node, Value[]>();
  for (const [value, node] of last) {
    if (graph.outputs.includes(value) || graph.inputs.includes(value)) continue;
    reads.set(node, [...(reads.get(node) ?? []), value]);
  }
  return reads;
}
