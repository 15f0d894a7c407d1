import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { ModelFormatError, UnsupportedOpError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { type ElementType, elementOf, elementTypeOf } from './elementtype.js';
import { buildGraph, type OnnxGraph } from './graph.js';
import { constantTensor, type Initializer, type OpenExternal } from './initializer.js';
import type { OnnxNode } from './operator.js';
import { decodeModel } from './proto/decode.js';
import { type ByteSource, BytesSource, FileSource } from './proto/source.js';
import type { ModelProto, ValueInfoProto } from './proto/types.js';

/** What a model says of an input or output. */
export interface ValueDescription {
  readonly name: string;
  /** Element type as the file has it; null for an output that does not say. */
  readonly type: ElementType | null;
  /** Sizes, names of sizes that may change, or null for sizes of no name; null when even the rank is open. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** Versions that are read, first and last. */
const IR_VERSIONS = [3, 13] as const;
const OPSETS = [7, 25] as const;

/** A checked ONNX model. Weights stay where they are until they are needed. Made by {@link readModel}. */
export class OnnxModel implements OnnxGraph {
  readonly irVersion: number;
  /** Version of the standard operators. */
  readonly opset: number;
  /** Program that wrote the file, and its version. */
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** What a user feeds: inputs without those that have a default. */
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, Initializer>;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #sources: readonly ByteSource[];
  readonly #constants = new Map<string, Tensor>();

  /** @internal */
  constructor(proto: ModelProto, opset: number, graph: OnnxGraph, sources: readonly ByteSource[]) {
    this.irVersion = proto.irVersion;
    this.opset = opset;
    this.producer = `${proto.producerName} ${proto.producerVersion}`.trim();
    this.metadata = Object.fromEntries(proto.metadata.map(({ key, value }) => [key, value]));
    const { inputs = [], outputs = [], initializers = [] } = proto.graph ?? {};
    const defaults = new Set(initializers.map(({ name }) => name));
    this.inputs = inputs.filter(({ name }) => !defaults.has(name)).map((info) => describeInput(info));
    this.outputs = outputs.map((info) => describeValue('output', info));
    this.nodes = graph.nodes;
    this.initializers = graph.initializers;
    this.inputNames = graph.inputNames;
    this.outputNames = graph.outputNames;
    this.#sources = sources;
  }

  /** The tensor of an initializer, always the same one; its elements are read on first use. */
  constant(name: string): Tensor {
    let tensor = this.#constants.get(name);
    if (!tensor) {
      const initializer = this.initializers.get(name);
      if (!initializer) throw new ModelFormatError(`constant: the model has no initializer '${name}'`);
      tensor = constantTensor(initializer);
      this.#constants.set(name, tensor);
    }
    return tensor;
  }

  /** Closes the files of the model. Constants that were not read until then cannot be any more. */
  close(): void {
    for (const source of this.#sources) source.close();
  }
}

/**
 * Reads and checks an ONNX model: IR versions 3 to 13, opsets 7 to 25. From a path weights are not read but found; from
 * bytes they are views, so the bytes must not change while the model is in use.
 *
 * @throws ModelFormatError for damaged or contradictory files; UnsupportedOpError naming node, operator, opset and what is
 *   not supported; ConvforgeError ERR_FILE_FORMAT when a file cannot be read
 * @example
 * const model = onnx.readModel(onnx.exportOnnx(new nn.Linear(3, 2), zeros([1, 3])));
 * model.nodes.map(({ opType }) => opType); // ["Gemm"]
 */
export function readModel(model: string | Uint8Array): OnnxModel {
  const external = new Map<string, ByteSource>();
  const source = typeof model === 'string' ? new FileSource('readModel', model) : new BytesSource(model);
  try {
    const folder = typeof model === 'string' ? dirname(model) : null;
    const proto = decodeModel(source);
    const open = openerIn(folder, external);
    const opset = checkVersions(proto);
    if (!proto.graph) throw new ModelFormatError('readModel: the model has no graph');
    const graph = buildGraph(proto.graph, { opset, open }, '', new Set());
    return new OnnxModel(proto, opset, graph, [source, ...external.values()]);
  } catch (error) {
    for (const opened of [source, ...external.values()]) opened.close();
    throw error;
  }
}

function checkVersions({ irVersion, opsetImports, functions }: ModelProto): number {
  if (irVersion < 1) throw new ModelFormatError('readModel: no IR version: these bytes are no ONNX model');
  if (irVersion < IR_VERSIONS[0] || irVersion > IR_VERSIONS[1]) {
    throw new UnsupportedOpError(`readModel: IR version ${irVersion}, supported are ${IR_VERSIONS.join(' to ')}`);
  }
  const versions = opsetImports.filter(({ domain }) => domain === '' || domain === 'ai.onnx');
  if (versions.length === 0)
    throw new ModelFormatError('readModel: the model names no opset of the standard operators');
  const [{ version: opset }] = versions;
  if (versions.some(({ version }) => version !== opset)) {
    throw new ModelFormatError('readModel: the model names two opsets of the standard operators');
  }
  if (opset < OPSETS[0] || opset > OPSETS[1]) {
    throw new UnsupportedOpError(`readModel: opset ${opset}, supported are ${OPSETS.join(' to ')}`);
  }
  const [local] = functions;
  if (local) {
    throw new UnsupportedOpError(
      `readModel: the model defines operators of its own (${local.name || 'without a name'}); inline them when exporting`,
    );
  }
  return opset;
}

/** Opens files beside the model, each once, and none elsewhere: their names come from the file. */
function openerIn(folder: string | null, opened: Map<string, ByteSource>): OpenExternal {
  return (what, location) => {
    if (folder === null) {
      throw new ModelFormatError(
        `readModel: ${what}: its data is in the file ${location}; read the model from its path`,
      );
    }
    const known = opened.get(location);
    if (known) return known;
    const leaves = () =>
      new ModelFormatError(`readModel: ${what}: its data is outside the model's folder: ${location}`);
    if (isAbsolute(location) || location.includes('\0')) throw leaves();
    const path = join(folder, location);
    if (isOutside(folder, path)) throw leaves();
    const source = new FileSource('readModel', path);
    opened.set(location, source);
    // Links are followed by the system, so where they lead is looked at once there is something to look at.
    if (isOutside(realpathSync(folder), realpathSync(path))) throw leaves();
    return source;
  };
}

function isOutside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}

function describeInput(info: ValueInfoProto): ValueDescription {
  const described = describeValue('input', info);
  if (described.type === null) throw new ModelFormatError(`readModel: input '${info.name}' has no element type`);
  if (!elementOf(described.type).dtype) {
    throw new UnsupportedOpError(`readModel: input '${info.name}': its elements are of type ${described.type}`);
  }
  return described;
}

function describeValue(role: string, { name, tensor }: ValueInfoProto): ValueDescription {
  if (!tensor) {
    if (role === 'output') return { name, type: null, shape: null };
    throw new UnsupportedOpError(`readModel: input '${name}' is no tensor`);
  }
  const type = tensor.elemType === 0 ? null : elementTypeOf(tensor.elemType);
  if (type === undefined) {
    throw new ModelFormatError(`readModel: ${role} '${name}': element type ${tensor.elemType} does not exist`);
  }
  const impossible = tensor.shape?.find((extent) => typeof extent === 'number' && (extent < -1 || extent >= 2 ** 31));
  if (impossible !== undefined) {
    throw new ModelFormatError(`readModel: ${role} '${name}': a size of ${impossible} is impossible`);
  }
  // Some exporters write -1 for a size that may change.
  return { name, type, shape: tensor.shape?.map((extent) => (extent === -1 ? null : extent)) ?? null };
}
