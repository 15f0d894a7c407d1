import { ArgumentError, ConvforgeError, DivergedError } from '../errors.js';
import { Module, type StateDict } from '../nn/module.js';
import { sum } from '../ops/sum.js';
import type { Optimizer, OptimizerState } from '../optim/optimizer.js';
import { defaultGenerator, Generator } from '../random.js';
import { hasState, type Loader } from './loader.js';
import type { Schedule } from './schedule.js';
import type { TrainingState } from './state.js';
import type { Loss, WeightAverage } from './step.js';

/** Everything besides the weights that changes as training goes on and keeps its own state. */
export interface Stateful {
  readonly model: Module;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly scheduler: Schedule | null;
  readonly ema: WeightAverage | null;
  readonly loader: Loader;
}

type ModuleState = Pick<TrainingState, 'loss' | 'optimizer' | 'scheduler' | 'ema' | 'loader' | 'generators'>;

/** The states of all parts as they are now; tensors share memory with them. */
export function captureState({ model, loss, optimizer, scheduler, ema, loader }: Stateful): ModuleState {
  const modules = generatorsOf(model).map(([path, { state }]) => [path, state] as const);
  return {
    loss: parametersOf(loss),
    optimizer: { name: optimizer.constructor.name, state: optimizer.stateDict() },
    scheduler: scheduler?.stateDict() ?? null,
    ema: ema?.stateDict() ?? null,
    loader: hasState(loader) ? loader.stateDict() : null,
    generators: { default: defaultGenerator.state, modules: Object.fromEntries(modules) },
  };
}

/**
 * Gives all parts the states they had.
 *
 * @throws ConvforgeError ERR_STATE_DICT when weights or states do not fit; ArgumentError when a part is missing or not the
 *   one that the state is of
 */
export function restoreState(parts: Stateful, weights: StateDict, state: ModuleState): void {
  const { model, loss, optimizer, scheduler, ema, loader } = parts;
  const expect = (holds: boolean, why: string) => {
    if (!holds) throw new ArgumentError(`fit: the checkpoint cannot be resumed: ${why}`);
  };
  const { name } = optimizer.constructor;
  expect(state.optimizer.name === name, `it was trained with ${state.optimizer.name}, the optimizer is ${name}`);
  expect((state.scheduler === null) === (scheduler === null), `it has ${said(state.scheduler, 'scheduler')}`);
  expect((state.ema === null) === (ema === null), `it has ${said(state.ema, 'ema')}`);
  model.loadStateDict(weights);
  if (loss instanceof Module && state.loss) loss.loadStateDict(state.loss, { strict: false });
  optimizer.loadStateDict(state.optimizer.state as OptimizerState);
  scheduler?.loadStateDict(state.scheduler);
  ema?.loadStateDict(state.ema);
  if (hasState(loader) && state.loader !== null) loader.loadStateDict(state.loader);
  // Last, as nothing may draw from them before training goes on.
  defaultGenerator.state = state.generators.default;
  for (const [path, generator] of generatorsOf(model)) {
    const saved = state.generators.modules[path];
    if (saved) generator.state = saved;
  }
}

/** What of a loss is trained; its buffers, such as weights of classes, are those it was made with. */
function parametersOf(loss: Loss): StateDict | null {
  return loss instanceof Module ? Object.fromEntries(loss.namedParameters()) : null;
}

function said(state: unknown, part: string): string {
  return state === null
    ? `no state for the ${part} that is given`
    : `state of ${part === 'ema' ? 'an ema' : `a ${part}`}, and none is given`;
}

/** Generators that modules keep as properties, such as those of dropout, by their paths. */
function generatorsOf(model: Module): [path: string, generator: Generator][] {
  return model
    .modules()
    .flatMap(([name, module]) =>
      Object.entries(module).flatMap(([key, value]): [string, Generator][] =>
        value instanceof Generator ? [[name ? `${name}.${key}` : key, value]] : [],
      ),
    );
}

/** Throws when a weight is no finite number any more, so that nothing overwrites a good checkpoint. */
export function checkWeights(weights: StateDict, step: number): void {
  for (const [name, tensor] of Object.entries(weights)) {
    // The sum is one kernel call; only when it is not finite need the elements be looked at, for it may have overflowed.
    if (!tensor.isFloat() || Number.isFinite(sum(tensor).item())) continue;
    if ((tensor.storage.read() as Float32Array).every(Number.isFinite)) continue;
    throw new DivergedError(`fit: ${name} holds numbers that are not finite after step ${step}; nothing was saved`);
  }
}

/** Whether an error says that a signal ended something. */
export function isAbort(error: unknown): boolean {
  return error instanceof ConvforgeError && error.code === 'ERR_ABORTED';
}
