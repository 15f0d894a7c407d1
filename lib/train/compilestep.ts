import { backendInfo, isExact } from '../backend/backend.js';
import { firstBeyond32Bits } from '../dtype.js';
import { ArgumentError, ConvforgeError, check } from '../errors.js';
import type { Module } from '../nn/module.js';
import { cast } from '../ops/cast.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { GradientSum } from './gradientsum.js';
import type { StepOptions, StepRunOptions, TrainingStep } from './step.js';
import { checkBatch, checkStep, modulesOf, parametersOf, trainableLossOf, update } from './stepparts.js';
import { TracedProgram } from './tracedprogram.js';

/** Programs for this many different batches are kept: full ones, the last of an epoch, and some to spare. */
const KEPT = 4;

/**
 * Traces forward pass, loss, backward pass and update once and makes them one native program, with planned memory and fused
 * passes, that runs off this thread. Parameters, running statistics and the optimizer's state are changed where they are,
 * so that the model, a loss that is a module, and the optimizer can be used, saved and loaded between steps as ever.
 *
 * Batches of another shape, a switch between `train()` and `eval()`, freezing of parameters and other kinds of updates are
 * noticed and traced anew.
 * Control flow of the model and of the loss may depend on shapes, not on elements. What else their code does (counting,
 * printing) is done once, not in each step. On the TypeScript backend the traced ops run one by one.
 *
 * @param example a batch such as those that will follow
 * @throws ArgumentError for options out of range; ConvforgeError ERR_TRACE when the code looks at elements: such a model
 *   can be trained with {@link EagerStep}; whatever model and loss throw for the example
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(144, 10));
 * const batch = [ones([2, 1, 8, 8]), tensor([3, 5], { dtype: 'int32' })];
 * const optimizer = new SGD(net.parameters(), { lr: 0.1 });
 * const step = await compileStep({ model: net, loss: crossEntropy, optimizer }, batch);
 * const first = (await step.run(batch)).loss.item();
 * (await step.run(batch)).loss.item() < first; // true
 */
export async function compileStep(options: StepOptions, example: readonly Tensor[]): Promise<CompiledStep> {
  const step = new CompiledStep(options);
  step.prepare(example);
  return step;
}

/** What {@link compileStep} returns. */
export class CompiledStep implements TrainingStep {
  readonly compiled = true;
  readonly reason = null;
  readonly #options: StepOptions;
  readonly #modules: readonly Module[];
  readonly #parameters: () => readonly Tensor[];
  readonly #sum: GradientSum | null;
  /** By what they were traced for; the one used last is the last. */
  readonly #programs = new Map<string, TracedProgram>();
  /** Steps change the same memory: each waits for the one before. */
  #last: Promise<unknown> = Promise.resolve();
  #isReleased = false;

  /** @internal */
  constructor(options: StepOptions) {
    checkStep('compileStep', options);
    const { accumulate = 1 } = options;
    this.#options = options;
    this.#modules = modulesOf(options).flatMap((root) => root.modules().map(([, module]) => module));
    this.#parameters = parametersOf(options);
    this.#sum = accumulate > 1 ? new GradientSum(accumulate) : null;
  }

  /** Makes the program for such batches, so that the first step need not. */
  prepare(batch: readonly Tensor[]): void {
    checkBatch('compileStep', batch);
    this.#checkNotReleased('prepare');
    this.#stepFor(batch.map(asComputed));
  }

  /** Trains on a batch, off this thread; its memory must not change before the promise resolves. */
  async run(batch: readonly Tensor[], { signal }: StepRunOptions = {}): Promise<{ loss: Tensor; output: Tensor }> {
    checkBatch('run', batch);
    const given = batch.map(asComputed);
    return this.#inTurn('run', async () => {
      if (signal?.aborted) {
        throw new ConvforgeError('ERR_ABORTED', 'run: aborted by its signal', { cause: signal.reason });
      }
      const [loss, output] = await this.#stepFor(given).run(given);
      if (this.#sum) {
        this.#sum.pending++;
        if (this.#sum.isFull) await this.#spend(this.#sum);
      }
      return { loss, output };
    });
  }

  /** Updates with what has been accumulated since the last update, if anything has. */
  async flush(): Promise<void> {
    return this.#inTurn('flush', async () => {
      if (this.#sum?.pending) await this.#spend(this.#sum);
    });
  }

  /** Gives the programs' memory back, once a step that is under way has ended. A released step cannot run. */
  async release(): Promise<void> {
    this.#isReleased = true;
    await this.#last;
    for (const program of this.#programs.values()) await program.release();
    this.#programs.clear();
  }

  #inTurn<T>(operation: string, body: () => Promise<T>): Promise<T> {
    this.#checkNotReleased(operation);
    const turn = this.#last.then(body);
    this.#last = turn.catch(() => {});
    return turn;
  }

  #checkNotReleased(operation: string): void {
    check(!this.#isReleased, operation, () => 'the step was released', ArgumentError);
  }

  #stepFor(batch: readonly Tensor[]): TracedProgram {
    const key = batch.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join();
    return this.#program(key, batch, (x, ...targets) => {
      const { model, loss: compare, accumulate = 1 } = this.#options;
      const output = model.forward(x) as Tensor<'float32'>;
      const loss = trainableLossOf(compare, output, targets);
      (accumulate === 1 ? loss : loss.div(accumulate)).backward();
      if (this.#sum) this.#sum.collect(this.#parameters());
      else update(this.#options, this.#parameters());
      return [loss, output];
    });
  }

  async #spend(sum: GradientSum): Promise<void> {
    const program = this.#program('update', [], () => {
      sum.spend(() => update(this.#options, this.#parameters()));
      return [];
    });
    await program.run([]);
    sum.pending = 0;
  }

  #program(kind: string, example: readonly Tensor[], body: (...inputs: Tensor[]) => readonly Tensor[]): TracedProgram {
    const key = `${kind} ${this.#mode()}`;
    let program = this.#programs.get(key);
    this.#programs.delete(key);
    if (!program) {
      const state = [
        ...modulesOf(this.#options).flatMap((module) => Object.values(module.stateDict())),
        ...this.#parameters(),
        ...(this.#sum?.tensors ?? []),
      ];
      const forget = () => {
        for (const parameter of this.#parameters()) parameter.grad = null;
      };
      forget();
      try {
        program = new TracedProgram(state, example, body);
      } finally {
        forget();
      }
    }
    this.#programs.set(key, program);
    for (const [oldest, unused] of this.#programs) {
      if (this.#programs.size <= KEPT) break;
      this.#programs.delete(oldest);
      void unused.release();
    }
    return program;
  }

  /** All that a program is made for besides the batch. */
  #mode(): string {
    const { backend, isa } = backendInfo();
    const training = this.#modules.map((module) => Number(module.training)).join('');
    const trained = this.#parameters()
      .map((parameter) => Number(parameter.requiresGrad))
      .join('');
    return `${backend} ${isa} ${isExact()} ${training} ${trained} ${this.#options.optimizer.structure}`;
  }
}

/** Labels of int64 as int32: native kernels compute with nothing of eight bytes. */
function asComputed(tensor: Tensor): Tensor {
  if (tensor.dtype !== 'int64') return tensor;
  const elements = tensor.storage.read() as BigInt64Array;
  const at = firstBeyond32Bits(elements);
  check(at < 0, 'run', () => `integers of a batch must fit into 32 bits, got ${elements[at]}`, ArgumentError);
  return cast(tensor, 'int32');
}
