import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConvforgeError, Generator, nn, Tensor, tensor, zeros } from '../lib/index.js';
import { decodeSafetensors, encodeSafetensors, loadSafetensors, saveSafetensors } from '../lib/io/index.js';

const folder = mkdtempSync(join(tmpdir(), 'convforge-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file with a given header and data, as another program could have written it. */
function file(header: unknown, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

function entry(dtype: string, shape: number[], begin: number, end: number) {
  return { dtype, shape, data_offsets: [begin, end] };
}

const all = {
  weight: tensor([
    [1.5, -2],
    [Number.NaN, Number.POSITIVE_INFINITY],
  ]),
  scalar: tensor(7, { dtype: 'float64' }),
  count: new Tensor('int64', new BigInt64Array([2n ** 62n, -1n])),
  label: tensor([-3, 4], { dtype: 'int32' }),
  pixel: new Tensor('uint8', new Uint8Array([0, 255, 1])),
  mask: tensor([true, false, true]),
  nothing: zeros([0, 3]),
};

describe('encodeSafetensors and decodeSafetensors', () => {
  it('give back every dtype, odd byte counts, an empty tensor and the order', () => {
    const { tensors, metadata } = decodeSafetensors(encodeSafetensors(all, { made: 'here' }));
    expect(Object.keys(tensors)).toEqual(Object.keys(all));
    expect(metadata).toEqual({ made: 'here' });
    for (const [name, { dtype, shape, data }] of Object.entries(all)) {
      expect({ name, dtype: tensors[name].dtype, shape: [...tensors[name].shape] }).toEqual({
        name,
        dtype,
        shape: [...shape],
      });
      expect(tensors[name].data).toEqual(data);
    }
  });

  it('write the layout of the specification', () => {
    const bytes = Buffer.from(encodeSafetensors({ a: tensor([1]) }));
    const headerLength = Number(bytes.readBigUInt64LE(0));
    expect((8 + headerLength) % 8).toBe(0);
    expect(JSON.parse(bytes.subarray(8, 8 + headerLength).toString())).toEqual({ a: entry('F32', [1], 0, 4) });
    expect(bytes.readFloatLE(8 + headerLength)).toBe(1);
    expect(bytes.length).toBe(8 + headerLength + 4);
  });

  it('widen float16 and bfloat16', () => {
    const half = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000, 0x3555];
    const brain = [0x3f80, 0xc000, 0x0001, 0x7f80];
    const header = { h: entry('F16', [7], 0, 14), b: entry('BF16', [4], 14, 22) };
    const { tensors } = decodeSafetensors(file(header, new Uint8Array(new Uint16Array([...half, ...brain]).buffer)));
    expect([...(tensors.h.data as Float32Array)]).toEqual([
      1,
      -2,
      2 ** -24,
      65504,
      Number.POSITIVE_INFINITY,
      -0,
      0.333251953125,
    ]);
    expect([...(tensors.b.data as Float32Array)]).toEqual([1, -2, 2 ** -133, Number.POSITIVE_INFINITY]);
  });

  it('keep names that mean something to JavaScript as plain names', () => {
    const { tensors } = decodeSafetensors(
      file(`{"__proto__":${JSON.stringify(entry('U8', [1], 0, 1))}}`, new Uint8Array([5])),
    );
    expect(Object.keys(tensors)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(tensors)).toBe(Object.prototype);
  });

  const float = new Uint8Array(4);
  it.each([
    ['too short', new Uint8Array(7), '7 bytes are too few for a header'],
    ['header beyond the end', file({}).subarray(0, 9), 'a header of 2 bytes does not fit into a file of 9'],
    [
      'absurd header length',
      Buffer.alloc(16, 0xff),
      'a header of 18446744073709552000 bytes does not fit into a file of 16',
    ],
    ['an array for a header', file([]), 'the header is not an object'],
    ['null for a header', file('null'), 'the header is not an object'],
    ['no dtype', file({ a: { shape: [1], data_offsets: [0, 4] } }, float), 'a has no dtype and shape'],
    ['a negative size', file({ a: entry('F32', [-1], 0, 4) }, float), 'a has no dtype and shape'],
    ['offsets backwards', file({ a: entry('F32', [1], 4, 0) }, float), 'a has no valid data_offsets'],
    ['a gap', file({ a: entry('F32', [1], 4, 8) }, new Uint8Array(8)), 'a starts at byte 4 of the data, 0 expected'],
    [
      'an overlap',
      file({ a: entry('F32', [1], 0, 4), b: entry('F32', [1], 0, 4) }, float),
      'b starts at byte 0 of the data, 4 expected',
    ],
    ['beyond the data', file({ a: entry('F32', [2], 0, 8) }, float), 'a ends at byte 8 of 4 bytes of data'],
    [
      'a shape that does not fill',
      file({ a: entry('F32', [2], 0, 4) }, float),
      'a [2] of F32 does not fill its 4 bytes',
    ],
    [
      'an unknown type',
      file({ a: entry('F8_E4M3', [4], 0, 4) }, float),
      'a has element type F8_E4M3, which convforge does not keep',
    ],
    ['bytes left over', file({ a: entry('F32', [1], 0, 4) }, new Uint8Array(6)), '2 bytes follow the last tensor'],
    ['metadata of numbers', file({ __metadata__: { a: 1 } }), '__metadata__ must map strings to strings'],
  ])('refuse %s', (_, bytes, why) => {
    expect(() => decodeSafetensors(bytes)).toThrow(new ConvforgeError('ERR_FILE_FORMAT', `decodeSafetensors: ${why}`));
  });

  it('refuse a header that is not JSON, and a tensor named like the metadata', () => {
    expect(() => decodeSafetensors(file('{"a"'))).toThrow(/^decodeSafetensors: the header is not JSON: /);
    expect(() => encodeSafetensors({ __metadata__: tensor([1]) })).toThrow(
      'encodeSafetensors: __metadata__ is not a tensor name',
    );
  });

  it('never crash on damaged bytes', () => {
    const whole = encodeSafetensors(all);
    const generator = new Generator(5);
    for (let round = 0; round < 3000; round++) {
      const bytes = whole.slice(0, round % 3 ? whole.length : generator.integer(whole.length));
      for (let k = 0; k < 1 + generator.integer(4) && bytes.length; k++)
        bytes[generator.integer(bytes.length)] = generator.integer(256);
      try {
        decodeSafetensors(bytes);
      } catch (error) {
        expect((error as ConvforgeError).code).toMatch(/^ERR_(FILE_FORMAT|SHAPE)$/);
      }
    }
  });
});

describe('saveSafetensors and loadSafetensors', () => {
  it('carry a model over a file and leave nothing else behind', async () => {
    const path = join(folder, 'model.safetensors');
    const [from, to] = [0, 1].map(() => new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2)));
    await saveSafetensors(path, from.stateDict());
    await saveSafetensors(path, from.stateDict());
    to.loadStateDict((await loadSafetensors(path)).tensors);
    for (const [name, expected] of Object.entries(from.stateDict()))
      expect(to.stateDict()[name].data).toEqual(expected.data);
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  it('name the file that is damaged, and keep the old file when saving fails', async () => {
    const path = join(folder, 'damaged.safetensors');
    writeFileSync(path, 'abc');
    await expect(loadSafetensors(path)).rejects.toThrow(`${path}: decodeSafetensors: 3 bytes are too few for a header`);
    await expect(saveSafetensors(join(folder, 'missing', 'x'), {})).rejects.toThrow(/ENOENT/);
    await expect(loadSafetensors(join(folder, 'none'))).rejects.toThrow(/ENOENT/);
  });
});
