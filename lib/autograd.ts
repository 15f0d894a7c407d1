import { full } from './creation.js';
import { AutogradError, check } from './errors.js';
import type { Op } from './ops/op.js';
import { formatShape, type Shape, sameShape } from './shape.js';
import type { Tensor } from './tensor.js';

/**
 * Reverse-mode differentiation over a tape of op calls. An op's gradient rule is written with ops, so with `createGraph`
 * the gradients are themselves differentiable.
 */

/** Where a gradient flows to: an output of an earlier call, or a leaf tensor that keeps it. */
type Edge = { readonly node: GradNode; readonly index: number } | { readonly leaf: Tensor } | null;

interface Saved {
  readonly tensor: Tensor;
  readonly version: number;
}

/** What a gradient rule sees of the call it differentiates. */
export interface Call<A> {
  readonly attributes: A;
  readonly inputShapes: readonly Shape[];
  /** Which inputs need a gradient; a rule may leave out the others. */
  readonly needs: readonly boolean[];
  /** An input the op declared in `saves.inputs`. */
  input(index: number): Tensor;
  /** An output the op declared in `saves.outputs`. */
  output(index: number): Tensor;
}

/** One recorded op call. */
export class GradNode {
  readonly op: Op<never>;
  readonly attributes: unknown;
  readonly edges: readonly Edge[];
  readonly outputs: number;
  readonly #inputShapes: readonly Shape[];
  #savedInputs: (Saved | null)[] | null;
  #savedOutputs: (Saved | null)[] | null;

  constructor(op: Op<never>, attributes: unknown, inputs: readonly (Tensor | null)[], outputs: readonly Tensor[]) {
    this.op = op;
    this.attributes = attributes;
    this.outputs = outputs.length;
    this.edges = inputs.map(edgeOf);
    this.#inputShapes = inputs.map((input) => input?.shape ?? []);
    const saved = op.saves?.inputs ?? inputs.keys();
    this.#savedInputs = inputs.map(() => null);
    for (const index of saved) this.#savedInputs[index] = save(inputs[index]);
    this.#savedOutputs = outputs.map(() => null);
    for (const index of op.saves?.outputs ?? []) this.#savedOutputs[index] = save(outputs[index]);
  }

  /** Gradients of the inputs along the edges that `isNeeded`, given those of the outputs (null where none arrived). */
  differentiate(gradients: readonly (Tensor | null)[], isNeeded: (edge: Edge) => boolean): readonly (Tensor | null)[] {
    const rule = this.op.gradient;
    check(rule !== undefined, this.op.name, () => 'this operation has no gradient', AutogradError);
    const inputs = this.#savedInputs;
    const outputs = this.#savedOutputs;
    if (!inputs) throw this.#freed();
    const call: Call<unknown> = {
      attributes: this.attributes,
      inputShapes: this.#inputShapes,
      needs: this.edges.map(isNeeded),
      input: (index) => this.#restore(inputs[index], `input ${index}`),
      output: (index) => this.#restore(outputs?.[index] ?? null, `output ${index}`),
    };
    return (rule as (call: Call<unknown>, ...gradients: (Tensor | null)[]) => readonly (Tensor | null)[])(
      call,
      ...gradients,
    );
  }

  /** Lets go of saved tensors; a second backward through this node then throws. */
  release(): void {
    this.#savedInputs = null;
    this.#savedOutputs = null;
  }

  #restore(saved: Saved | null, what: string): Tensor {
    if (!saved) throw new AutogradError(`${this.op.name}: its gradient rule needs ${what}, which the op does not save`);
    check(
      saved.tensor.storage.version === saved.version,
      this.op.name,
      () =>
        `${what} of shape ${formatShape(saved.tensor.shape)} was changed in place after the forward pass, so its gradient cannot be computed`,
      AutogradError,
    );
    return saved.tensor;
  }

  #freed(): AutogradError {
    return new AutogradError(
      `${this.op.name}: backward went through this graph before and freed it; pass { retainGraph: true } to the first backward`,
    );
  }
}

function save(tensor: Tensor | null): Saved | null {
  return tensor && { tensor, version: tensor.storage.version };
}

function edgeOf(tensor: Tensor | null): Edge {
  if (!tensor?.requiresGrad) return null;
  return tensor.node ? { node: tensor.node, index: tensor.outputIndex } : { leaf: tensor };
}

let recording = true;

/** Whether op calls are being recorded for a backward pass. */
export function isGradEnabled(): boolean {
  return recording;
}

function withRecording<T>(enabled: boolean, body: () => T): T {
  const before = recording;
  recording = enabled;
  try {
    return body();
  } finally {
    recording = before;
  }
}

/**
 * Runs `body` without recording, for inference and for updates of parameters. `body` must be synchronous.
 *
 * @example
 * const w = tensor([1, 2], { requiresGrad: true });
 * noGrad(() => w.mul(2)).requiresGrad; // false
 */
export function noGrad<T>(body: () => T): T {
  const result = withRecording(false, body);
  check(
    !(result instanceof Promise),
    'noGrad',
    () => 'the body must be synchronous: recording is switched on again as soon as it returns',
    AutogradError,
  );
  return result;
}

/** Options of {@link backward} and {@link grad}. */
export interface BackwardOptions {
  /** Keep the graph for another backward pass. Default: the value of `createGraph`. */
  retainGraph?: boolean;
  /** Record the backward pass itself, for gradients of gradients. Default false. */
  createGraph?: boolean;
}

/** Adds d(tensor)/d(leaf) to `leaf.grad` of every leaf that requires it. `gradient` defaults to 1 for one element. */
export function backward(tensor: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  // Rules may pass a gradient on as it is (add gives the same one to both sides). Each leaf's must have memory of its own,
  // so that clipping one gradient in place leaves the others, and the caller's, alone.
  const taken = new Set(gradient ? [gradient.storage] : []);
  propagate('backward', [tensor], [gradient], options, (leaf, leafGradient) => {
    if (leaf.grad) leaf.grad = leaf.grad.add(leafGradient);
    else leaf.grad = taken.has(leafGradient.storage) ? leafGradient.expand(leaf.shape) : leafGradient;
    taken.add(leaf.grad.storage);
  });
}

/** Options of {@link grad}. */
export interface GradOptions extends BackwardOptions {
  /** Gradients of the outputs; default 1 for outputs of one element. */
  gradOutputs?: readonly Tensor[];
}

/**
 * Gradients of `outputs` (summed) with respect to `inputs`, returned instead of stored; null for an input the outputs do
 * not depend on. Inputs may be leaves or intermediate results.
 *
 * @example
 * const x = tensor([2, 3], { requiresGrad: true });
 * grad([x.square().sum()], [x])[0]?.toArray(); // [4, 6]
 */
export function grad(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const results: (Tensor | null)[] = inputs.map(() => null);
  const add = (i: number, gradient: Tensor) => {
    const before = results[i];
    results[i] = before ? before.add(gradient) : gradient;
  };
  const { gradOutputs = [] } = options;
  check(
    gradOutputs.length <= outputs.length,
    'grad',
    () => `${gradOutputs.length} gradOutputs for ${outputs.length} outputs`,
    AutogradError,
  );
  for (const input of inputs) {
    check(
      input.requiresGrad,
      'grad',
      () => `an input of shape ${formatShape(input.shape)} does not require grad`,
      AutogradError,
    );
  }
  propagate(
    'grad',
    outputs,
    gradOutputs,
    options,
    (leaf, gradient) => {
      inputs.forEach((input, i) => {
        if (input === leaf) add(i, gradient);
      });
    },
    (node, gradients) => {
      inputs.forEach((input, i) => {
        const gradient = input.node === node && gradients[input.outputIndex];
        if (gradient) add(i, gradient);
      });
    },
    inputs,
  );
  return results;
}

type OnLeaf = (leaf: Tensor, gradient: Tensor) => void;
type OnNode = (node: GradNode, gradients: readonly (Tensor | null)[]) => void;

function propagate(
  operation: string,
  outputs: readonly Tensor[],
  seeds: readonly (Tensor | undefined)[],
  { createGraph = false, retainGraph = createGraph }: BackwardOptions,
  onLeaf: OnLeaf,
  onNode?: OnNode,
  inputs?: readonly Tensor[],
): void {
  withRecording(createGraph, () => {
    const roots = outputs.map((output) => {
      const edge = edgeOf(output);
      check(
        edge !== null,
        operation,
        () =>
          `the tensor of shape ${formatShape(output.shape)} does not require grad: nothing it was computed from does`,
        AutogradError,
      );
      return edge;
    });
    const order = topologicalOrder(roots);
    const isNeeded = inputs ? edgesTowards(inputs, order) : (edge: Edge) => edge !== null;
    const pending = new Map<GradNode, (Tensor | null)[]>();
    const send = (edge: Edge, gradient: Tensor) => {
      if (!edge || !isNeeded(edge)) return;
      if ('leaf' in edge) {
        onLeaf(edge.leaf, gradient);
        return;
      }
      let gradients = pending.get(edge.node);
      if (!gradients) {
        gradients = new Array<Tensor | null>(edge.node.outputs).fill(null);
        pending.set(edge.node, gradients);
      }
      const before = gradients[edge.index];
      gradients[edge.index] = before ? before.add(gradient) : gradient;
    };
    outputs.forEach((output, i) => {
      send(roots[i], seedOf(operation, output, seeds[i]));
    });
    for (const node of order) {
      const gradients = pending.get(node);
      if (!gradients) continue;
      pending.delete(node);
      onNode?.(node, gradients);
      if (!node.edges.some(isNeeded)) continue;
      node.differentiate(gradients, isNeeded).forEach((gradient, i) => {
        if (gradient) send(node.edges[i], gradient);
      });
      if (!retainGraph) node.release();
    }
  });
}

function seedOf(operation: string, output: Tensor, seed: Tensor | undefined): Tensor {
  if (seed) {
    check(
      sameShape(seed.shape, output.shape) && seed.dtype === output.dtype,
      operation,
      () =>
        `the gradient must be ${output.dtype} ${formatShape(output.shape)} like the tensor, got ${seed.dtype} ${formatShape(seed.shape)}`,
      AutogradError,
    );
    return seed;
  }
  check(
    output.size === 1,
    operation,
    () =>
      `a tensor of shape ${formatShape(output.shape)} needs a gradient of that shape; only one element can go without`,
    AutogradError,
  );
  return full(output.shape, 1, { dtype: output.dtype });
}

/** Tells which edges lead to one of the inputs, so that no gradient is computed that ends elsewhere. */
function edgesTowards(inputs: readonly Tensor[], order: readonly GradNode[]): (edge: Edge) => boolean {
  const leaves = new Set(inputs);
  const nodes = new Set(inputs.map(({ node }) => node));
  const leads = (edge: Edge) => edge !== null && ('leaf' in edge ? leaves.has(edge.leaf) : nodes.has(edge.node));
  // Each node stands before everything it was computed from, so walking backwards its edges are decided before it is.
  for (const node of [...order].reverse()) if (node.edges.some(leads)) nodes.add(node);
  return leads;
}

/** Nodes reachable from the roots, each before everything it was computed from. Iterative: graphs can be deep. */
function topologicalOrder(roots: readonly Edge[]): GradNode[] {
  const order: GradNode[] = [];
  const seen = new Set<GradNode>();
  const stack: { node: GradNode; next: number }[] = [];
  const enter = (edge: Edge) => {
    if (edge && 'node' in edge && !seen.has(edge.node)) {
      seen.add(edge.node);
      stack.push({ node: edge.node, next: 0 });
    }
  };
  for (const root of roots) {
    enter(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (top.next < top.node.edges.length) enter(top.node.edges[top.next++]);
      else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order.reverse();
}
