import { describe, expect, it } from 'vitest';
import { decodeModel, emptyTensor } from '../../lib/onnx/proto/decode.js';
import { encodeModel } from '../../lib/onnx/proto/encode.js';
import { BytesSource } from '../../lib/onnx/proto/source.js';
import type { GraphProto, ModelProto, TensorProto } from '../../lib/onnx/proto/types.js';
import { attribute, branchingNet, FLOAT, graph, modelProto, node, smallNet, value } from './models.js';

/** A model with its weights read, so that two can be compared. */
function withBytes(model: ModelProto): unknown {
  const tensor = (each: TensorProto) => ({
    ...each,
    raw: each.raw && Array.from(each.raw.source.read(each.raw.offset, each.raw.length)),
  });
  const inner = (each: GraphProto): unknown => ({
    ...each,
    initializers: each.initializers.map(tensor),
    nodes: each.nodes.map((step) => ({
      ...step,
      attributes: step.attributes.map((given) => ({
        ...given,
        string: Array.from(given.string),
        strings: given.strings.map((text) => Array.from(text)),
        tensor: given.tensor && tensor(given.tensor),
        graph: given.graph && inner(given.graph),
      })),
    })),
  });
  return { ...model, graph: model.graph && inner(model.graph) };
}

const decoded = (bytes: Uint8Array) => decodeModel(new BytesSource(bytes));
const roundTrip = (model: ModelProto) => decoded(encodeModel(model));

describe('encoding and decoding', () => {
  it.each([
    ['a network', modelProto(smallNet())],
    ['a network with graphs in attributes', modelProto(branchingNet(), 11)],
    ['nothing', { ...modelProto({}), irVersion: 0, opsetImports: [], graph: null }],
  ])('gives back %s', (_, model) => {
    expect(withBytes(roundTrip(model))).toEqual(withBytes(model));
  });

  it('keeps every kind of number to the last bit', () => {
    const extremes: TensorProto = {
      ...emptyTensor(),
      name: 'extremes ✓',
      dims: [0, 1, 2 ** 40],
      dataType: FLOAT,
      floatData: Float32Array.of(-0, 1e-45, 3.4e38, Infinity, Number.NaN),
      int32Data: Int32Array.of(0, -1, 2 ** 31 - 1, -(2 ** 31)),
      int64Data: BigInt64Array.of(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)),
      doubleData: Float64Array.of(-0, 5e-324, 1.7e308, -Infinity),
      uint64Data: BigUint64Array.of(0n, 2n ** 64n - 1n),
      isExternal: true,
      externalData: [{ key: 'location', value: 'a/b' }],
    };
    const given = [
      attribute('int', 2n ** 63n - 1n),
      attribute('negative', -1),
      attribute('ints', [-5, 0, 7]),
      attribute('float', { float: 0 }),
      attribute('text', 'äöü'),
      attribute('empty', ''),
      attribute('tensor', extremes),
      { ...attribute('strings', ''), type: 8, strings: [Buffer.from([255, 0]), Buffer.from('')] },
      { ...attribute('floats', { float: 0 }), type: 6, floats: [0.5, -0, 2] },
      { ...attribute('reference', 1), refAttrName: 'outer' },
    ];
    const model: ModelProto = {
      ...modelProto({
        inputs: [value('open', null), value('shape', ['n', null, 0, 5]), { name: 'untyped', tensor: null }],
        nodes: [{ ...node('Anything', ['', 'a'], ['b', '']), attributes: given, domain: 'com.example' }],
      }),
      modelVersion: -3n,
      docString: 'text',
      domain: 'domain',
      metadata: [{ key: 'k', value: '' }],
      functions: [{ name: 'f', domain: 'd' }],
      opsetImports: [
        { domain: '', version: 13 },
        { domain: 'com.example', version: 1 },
      ],
    };
    expect(withBytes(roundTrip(model))).toEqual(withBytes(model));
  });

  it('finds weights without copying them', () => {
    const bytes = encodeModel(modelProto(smallNet()));
    const [weight] = (decoded(bytes).graph as GraphProto).initializers;
    const { source, offset, length } = weight.raw as NonNullable<TensorProto['raw']>;
    expect(source.read(offset, length).buffer).toBe(bytes.buffer);
    expect(length).toBe(72 * 4);
  });

  it('reads repeated numbers packed and one by one, and skips fields it does not know', () => {
    // TensorProto: dims 2 and 3 unpacked, dims [4, 5] packed, an unknown varint, fixed64, bytes and fixed32, then a name.
    const tensor = [8, 2, 8, 3, 10, 2, 4, 5, 0xa0, 6, 1, 0xa1, 6, ...new Array(8).fill(1), 0xa2, 6, 2, 9, 9, 0xa5, 6];
    const rest = [1, 2, 3, 4, 66, 1, 0x74];
    const bytes = Uint8Array.of(
      58,
      tensor.length + rest.length + 2,
      42,
      tensor.length + rest.length,
      ...tensor,
      ...rest,
    );
    const { initializers } = decoded(bytes).graph as GraphProto;
    expect(initializers).toMatchObject([{ dims: [2, 3, 4, 5], name: 't' }]);
  });
});

describe('decoding refuses', () => {
  const message = (field: number, ...content: number[]) => [8 * field + 2, content.length, ...content];
  const cases: [string, number[], string][] = [
    ['a length beyond the end', [58, 5, 1], 'a field of 5 bytes has room for 1, near byte 2'],
    ['a length beyond the message', [...message(7, 18, 9, 65)], 'a field of 9 bytes has room for 1, near byte 4'],
    ['a length of 2^63', [58, ...new Array(8).fill(255), 127], 'a field of 9223372036854775807 bytes has room for 0'],
    ['a varint that ends early', [8, 128], 'a field cannot be read (premature EOF)'],
    ['a varint of 11 bytes', [8, ...new Array(11).fill(128), 1], 'a field cannot be read'],
    ['a float that ends early', message(7, ...message(1, ...message(5, 21, 0, 0))), 'a field'],
    ['field number 0', [0, 0], 'a field cannot be read (illegal tag: field no 0 wire type 0)'],
    ['wire type 7', [15, 0], 'a field cannot be read (illegal tag: field no 1 wire type 7)'],
    ['a group', [11, 12], 'a group, which ONNX has not, near byte 1'],
    ['text where a number belongs', [10, 1, 65], 'a field has wire type 2 where 0 belongs'],
    ['a number where a message belongs', [56, 1], 'a field has wire type 0 where 2 belongs'],
    ['a string that is not UTF-8', [18, 2, 0xc3, 0x28], 'a string is not UTF-8'],
    ['an overlong string', [18, 2, 0xc0, 0x80], 'a string is not UTF-8'],
    [
      'a size beyond 2^53',
      message(7, ...message(5, 8, ...new Array(8).fill(255), 127)),
      '9223372036854775807 is no plausible number here',
    ],
    ['a packed list that ends in a number', message(7, ...message(5, 10, 1, 128, 66, 1, 65)), 'a field is cut off'],
    ['an unknown field that is cut off', [0xa1, 6, 1, 2], 'a field is cut off'],
    ['two graphs', [58, 0, 58, 0], 'the model has two graphs'],
  ];

  it.each(cases)('%s', (_, bytes, text) => {
    expect(() => decoded(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'ERR_MODEL_FORMAT', message: expect.stringContaining(`readModel: ${text}`) }),
    );
  });

  it('messages nested without end', () => {
    let inner = graph({ nodes: [node('Relu', ['x'], ['y'])] });
    for (let i = 0; i < 40; i++) inner = graph({ nodes: [node('If', ['x'], ['y'], { then_branch: inner })] });
    const bytes = encodeModel({ ...modelProto({}), graph: inner });
    expect(() => decoded(bytes)).toThrow('readModel: messages are nested more than 64 deep');
  });
});
