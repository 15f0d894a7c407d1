import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

// Field numbers are those of onnx.proto.
const FLOAT = 1;
const INTS = 7;

const message = (writer, field, write) => {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  return writer.join();
};
const string = (writer, field, value) => writer.tag(field, WireType.LengthDelimited).string(value);
const integer = (writer, field, value) => writer.tag(field, WireType.Varint).int64(value);

/** A name with a float32 shape, as ValueInfoProto. */
const value = (name, shape) => (writer) => {
  string(writer, 1, name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      integer(tensor, 1, FLOAT);
      message(tensor, 2, (dimensions) => {
        for (const length of shape) message(dimensions, 1, (dimension) => integer(dimension, 1, length));
      });
    }),
  );
};

const attribute = (name, values) => (writer) => {
  string(writer, 1, name);
  for (const value of values) integer(writer, 8, value);
  integer(writer, 20, INTS);
};

const group = (groups) => (writer) => {
  string(writer, 1, 'group');
  integer(writer, 3, groups);
  integer(writer, 20, 2);
};

/** An ONNX file with one convolution: input x, weights inside, output y. */
export function convolutionModel({ layer: { geometry: g }, shapes, weight }) {
  const attributes = [
    attribute('strides', [g.strideH, g.strideW]),
    attribute('dilations', [g.dilationH, g.dilationW]),
    attribute('pads', [g.padTop, g.padLeft, g.padBottom, g.padRight]),
    attribute('kernel_shape', [g.kh, g.kw]),
    group(g.groups),
  ];
  const model = new BinaryWriter();
  integer(model, 1, 8); // ir_version
  message(model, 7, (graph) => {
    message(graph, 1, (node) => {
      for (const name of ['x', 'weight']) string(node, 1, name);
      string(node, 2, 'y');
      string(node, 4, 'Conv');
      for (const each of attributes) message(node, 5, each);
    });
    string(graph, 2, 'convolution');
    message(graph, 5, (tensor) => {
      for (const length of shapes.weight) integer(tensor, 1, length);
      integer(tensor, 2, FLOAT);
      string(tensor, 8, 'weight');
      const bytes = new Uint8Array(weight.buffer, weight.byteOffset, weight.byteLength);
      tensor.tag(9, WireType.LengthDelimited).bytes(bytes);
    });
    message(graph, 11, value('x', shapes.x));
    message(graph, 12, value('y', shapes.y));
  });
  message(model, 8, (opset) => integer(opset, 2, 13));
  return model.finish();
}
