import { ArgumentError, AutogradError, check } from '../errors.js';
import { whole } from '../geometry.js';
import { Module } from '../nn/module.js';
import { clipGradNorm, clipGradValue } from '../optim/clip.js';
import { Optimizer } from '../optim/optimizer.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import type { Loss, StepOptions } from './step.js';

/** The loss of a batch. */
export function lossOf(compare: Loss, output: Tensor<'float32'>, targets: readonly Tensor[]): Tensor {
  const loss: unknown = compare instanceof Module ? compare.forward(output, ...targets) : compare(output, ...targets);
  check(
    loss instanceof Tensor && loss.size === 1,
    'loss',
    () =>
      `a loss must be a tensor of one element, got ${loss instanceof Tensor ? formatShape(loss.shape) : typeof loss}`,
  );
  return loss;
}

/** The loss of a batch, if it can be trained on. */
export function trainableLossOf(compare: Loss, output: Tensor<'float32'>, targets: readonly Tensor[]): Tensor {
  const loss = lossOf(compare, output, targets);
  check(
    loss.requiresGrad,
    'run',
    () => 'the loss does not depend on any parameter that requires a gradient',
    AutogradError,
  );
  return loss;
}

/** The modules that a step runs: the model, and the loss if it is one. */
export function modulesOf({ model, loss }: StepOptions): readonly Module[] {
  return loss instanceof Module ? [model, loss] : [model];
}

/**
 * Returns what gives everything that a step may find gradients for, each once: the parameters of model and loss, looked for
 * now, and those that the optimizer has by then.
 */
export function parametersOf(options: StepOptions): () => readonly Tensor[] {
  const own = modulesOf(options).flatMap((module) => module.parameters());
  return () => [...new Set<Tensor>([...own, ...options.optimizer.parameters])];
}

/** What a step does once all gradients are there. */
export function update(options: StepOptions, parameters: readonly Tensor[]): void {
  const { optimizer, clipGradNorm: maxNorm, clipGradValue: maxValue, ema } = options;
  if (maxValue !== undefined) clipGradValue(parameters, maxValue);
  if (maxNorm !== undefined) clipGradNorm(parameters, maxNorm);
  optimizer.step();
  ema?.update();
}

export const LOSS_RULE = 'loss must be a function of the output and the targets, or a module';

export function isLoss(loss: unknown): loss is Loss {
  return typeof loss === 'function' || loss instanceof Module;
}

/** Checks what every kind of step is made of. */
export function checkStep(operation: string, options: StepOptions): void {
  const { model, loss, optimizer, clipGradNorm, clipGradValue, accumulate = 1 } = options ?? {};
  const rules: [fits: boolean, rule: string][] = [
    [model instanceof Module, 'model must be a module'],
    [isLoss(loss), LOSS_RULE],
    [
      optimizer instanceof Optimizer,
      'optimizer must be an optimizer, such as new SGD(model.parameters(), { lr: 0.1 })',
    ],
    [clipGradNorm === undefined || clipGradNorm > 0, `clipGradNorm must be above 0, got ${clipGradNorm}`],
    [clipGradValue === undefined || clipGradValue > 0, `clipGradValue must be above 0, got ${clipGradValue}`],
  ];
  for (const [fits, rule] of rules) check(fits, operation, () => rule, ArgumentError);
  whole(operation, 'accumulate', accumulate, 1);
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
