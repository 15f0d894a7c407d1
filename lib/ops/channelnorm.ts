import type { Call } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { zeros } from '../creation.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { CHANNEL_FIELDS, type ChannelGeometry, encode } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { div } from './div.js';
import { mean } from './mean.js';
import { mul } from './mul.js';
import { apply, empty, floats, type Op } from './op.js';
import { reciprocal } from './reciprocal.js';
import { reshape } from './reshape.js';
import { sqrt } from './sqrt.js';
import { square } from './square.js';
import { sub } from './sub.js';
import { sum } from './sum.js';
import { zerosLike } from './zeroslike.js';

export interface BatchNormAttributes {
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
    // The statistics of a batch depend on x, which the rule of channelNormBackward takes into account by itself.
    const statistics = attributes.batchStatistics ? [output(1).detach(), output(2).detach()] : [input(3), input(4)];
    const [dx, dweight, dbias] = apply(channelNormBackward, [dy, input(0), weight, ...statistics], attributes);
    return [needs[0] ? dx : null, needs[1] ? dweight : null, needs[2] ? dbias : null, null, null];
  },
  saves: { inputs: [0, 1, 3, 4], outputs: [1, 2] },
};

/**
 * Gradients of {@link channelNorm}: with x̂ = (x − mean) / deviation, dx = weight / deviation · P(dy), dweight = Σ dy·x̂ and
 * dbias = Σ dy. P(v) is v − average(v) − x̂·average(v·x̂) where the statistics are those of x, else v.
 * Inputs: dy, x, weight, mean, variance.
 */
export const channelNormBackward: Op<BatchNormAttributes> = {
  name: 'batchNormBackward',
  forward([gradient, input, weight, mu, variance], { geometry, eps, batchStatistics }) {
    const [dy, x] = [gradient as Tensor, input as Tensor];
    const [dx, dweight, dbias] = [x.shape, [geometry.c], [geometry.c]].map((shape) => empty(x.dtype, shape));
    kernelsFor(x.dtype).batchNormBackward(
      floats(dy),
      floats(x),
      floats(mu as Tensor),
      floats(variance as Tensor),
      weight && floats(weight),
      floats(dx),
      floats(dweight),
      floats(dbias),
      encode(CHANNEL_FIELDS, geometry),
      eps,
      Number(batchStatistics),
    );
    return [dx, dweight, dbias];
  },
  gradient: backwardGradients,
};

/** Follows L = Σ ddx·dx + Σ ddweight·dweight + Σ ddbias·dbias back, in ops and with statistics that depend on x. */
function backwardGradients(
  { input, inputShapes, needs, attributes }: Call<BatchNormAttributes>,
  ...gradients: (Tensor | null)[]
): (Tensor | null)[] {
  const { geometry, eps, batchStatistics } = attributes;
  const { n, c, size } = geometry;
  const perChannel = (v: Tensor) => reshape(v, [1, c, 1]);
  const average = (v: Tensor) => mean(v, [0, 2], { keepDims: true });
  const spread = (v: Tensor) => reshape(v, [n, c, size]);
  const [dy, x] = [spread(input(0)), spread(input(1))];
  const centred = sub(x, batchStatistics ? average(x) : perChannel(input(3)));
  const variance = batchStatistics ? average(square(centred)) : perChannel(input(4));
  const deviation = sqrt(add(variance, eps));
  const xhat = div(centred, deviation);
  const project = (v: Tensor) => (batchStatistics ? sub(sub(v, average(v)), mul(xhat, average(mul(v, xhat)))) : v);
  const weight = inputShapes[2].length ? perChannel(input(2)) : null;
  const scale = weight ? div(weight, deviation) : reciprocal(deviation);

  const ddx = gradients[0] ? spread(gradients[0]) : zerosLike(dy);
  const [ddweight, ddbias] = gradients.slice(1).map((v) => perChannel(v ?? zeros([c], { dtype: dy.dtype })));
  const toDy = () => add(mul(scale, project(ddx)), add(mul(xhat, ddweight), ddbias));
  const toWeight = () => sum(div(mul(ddx, project(dy)), deviation), [0, 2]);
  const toX = () => {
    const direct = mul(dy, ddweight);
    if (!batchStatistics) return div(direct, deviation);
    const crossed = add(mul(dy, average(mul(ddx, xhat))), mul(ddx, average(mul(dy, xhat))));
    const throughXhat = project(sub(direct, mul(scale, crossed)));
    const throughDeviation = mul(mul(scale, average(mul(ddx, project(dy)))), xhat);
    return div(sub(throughXhat, throughDeviation), deviation);
  };
  return [
    needs[0] ? reshape(toDy(), inputShapes[0]) : null,
    needs[1] ? reshape(toX(), inputShapes[1]) : null,
    needs[2] ? toWeight() : null,
    null,
    null,
  ];
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

/** What group and instance normalisation share: the norm of groups that divide the channels, then weight and bias [c]. */
export function normaliseGroups<D extends DType>(
  operation: string,
  x: Tensor<D>,
  groups: number,
  weight: Tensor<D> | null,
  bias: Tensor<D> | null,
  eps: number,
): Tensor<D> {
  checkFloat(operation, x, ...[weight, bias].filter((v) => v !== null));
  const [n, c] = x.shape;
  for (const v of [weight, bias]) {
    check(
      !v || (v.rank === 1 && v.size === c),
      operation,
      () => `weight and bias must be [${c}] for x ${formatShape(x.shape)}, got ${formatShape((v as Tensor).shape)}`,
    );
  }
  check(eps >= 0, operation, () => `eps must be at least 0, got ${eps}`, ArgumentError);
  const perChannel = (v: Tensor<D>) => reshape(v, [c, ...new Array<number>(x.rank - 2).fill(1)]);
  const normal = normaliseRows(x, n * groups, eps) as Tensor<D>;
  const scaled = weight ? mul(normal, perChannel(weight)) : normal;
  return bias ? add(scaled, perChannel(bias)) : scaled;
}
