import { emptyAttribute, emptyTensor } from '../../lib/onnx/proto/decode.js';
import { encodeModel } from '../../lib/onnx/proto/encode.js';
import { BytesSource, type Location } from '../../lib/onnx/proto/source.js';
import {
  ATTRIBUTE_TYPES,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../../lib/onnx/proto/types.js';

/** Numbers of TensorProto.DataType that tests use. */
export const [FLOAT, UINT8, INT64, STRING, BOOL, FLOAT16] = [1, 2, 7, 8, 9, 10];

/** A graph as tests write it. */
export interface GraphText {
  inputs?: ValueInfoProto[];
  outputs?: ValueInfoProto[];
  initializers?: TensorProto[];
  nodes?: NodeProto[];
}

export function graph({ inputs = [], outputs = [], initializers = [], nodes = [] }: GraphText): GraphProto {
  return { name: 'graph', nodes, initializers, sparseInitializers: 0, inputs, outputs };
}

export function modelProto(text: GraphText, opset = 13, irVersion = 8): ModelProto {
  return {
    irVersion,
    producerName: 'test',
    producerVersion: '1',
    domain: '',
    modelVersion: 0n,
    docString: '',
    graph: graph(text),
    opsetImports: [{ domain: '', version: opset }],
    metadata: [],
    functions: [],
  };
}

export function bytesOf(text: GraphText, opset?: number, irVersion?: number): Uint8Array {
  return encodeModel(modelProto(text, opset, irVersion));
}

export function value(name: string, shape: (number | string | null)[] | null, elemType = FLOAT): ValueInfoProto {
  return { name, tensor: { elemType, shape } };
}

export function raw(bytes: ArrayBufferView): Location {
  const source = new BytesSource(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { source, offset: 0, length: source.size };
}

export function floats(name: string, dims: number[], data: number[]): TensorProto {
  return { ...emptyTensor(), name, dims, dataType: FLOAT, raw: raw(Float32Array.from(data)) };
}

export function int64s(name: string, data: (number | bigint)[], dims = [data.length]): TensorProto {
  return { ...emptyTensor(), name, dims, dataType: INT64, raw: raw(BigInt64Array.from(data.map(BigInt))) };
}

type AttributeInput = number | bigint | string | number[] | TensorProto | GraphProto | { float: number };

/** An attribute: integers are int and ints, `{ float }` is a float. */
export function attribute(name: string, given: AttributeInput): AttributeProto {
  const base = { ...emptyAttribute(), name };
  if (typeof given === 'string') return { ...base, type: ATTRIBUTE_TYPES.string, string: Buffer.from(given) };
  if (Array.isArray(given)) return { ...base, type: ATTRIBUTE_TYPES.ints, ints: given.map(BigInt) };
  if (typeof given !== 'object') return { ...base, type: ATTRIBUTE_TYPES.int, int: BigInt(given) };
  if ('float' in given) return { ...base, type: ATTRIBUTE_TYPES.float, float: given.float };
  if ('nodes' in given) return { ...base, type: ATTRIBUTE_TYPES.graph, graph: given };
  return { ...base, type: ATTRIBUTE_TYPES.tensor, tensor: given };
}

export function node(
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, AttributeInput> = {},
  name = '',
): NodeProto {
  const list = Object.entries(attributes).map(([key, given]) => attribute(key, given));
  return { name, opType, domain: '', inputs, outputs, attributes: list };
}

/** A small network with most kinds of things in it. */
export function smallNet(): GraphText {
  const ramp = (count: number) => Array.from({ length: count }, (_, i) => ((i * 7) % 11) / 8 - 0.5);
  return {
    inputs: [value('x', ['batch', 2, 6, 6])],
    outputs: [value('y', ['batch', 3]), value('best', null, INT64)],
    initializers: [
      floats('w', [4, 2, 3, 3], ramp(72)),
      { ...emptyTensor(), name: 'b', dims: [4], dataType: FLOAT, floatData: Float32Array.from(ramp(4)) },
      floats('scale', [4], [1, 2, 3, 4]),
      floats('zero', [4], [0, 0, 0, 0]),
      floats('fc', [3, 16], ramp(48)),
      int64s('shape', [0, -1]),
    ],
    nodes: [
      node('Conv', ['x', 'w', 'b'], ['c'], { pads: [1, 1, 1, 1], strides: [1, 1], kernel_shape: [3, 3] }, 'conv'),
      node('BatchNormalization', ['c', 'scale', 'zero', 'zero', 'scale'], ['n'], { epsilon: { float: 2 ** -10 } }),
      node('LeakyRelu', ['n'], ['r'], { alpha: { float: 0.125 } }),
      node('MaxPool', ['r'], ['p'], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'VALID' }),
      node('Reshape', ['p', 'shape'], ['f']),
      node('Gemm', ['f', 'fc'], ['y'], { transB: 1 }),
      node('ArgMax', ['y'], ['best'], { axis: 1, keepdims: 0 }),
    ],
  };
}

/** Arithmetic on shapes, a condition and a constant in a node. */
export function branchingNet(): GraphText {
  const branch = (opType: string) => graph({ nodes: [node(opType, ['x'], ['z'])], outputs: [value('z', null)] });
  return {
    inputs: [value('x', [2, 'n'])],
    outputs: [value('y', [null, 'n'])],
    initializers: [
      int64s('zero', [0], []),
      { ...emptyTensor(), name: 'yes', dataType: BOOL, int32Data: Int32Array.of(1) },
    ],
    nodes: [
      node('If', ['yes'], ['i'], { then_branch: branch('Relu'), else_branch: branch('Neg') }),
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'zero'], ['rows'], { axis: 0 }),
      node('Constant', [], ['minusOne'], { value: int64s('', [-1]) }),
      node('Unsqueeze', ['rows'], ['r'], { axes: [0] }),
      node('Concat', ['r', 'minusOne'], ['to'], { axis: 0 }),
      node('Reshape', ['i', 'to'], ['y']),
    ],
  };
}
