import { type Tensor, tensor } from '../../lib/index.js';
import { type Case, OPERATIONS, type Stored, type StoredTensors } from './cases.js';

/**
 * Bounds of rounding errors, per element and in units of u, the relative error of one operation: 2^-24 in float32, 2^-53
 * in float64. A sum of K terms whose absolute values add up to S is allowed u·S·(4 + √K), the rate at which errors of one
 * sign grow under any sensible order of additions; S and K come from the tested code itself in float64, so a bound knows
 * how long the sums are and how much they cancel.
 */
export interface Bounds {
  output: ArrayLike<number>;
  gradients: Record<string, ArrayLike<number>>;
}

/** What an operation makes of a case in float64, every input and the output's gradient replaced by `map`. */
function evaluate(c: Case, map: (values: number[], name: string) => number[]): { output: Tensor; gradients: Tensors } {
  const wide = ({ shape, data }: Stored, name: string) =>
    tensor(Float64Array.from(map(data, name)), shape, { requiresGrad: name !== 'dy' });
  const inputs = Object.fromEntries(Object.entries(c.inputs).map(([name, stored]) => [name, wide(stored, name)]));
  const output = OPERATIONS[c.op](inputs, c);
  output.backward(wide(c.dy, 'dy'));
  return { output, gradients: Object.fromEntries(Object.entries(inputs).map(([name, { grad }]) => [name, grad])) };
}
type Tensors = Record<string, Tensor | null>;

const values = (t: Tensor | null) => t?.storage.values as Float64Array;
const sqrtTerms = (k: number) => 4 + Math.sqrt(k);
const zip = (...lists: ArrayLike<number>[]) => Array.from(lists[0], (_, i) => lists.map((list) => list[i]));

/**
 * Of an operation linear in each input: on absolute values it gives S, on ones K. Averages weigh their terms below 1, so
 * that K comes out too small: `least` is as many as any of them has.
 */
function ofSums(c: Case, least = 0): Bounds {
  const sums = evaluate(c, (data) => data.map(Math.abs));
  const counts = evaluate(c, (data) => data.map(() => 1));
  const bound = (s: Tensor | null, k: Tensor | null) =>
    zip(values(s), values(k)).map(([sum, count]) => Math.abs(sum) * sqrtTerms(Math.max(count, least)));
  const gradients = Object.keys(c.inputs).map((name) => [name, bound(sums.gradients[name], counts.gradients[name])]);
  return { output: bound(sums.output, counts.output), gradients: Object.fromEntries(gradients) };
}

/** Values are picked, which is exact; gradients are sums over the windows that picked them. */
function ofPicks(c: Case): Bounds {
  const ofGradient = (map: (v: number) => number) =>
    values(evaluate(c, (data, name) => (name === 'dy' ? data.map(map) : data)).gradients.x);
  const x = zip(
    ofGradient(Math.abs),
    ofGradient(() => 1),
  ).map(([sum, count]) => sum * sqrtTerms(count));
  return { output: c.output.data.map(() => 0), gradients: { x } };
}

/**
 * Of y = f(x): a function may be 2.5 units in the last place off, 5u·|y|; gelu, whose result cancels against x, 2.5u·|x|.
 * A gradient rule takes at most ten roundings and two such functions, of numbers no larger than |dy|·(1 + |x|): 20u.
 */
function ofFunctions({ op, inputs, dy, output }: Case): Bounds {
  const own = (y: number, x: number) => (op === 'gelu' ? 2.5 * Math.abs(x) : 5 * Math.abs(y));
  return {
    output: zip(output.data, inputs.x.data).map(([y, x]) => own(y, x)),
    gradients: { x: zip(dy.data, inputs.x.data).map(([d, x]) => 20 * Math.abs(d) * (1 + Math.abs(x))) },
  };
}

/** Lines along an axis: calls `visit` with the positions of each. */
function forEachLine(shape: readonly number[], axis: number, visit: (at: number[], line: number) => void): void {
  const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const lines = shape.reduce((product, extent) => product * extent, 1) / shape[axis];
  for (let line = 0; line < lines; line++) {
    const start = Math.floor(line / inner) * inner * shape[axis] + (line % inner);
    visit(
      Array.from({ length: shape[axis] }, (_, i) => start + i * inner),
      line,
    );
  }
}

/**
 * Of p = e^(x − m) / Σ e^(x − m): the subtraction errs by u·|x − m|, which the exponential turns into a relative error; then
 * two functions (exponential, division) and a sum. logSoftmax errs absolutely by as much as the sum does relatively.
 * In the gradients, p·(dy − Σ dy·p) and dy − p·Σ dy, p carries its error into products, and a sum is added.
 */
function ofSoftmax({ op, options, inputs, dy, output }: Case): Bounds {
  const bounds = { output: [] as number[], gradients: { x: [] as number[] } };
  forEachLine(output.shape, options.axis as number, (at) => {
    const max = Math.max(...at.map((i) => inputs.x.data[i]));
    const k = sqrtTerms(at.length);
    const isLog = op === 'logSoftmax';
    const p = (i: number) => (isLog ? Math.exp(output.data[i]) : output.data[i]);
    const sum = at.reduce((total, i) => total + Math.abs(dy.data[i]) * (isLog ? 1 : p(i)), 0);
    for (const i of at) {
      const relative = Math.abs(inputs.x.data[i] - max) + 10 + k;
      const d = Math.abs(dy.data[i]);
      bounds.output[i] = isLog ? Math.abs(output.data[i]) + relative : p(i) * relative;
      bounds.gradients.x[i] = isLog
        ? d + p(i) * sum * (relative + Math.abs(output.data[i]) + k)
        : p(i) * (d + sum) * (2 * relative + k);
    }
  });
  return bounds;
}

/** Of −log softmax(logits)[label] and its gradient (p − onehot)·dy, with p as above; means divide both. */
function ofCrossEntropy(c: Case): Bounds {
  const { logits } = c.inputs;
  const labels = c.labels?.data ?? [];
  const ignored = (c.options.ignoreIndex as number | undefined) ?? -100;
  const counted = labels.filter((label) => label !== ignored).length;
  const { reduction = 'mean' } = c.options;
  const divisor = reduction === 'mean' ? counted : 1;
  const bounds = { output: [] as number[], gradients: { logits: [] as number[] } };
  forEachLine(logits.shape, 1, (at, position) => {
    const x = at.map((i) => logits.data[i]);
    const max = Math.max(...x);
    const logSum = Math.log(x.reduce((total, v) => total + Math.exp(v - max), 0));
    const label = labels[position];
    const distance = label === ignored ? 0 : Math.abs(x[label] - max);
    bounds.output[position] = label === ignored ? 0 : 2 * (distance + logSum) + 10 + sqrtTerms(at.length);
    const dloss = Math.abs(c.dy.data[reduction === 'none' ? position : 0]) / divisor;
    at.forEach((i, k) => {
      const y = Math.abs(x[k] - max - logSum);
      const p = Math.exp(-y);
      // The error of p, then a subtraction of at most 1, and dloss, itself a quotient.
      const error = p * (2 * y + 10 + sqrtTerms(at.length)) + 4;
      bounds.gradients.logits[i] = label === ignored ? 0 : dloss * error;
    });
  });
  if (reduction === 'none') return bounds;
  // What the losses err by adds up, and their sum and quotient round; losses are not negative, so that S is the sum.
  const total = bounds.output.reduce((sum, bound) => sum + bound, 0);
  return { ...bounds, output: [total / divisor + Math.abs(c.output.data[0]) * (1 + sqrtTerms(counted))] };
}

/** Of Σ (a − b)², whose parts grow largest when a and b have opposite signs: then the sum is S. */
function ofSquares(c: Case): Bounds {
  const opposite = (data: number[], name: string) => data.map((v) => (name === 'target' ? -Math.abs(v) : Math.abs(v)));
  const { output, gradients } = evaluate(c, opposite);
  const k = c.options.reduction === 'none' ? 1 : c.inputs.target.data.length;
  const bound = (t: Tensor | null, terms: number) => Array.from(values(t), (s) => Math.abs(s) * sqrtTerms(terms));
  const gradientBounds = Object.entries(gradients).map(([name, t]) => [name, bound(t, 1)]);
  return { output: bound(output, k), gradients: Object.fromEntries(gradientBounds) };
}

/** Mean and variance per channel, and what they err by in units of u. */
export interface Statistics {
  mean: number[];
  variance: number[];
  meanError: number[];
  varianceError: number[];
}

/** Positions of each channel's elements in [n, c, …]. */
function channelsOf({ shape, data }: Stored): number[][] {
  const size = shape.slice(2).reduce((product, extent) => product * extent, 1);
  return Array.from({ length: shape[1] }, (_, channel) =>
    data.flatMap((_, i) => (Math.floor(i / size) % shape[1] === channel ? [i] : [])),
  );
}

const averageOver = (at: number[], of: (i: number) => number) => at.reduce((sum, i) => sum + of(i), 0) / at.length;

export function statisticsOf(x: Stored): Statistics {
  const statistics: Statistics = { mean: [], variance: [], meanError: [], varianceError: [] };
  for (const at of channelsOf(x)) {
    const k = sqrtTerms(at.length);
    const mean = averageOver(at, (i) => x.data[i]);
    const variance = averageOver(at, (i) => (x.data[i] - mean) ** 2);
    // x − mean errs by u·|x| and enters squared; what the mean errs by cancels to first order
    const spread = averageOver(at, (i) => Math.abs(x.data[i] - mean) * Math.abs(x.data[i]));
    statistics.mean.push(mean);
    statistics.variance.push(variance);
    statistics.meanError.push(k * averageOver(at, (i) => Math.abs(x.data[i])));
    statistics.varianceError.push(2 * spread + k * variance);
  }
  return statistics;
}

/** One call of batch normalisation, in training or in inference. */
export interface NormalisedCase {
  x: Stored;
  dy: Stored;
  output: Stored;
  gradients: StoredTensors;
}

/**
 * Of batch normalisation, y = x̂·weight + bias with x̂ = (x − mean)·invstd, following each error into all it touches. In
 * training the statistics depend on x, so that dx = weight·invstd·(dy − average(dy) − x̂·average(dy·x̂)).
 */
export function ofBatchNorm(
  { x, dy, output, gradients }: NormalisedCase,
  { mean, variance, meanError, varianceError }: Statistics,
  weight: number[] | undefined,
  eps: number,
  training: boolean,
): Bounds {
  const bounds = { x: [] as number[], weight: [] as number[], bias: [] as number[] };
  const outputBounds: number[] = [];
  channelsOf(x).forEach((at, c) => {
    const k = sqrtTerms(at.length);
    const scale = Math.abs(weight ? weight[c] : 1);
    const invstd = 1 / Math.sqrt(variance[c] + eps);
    const invstdError = varianceError[c] / (2 * (variance[c] + eps)) + 3; // relative
    const d = (i: number) => Math.abs(dy.data[i]);
    const xhat = (i: number) => Math.abs(x.data[i] - mean[c]) * invstd;
    const xhatError = (i: number) => invstd * (Math.abs(x.data[i]) + meanError[c]) + xhat(i) * invstdError;
    const sum = averageOver(at, d);
    const product = averageOver(at, (i) => d(i) * xhat(i));
    const productError = averageOver(at, (i) => d(i) * xhatError(i)) + k * product;
    bounds.weight[c] = at.length * productError;
    bounds.bias[c] = at.length * sum * k;
    for (const i of at) {
      outputBounds[i] = scale * (xhatError(i) + 2 * xhat(i)) + 2 * Math.abs(output.data[i]);
      const statistics = sum * (k + 2) + xhat(i) * (productError + 2 * product) + xhatError(i) * product;
      bounds.x[i] =
        scale * invstd * (d(i) + (training ? statistics : 0)) + Math.abs(gradients.x.data[i]) * (invstdError + 2);
    }
  });
  return { output: outputBounds, gradients: bounds };
}

/**
 * Of functions composed of a few dozen operations on numbers no larger than some times the largest result: 64 roundings of
 * that, and of 1.
 */
function ofCompositions({ output, gradients }: Case): Bounds {
  const bound = ({ data }: Stored) => {
    const largest = data.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
    return data.map(() => 64 * largest);
  };
  const entries = Object.entries(gradients).map(([name, gradient]) => [name, bound(gradient)]);
  return { output: bound(output), gradients: Object.fromEntries(entries) };
}

/** Largest window of the pooling cases: 3 × 5. */
const POOL_TERMS = 15;

// biome-ignore format: a list
const COMPOSED = [
  'interpolate', 'layerNorm', 'groupNorm', 'instanceNorm', 'localResponseNorm', 'hardSigmoid', 'hardSwish', 'mish', 'selu',
  'softsign', 'prelu', 'mod', 'fmod', 'logSumExp', 'prod', 'norm', 'topK',
];

const BOUNDS: Record<string, (c: Case) => Bounds> = {
  conv2d: ofSums,
  matmul: ofSums,
  linear: ofSums,
  pad: ofSums,
  avgPool2d: (c) => ofSums(c, POOL_TERMS),
  adaptiveAvgPool2d: (c) => ofSums(c, POOL_TERMS),
  maxPool2d: ofPicks,
  softmax: ofSoftmax,
  logSoftmax: ofSoftmax,
  crossEntropy: ofCrossEntropy,
  mse: ofSquares,
  convTranspose2d: ofSums,
  pixelShuffle: ofSums,
  pixelUnshuffle: ofSums,
  cumSum: ofSums,
  indexSelect: ofSums,
  gather: ofSums,
  scatter: ofSums,
  gatherNd: ofSums,
  scatterNd: ofSums,
  flip: ofSums,
  tile: ofSums,
  tril: ofSums,
  triu: ofSums,
  ...Object.fromEntries(COMPOSED.map((op) => [op, ofCompositions])),
};

export function boundsOf(c: Case): Bounds {
  return (BOUNDS[c.op] ?? ofFunctions)(c);
}
