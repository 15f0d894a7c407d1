import { describe, expect, it } from 'vitest';
import { encode, GEMM_FIELDS } from '../../lib/geometry.js';
import { GEMM_CASES, type GemmCase } from '../cases/gemm.js';
import { reportNative } from './backends.js';
import { type Call, inout, input, oracle, output } from './call.js';
import { conform, sumBound } from './conform.js';
import { type Fill, integers, normals, positives } from './data.js';

function gemmCall({ why: _, batch = 1, alpha = 1, beta = 0, ...entry }: GemmCase, fill: Fill): Call {
  const { m, n, k, transA = false, transB = false, sharedA = false, sharedB = false } = entry;
  const a = fill(m * k * (sharedA ? 1 : batch), 1);
  const b = fill(k * n * (sharedB ? 1 : batch), 2);
  // With beta 0 c is an output of which nothing is read: it starts as NaN.
  const c = beta === 0 ? output(batch * m * n) : inout(fill(batch * m * n, 3));
  const flags = { transA: Number(transA), transB: Number(transB) };
  const strides = { strideA: sharedA ? 0 : m * k, strideB: sharedB ? 0 : k * n };
  const g = encode(GEMM_FIELDS, { batch, m, n, k, ...flags, ...strides });
  return { kernel: 'gemm', arguments: [input(a), input(b), c, g, alpha, beta] };
}

/** The sum of absolute values: the product of absolute inputs with absolute factors. */
function absolute(entry: GemmCase, fill: Fill) {
  const { alpha = 1, beta = 0 } = entry;
  return oracle(gemmCall({ ...entry, alpha: Math.abs(alpha), beta: Math.abs(beta) }, fill), Math.abs)[0];
}

function label({ why: _, ...entry }: GemmCase): string {
  return JSON.stringify(entry);
}

describe('gemm', () => {
  reportNative();

  for (const entry of GEMM_CASES) {
    it(entry.why, () => {
      conform(gemmCall(entry, integers), ['exact'], `of whole numbers ${label(entry)}`);
      for (const fill of [normals, positives]) {
        conform(
          gemmCall(entry, fill),
          [sumBound(absolute(entry, fill), entry.k + 1)],
          `of ${fill.name} ${label(entry)}`,
        );
      }
    });
  }

  it('spreads NaN and infinity only to the row or column they belong to', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const [m, n] of [
        [20, 40],
        [1, 40],
        [20, 1],
      ] as const) {
        const entry: GemmCase = { why: '', m, n, k: 20 };
        const fill: Fill = (length, seed) => {
          const data = positives(length, seed);
          if (seed === 1) data[length >> 1] = value;
          return data;
        };
        conform(gemmCall(entry, fill), [sumBound(absolute(entry, fill), entry.k)], `${value} ${label(entry)}`);
      }
    }
  });

  // Tiles are up to 14 rows and 32 columns: every remainder of both, on either side of one and two tiles.
  const widths = [...Array.from({ length: 34 }, (_, i) => i + 1), 47, 48, 49, 63, 64, 65, 66];
  for (const transA of [false, true]) {
    for (const transB of [false, true]) {
      it(`every remainder of a tile, ${transA ? 'aᵀ' : 'a'} times ${transB ? 'bᵀ' : 'b'}`, () => {
        let count = 0;
        for (let m = 1; m <= 30; m++) {
          for (const n of widths) {
            // all three for one row of tiles, in turn for more
            for (const k of m <= 15 ? [1, 2, 7] : [[1, 2, 7][(m + n) % 3]]) {
              const entry: GemmCase = { why: '', m, n, k, transA, transB, beta: count % 2 };
              conform(gemmCall(entry, integers), ['exact'], label(entry));
              count++;
            }
          }
        }
        expect(count).toBeGreaterThan(2000);
      });
    }
  }

  it('every depth up to two vectors, for vectors and tiles', () => {
    for (let k = 0; k <= 68; k++) {
      for (const [m, n] of [
        [1, 1],
        [1, 5],
        [5, 1],
        [3, 3],
      ] as const) {
        for (const transA of [false, true]) {
          for (const transB of [false, true]) {
            const entry: GemmCase = { why: '', m, n, k, transA, transB };
            conform(gemmCall(entry, integers), ['exact'], label(entry));
          }
        }
      }
    }
  });
});
