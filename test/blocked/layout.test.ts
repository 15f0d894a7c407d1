import { describe, expect, it } from 'vitest';
import { BLOCK } from '../../lib/backend/blocked.js';
import { BLOCKED_FIELDS, type BlockedGeometry, encode } from '../../lib/geometry.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { input, output } from '../conformance/call.js';
import { integers } from '../conformance/data.js';
import { isas } from './conform.js';
import { call, native } from './convolution.js';
import { block, blockedIndex, brokenBorder } from './layout.js';

const label = (g: BlockedGeometry) => BLOCKED_FIELDS.map((field) => `${field} ${g[field]}`).join(', ');
const flat = (g: BlockedGeometry) => encode(BLOCKED_FIELDS, g);

/** Sizes around those of vectors and blocks, with and without a border. */
function* geometries(): Iterable<BlockedGeometry> {
  for (const c of [0, 1, 3, 4, 8, 15, 16, 17, 33]) {
    for (const [h, w] of [
      [0, 3],
      [1, 1],
      [2, 3],
      [7, 7],
      [3, 16],
      [5, 17],
      [4, 33],
    ]) {
      for (const halo of [0, 1, 3]) yield { n: 1 + ((c + w) % 2), c, h, w, halo, blocks: 0 };
    }
  }
  yield { n: 0, c: 5, h: 2, w: 2, halo: 1, blocks: 0 };
  yield { n: 1, c: 20, h: 90, w: 70, halo: 1, blocks: 0 }; // more than one item a block
  yield { n: 1, c: 16, h: 14, w: 14, halo: 1, blocks: 0 }; // planes of 4 KiB have a gap behind them
}

/** Values of channels that do not exist. */
function padding(blocked: Float32Array, g: BlockedGeometry): number[] {
  const channels = Math.ceil(g.c / BLOCK) * BLOCK;
  const values: number[] = [];
  for (let image = 0; image < g.n; image++)
    for (let channel = g.c; channel < channels; channel++)
      for (let y = 0; y < g.h; y++)
        for (let x = 0; x < g.w; x++) values.push(blocked[blockedIndex({ ...g, c: channels }, image, channel, y, x)]);
  return values;
}

/** The values of the image; what lies between planes and beside them is nobody's business. */
function expectImage(
  blocked: Float32Array,
  of: (image: number, channel: number, y: number, x: number) => number,
  g: BlockedGeometry,
): void {
  for (let image = 0; image < g.n; image++)
    for (let channel = 0; channel < g.c; channel++)
      for (let y = 0; y < g.h; y++)
        for (let x = 0; x < g.w; x++) {
          const value = blocked[blockedIndex(g, image, channel, y, x)];
          if (value !== of(image, channel, y, x))
            throw new Error(`${label(g)}: [${image}, ${channel}, ${y}, ${x}] is ${value}`);
        }
  expect(brokenBorder(blocked, g), label(g)).toBeUndefined();
  expect(
    padding(blocked, g).every((value) => value === 0),
    label(g),
  ).toBe(true);
}

describe.skipIf(noNative)(withReason('the blocked layout'), () => {
  reportNative();

  const everywhere = (check: (layout: 'guarded' | 'tight') => void) => {
    for (const isa of isas) {
      for (const threads of [1, 2]) {
        native.setIsa(isa);
        native.setThreads(threads);
        check(threads === 1 ? 'guarded' : 'tight');
      }
    }
  };

  it('from NCHW and back', () => {
    for (const g of geometries()) {
      const x = Float32Array.from({ length: g.n * g.c * g.h * g.w }, (_, i) => i + 1);
      const at = (image: number, channel: number, y: number, column: number) =>
        x[((image * g.c + channel) * g.h + y) * g.w + column];
      everywhere((layout) => {
        const blocked = call('toBlocked', [input(x), output(block([], g).length), flat(g)], layout);
        expectImage(blocked, at, g);
        const back = call('fromBlocked', [input(block(x, g)), output(x.length), flat(g)], layout);
        expect(
          Buffer.compare(Buffer.from(back.buffer, back.byteOffset, back.byteLength), Buffer.from(x.buffer)),
          label(g),
        ).toBe(0);
      });
    }
  });

  it('from interleaved bytes', () => {
    for (const g of geometries()) {
      const pixels = Uint8Array.from({ length: g.n * g.c * g.h * g.w }, (_, i) => i * 37);
      const scale = integers(g.c, 1);
      const shift = integers(g.c, 2);
      const at = (image: number, channel: number, y: number, x: number) =>
        pixels[((image * g.h + y) * g.w + x) * g.c + channel] * scale[channel] + shift[channel];
      everywhere((layout) => {
        const list = [input(pixels), input(scale), input(shift), output(block([], g).length), flat(g)];
        expectImage(call('imageToBlocked', list, layout), at, g);
      });
    }
  });

  it('normalises like torchvision', () => {
    const g = { n: 1, c: 3, h: 2, w: 5, halo: 1, blocks: 0 };
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ];
    const pixels = Uint8Array.from({ length: 30 }, (_, i) => i * 8);
    const scale = Float32Array.from(std, (s) => 1 / (255 * s));
    const shift = Float32Array.from(std, (s, c) => -mean[c] / s);
    everywhere((layout) => {
      const y = call(
        'imageToBlocked',
        [input(pixels), input(scale), input(shift), output(block([], g).length), flat(g)],
        layout,
      );
      for (let i = 0; i < 30; i++) {
        const [c, x, row] = [i % 3, Math.floor(i / 3) % 5, Math.floor(i / 15)];
        expect(y[blockedIndex(g, 0, c, row, x)]).toBeCloseTo((pixels[i] / 255 - mean[c]) / std[c], 5);
      }
    });
  });

  it('refuses short buffers and absurd sizes', () => {
    const g = { n: 2, c: 5, h: 3, w: 4, halo: 1, blocks: 0 };
    const kernels = native.kernels;
    const plain = new Float32Array(120);
    const blocked = block([], g);
    const bytes = new Uint8Array(120);
    const five = new Float32Array(5);
    const short = (values: Float32Array) => values.subarray(1);
    expect(() => kernels.toBlocked(short(plain), blocked, flat(g))).toThrow('toBlocked: x is shorter than its shape');
    expect(() => kernels.toBlocked(plain, short(blocked), flat(g))).toThrow('toBlocked: y is shorter than its shape');
    expect(() => kernels.fromBlocked(short(blocked), plain, flat(g))).toThrow(
      'fromBlocked: x is shorter than its shape',
    );
    expect(() => kernels.fromBlocked(blocked, short(plain), flat(g))).toThrow(
      'fromBlocked: y is shorter than its shape',
    );
    const image = (p: Uint8Array, scale: Float32Array, shift: Float32Array, y: Float32Array) => () =>
      kernels.imageToBlocked(p, scale, shift, y, flat(g));
    expect(image(bytes, five, five, blocked)).not.toThrow();
    expect(image(bytes.subarray(1), five, five, blocked)).toThrow('pixels is shorter');
    expect(image(bytes, short(five), five, blocked)).toThrow('scale is shorter');
    expect(image(bytes, five, short(five), blocked)).toThrow('shift is shorter');
    expect(image(bytes, five, five, short(blocked))).toThrow('y is shorter');
    for (const field of BLOCKED_FIELDS) {
      for (const value of [-1, -(2 ** 31), 2 ** 31 - 1, 2 ** 20]) {
        const strange = flat({ ...g, [field]: value });
        expect(() => kernels.toBlocked(plain, blocked, strange), `${field} ${value}`).toThrow('toBlocked: ');
        expect(() => kernels.fromBlocked(blocked, plain, strange), `${field} ${value}`).toThrow('fromBlocked: ');
      }
    }
  });
});
