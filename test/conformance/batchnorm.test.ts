import { describe, it } from 'vitest';
import { CHANNEL_FIELDS, encode } from '../../lib/geometry.js';
import { CHANNEL_CASES, type ChannelCase } from '../cases/batchnorm.js';
import { reportNative } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { type Bound, conform, SMALLEST_NORMAL, U } from './conform.js';
import { integers, normals, positives } from './data.js';

const EPS = 1e-5;

/** One case with its data, and the numbers its bounds are made of. */
function prepare({ n, c, size, mean = 0 }: ChannelCase) {
  const length = n * c * size;
  const x = normals(length, 1).map((v) => v + mean);
  const g = encode(CHANNEL_FIELDS, { n, c, size });
  const statistics: Call = { kernel: 'batchNormStatistics', arguments: [input(x), output(c), output(c), g] };
  const count = n * size;
  // of nothing there are no statistics, but running ones may be given
  const [mu, variance] =
    count > 0 ? oracle(statistics).map((values) => Float32Array.from(values)) : [positives(c, 6), positives(c, 7)];
  const growth = 8 + Math.sqrt(count);
  const channelOf = (i: number) => Math.floor(i / size) % c;
  const invstd = Float64Array.from(variance, (v) => 1 / Math.sqrt(v + EPS));
  /** Σ over the elements of each channel. */
  const perChannel = (term: (i: number) => number) => {
    const sums = new Float64Array(c);
    for (let i = 0; i < length; i++) sums[channelOf(i)] += term(i);
    return sums;
  };
  return { length, c, count, growth, x, g, statistics, mu, variance, invstd, channelOf, perChannel };
}

function checkStatistics(entry: ChannelCase): void {
  const { statistics, growth, count, x, perChannel, variance } = prepare(entry);
  const absolute = perChannel((i) => Math.abs(x[i]));
  const ofMean: Bound = (_, c) => (U * growth * absolute[c]) / count + SMALLEST_NORMAL;
  // A mean that is off by d adds d² to the variance, whose own sum has terms of one sign.
  const ofVariance: Bound = (_, c) => U * growth * variance[c] + ((U * growth * absolute[c]) / count) ** 2;
  conform(statistics, [ofMean, ofVariance]);
}

function checkForward(entry: ChannelCase, withAffine: boolean): void {
  const { length, c, x, g, mu, variance, invstd, channelOf } = prepare(entry);
  const weight = withAffine ? normals(c, 2) : null;
  const bias = withAffine ? normals(c, 3) : null;
  const arguments_ = [input(x), input(mu), input(variance), weight && input(weight), bias && input(bias)];
  const bound: Bound = (_, i) => {
    const ch = channelOf(i);
    const scale = Math.abs(weight ? weight[ch] : 1) * invstd[ch];
    return 8 * U * ((Math.abs(x[i]) + Math.abs(mu[ch])) * scale + Math.abs(bias ? bias[ch] : 0)) + SMALLEST_NORMAL;
  };
  conform({ kernel: 'batchNormForward', arguments: [...arguments_, output(length), g, EPS] }, [bound]);
}

function checkBackward(entry: ChannelCase, withWeight: boolean, batchStatistics: 0 | 1): void {
  const { length, c, count, growth, x, g, mu, variance, invstd, channelOf, perChannel } = prepare(entry);
  const dy = normals(length, 4);
  const weight = withWeight ? positives(c, 5) : null;
  const inputs = [input(dy), input(x), input(mu), input(variance), weight && input(weight)];
  const outputs = [output(length), output(c), output(c)];
  // |x̂| with the difference x − mean taken as the sum of what it is computed from
  const xhat = (i: number) => (Math.abs(x[i]) + Math.abs(mu[channelOf(i)])) * invstd[channelOf(i)];
  const sumDy = perChannel((i) => Math.abs(dy[i]));
  const sumProducts = perChannel((i) => Math.abs(dy[i]) * xhat(i));
  const ofDx: Bound = (_, i) => {
    const ch = channelOf(i);
    const scale = (weight ? weight[ch] : 1) * invstd[ch];
    const means = batchStatistics ? (sumDy[ch] + xhat(i) * sumProducts[ch]) / count : 0;
    return U * growth * scale * (Math.abs(dy[i]) + means) + SMALLEST_NORMAL;
  };
  const ofWeight: Bound = (_, ch) => U * growth * sumProducts[ch] + SMALLEST_NORMAL;
  const ofBias: Bound = (_, ch) => U * growth * sumDy[ch] + SMALLEST_NORMAL;
  const call: Call = { kernel: 'batchNormBackward', arguments: [...inputs, ...outputs, g, EPS, batchStatistics] };
  conform(call, [ofDx, ofWeight, ofBias], `weight ${withWeight}, batch statistics ${batchStatistics}`);
}

describe('batch norm kernels', () => {
  reportNative();

  for (const entry of CHANNEL_CASES) {
    it(`statistics: ${entry.why}`, () => checkStatistics(entry));
    it(`forward: ${entry.why}`, () => {
      checkForward(entry, true);
      checkForward(entry, false);
    });
    it(`backward: ${entry.why}`, () => {
      for (const withWeight of [true, false]) {
        for (const batchStatistics of [0, 1] as const) checkBackward(entry, withWeight, batchStatistics);
      }
    });
  }

  it('weight without bias and bias without weight', () => {
    const { length, c, x, g, mu, variance } = prepare({ why: '', n: 2, c: 5, size: 21 });
    const inputs = [input(x), input(mu), input(variance)];
    for (const affine of [
      [input(normals(c, 2)), null],
      [null, input(normals(c, 3))],
    ]) {
      conform({ kernel: 'batchNormForward', arguments: [...inputs, ...affine, output(length), g, EPS] }, [() => 1e-5]);
    }
  });

  it('every plane size up to a few vectors', () => {
    for (let size = 1; size <= 70; size++) {
      const entry: ChannelCase = { why: '', n: 3, c: 2, size };
      checkStatistics(entry);
      checkForward(entry, true);
      checkBackward(entry, true, 1);
    }
  });

  it('a constant channel has variance 0 and stays finite', () => {
    const g = encode(CHANNEL_FIELDS, { n: 4, c: 3, size: 33 });
    const x = integers(3, 1);
    const flat = Float32Array.from({ length: 4 * 3 * 33 }, (_, i) => 1000 + x[Math.floor(i / 33) % 3]);
    conform({ kernel: 'batchNormStatistics', arguments: [input(flat), output(3), output(3), g] }, ['exact', 'exact']);
  });

  it('NaN stays in its channel, infinity in its element', () => {
    const entry: ChannelCase = { why: '', n: 2, c: 3, size: 20 };
    const { g, mu, variance } = prepare(entry);
    const with25 = (value: number) => input(positives(120, 1).map((v, i) => (i === 25 ? value : v)));
    const statistics: Call = {
      kernel: 'batchNormStatistics',
      arguments: [with25(Number.NaN), output(3), output(3), g],
    };
    conform(statistics, [() => 1e-5, () => 1e-5]);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const inputs = [with25(value), input(mu), input(variance), null, null];
      conform({ kernel: 'batchNormForward', arguments: [...inputs, output(120), g, EPS] }, [() => 1e-5]);
    }
  });
});
