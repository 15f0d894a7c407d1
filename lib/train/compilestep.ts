import { backendInfo, isExact, nativeAddon } from '../backend/backend.js';
import { Trace } from '../graph/trace.js';
import { Weights } from '../graph/weights.js';
import { NativePlan } from '../inference/plan.js';
import type { Module } from '../nn/module.js';
import { withTracer } from '../ops/op.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { Tensor } from '../tensor.js';

export type LossFunction = (output: Tensor, ...targets: Tensor[]) => Tensor;
export interface StepOptions {
  model: Module;
  loss: LossFunction;
  optimizer: Optimizer;
}

export class StepPlan {
  readonly plan: NativePlan;
  readonly #effects: readonly (() => void)[];
  readonly #weights: Weights;

  constructor({ model, loss, optimizer }: StepOptions, example: readonly Tensor[]) {
    const addon = nativeAddon();
    if (!addon) throw new Error('no addon');
    const trace = new Trace();
    const [x, ...targets] = example.map(({ dtype, shape }, i) => trace.input(`input${i}`, dtype, shape));
    const state = [...Object.values(model.stateDict()), ...optimizer.parameters];
    const graph = trace.withState(state, () =>
      withTracer(trace, () => {
        optimizer.zeroGrad();
        const output = model.forward(x);
        const cost = loss(output, ...targets);
        cost.backward();
        optimizer.step();
        return trace.graph({ loss: cost, output });
      }),
    );
    optimizer.zeroGrad();
    this.#effects = trace.effects;
    this.#weights = new Weights(addon);
    this.plan = new NativePlan(graph, addon, this.#weights, { exact: isExact() === 1, disabledPasses: [] });
  }

  async run(batch: readonly Tensor[], profile = false) {
    for (const effect of this.#effects) effect();
    return this.plan.run(batch, [null, null], { threads: backendInfo().threads, profile });
  }
}
