import { ArgumentError, ConvforgeError, check, UnsupportedOpError } from '../../errors.js';
import type { Graph, Node, Value } from '../../graph/graph.js';
import { CompiledModel, type CompileOptions, compile } from '../../inference/compile.js';
import type { Module } from '../../nn/module.js';
import { type Shape, sameShape } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import { version } from '../../version.js';
import { encodeModel } from '../proto/encode.js';
import type { ValueInfoProto } from '../proto/types.js';
import { ExportCall, isFilled, type Writers } from './call.js';
import { ELEMENTWISE } from './elementwise.js';
import { type Batches, type Extent, extentsOf } from './extent.js';
import { ELEMENT_CODES, GraphWriter } from './graphwriter.js';
import { LAYERS } from './layers.js';
import { MOVEMENT } from './movement.js';
import { REDUCTIONS } from './reductions.js';
import { RESAMPLING } from './resampling.js';

/** Options of {@link exportOnnx}. */
export interface ExportOptions extends CompileOptions {
  /** Version of the standard operators, 17 (default) to 21. */
  opset?: number;
  /** Leave the size of each input's first axis open. Default true; otherwise it is the example's. */
  dynamicBatch?: boolean;
  /** Strings to store in the file. */
  metadata?: Readonly<Record<string, string>>;
}

const WRITERS: Writers = { ...ELEMENTWISE, ...LAYERS, ...MOVEMENT, ...REDUCTIONS, ...RESAMPLING };
const OPSETS = [17, 21] as const;
/** A message of protobuf is shorter. */
const LARGEST_FILE = 2 ** 31;

/**
 * The bytes of an ONNX file that computes what a module does at inference, with the weights it has now.
 *
 * The forward pass is traced with the shapes of `example`; the first axis of each input is the batch, which may be of any
 * size when the model runs. Names of weights are those of the state dict. Inputs are called 'input' (or 'input0', 'input1',
 * …) and the output 'output' unless named otherwise.
 *
 * @throws UnsupportedOpError for what ONNX cannot express; ArgumentError for options out of range, and when the model does
 *   not work for other batches; whatever the forward pass throws for the example
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU());
 * const model = onnx.readModel(onnx.exportOnnx(net, zeros([1, 1, 8, 8])));
 * model.outputs[0].shape; // ["batch", 4, 6, 6]
 */
export function exportOnnx(
  model: Module | CompiledModel,
  example: Tensor | readonly Tensor[],
  options: ExportOptions = {},
): Uint8Array {
  const { opset = OPSETS[0], dynamicBatch = true, metadata = {} } = options;
  check(
    Number.isInteger(opset) && opset >= OPSETS[0] && opset <= OPSETS[1],
    'exportOnnx',
    () => `opset must be an integer from ${OPSETS[0]} to ${OPSETS[1]}, got ${opset}`,
    ArgumentError,
  );
  const examples = example instanceof Tensor ? [example] : example;
  const compiled = model instanceof CompiledModel ? model : compile(model, examples, options);
  const shapes = examples.map(({ shape }) => shape);
  const batch = shapes[0]?.[0] ?? 1;
  // Not 1, for which broadcasting would do without steps that larger batches need.
  const batches: Batches = dynamicBatch
    ? { first: Math.max(2, batch), second: Math.max(2, batch) + 1 }
    : { first: batch, second: batch };
  const [first, second] = dynamicBatch ? bothTraces(compiled, shapes, batches) : [traced(compiled, shapes)];
  const graph = writeGraph(first, second ?? first, batches, opset, compiled);
  const bytes = encodeModel({
    irVersion: opset < 19 ? 8 : opset < 21 ? 9 : 10,
    producerName: 'convforge',
    producerVersion: version,
    domain: '',
    modelVersion: 0n,
    docString: '',
    graph,
    opsetImports: [{ domain: '', version: opset }],
    metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    functions: [],
  });
  check(bytes.length < LARGEST_FILE, 'exportOnnx', () => `${bytes.length} bytes are more than a file can have`);
  return bytes;
}

function traced(compiled: CompiledModel, shapes: readonly Shape[]): Graph {
  const { graph, next } = compiled.trace(new Map(shapes.map((shape, i) => [compiled.inputs[i].name, shape])));
  if (next) throw new UnsupportedOpError('exportOnnx: sizes in the model depend on elements of tensors');
  return graph;
}

/** The model with two batches. Both must do the same, for then it is taken to do so with any. */
function bothTraces(compiled: CompiledModel, shapes: readonly Shape[], batches: Batches): [Graph, Graph] {
  const withBatch = (size: number) => {
    try {
      return traced(
        compiled,
        shapes.map((shape) => (shape.length ? shape.with(0, size) : shape)),
      );
    } catch (error) {
      if (!(error instanceof ConvforgeError)) throw error;
      const text = `exportOnnx: the model does not run with a batch of ${size}; export with { dynamicBatch: false }: ${error.message}`;
      throw new ArgumentError(text, { cause: error });
    }
  };
  const [first, second] = [withBatch(batches.first), withBatch(batches.second)];
  const differ =
    first.nodes.length !== second.nodes.length || first.nodes.some((node, i) => !alike(node, second.nodes[i]));
  check(
    !differ,
    'exportOnnx',
    () => 'the model does different things with different batches; export with { dynamicBatch: false }',
    ArgumentError,
  );
  return [first, second];
}

function alike(a: Node, b: Node): boolean {
  return a.op.name === b.op.name && a.inputs.every((value, i) => sameConstant(value, b.inputs[i]));
}

/** Whether constants are equal, or filled with the same element. */
function sameConstant(a: Value | null, b: Value | null): boolean {
  if (!a?.constant || !b?.constant) return !a?.constant && !b?.constant;
  if (a.constant.storage === b.constant.storage) return true;
  const [x, y] = [a.constant.storage.values, b.constant.storage.values];
  if (sameShape(a.shape, b.shape)) return x.every((element: number | bigint, i: number) => Object.is(element, y[i]));
  return isFilled(a.constant) && isFilled(b.constant) && Object.is(x[0], y[0]);
}

function writeGraph(first: Graph, second: Graph, batches: Batches, opset: number, compiled: CompiledModel) {
  const inputNames = compiled.inputs.map(({ name }) => name);
  const writer = new GraphWriter(opset, () => inputNames[0]);
  const outputNames = compiled.outputs.map(({ name }) => name);
  for (const name of [...inputNames, ...outputNames]) writer.unique(name);
  first.inputs.forEach((value, i) => {
    writer.bind(value, inputNames[i]);
  });
  const used = new Set([...first.nodes.flatMap(({ inputs }) => inputs), ...first.outputs]) as Set<Value>;
  const biases = biasesOf(first);
  const products = new Set(biases.values());
  first.nodes.forEach((node, i) => {
    if (products.has(node)) return;
    const call = new ExportCall(writer, node, second.nodes[i], batches, used);
    const names = [writeNode(call, biases.get(node))].flat();
    node.outputs.forEach((value, position) => {
      writer.bind(value, names[position]);
    });
  });
  first.outputs.forEach((value, i) => {
    const name = writer.nameOf(value);
    if (value.producer && !outputNames.includes(name)) {
      writer.rename(name, outputNames[i]);
      writer.bind(value, outputNames[i]);
    } else writer.rename(writer.add('Identity', [name]), outputNames[i]);
  });
  const describe = (name: string, value: Value, twin: Value): ValueInfoProto => {
    const shape = extentsOf(batches, value.shape, twin.shape).map(nameOfExtent);
    return { name, tensor: { elemType: ELEMENT_CODES[value.dtype], shape } };
  };
  return {
    name: 'convforge',
    nodes: writer.nodes,
    initializers: writer.initializers,
    sparseInitializers: 0,
    inputs: first.inputs.map((value, i) => describe(inputNames[i], value, second.inputs[i])),
    outputs: first.outputs.map((value, i) => describe(outputNames[i], value, second.outputs[i])),
  };
}

function nameOfExtent(extent: Extent): number | string {
  if (typeof extent === 'number') return extent;
  const { factor, offset } = extent;
  return `${factor === 1 ? '' : `${factor}*`}batch${offset === 0 ? '' : offset < 0 ? offset : `+${offset}`}`;
}

function writeNode(call: ExportCall, product: Node | undefined): string | readonly string[] {
  const { node, writer } = call;
  if (product) {
    const [x, weight] = product.inputs as Value[];
    const bias = node.inputs.find((value) => value?.producer !== product) as Value;
    return writer.add(
      'Gemm',
      [x, weight, bias].map((value) => writer.nameOf(value)),
      { transB: 1 },
    );
  }
  const write = Object.hasOwn(WRITERS, node.op.name) ? WRITERS[node.op.name] : undefined;
  if (!write) throw writer.unsupported(`ONNX has no operator for ${node.op.name}`);
  return write(call);
}

/** Sums that are the bias of a fully connected layer, with the product before them. */
function biasesOf(graph: Graph): Map<Node, Node> {
  const biases = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (node.op.name !== 'matmul') continue;
    const { transA, transB } = node.attributes as { transA: boolean; transB: boolean };
    const [y] = node.outputs;
    const sum = graph.onlyReaderOf(y);
    if (transA || !transB || sum?.op.name !== 'add') continue;
    const bias = sum.inputs.find((value) => value !== y);
    if (node.inputs[0]?.shape.length !== 2 || node.inputs[1]?.shape.length !== 2) continue;
    if (bias?.constant && bias.shape.length === 1 && bias.shape[0] === y.shape[1]) biases.set(sum, node);
  }
  return biases;
}
