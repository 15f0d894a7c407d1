import type { BlockedGeometry } from '../geometry.js';

/** Channels side by side in a pixel of the native kernels' own layout (native/README.md). */
export const BLOCK = 16;

/** Floats of one block of one image, its border included; native/kernels/blocked/layout.inl computes the same. */
export function blockedPlane({ h, w, halo }: Pick<BlockedGeometry, 'h' | 'w' | 'halo'>): number {
  const plane = (h + 2 * halo) * (w + 2 * halo) * BLOCK;
  return plane % 1024 === 0 ? plane + BLOCK : plane;
}

/** Floats from the first to the last of a tensor in blocks of 16 channels. */
export function blockedElements(g: BlockedGeometry): number {
  const own = Math.ceil(g.c / BLOCK);
  return g.n === 0 ? 0 : ((g.n - 1) * (g.blocks || own) + own) * blockedPlane(g);
}

/** Columns of packed weights of a matrix product: whole panels on every instruction set. */
export function packedColumns(n: number): number {
  return Math.ceil(n / 32) * 32;
}

/**
 * The kernels of native/kernels.inc that work on the blocked layout: `In` fields are Float32Array or null, geometries and
 * options Int32Array in the order of their field lists. Any blocked tensor may be a range of the blocks of a wider one:
 * the array then begins with the range, and the geometry or the options say how many blocks lie between images.
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
  blockedMaxPool2d(x: Float32Array, y: Float32Array, taps: Uint8Array | null, g: Int32Array, options: Int32Array): void;
  blockedMaxPool2dBackward(
    dy: Float32Array,
    taps: Uint8Array,
    dx: Float32Array,
    g: Int32Array,
    options: Int32Array,
  ): void;
  blockedAvgPool2d(x: Float32Array, y: Float32Array, g: Int32Array, options: Int32Array): void;
  blockedAvgPool2dBackward(dy: Float32Array, dx: Float32Array, g: Int32Array, options: Int32Array): void;
  /** y [n, c] is plain. */
  blockedGlobalAvgPool2d(x: Float32Array, y: Float32Array, g: Int32Array): void;
  blockedGlobalAvgPool2dBackward(dy: Float32Array, dx: Float32Array, g: Int32Array): void;
  /**
   * y = activation((x · scale[c] + shift[c]) operation other), any of scale, shift, other null; operation is one of
   * BINARY_OPERATIONS up to min. `x` or `other` may be `y` if they lie alike.
   */
  blockedMap(
    x: Float32Array,
    scale: Float32Array | null,
    shift: Float32Array | null,
    other: Float32Array | null,
    slopes: Float32Array | null,
    y: Float32Array,
    g: Int32Array,
    options: Int32Array,
    alpha: number,
    beta: number,
  ): void;
  /**
   * Mean and biased variance of each channel, [c] both: what batchNormStatistics gives. Of no elements both are NaN.
   */
  blockedChannelStatistics(x: Float32Array, mean: Float32Array, variance: Float32Array, g: Int32Array): void;
  /**
   * y = activation((x − mean) / √(variance + eps) · weight + bias + residual); null weight is 1, null bias and residual 0.
   * mean, variance, weight and bias [c]; `options` are ActivationOptions, Other being the residual, and the activation one
   * of identity, relu, clip, leakyRelu and hardSwish. y may be x or the residual if they lie alike.
   */
  blockedBatchNorm(
    x: Float32Array,
    mean: Float32Array,
    variance: Float32Array,
    weight: Float32Array | null,
    bias: Float32Array | null,
    residual: Float32Array | null,
    y: Float32Array,
    g: Int32Array,
    options: Int32Array,
    eps: number,
    alpha: number,
    beta: number,
  ): void;
  /**
   * The gradients of blockedBatchNorm. With dz = dy · activation′ they are those of batchNormBackward of dz, and
   * dresidual = dz; dresidual, dweight and dbias may be null. Unless a residual was added, y is null and the activation's
   * argument is computed again from x, weight and bias; with a residual, y is the result and the activation identity (then
   * y is null) or relu. `options` are NormGradientOptions. dx and dresidual may be dy or y, and dx may be x, if they lie
   * alike: over dy is fastest.
   */
  blockedBatchNormBackward(
    dy: Float32Array,
    y: Float32Array | null,
    x: Float32Array,
    mean: Float32Array,
    variance: Float32Array,
    weight: Float32Array | null,
    bias: Float32Array | null,
    dx: Float32Array,
    dresidual: Float32Array | null,
    dweight: Float32Array | null,
    dbias: Float32Array | null,
    g: Int32Array,
    options: Int32Array,
    eps: number,
    alpha: number,
    beta: number,
  ): void;
  /**
   * dx = dy · activation′(value), and dbias [c] = Σ dx over each channel; dx or dbias may be null. `value` is the result of
   * relu, hardSigmoid, sigmoid and tanh (for relu its argument will do), the argument of clip, leakyRelu, hardSwish, silu
   * and gelu, and null for identity. `g` is how dy lies; `options` are ActivationOptions, Other being the value. dx may be
   * dy or the value if they lie alike.
   */
  blockedActivationGrad(
    dy: Float32Array,
    value: Float32Array | null,
    dx: Float32Array | null,
    dbias: Float32Array | null,
    g: Int32Array,
    options: Int32Array,
    alpha: number,
    beta: number,
  ): void;
  /**
   * Channel first + i of y is channel channels[i] of x. Of the last block written, channels behind the last one are
   * overwritten: what is put together from several tensors is put together in order.
   */
  blockedGatherChannels(
    x: Float32Array,
    channels: Int32Array,
    y: Float32Array,
    from: Int32Array,
    to: Int32Array,
    first: number,
  ): void;
  /**
   * A result is the weighted sum of some rows and columns of x: `rows` [oh, taps] with rowWeights [oh, taps], or one row
   * each and no weights; columns alike.
   */
  blockedResize2d(
    x: Float32Array,
    rows: Int32Array,
    rowWeights: Float32Array | null,
    columns: Int32Array,
    columnWeights: Float32Array | null,
    y: Float32Array,
    from: Int32Array,
    to: Int32Array,
  ): void;
}
