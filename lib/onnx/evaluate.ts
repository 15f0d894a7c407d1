import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { Tensor } from '../tensor.js';
import type { OnnxGraph } from './graph.js';
import { constantTensor } from './initializer.js';
import type { OnnxModel } from './model.js';
import { describe, type OnnxNode, OperatorCall } from './operator.js';

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
  /** First node to compute. Default 0. */
  from?: number;
  /** Node to stop before. Default: all. */
  until?: number;
  /** Whether layers such as dropout and batch norm behave as in training. Default false. */
  training?: boolean;
}

/**
 * Computes the nodes of a model with convforge's functions, in order, and lets go of values after their last use.
 *
 * `values` holds the inputs by name, and may hold tensors to use instead of initializers; for later nodes, what an earlier
 * call gave back. The result holds the outputs; before the last node, whatever later nodes read. Tensors are in the types
 * that convforge computes in: int32 for all integers but uint8, float32 for all floating types.
 *
 * @throws ArgumentError when an input is missing; what the functions throw, with the node in front of the message
 * @example
 * const model = onnx.readModel(onnx.exportOnnx(new nn.ReLU(), zeros([1, 2])));
 * onnx.evaluate(model, new Map([['input', tensor([[-1, 2]])]])).get('output').toArray(); // [[0, 2]]
 */
export function evaluate(
  model: OnnxModel,
  values: ReadonlyMap<string, Tensor>,
  { from = 0, until = model.nodes.length, training = false }: EvaluateOptions = {},
): Map<string, Tensor> {
  const held = new Map(values);
  for (const { name } of model.inputs) {
    if (from === 0) check(held.has(name), 'evaluate', () => `input '${name}' is missing`, ArgumentError);
  }
  evaluateNodes(model, model, from, until, held, training);
  if (until === model.nodes.length) {
    return new Map(model.outputNames.map((name) => [name, lookUp(model, held, name)]));
  }
  return held;
}

/** Computes one node of a model and adds its outputs to `values`. */
export function evaluateNode(
  model: OnnxModel,
  node: OnnxNode,
  values: Map<string, Tensor>,
  { training = false }: Pick<EvaluateOptions, 'training'> = {},
): void {
  const inputs = node.inputs.map((name) => (name === '' ? null : lookUp(model, values, name)));
  const branch = (inner: OnnxGraph) => evaluateBranch(model, inner, values, training);
  const call = new OperatorCall(model.opset, node, inputs, training, branch);
  let result: Tensor | readonly Tensor[];
  try {
    result = node.operator.evaluate(call);
  } catch (error) {
    if (error instanceof ConvforgeError && !error.message.startsWith('node ')) {
      error.message = `${describe(node, model.opset)}: ${error.message}`;
    }
    throw error;
  }
  const outputs = result instanceof Tensor ? [result] : result;
  node.outputs.forEach((name, i) => {
    if (name === '') return;
    if (i >= outputs.length) throw call.malformed(`it gives ${outputs.length} outputs, not ${node.outputs.length}`);
    values.set(name, outputs[i]);
  });
}

function evaluateNodes(
  model: OnnxModel,
  graph: OnnxGraph,
  from: number,
  until: number,
  values: Map<string, Tensor>,
  training: boolean,
): void {
  const lastUse = lastUses(graph);
  for (let i = from; i < until; i++) {
    const node = graph.nodes[i];
    evaluateNode(model, node, values, { training });
    for (const name of [...node.inputs, ...node.captures, ...node.outputs]) {
      if (lastUse.get(name) === i) values.delete(name);
    }
  }
}

/** For each value computed or read in the graph, the last node that has to do with it; outputs are used forever. */
export function lastUses(graph: OnnxGraph): Map<string, number> {
  const last = new Map<string, number>();
  graph.nodes.forEach(({ inputs, captures, outputs }, i) => {
    for (const name of [...inputs, ...captures, ...outputs]) last.set(name, i);
  });
  for (const name of graph.outputNames) last.delete(name);
  return last;
}

/** A graph in an attribute, which reads values of the graphs around it. */
function evaluateBranch(model: OnnxModel, graph: OnnxGraph, values: Map<string, Tensor>, training: boolean): Tensor[] {
  const held = new Map(values);
  for (const [name, initializer] of graph.initializers) held.set(name, constantTensor(initializer));
  evaluateNodes(model, graph, 0, graph.nodes.length, held, training);
  return graph.outputNames.map((name) => lookUp(model, held, name));
}

/** A value by name. Initializers come second, so that a feed takes the place of an input's default. */
function lookUp(model: OnnxModel, values: ReadonlyMap<string, Tensor>, name: string): Tensor {
  return values.get(name) ?? model.constant(name);
}
