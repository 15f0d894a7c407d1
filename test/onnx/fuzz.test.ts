import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConvforgeError, Generator } from '../../lib/index.js';
import { readModel } from '../../lib/onnx/index.js';
import { decodeModel } from '../../lib/onnx/proto/decode.js';
import { encodeModel } from '../../lib/onnx/proto/encode.js';
import { BytesSource } from '../../lib/onnx/proto/source.js';
import { branchingNet, bytesOf, smallNet } from './models.js';

const FILES = 24_000;
/** Sum of all sizes of constants of a model that still loads, at most its file's size in bytes times this. */
const MOST_ELEMENTS_PER_BYTE = 1;

const seeds = [bytesOf(smallNet()), bytesOf(branchingNet(), 11), bytesOf(smallNet(), 7, 3)];

/** Numbers that sizes, counts and versions go wrong with. */
const ODD = [-1, 0, 1, 2, 7, 127, 128, 255, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31)];
const WORDS = ['', 'x', 'y', 'w', 'SAME_UPPER', 'NOTSET', 'Conv', 'If', 'Gemm', 'ai.onnx', '\u0000', 'é'.repeat(40)];

class Mutator {
  readonly #random: Generator;

  constructor(seed: number) {
    this.#random = new Generator(seed);
  }

  below(count: number): number {
    return this.#random.bits() % count;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** Changes bytes without knowing what they mean. */
  bytes(file: Uint8Array): Uint8Array {
    if (file.length === 0) return file;
    const at = this.below(file.length);
    const length = this.below(9);
    const noise = Uint8Array.from({ length }, () =>
      this.pick([0, 1, 2, 8, 10, 18, 58, 127, 128, 255, this.below(256)]),
    );
    switch (this.below(6)) {
      case 0:
        return file.with(at, file[at] ^ (1 << this.below(8)));
      case 1:
        return file.with(at, this.below(256));
      case 2:
        return file.slice(0, at);
      case 3:
        return joined(file.subarray(0, at), noise, file.subarray(at));
      case 4:
        return joined(file.subarray(0, at), file.subarray(at + length));
      default: {
        const from = this.below(file.length);
        return joined(file.subarray(0, at), file.subarray(from, from + this.below(60)), file.subarray(at));
      }
    }
  }

  /** Changes one field of the decoded messages, so that what is around it still fits. */
  fields(file: Uint8Array): Uint8Array {
    const model = decodeModel(new BytesSource(file));
    const places: { holder: Record<string, unknown>; key: string }[] = [];
    collect(model, places);
    const { holder, key } = this.pick(places);
    const before = holder[key];
    if (typeof before === 'number') holder[key] = this.pick(ODD);
    else if (typeof before === 'bigint') holder[key] = BigInt(this.pick(ODD));
    else if (typeof before === 'string') holder[key] = this.pick(WORDS);
    else if (typeof before === 'boolean') holder[key] = !before;
    else if (Array.isArray(before)) holder[key] = this.#list(before);
    else holder[key] = null;
    try {
      return encodeModel(model);
    } catch {
      return file; // a change that the format itself cannot hold
    }
  }

  #list(list: readonly unknown[]): unknown[] {
    const at = this.below(list.length + 1);
    switch (this.below(4)) {
      case 0:
        return [];
      case 1:
        return list.toSpliced(at, 1);
      case 2:
        return [...list, ...list.slice(at)];
      default:
        return list.length ? list.toReversed() : list.slice();
    }
  }
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** All properties of messages in messages, but not of numbers and bytes. */
function collect(message: object, places: { holder: Record<string, unknown>; key: string }[]): void {
  for (const [key, value] of Object.entries(message)) {
    if (key === 'raw' || ArrayBuffer.isView(value)) continue;
    places.push({ holder: message as Record<string, unknown>, key });
    if (typeof value === 'object' && value !== null) collect(value, places);
  }
}

/** How a file ends: loaded, or the code of the error. Anything but an error of convforge's own is thrown on. */
function outcome(file: Uint8Array): string {
  try {
    const model = readModel(file);
    const elements = [...model.initializers.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1),
      0,
    );
    expect(elements).toBeLessThanOrEqual(file.length * MOST_ELEMENTS_PER_BYTE);
    return 'loaded';
  } catch (error) {
    if (error instanceof ConvforgeError) return error.code;
    throw error;
  }
}

describe(`${FILES} damaged models`, () => {
  it('load, or are refused as damaged or not supported, and take no time', () => {
    const mutator = new Mutator(7);
    const outcomes = new Map<string, number>();
    let slowest = 0;
    for (let i = 0; i < FILES; i++) {
      let file = mutator.pick(seeds);
      if (i % 2) file = mutator.fields(file);
      for (let changes = mutator.below(3) + 1 - (i % 2); changes > 0; changes--) file = mutator.bytes(file);
      const start = performance.now();
      let result: string;
      try {
        result = outcome(file);
      } catch (error) {
        throw new Error(`file ${i}: ${Buffer.from(file).toString('base64')}`, { cause: error });
      }
      slowest = Math.max(slowest, performance.now() - start);
      outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
    }
    // All three must be common, or the changes are not what they should be.
    expect([...outcomes.keys()].sort()).toEqual(['ERR_MODEL_FORMAT', 'ERR_UNSUPPORTED_OP', 'loaded']);
    for (const count of outcomes.values()) expect(count).toBeGreaterThan(FILES / 50);
    expect(slowest).toBeLessThan(5000);
  });
});

describe('damaged files', () => {
  it('are refused with the same words as their bytes, although they are read in pieces', () => {
    const folder = mkdtempSync(join(tmpdir(), 'convforge-'));
    const path = join(folder, 'model.onnx');
    const mutator = new Mutator(8);
    const message = (model: string | Uint8Array) => {
      try {
        readModel(model).close();
        return 'loaded';
      } catch (error) {
        return (error as Error).message;
      }
    };
    for (let i = 0; i < 400; i++) {
      const file = mutator.bytes(mutator.bytes(mutator.pick(seeds)));
      writeFileSync(path, file);
      expect(message(path).replace(`${path} `, '')).toBe(message(file));
    }
    rmSync(folder, { recursive: true });
  });
});
