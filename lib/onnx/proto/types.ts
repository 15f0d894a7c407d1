import type { Location } from './source.js';

/**
 * The messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as far as convforge reads and
 * writes them. Integers of tensors and attributes are exact; sizes and versions are numbers.
 */

export interface ModelProto {
  irVersion: number;
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: bigint;
  docString: string;
  graph: GraphProto | null;
  opsetImports: OperatorSetIdProto[];
  metadata: StringStringEntryProto[];
  /** Names of model-local functions, which are told apart from missing operators and not read further. */
  functions: FunctionProto[];
}

export interface OperatorSetIdProto {
  domain: string;
  version: number;
}

export interface StringStringEntryProto {
  key: string;
  value: string;
}

export interface FunctionProto {
  name: string;
  domain: string;
}

export interface GraphProto {
  name: string;
  nodes: NodeProto[];
  initializers: TensorProto[];
  sparseInitializers: number;
  inputs: ValueInfoProto[];
  outputs: ValueInfoProto[];
}

export interface NodeProto {
  name: string;
  opType: string;
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: AttributeProto[];
}

/** Numbers of AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;

export type AttributeType = keyof typeof ATTRIBUTE_TYPES;

export interface AttributeProto {
  name: string;
  /** 0 in files so old that the kind of value tells. */
  type: number;
  refAttrName: string;
  float: number;
  int: bigint;
  /** Strings of attributes are bytes in the format. */
  string: Uint8Array;
  tensor: TensorProto | null;
  graph: GraphProto | null;
  floats: number[];
  ints: bigint[];
  strings: Uint8Array[];
}

export interface TensorProto {
  name: string;
  dims: number[];
  dataType: number;
  /** raw_data, where it lies; null when the elements are in one of the typed fields, or in another file. */
  raw: Location | null;
  floatData: Float32Array;
  int32Data: Int32Array;
  int64Data: BigInt64Array;
  doubleData: Float64Array;
  uint64Data: BigUint64Array;
  /** Number of strings; they are not kept. */
  strings: number;
  isExternal: boolean;
  externalData: StringStringEntryProto[];
  isSegment: boolean;
}

export interface ValueInfoProto {
  name: string;
  /** null for a value that is no tensor (sequence, map, optional, sparse) or has no type. */
  tensor: TensorTypeProto | null;
}

export interface TensorTypeProto {
  elemType: number;
  /** null when even the rank is unknown; a dimension is a size, a name, or null. */
  shape: (number | string | null)[] | null;
}
