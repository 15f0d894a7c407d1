import { noGrad } from '../autograd.js';
import { ConvforgeError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import type { StepOptions, StepRunOptions, TrainingStep } from './step.js';
import { checkBatch, checkStep, parametersOf, trainableLossOf, update } from './stepparts.js';

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
  readonly #parameters: () => readonly Tensor[];
  /** Batches whose gradients wait for an update. */
  #pending = 0;

  /** @param reason why the step is not compiled */
  constructor(options: StepOptions, reason: string | null = null) {
    checkStep('EagerStep', options);
    this.#options = options;
    this.#accumulate = options.accumulate ?? 1;
    this.#parameters = parametersOf(options);
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
    const loss = trainableLossOf(compare, output, targets);
    (this.#accumulate === 1 ? loss : loss.div(this.#accumulate)).backward();
    if (++this.#pending === this.#accumulate) this.#update();
    return { loss: loss.detach(), output: output.detach() };
  }

  flush(): void {
    if (this.#pending === 0) return;
    // Each gradient was divided by the number of batches of a full update.
    const missing = this.#accumulate / this.#pending;
    noGrad(() => {
      for (const parameter of this.#parameters()) {
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
    update(this.#options, this.#parameters());
    this.#pending = 0;
  }

  #zeroGrad(): void {
    for (const parameter of this.#parameters()) parameter.grad = null;
  }
}
