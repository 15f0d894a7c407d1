import { noGrad } from '../autograd.js';
import { ArgumentError, AutogradError, ConvforgeError, check } from '../errors.js';
import { Module } from '../nn/module.js';
import { clipGradNorm, clipGradValue } from '../optim/clip.js';
import { Optimizer } from '../optim/optimizer.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import type { StepOptions, StepRunOptions, TrainingStep } from './step.js';

/**
 * A training step that runs op by op on this thread: every model can be trained with it, whatever its code does.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const net = new nn.Linear(1, 1, { bias: false });
 * const step = new EagerStep({ model: net, loss: mse, optimizer: new SGD(net.parameters(), { lr: 0.1 }), accumulate: 2 });
 * const before = net.weight.item();
 * await step.run([ones([4, 1]), zeros([4, 1])]);
 * net.weight.item() === before; // true
 */
export class EagerStep implements TrainingStep {
  readonly compiled = false;
  readonly reason: string | null;
  readonly #options: Omit<StepOptions, 'accumulate'>;
  readonly #accumulate: number;
  readonly #parameters: readonly Tensor[];
  /** Batches whose gradients wait for an update. */
  #pending = 0;

  /** @param reason why the step is not compiled */
  constructor(options: StepOptions, reason: string | null = null) {
    checkStep('EagerStep', options);
    this.#options = options;
    this.#accumulate = options.accumulate ?? 1;
    this.#parameters = options.model.parameters();
    this.reason = reason;
  }

  async run(batch: readonly Tensor[], { signal }: StepRunOptions = {}): Promise<{ loss: Tensor; output: Tensor }> {
    if (signal?.aborted) {
      throw new ConvforgeError('ERR_ABORTED', 'run: aborted by its signal', { cause: signal.reason });
    }
    checkBatch('run', batch);
    const { model, loss: compare } = this.#options;
    // Not after the update, so that gradients can be looked at between steps.
    if (this.#pending === 0) this.#zeroGrad();
    const [x, ...targets] = batch as [Tensor<'float32'>, ...Tensor[]];
    const output = model.forward(x) as Tensor<'float32'>;
    const loss = compare(output, ...targets);
    check(
      loss instanceof Tensor && loss.size === 1,
      'run',
      () =>
        `the loss function must return a tensor of one element, got ${loss instanceof Tensor ? formatShape(loss.shape) : typeof loss}`,
    );
    check(
      loss.requiresGrad,
      'run',
      () => 'the loss does not depend on any parameter that requires a gradient',
      AutogradError,
    );
    (this.#accumulate === 1 ? loss : loss.div(this.#accumulate)).backward();
    if (++this.#pending === this.#accumulate) this.#update();
    return { loss: loss.detach(), output: output.detach() };
  }

  flush(): void {
    if (this.#pending === 0) return;
    const { optimizer } = this.#options;
    // Each gradient was divided by the number of batches of a full update.
    const missing = this.#accumulate / this.#pending;
    noGrad(() => {
      for (const parameter of new Set([...this.#parameters, ...optimizer.parameters])) {
        parameter.grad = parameter.grad?.mul(missing) ?? null;
      }
    });
    this.#update();
  }

  release(): void {
    this.#pending = 0;
    this.#zeroGrad();
  }

  #update(): void {
    const { optimizer, clipGradNorm: maxNorm, clipGradValue: maxValue, ema } = this.#options;
    if (maxValue !== undefined) clipGradValue(this.#parameters, maxValue);
    if (maxNorm !== undefined) clipGradNorm(this.#parameters, maxNorm);
    optimizer.step();
    ema?.update();
    this.#pending = 0;
  }

  #zeroGrad(): void {
    this.#options.optimizer.zeroGrad();
    for (const parameter of this.#parameters) parameter.grad = null;
  }
}

/** Checks what every kind of step is made of. */
export function checkStep(operation: string, options: StepOptions): void {
  const { model, loss, optimizer, clipGradNorm, clipGradValue, accumulate = 1 } = options ?? {};
  const rules: [fits: boolean, rule: string][] = [
    [model instanceof Module, 'model must be a module'],
    [typeof loss === 'function', 'loss must be a function of the output and the targets'],
    [
      optimizer instanceof Optimizer,
      'optimizer must be an optimizer, such as new SGD(model.parameters(), { lr: 0.1 })',
    ],
    [clipGradNorm === undefined || clipGradNorm > 0, `clipGradNorm must be above 0, got ${clipGradNorm}`],
    [clipGradValue === undefined || clipGradValue > 0, `clipGradValue must be above 0, got ${clipGradValue}`],
    [Number.isInteger(accumulate) && accumulate >= 1, `accumulate must be an integer of at least 1, got ${accumulate}`],
  ];
  for (const [fits, rule] of rules) check(fits, operation, () => rule, ArgumentError);
}

/** Checks that a batch is tensors: inputs, and usually targets, of one number of samples. */
export function checkBatch(operation: string, batch: unknown): asserts batch is readonly Tensor[] {
  check(
    Array.isArray(batch) && batch.length > 0 && batch.every((part) => part instanceof Tensor),
    operation,
    () => 'a batch must be an array of tensors: inputs [n, …], then targets',
    ArgumentError,
  );
  const [{ shape }] = batch as Tensor[];
  check(shape.length > 0, operation, () => 'the inputs of a batch must be [n, …], got a scalar');
  for (const target of batch.slice(1) as Tensor[]) {
    check(
      target.shape[0] === shape[0],
      operation,
      () => `inputs ${formatShape(shape)} and targets ${formatShape(target.shape)} of a batch differ in their number`,
    );
  }
}
