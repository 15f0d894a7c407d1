import {
  bce,
  bceWithLogits,
  crossEntropy,
  dice,
  focal,
  huber,
  l1,
  logSoftmax,
  mse,
  nll,
  smoothL1,
  square,
  type Tensor,
  tensor,
} from '../../lib/index.js';
import { apart, between, type GradientCase, labels, ofOne, ofTwo, positive } from './gradientinputs.js';

const [mean, sum, none] = (['mean', 'sum', 'none'] as const).map((reduction) => ({ reduction }));
const weight = tensor([0.5, 2, 1.25], undefined, { dtype: 'float64' }) as Tensor;
const masks = (shape: number[]) => between(0.05, 0.95, shape);

const LABELLED: GradientCase[] = [
  ofOne('crossentropy', (x) => crossEntropy(x, labels([2, 0, 1]), mean), [3, 4], 'mean'),
  ofOne('crossentropy', (x) => crossEntropy(x, labels([1, 1]), sum), [2, 3], 'sum'),
  ofOne('crossentropy', (x) => crossEntropy(x, labels([3, 0]), none), [2, 4], 'none'),
  ofOne('crossentropy', (x) => crossEntropy(x, labels([2, -100, 1])), [3, 4], 'an ignored label'),
  ofOne(
    'crossentropy',
    (x) => crossEntropy(x, labels([2, 9, 1, 0, 9, 1], [2, 3]), { ignoreIndex: 9, ...none }),
    [2, 3, 3],
    'pixels, some ignored',
  ),
  ofOne(
    'crossentropy',
    (x) => crossEntropy(x, labels([2, 1, 1, 0], [1, 2, 2]), { ignoreIndex: 1, weight }),
    [1, 3, 2, 2],
    'a class that is ignored, weights',
  ),
  ofOne('crossentropy', (x) => crossEntropy(x, labels([2, 0]), { labelSmoothing: 0.3 }), [2, 3], 'smoothed'),
  ofOne(
    'crossentropy',
    (x) => crossEntropy(x, labels([2, -100, 0]), { labelSmoothing: 0.3, weight, ...none }),
    [3, 3],
    'smoothed, weights, an ignored label',
  ),
  ofTwo('crossentropy', (x, t) => crossEntropy(x, t), 'probabilities', [2, 3], positive([2, 3])),
  ofTwo(
    'crossentropy',
    (x, t) => crossEntropy(x, t, { weight, labelSmoothing: 0.2, ...none }),
    'probabilities of pixels, weights, smoothed',
    [1, 3, 2],
    positive([1, 3, 2]),
  ),
  {
    op: 'crossentropy',
    why: 'the weights themselves',
    inputs: { x: [3, 3], weight: positive([3]) },
    f: (t) => crossEntropy(t.x, labels([2, 0, 2]), { weight: t.weight, labelSmoothing: 0.1 }),
  },
  ofOne('nll', (x) => nll(logSoftmax(x, 1), labels([2, 0, 1])), [3, 4], 'mean'),
  ofOne(
    'nll',
    (x) => nll(square(x), labels([2, 1, 1, 0], [1, 4]), { weight, ignoreIndex: 0, ...none }),
    [1, 3, 4],
    'weights, an ignored class',
  ),
];

const PAIRED: GradientCase[] = [
  ofTwo('mse', (a, b) => mse(a, b), 'both sides', [2, 3], [2, 3]),
  ofTwo('l1', (a, b) => l1(a, b), 'both sides', apart([2, 3]), apart([2, 3], 1)),
  ofTwo('huber', (a, b) => huber(a, b, { delta: 0.75, ...none }), 'both branches', apart([4, 3]), apart([4, 3], 1)),
  ofTwo('smoothl1', (a, b) => smoothL1(a, b, { beta: 0.75 }), 'both branches', apart([4, 3]), apart([4, 3], 1)),
  ofTwo('smoothl1', (a, b) => smoothL1(a, b, { beta: 0 }), 'no parabola', apart([2, 3]), apart([2, 3], 1)),
  ofTwo('bce', (p, t) => bce(p, t), 'both sides', masks([2, 3]), masks([2, 3])),
  {
    op: 'bce',
    why: 'weights that stretch',
    inputs: { p: masks([2, 3]), t: masks([2, 3]), weight: positive([3]) },
    f: (t) => bce(t.p, t.t, { weight: t.weight, reduction: 'none' }),
  },
  ofTwo('bcewithlogits', (x, t) => bceWithLogits(x, t), 'both sides', [2, 3], masks([2, 3])),
  {
    op: 'bcewithlogits',
    why: 'both weights',
    inputs: { x: [2, 3], t: masks([2, 3]), weight: positive([2, 1]), posWeight: positive([3]) },
    f: ({ x, t, ...weights }) => bceWithLogits(x, t, { ...weights, reduction: 'sum' }),
  },
  ofTwo('focal', (x, t) => focal(x, t), 'defaults', [2, 3], masks([2, 3])),
  ofTwo('focal', (x, t) => focal(x, t, { alpha: null, gamma: 0.5, ...none }), 'a root', [2, 3], masks([2, 3])),
  ofTwo('focal', (x, t) => focal(x, t, { alpha: 0.75, gamma: 0 }), 'no focus', [2, 3], masks([2, 3])),
  ofTwo('dice', (p, t) => dice(p, t), 'both sides', masks([2, 2, 3]), masks([2, 2, 3])),
  ofTwo('dice', (p, t) => dice(p, t, { smooth: 0, ...none }), 'each mask', masks([2, 1, 2, 2]), masks([2, 1, 2, 2])),
];

export const LOSS_CASES: readonly GradientCase[] = [...LABELLED, ...PAIRED];
