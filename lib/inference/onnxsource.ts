import { isHollow, Trace } from '../graph/trace.js';
import { elementOf } from '../onnx/elementtype.js';
import { evaluateNode, lastUses } from '../onnx/evaluate.js';
import { type OnnxModel, readModel, type ValueDescription } from '../onnx/model.js';
import type { Shape } from '../shape.js';
import { HollowError, type Storage } from '../storage.js';
import type { Tensor } from '../tensor.js';
import type { ModelSource, Stage, ValueMetadata } from './source.js';

/** An ONNX model as the session sees it. */
export class OnnxSource implements ModelSource {
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];
  readonly #model: OnnxModel;

  /** @throws as {@link readModel} */
  constructor(model: string | Uint8Array) {
    this.#model = readModel(model);
    this.inputs = this.#model.inputs.map(describe);
    this.outputs = this.#model.outputs.map(describe);
  }

  /** As declared, a batch of open size being 1; null where other sizes are open. */
  get expected(): ReadonlyMap<string, Shape> | null {
    const shapes = this.#model.inputs.map(({ name, shape }) => {
      const sizes = shape?.map((extent, axis) => (typeof extent === 'number' ? extent : axis === 0 ? 1 : null));
      return [name, sizes] as const;
    });
    const isKnown = shapes.every(([, sizes]) => sizes?.every((extent) => extent !== null));
    return isKnown ? new Map(shapes as [string, number[]][]) : null;
  }

  trace(shapes: ReadonlyMap<string, Shape>): Stage {
    const trace = new Trace();
    const values = new Map<string, Tensor>();
    for (const { name, type } of this.#model.inputs) {
      const dtype = elementOf(type as NonNullable<typeof type>).dtype;
      values.set(name, trace.input(name, dtype as NonNullable<typeof dtype>, shapes.get(name) as Shape));
    }
    const inputs = this.#model.inputs.map(({ name }) => name);
    return traceStage(this.#model, trace, values, 0, inputs);
  }

  close(): void {
    this.#model.close();
  }
}

function describe({ name, type, shape }: ValueDescription): ValueMetadata {
  const declared = type === null || type === 'bfloat16' ? 'float32' : (type as ValueMetadata['type']);
  return { name, isTensor: true, type: declared, shape: shape?.map((extent) => extent ?? '') ?? [] };
}

/**
 * Traces nodes from the first one on, until one looks at elements that only exist when the model runs. The part behind it
 * starts with that node again, whose calls so far then get the results that the part before has computed.
 */
function traceStage(
  model: OnnxModel,
  trace: Trace,
  values: Map<string, Tensor>,
  first: number,
  inputs: readonly string[],
): Stage {
  const lastUse = lastUses(model);
  for (let i = first; i < model.nodes.length; i++) {
    const node = model.nodes[i];
    trace.scope = node.name || node.outputs[0];
    const made = trace.results.length;
    try {
      trace.record(() => evaluateNode(model, node, values));
    } catch (error) {
      if (!(error instanceof HollowError)) throw error;
      // In the first node of a stage the calls that were answered from the stage before are part of it.
      const calls = trace.results.slice(i === first ? 0 : made);
      return interrupted(model, trace, values, i, calls, error.storage, inputs);
    }
    for (const name of [...node.inputs, ...node.captures, ...node.outputs]) {
      if (lastUse.get(name) === i) values.delete(name);
    }
  }
  const outputs = model.outputNames.map((name) => [name, values.get(name) ?? model.constant(name)] as const);
  const graph = trace.graph(Object.fromEntries(outputs));
  return { graph, inputs, outputs: model.outputNames, next: null, needs: [] };
}

/** The part of a model up to node `at`, of which `calls` were made before one needed the elements of `needed`. */
function interrupted(
  model: OnnxModel,
  trace: Trace,
  values: ReadonlyMap<string, Tensor>,
  at: number,
  calls: readonly (readonly Tensor[])[],
  needed: Storage,
  inputs: readonly string[],
): Stage {
  // Results of calls have no names in the model; a line feed keeps these apart from any.
  const partial = calls.flatMap((results, call) => results.map((tensor, i) => [`${call}\n${i}`, tensor] as const));
  const hollow = [...values, ...partial].filter(([, tensor]) => isHollow(tensor));
  const needs = hollow.filter(([, tensor]) => tensor.storage === needed).map(([name]) => name);
  const graph = trace.graph(Object.fromEntries(hollow));
  const next = (computed: ReadonlyMap<string, Tensor>): Stage => {
    const stage = new Trace();
    const made = new Map<string, Tensor>();
    function answer(name: string, tensor: Tensor): Tensor {
      if (!isHollow(tensor)) return tensor;
      const known = made.get(name) ?? (needs.includes(name) ? (computed.get(name) as Tensor) : input(name, tensor));
      made.set(name, known);
      return known;
    }
    const continued: string[] = [];
    function input(name: string, { dtype, shape }: Tensor): Tensor {
      continued.push(name);
      return stage.input(name, dtype, shape);
    }
    stage.replay(calls.map((results, call) => results.map((tensor, i) => answer(`${call}\n${i}`, tensor))));
    return traceStage(
      model,
      stage,
      new Map([...values].map(([name, tensor]) => [name, answer(name, tensor)])),
      at,
      continued,
    );
  };
  return { graph, inputs, outputs: hollow.map(([name]) => name), next, needs };
}
