import { describe, it } from 'vitest';
import { encode, PAD2D_FIELDS } from '../../lib/geometry.js';
import { PAD_MODES } from '../../lib/kernels/operations.js';
import { encodeStrides } from '../../lib/shape.js';
import { COPY_CASES } from '../cases/copy.js';
import { PAD2D_CASES } from '../cases/pad2d.js';
import { reportNative } from './backends.js';
import { type Call, inout, input, oracle, output } from './call.js';
import { conform, sumBound } from './conform.js';
import { flags, int32s, integers, normals } from './data.js';

describe('stridedCopy', () => {
  reportNative();

  for (const { why, shape, x, y } of COPY_CASES) {
    it(why, () => {
      const g = encodeStrides(shape, [x.strides, y.strides], [x.offset ?? 0, y.offset ?? 0]);
      // y is read by nobody, but what the copy leaves alone must still be there afterwards
      const call: Call = {
        kernel: 'stridedCopy',
        arguments: [input(normals(x.length, 1)), inout(normals(y.length, 2)), g],
      };
      conform(call, ['exact']);
      for (const fill of [int32s, flags]) {
        conform({ kernel: 'stridedCopy', arguments: [input(fill(x.length, 1)), inout(fill(y.length, 2)), g] }, [
          'exact',
        ]);
      }
    });
  }

  it('moves NaN and infinity as they are', () => {
    const values = Float32Array.from(
      { length: 70 },
      (_, i) => [Number.NaN, -0, Number.POSITIVE_INFINITY, 1e-20][i % 4],
    );
    const g = encodeStrides([7, 10], [[1, 7], [10, 1]], [0, 0]); // biome-ignore format: rows of strides
    conform({ kernel: 'stridedCopy', arguments: [input(values), inout(new Float32Array(70)), g] }, ['exact']);
  });

  it('transposes every small matrix', () => {
    for (let rows = 1; rows <= 35; rows++) {
      for (let columns = 1; columns <= 35; columns += columns < 18 ? 1 : 4) {
        const size = rows * columns;
        const g = encodeStrides([rows, columns], [[1, rows], [columns, 1]], [0, 0]); // biome-ignore format: rows of strides
        conform({ kernel: 'stridedCopy', arguments: [input(integers(size, 1)), inout(new Float32Array(size)), g] }, [
          'exact',
        ]);
      }
    }
  });
});

describe('pad2d', () => {
  for (const { why, x, pad, modes = PAD_MODES } of PAD2D_CASES) {
    const [planes, h, w] = x;
    const [padTop, padLeft, padBottom, padRight] = pad;
    const small = planes * h * w;
    const large = planes * (h + padTop + padBottom) * (w + padLeft + padRight);
    for (const mode of modes) {
      const geometry = { planes, h, w, padTop, padLeft, padBottom, padRight, mode: PAD_MODES.indexOf(mode) };
      const g = encode(PAD2D_FIELDS, geometry);

      it(`${mode}: ${why}`, () => {
        for (const value of [0, -1.5, Number.NaN]) {
          conform({ kernel: 'pad2dForward', arguments: [input(normals(small, 1)), output(large), g, value] }, [
            'exact',
          ]);
        }
        conform({ kernel: 'pad2dBackward', arguments: [input(integers(large, 2)), output(small), g] }, ['exact']);
        const call: Call = { kernel: 'pad2dBackward', arguments: [input(normals(large, 3)), output(small), g] };
        const copies = 1 + Math.max(padTop, padBottom, 1) * Math.max(padLeft, padRight, 1);
        conform(call, [sumBound(oracle(call, Math.abs)[0], copies)]);
      });
    }
  }

  it('every small width on every side', () => {
    for (const mode of PAD_MODES) {
      for (let w = 2; w <= 5; w++) {
        for (let left = 0; left < w; left++) {
          for (let right = 0; right < w; right++) {
            const sides = { padTop: right % 2, padLeft: left, padBottom: left % 2, padRight: right };
            const g = encode(PAD2D_FIELDS, { planes: 2, h: 3, w, ...sides, mode: PAD_MODES.indexOf(mode) });
            const large = 2 * (3 + sides.padTop + sides.padBottom) * (w + left + right);
            conform({ kernel: 'pad2dForward', arguments: [input(integers(6 * w, 1)), output(large), g, 9] }, ['exact']);
            conform({ kernel: 'pad2dBackward', arguments: [input(integers(large, 2)), output(6 * w), g] }, ['exact']);
          }
        }
      }
    }
  });
});
