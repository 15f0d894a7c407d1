import type { BLOCKED_FIELDS } from '../geometry.js';

/** Channels side by side in a pixel of the native kernels' own layout (native/README.md). */
export const BLOCK = 16;

/** Floats of a tensor in blocks of 16 channels; native/kernels/blocked/layout.inl computes the same. */
export function blockedElements({ n, c, h, w, halo }: Record<(typeof BLOCKED_FIELDS)[number], number>): number {
  const blocks = Math.ceil(c / BLOCK);
  const plane = (h + 2 * halo) * (w + 2 * halo) * BLOCK;
  return n * blocks * (plane % 1024 === 0 ? plane + BLOCK : plane);
}

/** Columns of packed weights of a matrix product: whole panels on every instruction set. */
export function packedColumns(n: number): number {
  return Math.ceil(n / 32) * 32;
}

/**
 * The kernels of native/kernels.inc that work on the blocked layout: `In` fields are Float32Array or null, geometries
 * Int32Array in the order of their field lists.
 */
export interface BlockedKernels {
  toBlocked(x: Float32Array, y: Float32Array, g: Int32Array): void;
  fromBlocked(x: Float32Array, y: Float32Array, g: Int32Array): void;
  /** Bytes of interleaved channels, [n, h, w, c], as byte · scale[c] + shift[c]. */
  imageToBlocked(pixels: Uint8Array, scale: Float32Array, shift: Float32Array, y: Float32Array, g: Int32Array): void;
  /**
   * Writes [algorithm, floats of packed weights, border the source needs] to `choice`: what suits this convolution best.
   * The algorithm is −1 where none works on blocks; for the gradient of the weights the source is x.
   */
  blockedConv2dChoose(choice: Int32Array, g: Int32Array, pass: number, exact: number): void;
  blockedConv2dPack(
    weight: Float32Array,
    bias: Float32Array | null,
    packed: Float32Array,
    g: Int32Array,
    pass: number,
    algorithm: number,
  ): void;
  /** Forward pass, or gradient of the input: then `x` is dy and `y` is dx. */
  blockedConv2d(
    x: Float32Array,
    packed: Float32Array,
    residual: Float32Array | null,
    slopes: Float32Array | null,
    y: Float32Array,
    g: Int32Array,
    options: Int32Array,
    alpha: number,
    beta: number,
  ): void;
  blockedConv2dGradWeight(
    x: Float32Array,
    dy: Float32Array,
    dweight: Float32Array,
    g: Int32Array,
    options: Int32Array,
  ): void;
  /** Packs op(b), [k, n], for gemmPacked; `packed` holds packedColumns(n) * k floats. `m` and `transA` do not matter. */
  gemmPackB(b: Float32Array, packed: Float32Array, g: Int32Array): void;
  /** c = activation(op(a)·op(b) + bias): a fully connected layer. `alpha` and `beta` belong to the activation. */
  gemmPacked(
    a: Float32Array,
    packed: Float32Array,
    bias: Float32Array | null,
    c: Float32Array,
    g: Int32Array,
    activation: number,
    alpha: number,
    beta: number,
  ): void;
  /** `taps` [n, blocks, oh, ow, 16], or null: which tap of its window each result is, 255 for none. */
  blockedMaxPool2d(
    x: Float32Array,
    y: Float32Array,
    taps: Uint8Array | null,
    g: Int32Array,
    haloIn: number,
    haloOut: number,
  ): void;
  blockedMaxPool2dBackward(
    dy: Float32Array,
    taps: Uint8Array,
    dx: Float32Array,
    g: Int32Array,
    haloIn: number,
    haloOut: number,
  ): void;
  blockedAvgPool2d(x: Float32Array, y: Float32Array, g: Int32Array, haloIn: number, haloOut: number): void;
  blockedAvgPool2dBackward(dy: Float32Array, dx: Float32Array, g: Int32Array, haloIn: number, haloOut: number): void;
  /** y [n, c] is plain. */
  blockedGlobalAvgPool2d(x: Float32Array, y: Float32Array, g: Int32Array): void;
  blockedGlobalAvgPool2dBackward(dy: Float32Array, dx: Float32Array, g: Int32Array): void;
}
