import * as core from '../../lib/index.js';
import { nn, type Tensor } from '../../lib/index.js';

type Floats = Tensor<'float32'>;

/** A model to export: a layer, or a function of tensors, with the shapes of its inputs. */
export interface ExportCase {
  name: string;
  model: nn.Module;
  shapes: readonly (readonly number[])[];
  /** Default 17. */
  opset?: number;
  /** Elements of the inputs: between −2 and 2, or only above 0.1. */
  positive?: boolean;
}

class Composed extends nn.Module {
  readonly #compute: (...inputs: Floats[]) => Tensor;

  constructor(compute: (...inputs: Floats[]) => Tensor) {
    super();
    this.#compute = compute;
  }

  forward(...inputs: Tensor[]): Tensor {
    return this.#compute(...(inputs as Floats[]));
  }
}

type Options = Partial<Pick<ExportCase, 'opset' | 'positive'>>;

const layer = (name: string, model: nn.Module, shape: readonly number[], options: Options = {}): ExportCase => ({
  name,
  model,
  shapes: [shape],
  ...options,
});

const unary = (name: string, compute: (x: Floats) => Tensor, options: Options & { shape?: number[] } = {}) =>
  layer(name, new Composed(compute), options.shape ?? [2, 3, 4], options);

const binary = (name: string, compute: (a: Floats, b: Floats) => Tensor, other: number[] = [2, 3, 4]): ExportCase => ({
  name,
  model: new Composed(compute),
  shapes: [[2, 3, 4], other],
});

const image = [2, 4, 9, 10];
const sequence = [2, 4, 11];
const ints = (values: number[], shape: number[] = [values.length]) => core.tensor(Int32Array.from(values), shape);
const toInt = (x: Floats) => x.mul(3).to('int32');

/** A normalisation with statistics that are not those it starts with. */
function tracked<T extends nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d>(norm: T): T {
  norm.runningMean?.data.set([0.5, -1, 0, 2]);
  norm.runningVar?.data.set([0.5, 1, 2, 4]);
  return norm;
}

export function exportCases(): ExportCase[] {
  core.manualSeed(3);
  const norm = tracked(new nn.BatchNorm2d(4));
  const residual = new nn.Conv2d(4, 4, 3, { padding: 1 });
  const weight = core.randn([4, 3, 3, 2]);
  const bias = core.randn([6]);
  return [
    layer('a network', lenet(), [2, 1, 12, 12]),
    layer('Conv2d', new nn.Conv2d(4, 6, 3), image),
    layer(
      'Conv2d with everything',
      new nn.Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [1, 0, 2, 1], dilation: [1, 2], groups: 2, bias: false }),
      image,
    ),
    layer('BatchNorm2d', norm, image),
    layer('Linear', new nn.Linear(4, 5), [2, 4]),
    layer('Linear on rows of rows', new nn.Linear(4, 5), [2, 3, 4]),
    layer('Linear without bias', new nn.Linear(4, 5, { bias: false }), [2, 4]),
    layer('MaxPool2d', new nn.MaxPool2d(3, { stride: 2, padding: 1 }), image),
    layer('MaxPool2d, ceil', new nn.MaxPool2d(2, { stride: 2, ceilMode: true }), image),
    layer('MaxPool2d, dilated', new nn.MaxPool2d([2, 3], { stride: 1, dilation: 2 }), image),
    layer('AvgPool2d', new nn.AvgPool2d(3, { stride: 2, padding: 1 }), image),
    layer('AvgPool2d without padding in the count', new nn.AvgPool2d(3, { padding: 1, countIncludePad: false }), image),
    layer('AdaptiveAvgPool2d(1)', new nn.AdaptiveAvgPool2d(1), image),
    layer('AdaptiveAvgPool2d, even', new nn.AdaptiveAvgPool2d([3, 5]), image),
    layer('AdaptiveAvgPool2d, uneven', new nn.AdaptiveAvgPool2d([4, 7]), image),
    layer('Dropout', new nn.Dropout(0.5), [2, 3]),
    layer('Dropout2d', new nn.Dropout2d(0.5), image),
    layer('BatchNorm1d', tracked(new nn.BatchNorm1d(4)), [2, 4]),
    layer('BatchNorm1d on sequences', tracked(new nn.BatchNorm1d(4)), sequence),
    layer('GroupNorm', new nn.GroupNorm(2, 4), image),
    layer('LayerNorm', new nn.LayerNorm([9, 10]), image),
    layer('InstanceNorm2d', new nn.InstanceNorm2d(4, { affine: true }), image),
    layer('InstanceNorm2d with statistics', tracked(new nn.InstanceNorm2d(4, { trackRunningStats: true })), image),
    layer('Conv1d', new nn.Conv1d(4, 6, 3, { padding: 'same', stride: 2, groups: 2 }), sequence),
    layer('Conv1d, mirrored', new nn.Conv1d(4, 2, 4, { padding: [2, 1], paddingMode: 'reflect' }), sequence),
    layer('ConvTranspose2d', new nn.ConvTranspose2d(4, 6, 3, { stride: 2, outputPadding: 1, groups: 2 }), image),
    layer('MaxPool1d', new nn.MaxPool1d(3, { stride: 2, padding: 1 }), sequence),
    layer('AvgPool1d', new nn.AvgPool1d(3, { ceilMode: true }), sequence),
    layer('AdaptiveMaxPool2d(1)', new nn.AdaptiveMaxPool2d(1), image),
    layer('AdaptiveMaxPool2d, uneven', new nn.AdaptiveMaxPool2d([4, 7]), image),
    layer('Upsample', new nn.Upsample({ scaleFactor: 2, mode: 'bilinear', alignCorners: true }), image),
    layer('PixelShuffle', new nn.PixelShuffle(2), image),
    layer('PixelUnshuffle', new nn.PixelUnshuffle(3), [2, 4, 9, 12]),
    layer('ZeroPad2d', new nn.ZeroPad2d([1, 2]), image),
    layer('ConstantPad2d', new nn.ConstantPad2d([0, 1, 2, 3], 1.5), image),
    layer('ReflectionPad2d', new nn.ReflectionPad2d([1, 2, 3, 0]), image),
    layer('ReplicationPad2d', new nn.ReplicationPad2d(2), image),
    layer('CircularPad2d', new nn.CircularPad2d([1, 0, 2, 1]), image),
    layer('PReLU', new nn.PReLU(4), image),
    layer('PReLU of one slope', new nn.PReLU(), [2, 3]),
    layer('Unflatten', new nn.Unflatten(1, [2, -1]), image),
    layer(
      'Residual',
      new nn.Residual(new nn.Conv2d(4, 6, 3, { stride: 2, padding: 1 }), {
        shortcut: new nn.Conv2d(4, 6, 1, { stride: 2 }),
        activation: new nn.ReLU(),
      }),
      image,
    ),
    ...[
      new nn.ReLU(),
      new nn.LeakyReLU(0.2),
      new nn.ELU(),
      new nn.GELU(),
      new nn.GELU('tanh'),
      new nn.SELU(),
      new nn.Mish(),
      new nn.ReLU6(),
      new nn.Hardtanh(-0.5, 1.5),
      new nn.Hardsigmoid(),
      new nn.Hardswish(),
      new nn.Softsign(),
      new nn.LogSoftmax(1),
      new nn.Identity(),
      new nn.SiLU(),
      new nn.Softplus(2),
      new nn.Sigmoid(),
      new nn.Tanh(),
      new nn.Softmax(1),
    ].map((activation, i) => layer(`${i} ${activation.constructor.name}`, activation, [2, 3])),
    binary('mse', (a, b) => core.mse(a, b, { reduction: 'sum' })),
    binary('l1', (a, b) => core.l1(a, b, { reduction: 'none' })),
    binary('huber', (a, b) => core.huber(a, b, { delta: 0.5, reduction: 'none' })),
    binary('smoothL1', (a, b) => core.smoothL1(a, b, { beta: 0.5, reduction: 'sum' })),
    binary('bceWithLogits', (a, b) => core.bceWithLogits(a, core.sigmoid(b), { reduction: 'none' })),
    binary('focal', (a, b) => core.focal(a, core.sigmoid(b), { reduction: 'none' })),
    binary('dice', (a, b) => core.dice(core.sigmoid(a), core.sigmoid(b), { reduction: 'none' })),
    layer('Flatten', new nn.Flatten(), image),
    layer('a residual', new Composed((x) => residual.forward(x).add(x).relu()), image),
    unary('maxPool2dWithIndices', (x) => core.maxPool2dWithIndices(x, 2)[1], { shape: image }),
    unary('adaptiveMaxPool2dWithIndices', (x) => core.adaptiveMaxPool2dWithIndices(x, [3, 5])[1], { shape: image }),
    unary(
      'convTranspose2d',
      (x) => core.convTranspose2d(x, weight, null, { stride: 2, padding: [1, 0, 0, 1], outputPadding: [1, 0] }),
      { shape: image },
    ),
    unary(
      'convTranspose2d, groups and bias',
      (x) => core.convTranspose2d(x, weight, bias, { groups: 2, dilation: 2 }),
      { shape: image },
    ),
    unary('nothing', (x) => x),
    unary('a constant', () => core.tensor([1, 2])),
    ...Object.entries({
      abs: core.abs,
      ceil: core.ceil,
      erf: core.erf,
      exp: core.exp,
      floor: core.floor,
      gelu: (x: Floats) => core.gelu(x),
      hardSigmoid: core.hardSigmoid,
      hardSwish: core.hardSwish,
      mish: core.mish,
      neg: core.neg,
      relu: core.relu,
      round: core.round,
      selu: core.selu,
      sigmoid: core.sigmoid,
      sign: core.sign,
      silu: core.silu,
      softplus: (x: Floats) => core.softplus(x),
      softsign: core.softsign,
      square: core.square,
      tanh: core.tanh,
      isNan: core.isNan,
      isInf: core.isInf,
    }).map(([name, compute]) => unary(name, compute)),
    ...Object.entries({ log: core.log, sqrt: core.sqrt, reciprocal: core.reciprocal }).map(([name, compute]) =>
      unary(name, compute, { positive: true }),
    ),
    unary('gelu of opset 20', (x) => core.gelu(x), { opset: 20 }),
    unary('mish of opset 18', core.mish, { opset: 18 }),
    unary('leakyRelu', (x) => core.leakyRelu(x, 0.3)),
    unary('elu', (x) => core.elu(x, 0.7)),
    unary('clip', (x) => core.clip(x, -0.5, 1)),
    unary('softmax', (x) => core.softmax(x, 1)),
    unary('logSoftmax', (x) => core.logSoftmax(x)),
    unary('logicalNot', (x) => core.logicalNot(core.gt(x, 0))),
    ...Object.entries({
      add: core.add,
      sub: core.sub,
      mul: core.mul,
      div: core.div,
      maximum: core.maximum,
      minimum: core.minimum,
      mod: core.mod,
      fmod: core.fmod,
    }).flatMap(([name, compute]) => [
      binary(name, (a, b) => compute(a, b)),
      binary(`${name}, broadcast`, (a, b) => compute(a, b), [2, 1, 4]),
    ]),
    ...Object.entries({
      add: core.add,
      sub: core.sub,
      mul: core.mul,
      maximum: core.maximum,
      minimum: core.minimum,
      mod: core.mod,
      fmod: core.fmod,
    }).map(([name, compute]) =>
      binary(`${name} of integers`, (a, b) => compute(toInt(a), core.add(core.abs(toInt(b)), 1))),
    ),
    ...Object.entries({ eq: core.eq, ne: core.ne, lt: core.lt, le: core.le, gt: core.gt, ge: core.ge }).map(
      ([name, compute]) => binary(name, (a, b) => compute(toInt(a), toInt(b))),
    ),
    ...Object.entries({ logicalAnd: core.logicalAnd, logicalOr: core.logicalOr, logicalXor: core.logicalXor }).map(
      ([name, compute]) => binary(name, (a, b) => compute(core.gt(a, 0), core.gt(b, 0))),
    ),
    binary('pow', (a, b) => core.pow(core.abs(a), b)),
    binary('where', (a, b) => core.where(core.gt(a, b), a, b)),
    binary('prelu', (a, b) => core.prelu(a, b), [2, 3, 4]),
    binary('matmul', (a, b) => core.matmul(a, b), [2, 4, 3]),
    binary('matmul, transposed', (a, b) => core.matmul(a, b, { transposeB: true }), [2, 5, 4]),
    binary('concat', (a, b) => core.concat([a, b], 1), [2, 2, 4]),
    unary('cast', (x) => x.to('int32')),
    unary('sum', (x) => core.sum(x, [1, 2])),
    unary('sum of all', (x) => core.sum(x)),
    unary('sum over the batch', (x) => core.sum(x, 0)),
    unary('mean', (x) => core.mean(x, 1, { keepDims: true })),
    unary('max', (x) => core.max(x, 2)),
    unary('min, opset 18', (x) => core.min(x, [1, 2], { keepDims: true }), { opset: 18 }),
    unary('prod', (x) => core.prod(x, 2)),
    unary('logSumExp', (x) => core.logSumExp(x, 2)),
    unary('argmax', (x) => core.argmax(x, 1)),
    unary('argmin', (x) => core.argmin(x, 2, { keepDims: true })),
    unary('topK', (x) => core.topK(x, 2)[0]),
    unary('positions of topK', (x) => core.topK(x, 2, { axis: 1, largest: false })[1]),
    unary('cumSum', (x) => core.cumSum(x, 2, { exclusive: true, reverse: true })),
    unary('reshape', (x) => x.reshape([-1, 6])),
    unary('reshape across the batch', (x) => x.reshape([3, -1, 4])),
    unary('permute', (x) => x.permute([2, 0, 1])),
    unary('transpose', (x) => x.transpose(0, 2)),
    unary('squeeze and unsqueeze', (x) => x.unsqueeze(1).squeeze(1).unsqueeze(3)),
    unary('slice', (x) => x.slice([null, [1], [0, 4, 2]])),
    unary('slice of the batch', (x) => x.slice([[1]])),
    unary('slice with nothing left', (x) => x.slice([null, [1, 1]])),
    unary('expand', (x) => x.sum(1, { keepDims: true }).expand([x.shape[0], 3, 4])),
    unary('flip', (x) => core.flip(x, [0, 2])),
    unary('tile', (x) => core.tile(x, [1, 2, 2])),
    unary('stack', (x) => core.stack([x, x.neg()], 1)),
    unary('tril', (x) => core.tril(x)),
    unary('triu', (x) => core.triu(x, 1)),
    unary('pad', (x) => core.pad(x, [1, 2, 0, 3], { value: 1.5 })),
    ...(['reflect', 'replicate', 'circular'] as const).map((mode) =>
      unary(`pad, ${mode}`, (x) => core.pad(x, [1, 2, 2, 1], { mode })),
    ),
    unary('pad, circular, opset 19', (x) => core.pad(x, [1, 2, 2, 1], { mode: 'circular' }), { opset: 19 }),
    unary('indexSelect', (x) => core.indexSelect(x, 2, ints([3, 0, -1, 1], [2, 2]))),
    binary('gather', (a, b) => core.gather(a, 2, core.cast(core.mod(core.abs(toInt(b)), 4), 'int32')), [2, 3, 2]),
    unary('gatherNd', (x) => core.gatherNd(x, ints([0, 1, 1, 2], [2, 2]))),
    unary('scatter', (x) =>
      core.scatter(x, 2, core.argmax(x, 2, { keepDims: true }), x.sum(2, { keepDims: true }), { reduction: 'add' }),
    ),
    unary('scatterNd', (x) => core.scatterNd(x, ints([0, 1], [2, 1]), x.slice([[0, 2]]).neg())),
    unary('oneHot', (x) => core.oneHot(core.argmax(x, 2), 5)),
    unary('layerNorm', (x) => core.layerNorm(x, [4], core.tensor([1, 2, 3, 4]), core.tensor([1, 0, -1, 0]))),
    unary('instanceNorm', (x) => core.instanceNorm(x, core.tensor([1, 2, 3, 4]), null), { shape: image }),
    unary('groupNorm', (x) => core.groupNorm(x, 2, core.tensor([1, 2, 3, 4]), core.tensor([1, 0, -1, 0])), {
      shape: image,
    }),
    unary('groupNorm, opset 18', (x) => core.groupNorm(x, 2), { shape: image, opset: 18 }),
    unary('localResponseNorm', (x) => core.localResponseNorm(x, 3), { shape: image }),
    unary('pixelShuffle', (x) => core.pixelShuffle(x, 2), { shape: image }),
    unary('pixelUnshuffle', (x) => core.pixelUnshuffle(x, 2), { shape: [2, 1, 4, 6] }),
    unary('interpolate, nearest', (x) => core.interpolate(x, { scaleFactor: 2 }), { shape: image }),
    unary('interpolate, nearest, odd', (x) => core.interpolate(x, { size: [13, 7] }), { shape: image }),
    unary('interpolate, bilinear', (x) => core.interpolate(x, { size: [18, 7], mode: 'bilinear' }), { shape: image }),
    unary('interpolate, corners', (x) => core.interpolate(x, { size: [18, 7], mode: 'bilinear', alignCorners: true }), {
      shape: image,
    }),
    unary('interpolate, bicubic', (x) => core.interpolate(x, { scaleFactor: 2, mode: 'bicubic' }), { shape: image }),
    unary('interpolate, smoothed', (x) => core.interpolate(x, { size: [5, 4], mode: 'bilinear', antialias: true }), {
      shape: image,
    }),
    unary(
      'interpolate, smoothed, opset 18',
      (x) => core.interpolate(x, { size: [5, 4], mode: 'bilinear', antialias: true }),
      { shape: image, opset: 18 },
    ),
    unary('resize by other rules', (x) => core.resize(x, { axes: [2], sizes: [5], mode: 'cubic', cubicCoeff: -0.5 }), {
      shape: image,
    }),
  ];
}

function lenet(): nn.Module {
  return new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(4, 8, 3),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Dropout(0.5),
    new nn.Linear(128, 10),
  );
}
