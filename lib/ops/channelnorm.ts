import { isGradEnabled } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { CHANNEL_FIELDS, type ChannelGeometry, encode } from '../geometry.js';
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

interface BatchNormAttributes {
  geometry: ChannelGeometry;
  eps: number;
  batchStatistics: boolean;
}

/**
 * (x − mean) / √(variance + eps) · weight + bias per channel of [n, c, size], the statistics being those of x or given.
 * Inputs: x, weight, bias, and if they are given mean and variance; outputs y, and if they are not given mean and variance.
 */
export const channelNorm: Op<BatchNormAttributes> = {
  name: 'batchNorm',
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

/** Gives each row of x, seen as [rows, size], mean 0 and variance 1; the shape stays. */
export function normaliseRows(x: Tensor, rows: number, eps: number): Tensor {
  const size = rows === 0 ? 0 : x.size / rows;
  if (size === 0) return x;
  const geometry = { n: 1, c: rows, size };
  const attributes = { geometry, eps, batchStatistics: true };
  const [y] = apply(channelNorm, [reshape(x, [1, rows, size]), null, null, null, null], attributes);
  return reshape(y, x.shape);
}
