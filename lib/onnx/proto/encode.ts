import type { StringStringEntryProto, TensorProto, ValueInfoProto } from './types.js';
import { ATTRIBUTE_TYPES, type AttributeProto, type GraphProto, type ModelProto, type NodeProto } from './types.js';
import { WireWriter } from './writer.js';

/** Writes the messages of an ONNX file. */
export function encodeModel(model: ModelProto): Uint8Array {
  const writer = new WireWriter();
  writer.int(1, model.irVersion);
  writer.string(2, model.producerName);
  writer.string(3, model.producerVersion);
  writer.string(4, model.domain);
  writer.int(5, model.modelVersion);
  writer.string(6, model.docString);
  const { graph } = model;
  if (graph) writer.message(7, (inner) => writeGraph(inner, graph));
  for (const { domain, version } of model.opsetImports) {
    writer.message(8, (inner) => {
      inner.string(1, domain);
      inner.int(2, version);
    });
  }
  writeEntries(writer, 14, model.metadata);
  for (const { name, domain } of model.functions) {
    writer.message(25, (inner) => {
      inner.string(1, name);
      inner.string(10, domain);
    });
  }
  return writer.join();
}

function writeEntries(writer: WireWriter, field: number, entries: readonly StringStringEntryProto[]): void {
  for (const { key, value } of entries) {
    writer.message(field, (inner) => {
      inner.string(1, key);
      inner.string(2, value);
    });
  }
}

function writeGraph(writer: WireWriter, graph: GraphProto): void {
  for (const node of graph.nodes) writer.message(1, (inner) => writeNode(inner, node));
  writer.string(2, graph.name);
  for (const tensor of graph.initializers) writer.message(5, (inner) => writeTensor(inner, tensor));
  for (const value of graph.inputs) writer.message(11, (inner) => writeValueInfo(inner, value));
  for (const value of graph.outputs) writer.message(12, (inner) => writeValueInfo(inner, value));
}

function writeNode(writer: WireWriter, node: NodeProto): void {
  writer.strings(1, node.inputs);
  writer.strings(2, node.outputs);
  writer.string(3, node.name);
  writer.string(4, node.opType);
  for (const attribute of node.attributes) writer.message(5, (inner) => writeAttribute(inner, attribute));
  writer.string(7, node.domain);
}

function writeAttribute(writer: WireWriter, attribute: AttributeProto): void {
  const { type, tensor, graph } = attribute;
  writer.string(1, attribute.name);
  if (type === ATTRIBUTE_TYPES.float) writer.float(2, attribute.float);
  writer.int(3, attribute.int);
  if (type === ATTRIBUTE_TYPES.string) writer.bytes(4, attribute.string);
  if (tensor) writer.message(5, (inner) => writeTensor(inner, tensor));
  if (graph) writer.message(6, (inner) => writeGraph(inner, graph));
  writer.floats(7, attribute.floats);
  writer.ints(8, attribute.ints);
  for (const value of attribute.strings) writer.bytes(9, value);
  writer.int(20, type);
  writer.string(21, attribute.refAttrName);
}

function writeTensor(writer: WireWriter, tensor: TensorProto): void {
  writer.ints(1, tensor.dims);
  writer.int(2, tensor.dataType);
  writer.floats(4, tensor.floatData);
  writer.ints(5, Array.from(tensor.int32Data));
  writer.ints(7, tensor.int64Data);
  writer.string(8, tensor.name);
  const { raw } = tensor;
  if (raw) writer.bytes(9, raw.source.read(raw.offset, raw.length));
  writer.doubles(10, tensor.doubleData);
  writer.uints(11, tensor.uint64Data);
  writeEntries(writer, 13, tensor.externalData);
  writer.int(14, Number(tensor.isExternal));
}

function writeValueInfo(writer: WireWriter, { name, tensor }: ValueInfoProto): void {
  writer.string(1, name);
  if (!tensor) return;
  writer.message(2, (type) => {
    type.message(1, (tensorType) => {
      tensorType.int(1, tensor.elemType);
      if (tensor.shape) tensorType.message(2, (shape) => writeShape(shape, tensor.shape ?? []));
    });
  });
}

function writeShape(writer: WireWriter, shape: readonly (number | string | null)[]): void {
  for (const dimension of shape) {
    writer.message(1, (inner) => {
      // A size of 0 is written: a dimension without a value would be of unknown size.
      if (typeof dimension === 'number') inner.size(1, dimension);
      else inner.string(2, dimension ?? '');
    });
  }
}
