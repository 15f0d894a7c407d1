import { isGradEnabled } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { CHANNEL_FIELDS, type ChannelGeometry, encode } from '../geometry.js';
import { formatShape, type Shape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { div } from './div.js';
import { mean } from './mean.js';
import { mul } from './mul.js';
import { apply, empty, floats, type Op } from './op.js';
import { reshape } from './reshape.js';
import { sqrt } from './sqrt.js';
import { square } from './square.js';
import { sub } from './sub.js';
import { sum } from './sum.js';

/** Options of {@link batchNorm}. */
export interface BatchNormOptions<D extends DType = DType> {
  /** Normalise with the statistics of this batch, and move the running ones towards them. Default false. */
  training?: boolean;
  /** Running mean and variance [c]; needed outside training, updated in place in training. */
  runningMean?: Tensor<D> | null;
  runningVar?: Tensor<D> | null;
  /** Weight of the new statistics in the running ones, in [0, 1]. Default 0.1. */
  momentum?: number;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
}

interface BatchNormAttributes {
  geometry: ChannelGeometry;
  eps: number;
  batchStatistics: boolean;
}

const op: Op<BatchNormAttributes> = {
  name: 'batchNorm',
  // inputs: x, weight, bias, and outside training the mean and variance to use
  forward([input, weight, bias, givenMean, givenVariance], { geometry, eps, batchStatistics }) {
    const x = input as Tensor;
    const kernels = kernelsFor(x.dtype);
    const g = encode(CHANNEL_FIELDS, geometry);
    const mu = batchStatistics ? empty(x.dtype, [geometry.c]) : (givenMean as Tensor);
    const variance = batchStatistics ? empty(x.dtype, [geometry.c]) : (givenVariance as Tensor);
    if (batchStatistics) kernels.batchNormStatistics(floats(x), floats(mu), floats(variance), g);
    const y = empty(x.dtype, x.shape);
    const [w, b] = [weight && floats(weight), bias && floats(bias)];
    kernels.batchNormForward(floats(x), floats(mu), floats(variance), w, b, floats(y), g, eps);
    return batchStatistics ? [y, mu, variance] : [y];
  },
  gradient({ input, inputShapes, output, needs, attributes }, dy) {
    const weight = inputShapes[1].length ? input(1) : null;
    const { batchStatistics } = attributes;
    const [dx, dweight, dbias] = isGradEnabled()
      ? composedGradients(dy, input(0), weight, batchStatistics ? null : [input(3), input(4)], attributes)
      : fusedGradients(
          dy,
          input(0),
          weight,
          batchStatistics ? [output(1), output(2)] : [input(3), input(4)],
          attributes,
        );
    return [needs[0] ? dx : null, needs[1] ? dweight : null, needs[2] ? dbias : null, null, null];
  },
  saves: { inputs: [0, 1, 3, 4], outputs: [1, 2] },
};

type Gradients = [dx: Tensor, dweight: Tensor, dbias: Tensor];

function fusedGradients(
  dy: Tensor,
  x: Tensor,
  weight: Tensor | null,
  [mu, variance]: readonly [Tensor, Tensor],
  { geometry, eps, batchStatistics }: BatchNormAttributes,
): Gradients {
  const [dx, dweight, dbias] = [x.shape, [geometry.c], [geometry.c]].map((shape) => empty(x.dtype, shape));
  kernelsFor(x.dtype).batchNormBackward(
    floats(dy),
    floats(x),
    floats(mu),
    floats(variance),
    weight && floats(weight),
    floats(dx),
    floats(dweight),
    floats(dbias),
    encode(CHANNEL_FIELDS, geometry),
    eps,
    Number(batchStatistics),
  );
  return [dx, dweight, dbias];
}

/** The same gradients spelled out in ops, with statistics that depend on x, so that they can be differentiated. */
function composedGradients(
  dyGiven: Tensor,
  xGiven: Tensor,
  weight: Tensor | null,
  statistics: readonly [Tensor, Tensor] | null,
  { geometry: { n, c, size }, eps }: BatchNormAttributes,
): Gradients {
  const perChannel = (v: Tensor) => reshape(v, [1, c, 1]);
  const average = (v: Tensor) => mean(v, [0, 2], { keepDims: true });
  const x = reshape(xGiven, [n, c, size]);
  const dy = reshape(dyGiven, [n, c, size]);
  const centred = sub(x, statistics ? perChannel(statistics[0]) : average(x));
  const variance = statistics ? perChannel(statistics[1]) : average(square(centred));
  const deviation = sqrt(add(variance, eps));
  const xhat = div(centred, deviation);
  const through = statistics ? dy : sub(sub(dy, average(dy)), mul(xhat, average(mul(dy, xhat))));
  const scaled = div(through, deviation);
  const dx = reshape(weight ? mul(scaled, perChannel(weight)) : scaled, xGiven.shape);
  return [dx, sum(mul(dy, xhat), [0, 2]), sum(dy, [0, 2])];
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015): y = (x − mean) / √(variance + eps) · weight + bias, per channel.
 *
 * x [n, c, …], weight and bias [c] or null (1 and 0). In training mean and variance are those of the batch (biased) and
 * the running ones become (1 − momentum) · running + momentum · batch, with the unbiased variance, as in PyTorch.
 *
 * @throws ShapeError when x has no channel axis, sizes differ, or training sees one value per channel; ArgumentError when
 *   running statistics are missing outside training or options are out of range; DTypeError unless all share a floating type
 * @example
 * batchNorm(tensor([[1], [3]]), null, null, { training: true, eps: 0 }).toArray(); // [[-1], [1]]
 */
export function batchNorm<D extends DType>(
  x: Tensor<D>,
  weight: Tensor<D> | null = null,
  bias: Tensor<D> | null = null,
  options: BatchNormOptions<D> = {},
): Tensor<D> {
  const { training = false, runningMean = null, runningVar = null, momentum = 0.1, eps = 1e-5 } = options;
  const geometry = checkArguments(x, { weight, bias, runningMean, runningVar });
  check(eps >= 0, 'batchNorm', () => `eps must be at least 0, got ${eps}`, ArgumentError);
  check(
    momentum >= 0 && momentum <= 1,
    'batchNorm',
    () => `momentum must be in [0, 1], got ${momentum}`,
    ArgumentError,
  );
  if (!training) {
    check(
      runningMean !== null && runningVar !== null,
      'batchNorm',
      () => 'runningMean and runningVar are needed outside training',
      ArgumentError,
    );
    const inputs = [x, weight, bias, runningMean, runningVar];
    return apply(op, inputs, { geometry, eps, batchStatistics: false })[0] as Tensor<D>;
  }
  const count = geometry.n * geometry.size;
  check(count > 1, 'batchNorm', () => `training needs more than one value per channel, x is ${formatShape(x.shape)}`);
  const [y, mu, variance] = apply(op, [x, weight, bias, null, null], { geometry, eps, batchStatistics: true });
  if (runningMean) moveTowards(runningMean, mu, momentum, 1);
  if (runningVar) moveTowards(runningVar, variance, momentum, count / (count - 1));
  return y as Tensor<D>;
}

function moveTowards(running: Tensor, batch: Tensor, momentum: number, correction: number): void {
  const [to, from] = [floats(running), floats(batch)];
  for (let c = 0; c < to.length; c++) to[c] = (1 - momentum) * to[c] + momentum * correction * from[c];
  running.storage.version++;
}

function checkArguments(x: Tensor, perChannel: Record<string, Tensor | null>): ChannelGeometry {
  checkFloat('batchNorm', x, ...Object.values(perChannel).filter((v) => v !== null));
  check(x.rank >= 2, 'batchNorm', () => `x must be [n, channels, …], got ${formatShape(x.shape)}`);
  const [n, c] = x.shape;
  for (const [name, v] of Object.entries(perChannel)) {
    const expected: Shape = [c];
    check(
      !v || (v.rank === 1 && v.size === c),
      'batchNorm',
      () =>
        `${name} must be ${formatShape(expected)} for x ${formatShape(x.shape)}, got ${formatShape((v as Tensor).shape)}`,
    );
  }
  return { n, c, size: sizeOf(x.shape.slice(2)) };
}
