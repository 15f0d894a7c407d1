import { backendInfo, nativeAddon, type Precision } from '../backend/backend.js';
import type { NativeAddon } from '../backend/native.js';
import { ArgumentError, check, ShapeError } from '../errors.js';
import { PASS_NAMES } from '../graph/optimise.js';
import { InterpretedPlan, NativePlan, type Plan, type TimedCall } from '../graph/plan.js';
import { Weights } from '../graph/weights.js';
import { formatShape, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { CompiledModel } from './compile.js';
import { checkFeed, convertFeed, convertOutput, type Feed, lend } from './door.js';
import { Inspection } from './inspection.js';
import { Profile } from './profile.js';
import type { ModelSource, Stage, ValueMetadata } from './source.js';

const OPTIMIZATION_LEVELS = ['disabled', 'basic', 'extended', 'layout', 'all'] as const;

/** Options of {@link InferenceSession.create}. Names that onnxruntime has for the same thing are understood too. */
export interface SessionOptions {
  /** Threads that one run may use, at least 1. Default: cores this process may use. */
  threads?: number;
  /** What onnxruntime calls `threads`; 0 is the default. */
  intraOpNumThreads?: number;
  /**
   * 'fast', the default, computes 3×3 convolutions by Winograd's algorithm where that pays, with up to three times the
   * rounding error; 'exact' sums directly. See docs/precision.md for measured errors.
   */
  precision?: Precision;
  /** Passes to leave out, for finding faults. Default none. */
  disabledPasses?: readonly string[];
  /** As in onnxruntime: 'disabled' leaves out all passes; the other levels, which are one here, leave out none. */
  graphOptimizationLevel?: (typeof OPTIMIZATION_LEVELS)[number];
  /** Plans that are kept, one for each set of input shapes; the one not used for longest goes first. Default 8. */
  plans?: number;
}

/** Options of a run. */
export interface RunOptions {
  /** Stops the run between two kernel calls; the promise then rejects with ERR_ABORTED. */
  signal?: AbortSignal | null;
  /** Take the time of every kernel call; `session.lastProfile` has it afterwards. Default false. */
  profile?: boolean;
}

/** Tensors by the name of the input. */
export type Feeds = Readonly<Record<string, Feed>>;
/** Outputs that are wanted: their names, or for each name memory to write to, or null. */
export type Fetches = readonly string[] | Readonly<Record<string, Tensor | null>>;
/** Results by the name of the output. */
export type Results = Record<string, Tensor>;

/** What a session can be made of. */
export type Model = string | Uint8Array | ArrayBufferLike | ModelSource;

/** A plan, and those that follow it. */
interface Step {
  readonly stage: Stage;
  readonly plan: Plan;
  readonly next: Map<string, Step>;
}

/**
 * A model ready to run: off the event loop, any number of runs at once, for inputs of any shape that the model takes. The
 * interface is onnxruntime's.
 *
 * @example
 * const net = new nn.Sequential(new nn.Flatten(), new nn.Linear(4, 2));
 * const session = await InferenceSession.create(compile(net, zeros([1, 4])), { threads: 1 });
 * const { output } = await session.run({ input: zeros([3, 4]) });
 * output.dims; // [3, 2]
 * await session.release();
 */
export class InferenceSession {
  readonly #source: ModelSource;
  readonly #addon: NativeAddon | null;
  readonly #weights: Weights | null;
  readonly #threads: number;
  readonly #options: { exact: boolean; disabledPasses: readonly string[] };
  readonly #keep: number;
  readonly #steps = new Map<string, Step>();
  #lastProfile: Profile | null = null;
  #released = false;

  private constructor(source: ModelSource, options: SessionOptions) {
    const { precision = 'fast', graphOptimizationLevel = 'all', plans = 8 } = options;
    check(
      OPTIMIZATION_LEVELS.includes(graphOptimizationLevel),
      'InferenceSession.create',
      () =>
        `graphOptimizationLevel must be one of ${OPTIMIZATION_LEVELS.join(', ')}, got ${JSON.stringify(graphOptimizationLevel)}`,
      ArgumentError,
    );
    const { disabledPasses = graphOptimizationLevel === 'disabled' ? PASS_NAMES : [] } = options;
    check(
      precision === 'fast' || precision === 'exact',
      'InferenceSession.create',
      () => `precision must be 'fast' or 'exact', got ${JSON.stringify(precision)}`,
      ArgumentError,
    );
    check(
      Number.isInteger(plans) && plans >= 1,
      'InferenceSession.create',
      () => `plans must be an integer of at least 1, got ${plans}`,
      ArgumentError,
    );
    this.#source = source;
    this.#threads = threadsOf(options);
    this.#options = { exact: precision === 'exact', disabledPasses };
    this.#keep = plans;
    this.#addon = nativeAddon();
    this.#weights = this.#addon && new Weights(this.#addon);
  }

  /**
   * Loads a model: the path of an ONNX file, its bytes (which must not change while the session lives), or a compiled module.
   * As in onnxruntime, of an ArrayBuffer a part may be given by its offset and length.
   *
   * @throws ConvforgeError ERR_MODEL_FORMAT for a damaged file, ERR_UNSUPPORTED_OP naming what is not supported;
   *   ArgumentError for options out of range
   */
  static async create(model: Model, options?: SessionOptions): Promise<InferenceSession>;
  static async create(
    model: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static async create(
    model: Model,
    second: SessionOptions | number = {},
    byteLength?: number,
    third: SessionOptions = {},
  ): Promise<InferenceSession> {
    const [offset, options] = typeof second === 'number' ? [second, third] : [0, second];
    const source = await open(isArrayBuffer(model) ? bytesOf(model, offset, byteLength) : model);
    try {
      const session = new InferenceSession(source, options);
      await session.#warmUp();
      return session;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  get inputNames(): readonly string[] {
    return this.#source.inputs.map(({ name }) => name);
  }

  get outputNames(): readonly string[] {
    return this.#source.outputs.map(({ name }) => name);
  }

  get inputMetadata(): readonly ValueMetadata[] {
    return this.#source.inputs;
  }

  get outputMetadata(): readonly ValueMetadata[] {
    return this.#source.outputs;
  }

  /** Times of the kernel calls of the last run with `profile: true`; null if there was none. */
  get lastProfile(): Profile | null {
    return this.#lastProfile;
  }

  /**
   * Computes the outputs, off this thread. Memory of the feeds is read until the promise resolves and must not change or be
   * transferred before.
   *
   * @throws ArgumentError, ShapeError or DTypeError when the feeds are not what the model takes; ConvforgeError ERR_ABORTED
   *   when the signal aborts first
   */
  async run(feeds: Feeds, options?: RunOptions): Promise<Results>;
  async run(feeds: Feeds, fetches: Fetches, options?: RunOptions): Promise<Results>;
  async run(feeds: Feeds, second: Fetches | RunOptions = {}, third: RunOptions = {}): Promise<Results> {
    const [fetches, options] = this.#isFetches(second) ? [second, third] : [null, second as RunOptions];
    const call = this.#begin(feeds, fetches);
    const calls: TimedCall[] = [];
    const settings = { threads: this.#threads, signal: options.signal, profile: options.profile };
    for (let step: Step | null = call.first; step; step = this.#following(step, call.values)) {
      const result = await step.plan.run(call.inputsOf(step), call.lentTo(step), settings);
      call.note(step, result.outputs);
      if (result.calls) calls.push(...result.calls);
    }
    if (options.profile) this.#lastProfile = new Profile(calls);
    return call.results();
  }

  /** {@link run} on this thread, for worker threads and scripts. */
  runSync(feeds: Feeds, fetches: Fetches | null = null): Results {
    const call = this.#begin(feeds, fetches);
    for (let step: Step | null = call.first; step; step = this.#following(step, call.values)) {
      call.note(step, step.plan.runSync(call.inputsOf(step), call.lentTo(step), this.#threads));
    }
    return call.results();
  }

  /**
   * What runs for inputs of the given shapes, node by node; shapes may be left out where the model declares them. Of a model
   * whose sizes depend on elements it is the part up to there.
   *
   * @throws ArgumentError when a shape is neither given nor declared
   */
  inspect(shapes: Readonly<Record<string, Shape>> = {}): Inspection {
    this.#checkLive('inspect');
    const all = this.#source.inputs.map(({ name }) => [name, this.shapeOf(name, shapes)] as const);
    const { plan } = this.#first(new Map(all));
    const native = plan instanceof NativePlan ? plan : null;
    return new Inspection(plan.graph, native?.details ?? new Map(), native?.arenaBytes ?? null);
  }

  /** The shape of an input: the one in `shapes`, or what the model declares, a batch of open size being 1. @internal */
  shapeOf(name: string, shapes: Readonly<Record<string, Shape>> = {}): Shape {
    const declared = this.#source.inputs.find((input) => input.name === name)?.shape ?? [];
    const shape =
      shapes[name] ?? declared.map((extent, axis) => (typeof extent === 'string' && axis === 0 ? 1 : extent));
    check(
      shape.every((extent) => typeof extent === 'number'),
      'inspect',
      () => `input '${name}' is [${declared.map((extent) => extent || '?').join(', ')}]; say for which sizes`,
      ArgumentError,
    );
    return shape as Shape;
  }

  /** Gives all memory back, of runs that are under way as soon as they end. A released session cannot run. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    for (const step of this.#steps.values()) releaseStep(step);
    this.#steps.clear();
    await this.#weights?.release();
    this.#source.close();
  }

  /** Plans for the shapes that are expected, so that the first run need not wait. */
  async #warmUp(): Promise<void> {
    const { expected } = this.#source;
    if (!expected) return;
    try {
      const { plan } = this.#first(expected);
      if (plan instanceof NativePlan) await plan.prepare(this.#threads);
    } catch (error) {
      // A batch of one was a guess; what the model takes will show when it is run.
      if (!(error instanceof ShapeError)) throw error;
    }
  }

  #checkLive(operation: string): void {
    check(!this.#released, operation, () => 'the session was released', ArgumentError);
  }

  #isFetches(value: Fetches | RunOptions): value is Fetches {
    if (Array.isArray(value)) return true;
    return typeof value === 'object' && this.outputNames.some((name) => Object.hasOwn(value, name));
  }

  #begin(feeds: Feeds, fetches: Fetches | null): Call {
    this.#checkLive('run');
    check(
      typeof feeds === 'object' && feeds !== null,
      'run',
      () => 'feeds must be an object with a tensor for each input',
      ArgumentError,
    );
    const names = this.inputNames;
    const unknown = Object.keys(feeds).find((name) => !names.includes(name));
    check(
      unknown === undefined,
      'run',
      () => `there is no input '${unknown}'; the inputs are ${names.join(', ')}`,
      ArgumentError,
    );
    const values = new Map<string, Tensor>();
    for (const input of this.#source.inputs) {
      check(feeds[input.name] !== undefined, 'run', () => `input '${input.name}' is missing`, ArgumentError);
      values.set(input.name, checkFeed(input, feeds[input.name]));
    }
    const first = this.#first(new Map([...values].map(([name, { shape }]) => [name, shape])));
    this.#source.inputs.forEach((input, i) => {
      const { dtype } = first.stage.graph.inputs[i];
      values.set(input.name, convertFeed(input, values.get(input.name) as Tensor, dtype));
    });
    return new Call(first, values, this.#source.outputs, fetches);
  }

  /** The plan for inputs of these shapes, made if need be. */
  #first(shapes: ReadonlyMap<string, Shape>): Step {
    const key = [...shapes.values()].map(formatShape).join();
    return this.#kept(this.#steps, key, () => this.#source.trace(shapes));
  }

  #following(step: Step, values: ReadonlyMap<string, Tensor>): Step | null {
    const { next, needs } = step.stage;
    if (!next) return null;
    const key = needs.map((name) => `${values.get(name)?.toArray()}`).join(';');
    return this.#kept(step.next, key, () => next(values));
  }

  #kept(steps: Map<string, Step>, key: string, trace: () => Stage): Step {
    const isa = backendInfo().isa;
    const own = `${isa} ${key}`;
    const known = steps.get(own);
    if (known) {
      // The order of a map is that of insertion: what was used last goes to the end.
      if (steps.size > 1) {
        steps.delete(own);
        steps.set(own, known);
      }
      return known;
    }
    const stage = trace();
    const plan =
      this.#addon && this.#weights && NativePlan.accepts(stage.graph)
        ? new NativePlan(stage.graph, this.#addon, this.#weights, this.#options)
        : new InterpretedPlan(stage.graph, this.#options);
    const made = { stage, plan, next: new Map() };
    steps.set(own, made);
    for (const [oldest, step] of steps) {
      if (steps.size <= this.#keep) break;
      releaseStep(step);
      steps.delete(oldest);
    }
    return made;
  }
}

/** One call of `run`, from feeds to results. */
class Call {
  readonly first: Step;
  /** Everything computed so far that a later part reads. */
  readonly values: Map<string, Tensor>;
  readonly #outputs: readonly ValueMetadata[];
  readonly #wanted: readonly string[];
  readonly #lent: Readonly<Record<string, Tensor | null>>;

  constructor(first: Step, values: Map<string, Tensor>, outputs: readonly ValueMetadata[], fetches: Fetches | null) {
    this.first = first;
    this.values = values;
    this.#outputs = outputs;
    const names = outputs.map(({ name }) => name);
    const isList = Array.isArray(fetches);
    this.#wanted = fetches === null ? names : isList ? (fetches as readonly string[]) : Object.keys(fetches);
    this.#lent = fetches === null || isList ? {} : (fetches as Readonly<Record<string, Tensor | null>>);
    const unknown = this.#wanted.find((name) => !names.includes(name));
    check(
      unknown === undefined,
      'run',
      () => `there is no output '${unknown}'; the outputs are ${names.join(', ')}`,
      ArgumentError,
    );
  }

  inputsOf({ stage }: Step): Tensor[] {
    return stage.inputs.map((name) => this.values.get(name) as Tensor);
  }

  /** Memory that the user lends for the results of a part. */
  lentTo({ stage }: Step): (Tensor | null)[] {
    if (stage.next) return [];
    return stage.graph.outputs.map(({ dtype, shape }, i) =>
      lend(stage.outputs[i], this.#lent[stage.outputs[i]], dtype, shape),
    );
  }

  note({ stage }: Step, results: readonly Tensor[]): void {
    stage.outputs.forEach((name, i) => {
      this.values.set(name, results[i]);
    });
  }

  results(): Results {
    return Object.fromEntries(
      this.#wanted.map((name) => {
        const declared = this.#outputs.find((output) => output.name === name);
        const result = convertOutput(declared, this.values.get(name) as Tensor);
        const lent = this.#lent[name];
        if (!lent || lent === result) return [name, result];
        (lent.storage.values as Float32Array).set(result.to(lent.dtype).storage.values as Float32Array);
        return [name, lent];
      }),
    );
  }
}

function releaseStep({ plan, next }: Step): void {
  plan.release();
  for (const step of next.values()) releaseStep(step);
}

function threadsOf({ threads, intraOpNumThreads }: SessionOptions): number {
  const wanted = threads ?? (intraOpNumThreads === 0 ? undefined : intraOpNumThreads) ?? backendInfo().threads;
  check(
    Number.isInteger(wanted) && wanted >= 1 && wanted <= 1024,
    'InferenceSession.create',
    () => `threads must be an integer from 1 to 1024, got ${wanted}`,
    ArgumentError,
  );
  return wanted;
}

function isArrayBuffer(model: Model): model is ArrayBufferLike {
  return (
    model instanceof ArrayBuffer || (typeof SharedArrayBuffer !== 'undefined' && model instanceof SharedArrayBuffer)
  );
}

function bytesOf(buffer: ArrayBufferLike, offset: number, length = buffer.byteLength - offset): Uint8Array {
  const isWithin = Number.isInteger(offset) && offset >= 0 && Number.isInteger(length) && length >= 0;
  check(
    isWithin && offset + length <= buffer.byteLength,
    'InferenceSession.create',
    () => `${length} bytes from byte ${offset} do not lie within a buffer of ${buffer.byteLength}`,
    ArgumentError,
  );
  return new Uint8Array(buffer, offset, length);
}

async function open(model: Exclude<Model, ArrayBufferLike>): Promise<ModelSource> {
  if (model instanceof CompiledModel) return model;
  check(
    typeof model === 'string' || model instanceof Uint8Array,
    'InferenceSession.create',
    () => 'the model must be the path of an ONNX file, its bytes, or what compile() returns',
    ArgumentError,
  );
  // Reading ONNX is not part of what `import 'convforge'` loads.
  const { OnnxSource } = await import('./onnxsource.js');
  return new OnnxSource(model);
}
