import { NumberList } from './numberlist.js';
import { WireReader } from './reader.js';
import type { ByteSource } from './source.js';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  StringStringEntryProto,
  TensorProto,
  TensorTypeProto,
  ValueInfoProto,
} from './types.js';

/**
 * Reads the messages of an ONNX file. Weights in raw_data are not read, only found.
 *
 * @throws ModelFormatError for bytes that are no such message
 */
export function decodeModel(source: ByteSource): ModelProto {
  const reader = new WireReader(source);
  const model: ModelProto = {
    irVersion: 0,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    docString: '',
    graph: null,
    opsetImports: [],
    metadata: [],
    functions: [],
  };
  reader.root((field) => {
    if (field === 1) model.irVersion = reader.integer();
    else if (field === 2) model.producerName = reader.string();
    else if (field === 3) model.producerVersion = reader.string();
    else if (field === 4) model.domain = reader.string();
    else if (field === 5) model.modelVersion = reader.int64();
    else if (field === 6) model.docString = reader.string();
    else if (field === 7) {
      if (model.graph) throw reader.malformed('the model has two graphs');
      model.graph = readGraph(reader);
    } else if (field === 8) model.opsetImports.push(readOperatorSetId(reader));
    else if (field === 14) model.metadata.push(readEntry(reader));
    else if (field === 25) model.functions.push(readFunction(reader));
  });
  return model;
}

function readOperatorSetId(reader: WireReader): OperatorSetIdProto {
  const id: OperatorSetIdProto = { domain: '', version: 0 };
  reader.message((field) => {
    if (field === 1) id.domain = reader.string();
    else if (field === 2) id.version = reader.integer();
  });
  return id;
}

function readEntry(reader: WireReader): StringStringEntryProto {
  const entry: StringStringEntryProto = { key: '', value: '' };
  reader.message((field) => {
    if (field === 1) entry.key = reader.string();
    else if (field === 2) entry.value = reader.string();
  });
  return entry;
}

function readFunction(reader: WireReader): FunctionProto {
  const local: FunctionProto = { name: '', domain: '' };
  reader.message((field) => {
    if (field === 1) local.name = reader.string();
    else if (field === 10) local.domain = reader.string();
  });
  return local;
}

function readGraph(reader: WireReader): GraphProto {
  const graph: GraphProto = { name: '', nodes: [], initializers: [], sparseInitializers: 0, inputs: [], outputs: [] };
  reader.message((field) => {
    if (field === 1) graph.nodes.push(readNode(reader));
    else if (field === 2) graph.name = reader.string();
    else if (field === 5) graph.initializers.push(readTensor(reader));
    else if (field === 11) graph.inputs.push(readValueInfo(reader));
    else if (field === 12) graph.outputs.push(readValueInfo(reader));
    else if (field === 15) {
      reader.location();
      graph.sparseInitializers++;
    }
  });
  return graph;
}

function readNode(reader: WireReader): NodeProto {
  const node: NodeProto = { name: '', opType: '', domain: '', inputs: [], outputs: [], attributes: [] };
  reader.message((field) => {
    if (field === 1) node.inputs.push(reader.string());
    else if (field === 2) node.outputs.push(reader.string());
    else if (field === 3) node.name = reader.string();
    else if (field === 4) node.opType = reader.string();
    else if (field === 5) node.attributes.push(readAttribute(reader));
    else if (field === 7) node.domain = reader.string();
  });
  return node;
}

function readAttribute(reader: WireReader): AttributeProto {
  const attribute = emptyAttribute();
  reader.message((field) => {
    if (field === 1) attribute.name = reader.string();
    else if (field === 2) attribute.float = reader.float();
    else if (field === 3) attribute.int = reader.int64();
    else if (field === 4) attribute.string = reader.bytes();
    else if (field === 5) attribute.tensor = readTensor(reader);
    else if (field === 6) attribute.graph = readGraph(reader);
    else if (field === 7) reader.floats(attribute.floats);
    else if (field === 8) reader.int64s(attribute.ints);
    else if (field === 9) attribute.strings.push(reader.bytes());
    else if (field === 20) attribute.type = reader.integer();
    else if (field === 21) attribute.refAttrName = reader.string();
  });
  return attribute;
}

/** An attribute without a name or a value. */
export function emptyAttribute(): AttributeProto {
  return {
    name: '',
    type: 0,
    refAttrName: '',
    float: 0,
    int: 0n,
    string: new Uint8Array(),
    tensor: null,
    graph: null,
    floats: [],
    ints: [],
    strings: [],
  };
}

function readTensor(reader: WireReader): TensorProto {
  const tensor = emptyTensor();
  // Weights are in raw_data nearly always: lists for the typed fields are made when one is met.
  const lists: { [F in keyof typeof NOTHING]?: NumberList<(typeof NOTHING)[F]> } = {};
  reader.message((field) => {
    if (field === 1) reader.integers(tensor.dims);
    else if (field === 2) tensor.dataType = reader.integer();
    else if (field === 3) tensor.isSegment = true;
    else if (field === 4) {
      lists.floatData ??= new NumberList(Float32Array);
      reader.floats(lists.floatData);
    } else if (field === 5) {
      lists.int32Data ??= new NumberList(Int32Array);
      reader.int32s(lists.int32Data);
    } else if (field === 6) {
      reader.location();
      tensor.strings++;
    } else if (field === 7) {
      lists.int64Data ??= new NumberList(BigInt64Array);
      reader.int64s(lists.int64Data);
    } else if (field === 8) tensor.name = reader.string();
    else if (field === 9) tensor.raw = reader.location();
    else if (field === 10) {
      lists.doubleData ??= new NumberList(Float64Array);
      reader.doubles(lists.doubleData);
    } else if (field === 11) {
      lists.uint64Data ??= new NumberList(BigUint64Array);
      reader.uint64s(lists.uint64Data);
    } else if (field === 13) tensor.externalData.push(readEntry(reader));
    else if (field === 14) tensor.isExternal = reader.integer() === 1;
  });
  for (const [field, list] of Object.entries(lists)) Object.assign(tensor, { [field]: list.values() });
  return tensor;
}

/** The typed fields of a tensor that has none. */
const NOTHING = {
  floatData: new Float32Array(),
  int32Data: new Int32Array(),
  int64Data: new BigInt64Array(),
  doubleData: new Float64Array(),
  uint64Data: new BigUint64Array(),
};

/** A tensor of no known type and no elements. */
export function emptyTensor(): TensorProto {
  return {
    name: '',
    dims: [],
    dataType: 0,
    raw: null,
    ...NOTHING,
    strings: 0,
    isExternal: false,
    externalData: [],
    isSegment: false,
  };
}

function readValueInfo(reader: WireReader): ValueInfoProto {
  const value: ValueInfoProto = { name: '', tensor: null };
  reader.message((field) => {
    if (field === 1) value.name = reader.string();
    else if (field === 2) {
      reader.message((kind) => {
        if (kind === 1) value.tensor = readTensorType(reader);
      });
    }
  });
  return value;
}

function readTensorType(reader: WireReader): TensorTypeProto {
  const type: TensorTypeProto = { elemType: 0, shape: null };
  reader.message((field) => {
    if (field === 1) type.elemType = reader.integer();
    else if (field === 2) type.shape = readShape(reader);
  });
  return type;
}

function readShape(reader: WireReader): (number | string | null)[] {
  const shape: (number | string | null)[] = [];
  reader.message((field) => {
    if (field !== 1) return;
    let dimension: number | string | null = null;
    reader.message((kind) => {
      if (kind === 1) dimension = reader.integer();
      else if (kind === 2) dimension = reader.string() || null;
    });
    shape.push(dimension);
  });
  return shape;
}
