import {
  type ConvTranspose2dOptions,
  ceil,
  conv1d,
  convTranspose2d,
  cumSum,
  flip,
  floor,
  fmod,
  gather,
  gatherNd,
  groupNorm,
  hardSigmoid,
  hardSwish,
  hardTanh,
  indexSelect,
  instanceNorm,
  interpolate,
  layerNorm,
  localResponseNorm,
  logSumExp,
  mish,
  mod,
  norm,
  pixelShuffle,
  pixelUnshuffle,
  prelu,
  prod,
  relu6,
  resize,
  round,
  type Shape,
  scatter,
  scatterNd,
  selu,
  softsign,
  square,
  type Tensor,
  tensor,
  tile,
  topK,
  tril,
  triu,
  unflatten,
} from '../../lib/index.js';
import { apart, between, type GradientCase, labels, ofOne, ofTwo, positive } from './gradientinputs.js';

const at = labels;

const INDEXING: GradientCase[] = [
  ofOne('indexselect', (x) => square(indexSelect(x, 1, at([2, 0, 2, -1], [2, 2]))), [2, 3, 2], 'an entry twice'),
  ofOne('gathernd', (x) => square(gatherNd(x, at([0, 1, 2, 0, 0, 1], [3, 2]))), [3, 2, 2], 'a pair twice'),
  ofOne('gathernd', (x) => square(gatherNd(x, at([1, 0, 2, 2], [2, 2, 1]), { batchDims: 1 })), [2, 3, 2], 'batches'),
  ofOne('gather', (x) => square(gather(x, 0, at([1, 0, 0, 1, 1, 1], [3, 2]))), [2, 3], 'an element twice'),
  ofTwo('scatter', (x, u) => square(scatter(x, 1, at([2, 0, 1, 2], [2, 2]), u)), 'replaced', [2, 3], [2, 2]),
  ofTwo(
    'scatter',
    (x, u) => square(scatter(x, 0, at([1, 1, 0]), u, { reduction: 'add' })),
    'added, one place twice',
    [2],
    [3],
  ),
  ofTwo('scatternd', (x, u) => square(scatterNd(x, at([2, 0], [2, 1]), u)), 'rows replaced', [3, 2], [2, 2]),
  ofTwo(
    'scatternd',
    (x, u) => square(scatterNd(x, at([1, 0, 1, 0], [2, 2]), u, { reduction: 'add' })),
    'added, one place twice',
    [2, 2],
    [2],
  ),
  ofOne('topk', (x) => square(topK(x, 2, { axis: 0 })[0]), apart([4, 2]), 'largest'),
  ofOne('topk', (x) => square(topK(x, 3, { largest: false })[0]), apart([2, 5]), 'smallest'),
  ofOne('cumsum', (x) => square(cumSum(x, 1)), [2, 4]),
  ofOne('cumsum', (x) => square(cumSum(x, 0, { exclusive: true, reverse: true })), [3, 2], 'exclusive, from the end'),
  ofOne('flip', (x) => square(flip(x, [0, -1])), [2, 2, 3]),
  ofOne('tile', (x) => square(tile(x, [2, 1, 3])), [2, 2, 2]),
  ofOne('tril', (x) => square(tril(x, 1)), [2, 3, 3]),
  ofOne('triu', (x) => square(triu(x, -1)), [3, 2]),
];

function ofConvTranspose2d(why: string, x: Shape, weight: Shape, options: ConvTranspose2dOptions): GradientCase {
  const inputs = { x, weight, bias: [weight[1] * (options.groups ?? 1)] };
  return { op: 'convtranspose2d', why, inputs, f: (t) => convTranspose2d(t.x, t.weight, t.bias, options) };
}

const running = {
  runningMean: tensor([0.3, -0.2], undefined, { dtype: 'float64' }) as Tensor,
  runningVar: tensor([0.5, 1.5], undefined, { dtype: 'float64' }) as Tensor,
};
const half = { mode: 'linear', coordinateTransform: 'half_pixel' } as const;
const IMAGES: GradientCase[] = [
  ofConvTranspose2d('strided, padded', [1, 2, 3, 2], [2, 2, 3, 2], { stride: 2, padding: [1, 0], outputPadding: 1 }),
  ofConvTranspose2d('groups, dilated', [1, 4, 2, 2], [4, 1, 2, 2], { groups: 2, dilation: [2, 1] }),
  ofOne('interpolate', (x) => square(interpolate(x, { scaleFactor: 2 })), [1, 2, 2, 3], 'nearest'),
  ofOne('interpolate', (x) => square(interpolate(x, { size: [5, 2], mode: 'bilinear' })), [1, 1, 3, 4], 'bilinear'),
  ofOne('interpolate', (x) => square(interpolate(x, { size: 3, mode: 'bicubic' })), [1, 1, 2, 5], 'bicubic'),
  ofOne(
    'resize',
    (x) => square(resize(x, { ...half, axes: [1], sizes: [2], antialias: true, excludeOutside: true })),
    [2, 7],
    'averages over many',
  ),
  ofOne('pixelshuffle', (x) => square(pixelShuffle(x, 2)), [1, 4, 2, 1]),
  ofOne('pixelshuffle', (x) => square(pixelUnshuffle(x, 2, { order: 'DCR' })), [1, 1, 2, 4], 'and back'),
  {
    op: 'layernorm',
    why: 'two axes',
    inputs: { x: [2, 2, 3], weight: [2, 3], bias: [2, 3] },
    f: (t) => layerNorm(t.x, [2, 3], t.weight, t.bias),
  },
  {
    op: 'groupnorm',
    why: 'two groups',
    inputs: { x: [2, 4, 2], weight: [4], bias: [4] },
    f: (t) => groupNorm(t.x, 2, t.weight, t.bias),
  },
  ofOne('instancenorm', (x) => square(instanceNorm(x, null, null, { eps: 0.1 })), [2, 2, 4]),
  {
    op: 'instancenorm',
    why: 'running statistics',
    inputs: { x: [2, 2, 3], weight: [2], bias: [2] },
    f: (t) => instanceNorm(t.x, t.weight, t.bias, { training: false, ...running }),
  },
  {
    op: 'conv1d',
    why: 'groups, strided, dilated, padded on one side',
    inputs: { x: [2, 4, 7], weight: [6, 2, 2], bias: [6] },
    f: (t) => conv1d(t.x, t.weight, t.bias, { groups: 2, stride: 2, dilation: 3, padding: [0, 2] }),
  },
  {
    op: 'conv1d',
    why: 'same padding, no bias',
    inputs: { x: [1, 2, 5], weight: [1, 2, 4] },
    f: (t) => conv1d(t.x, t.weight, null, { padding: 'same' }),
  },
  ofOne('unflatten', (x) => square(unflatten(x, 1, [2, -1])), [2, 6]),
  ofOne('localresponsenorm', (x) => localResponseNorm(x, 3, { alpha: 2 }), [2, 4, 2]),
];

const MORE_FUNCTIONS: GradientCase[] = [
  ofOne('hardsigmoid', (x) => hardSigmoid(x, { alpha: 0.3 }), apart([3, 4])),
  ofOne('hardswish', hardSwish, between(-2.9, 2.9, [8]), 'the middle part'),
  ofOne('hardswish', hardSwish, apart([24]), 'all parts'),
  ofOne('mish', mish, between(-4, 4, [12])),
  ofOne('selu', (x) => selu(x), apart([12])),
  ofOne('hardtanh', (x) => square(hardTanh(x, { minVal: -0.6, maxVal: 0.8 })), apart([12])),
  ofOne('relu6', (x) => square(relu6(x)), apart([40])),
  ofOne('softsign', softsign, apart([12])),
  ofOne('floor', floor, apart([6]), 'zero everywhere'),
  ofOne('ceil', ceil, apart([6]), 'zero everywhere'),
  ofOne('round', round, between(0.6, 1.4, [6]), 'zero everywhere'),
  ofTwo('prelu', prelu, 'a slope a channel', apart([2, 3, 2]), [3, 1]),
  ofTwo('mod', mod, 'between the jumps', between(2.1, 2.9, [6]), between(0.97, 1.03, [6])),
  ofTwo('fmod', fmod, 'between the jumps', between(-2.9, -2.1, [6]), between(0.97, 1.03, [6])),
  ofOne('prod', (x) => prod(x, 1), positive([3, 4])),
  ofOne('prod', (x) => prod(x, [0, 2], { keepDims: true }), [2, 2, 2], 'two axes'),
  ofOne('logsumexp', (x) => logSumExp(x, 1), [3, 4]),
  ofOne('norm', (x) => norm(x, 1), [3, 4], 'squares'),
  ofOne('norm', (x) => norm(x, 0, { p: 1 }), apart([3, 4]), 'magnitudes'),
];

/** Of what networks have between and behind their convolutions. */
export const LAYER_CASES: readonly GradientCase[] = [...INDEXING, ...IMAGES, ...MORE_FUNCTIONS];
