import { backendInfo, isExact, nativeAddon } from '../backend/backend.js';
import { InterpretedPlan, NativePlan, type Plan } from '../graph/plan.js';
import { Trace } from '../graph/trace.js';
import { Weights } from '../graph/weights.js';
import { withTracer } from '../ops/op.js';
import type { Storage } from '../storage.js';
import type { Tensor } from '../tensor.js';

/**
 * A function of tensors that was traced once, with gradients and updates in place, and can be run again and again. It reads
 * and changes the memory of the `state` tensors where that is; runs must not overlap.
 */
export class TracedProgram {
  readonly plan: Plan;
  readonly #weights: Weights | null = null;
  /** What this thread does before each run: numbers that change from step to step, counting. */
  readonly #effects: Trace['effects'];
  /** State that a run changes in place. */
  readonly #changed: ReadonlySet<Storage>;

  constructor(state: readonly Tensor[], example: readonly Tensor[], body: (...inputs: Tensor[]) => readonly Tensor[]) {
    const trace = new Trace();
    const inputs = example.map(({ dtype, shape }, i) => trace.input(`input${i}`, dtype, shape));
    const graph = trace.withState(state, () => {
      const results = withTracer(trace, () => body(...inputs));
      return trace.graph(Object.fromEntries(results.map((result, i) => [`output${i}`, result])));
    });
    this.#effects = trace.effects;
    this.#changed = new Set(
      graph.nodes.flatMap(({ op, inputs }) => (op.updates ?? []).flatMap((i) => inputs[i]?.state?.storage ?? [])),
    );
    const addon = nativeAddon();
    const options = { exact: isExact() === 1, disabledPasses: [] };
    if (addon && NativePlan.accepts(graph)) {
      this.#weights = new Weights(addon);
      this.plan = new NativePlan(graph, addon, this.#weights, options);
    } else {
      this.plan = new InterpretedPlan(graph, options);
    }
  }

  async run(inputs: readonly Tensor[]): Promise<Tensor[]> {
    for (const effect of this.#effects) effect(inputs);
    // Kernels do not count what they change; whoever has saved it for a gradient must not take it for what it was.
    for (const storage of this.#changed) storage.version++;
    const { outputs } = await this.plan.run(inputs, [], { threads: backendInfo().threads });
    return outputs;
  }

  async release(): Promise<void> {
    this.plan.release();
    await this.#weights?.release();
  }
}
