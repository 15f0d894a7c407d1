import { ModelFormatError, UnsupportedOpError } from '../errors.js';
import { readAttributes } from './attribute.js';
import { type Initializer, initializerOf, type OpenExternal, readNow } from './initializer.js';
import { describe, NodeFacts, type OnnxNode } from './operator.js';
import { OPERATORS } from './operators/index.js';
import type { GraphProto, NodeProto } from './proto/types.js';

/** Nodes in an order in which they can be computed, each needed for an output, and the constants they read. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, Initializer>;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}

/** What all graphs of a file share. */
export interface GraphContext {
  readonly opset: number;
  readonly open: OpenExternal;
}

/** Domains of the standard operators. */
const DEFAULT_DOMAINS = ['', 'ai.onnx'];

/**
 * Checks a graph, drops what no output needs, sorts the rest and looks up operators.
 *
 * @param outer Names of enclosing graphs, which this one may read
 * @throws ModelFormatError, UnsupportedOpError
 */
export function buildGraph(
  proto: GraphProto,
  context: GraphContext,
  where: string,
  outer: ReadonlySet<string>,
): OnnxGraph {
  const malformed = (why: string) => new ModelFormatError(`readModel: ${where}${why}`);
  if (proto.sparseInitializers) throw new UnsupportedOpError(`readModel: ${where}initializers are sparse`);
  const defined = new Set<string>();
  const define = (name: string, what: string) => {
    if (name === '') throw malformed(`${what} has no name`);
    if (defined.has(name) || outer.has(name)) throw malformed(`two values have the name '${name}'`);
    defined.add(name);
  };
  const initializers = new Map<string, Initializer>();
  for (const tensor of proto.initializers) {
    define(tensor.name, 'an initializer');
    const initializer = initializerOf(`initializer '${tensor.name}'`, tensor, context.open);
    // those of a branch belong to no list of constants that could keep them
    initializers.set(tensor.name, where === '' ? initializer : readNow(initializer));
  }
  const inputNames = new Set<string>();
  for (const { name } of proto.inputs) {
    // An initializer with the name of an input is the input's default.
    if (!initializers.has(name)) define(name, 'an input');
    if (inputNames.has(name)) throw malformed(`two inputs have the name '${name}'`);
    inputNames.add(name);
  }
  const producers = new Map<string, number>();
  proto.nodes.forEach((node, index) => {
    const constant = constantOf(node, index, context);
    if (constant) {
      define(constant.name, 'an output');
      initializers.set(constant.name, constant);
      return;
    }
    for (const output of node.outputs) {
      if (output === '') continue;
      define(output, 'an output');
      producers.set(output, index);
    }
  });
  const outputNames = proto.outputs.map(({ name }) => name);
  if (outputNames.length === 0) throw malformed('the graph has no outputs');
  const seen = new Set<string>();
  for (const name of outputNames) {
    if (seen.has(name)) throw malformed(`two outputs have the name '${name}'`);
    seen.add(name);
    if (!defined.has(name) && !outer.has(name)) throw malformed(`nothing computes the output '${name}'`);
  }
  const reads = proto.nodes.map((node) => [...node.inputs.filter((name) => name !== ''), ...freeNames(node)]);
  reads.forEach((names, index) => {
    const missing = names.find((name) => !defined.has(name) && !outer.has(name));
    if (missing === undefined) return;
    throw malformed(`nothing computes '${missing}', which ${label(proto.nodes[index], index, context)} reads`);
  });
  const roots = outputNames.flatMap((name) => producers.get(name) ?? []);
  const order = inOrder(reads, producers, roots, (index) =>
    malformed(`${label(proto.nodes[index], index, context)} needs its own output`),
  );
  const wanted = new Set([...outputNames, ...order.flatMap((index) => reads[index])]);
  const visible = new Set([...outer, ...defined]);
  const nodes = order.map((index) => buildNode(proto.nodes[index], index, context, visible, wanted));
  const shapes = (name: string) => initializers.get(name)?.shape;
  for (const node of nodes) {
    const problem = node.operator.unsupported?.(new NodeFacts(context.opset, node, shapes));
    if (problem) throw new UnsupportedOpError(`readModel: ${describe(node, context.opset)}: ${problem}`);
  }
  for (const name of [...initializers.keys()]) if (!wanted.has(name)) initializers.delete(name);
  return { nodes, initializers, inputNames: [...inputNames], outputNames };
}

/** A node that only holds a tensor, as an initializer: its elements too are read when they are needed. */
function constantOf({ opType, domain, name, attributes, outputs }: NodeProto, index: number, context: GraphContext) {
  const [value, ...others] = attributes;
  const isConstant = opType === 'Constant' && DEFAULT_DOMAINS.includes(domain) && outputs.length === 1;
  if (!isConstant || value?.name !== 'value' || !value.tensor || others.length || value.refAttrName) return null;
  const what = describe({ name: name || `${opType}_${index}`, opType }, context.opset);
  return { ...initializerOf(what, value.tensor, context.open), name: outputs[0] };
}

function nameOf(node: NodeProto, index: number): string {
  return node.name || `${node.opType}_${index}`;
}

function label(node: NodeProto, index: number, { opset }: GraphContext): string {
  return describe({ name: nameOf(node, index), opType: node.opType }, opset);
}

/** Names that the graphs in a node's attributes read from outside. */
function freeNames(node: NodeProto): string[] {
  return node.attributes.flatMap(({ graph }) => {
    if (!graph) return [];
    const own = new Set([
      ...graph.initializers.map(({ name }) => name),
      ...graph.inputs.map(({ name }) => name),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ]);
    const read = graph.nodes.flatMap((inner) => [...inner.inputs, ...freeNames(inner)]);
    return [...read, ...graph.outputs.map(({ name }) => name)].filter((name) => name !== '' && !own.has(name));
  });
}

/** Indices of the nodes that the roots need, each after those it reads from; in the order of the file if that is one. */
function inOrder(
  reads: readonly (readonly string[])[],
  producers: ReadonlyMap<string, number>,
  roots: readonly number[],
  cyclic: (index: number) => ModelFormatError,
): number[] {
  const needed = new Set(roots);
  for (const index of needed) for (const name of reads[index]) add(needed, producers.get(name));
  const order: number[] = [];
  const state = new Map<number, 'open' | 'done'>();
  for (const root of [...needed].sort((a, b) => a - b)) {
    const stack = [root];
    for (let index = stack.at(-1); index !== undefined; index = stack.at(-1)) {
      if (state.get(index) === 'done') {
        stack.pop();
        continue;
      }
      const isOpen = state.get(index) === 'open';
      state.set(index, 'open');
      const waiting = reads[index].flatMap((name) => producers.get(name) ?? []).filter((i) => state.get(i) !== 'done');
      if (waiting.length === 0) {
        state.set(index, 'done');
        order.push(index);
        stack.pop();
      } else if (isOpen || waiting.some((i) => state.get(i) === 'open')) throw cyclic(index);
      else stack.push(...waiting.reverse());
    }
  }
  return order;
}

function add(set: Set<number>, index: number | undefined): void {
  if (index !== undefined) set.add(index);
}

function buildNode(
  proto: NodeProto,
  index: number,
  context: GraphContext,
  visible: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): OnnxNode {
  const name = nameOf(proto, index);
  const where = label(proto, index, context);
  const { opType, domain, inputs } = proto;
  if (!DEFAULT_DOMAINS.includes(domain)) {
    throw new UnsupportedOpError(`readModel: ${where}: operators of the domain ${domain} are not supported`);
  }
  const operator = OPERATORS.get(opType);
  if (!operator) throw new UnsupportedOpError(`readModel: ${where}: the operator is not supported`);
  const { since = 7, inputs: arity, outputs: mostOutputs = 1 } = operator;
  if (context.opset < since)
    throw new UnsupportedOpError(`readModel: ${where}: the operator exists since opset ${since}`);
  checkInputs(where, inputs, arity);
  // Outputs that nobody reads need not be computed, and the names of trailing ones not be kept.
  const kept = proto.outputs.map((output) => (wanted.has(output) ? output : ''));
  const outputs = kept.slice(0, kept.findLastIndex((output) => output !== '') + 1);
  if (outputs.length > mostOutputs) {
    const extra = outputs[outputs.length - 1];
    throw new UnsupportedOpError(
      `readModel: ${where}: its output ${outputs.length - 1} ('${extra}') is used, ${mostOutputs === 1 ? 'only the first is' : `only the first ${mostOutputs} are`} supported`,
    );
  }
  const attributes = readAttributes(where, proto.attributes, operator.attributes ?? {}, {
    tensor: (what, tensor) => readNow(initializerOf(what, tensor, context.open)),
    graph: (what, graph) => buildGraph(graph, context, `${what}: `, visible),
  });
  const [declaredOutputs, captures] = [proto.outputs.length, freeNames(proto)];
  return { name, opType, operator, inputs, outputs, declaredOutputs, attributes, captures };
}

function checkInputs(where: string, inputs: readonly string[], [least, most]: readonly [number, number]): void {
  if (inputs.length < least || inputs.length > most) {
    const expected = least === most ? `${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
    throw new ModelFormatError(`readModel: ${where}: it has ${inputs.length} inputs, the operator takes ${expected}`);
  }
  const missing = inputs.findIndex((name, i) => name === '' && i < least);
  if (missing >= 0) throw new ModelFormatError(`readModel: ${where}: input ${missing} is missing`);
}
