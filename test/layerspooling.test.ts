import { describe, expect, it } from 'vitest';
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  adaptiveMaxPool2dWithIndices,
  avgPool1d,
  avgPool2d,
  conv1d,
  conv2d,
  dropout,
  dropout2d,
  Generator,
  instanceNorm,
  maxPool1d,
  maxPool2d,
  nn,
  ones,
  randn,
  setBackend,
  tensor,
  unflatten,
  zeros,
} from '../lib/index.js';
import { noNative, withReason } from './conformance/backends.js';

describe('adaptiveMaxPool2d', () => {
  it('takes the windows of adaptiveAvgPool2d, whether they are even or not', () => {
    // Of an image that is 1 in one window only the maximum is 1 exactly where the mean is above 0.
    for (const [h, w, oh, ow] of [
      [5, 7, 3, 4],
      [6, 4, 3, 2],
      [2, 3, 5, 4],
      [1, 9, 1, 4],
      [3, 3, 3, 3],
    ]) {
      // biome-ignore format: one line
      for (let at = 0; at < h * w; at++) {
        const x = zeros([1, 1, h, w]);
        x.data[at] = 1;
        const reached = adaptiveAvgPool2d(x, [oh, ow]).gt(0).toArray();
        expect(adaptiveMaxPool2d(x, [oh, ow]).gt(0).toArray()).toEqual(reached);
      }
    }
  });

  it('lets the first of equals win and NaN, and tells positions in the plane', () => {
    const x = tensor([[[[1, 1, 1], [Number.NaN, 2, Number.NaN]], [[0, -0, 0], [3, 3, 3]]]]); // biome-ignore format: planes
    for (const [size, values, positions] of [
      [
        [1, 2],
        [[[Number.NaN, Number.NaN]], [[3, 3]]],
        [[[3, 5]], [[3, 4]]],
      ],
      [
        [1, 3],
        [[[Number.NaN, 2, Number.NaN]], [[3, 3, 3]]],
        [[[3, 4, 5]], [[3, 4, 5]]],
      ],
      [
        [2, 2],
        [
          [
            [1, 1],
            [Number.NaN, Number.NaN],
          ],
          [
            [0, 0],
            [3, 3],
          ],
        ],
        [
          [
            [0, 1],
            [3, 5],
          ],
          [
            [0, 1],
            [3, 4],
          ],
        ],
      ],
    ] as const) {
      // biome-ignore format: rows
      const [y, indices] = adaptiveMaxPool2dWithIndices(x, size);
      expect(y.add(0).toArray()).toEqual([values]);
      expect(indices.toArray()).toEqual([positions]);
    }
  });

  it('sends gradients to the winners, summed where one wins in several windows', () => {
    const x = tensor([[[[5, 9, 1]]]], { requiresGrad: true });
    adaptiveMaxPool2d(x, [1, 2]).mul(tensor([[[[2, 3]]]])).sum().backward(); // biome-ignore format: one line
    expect(x.grad?.toArray()).toEqual([[[[0, 5, 0]]]]);
  });

  it('takes no images at all', () => {
    expect(adaptiveMaxPool2d(zeros([0, 2, 5, 5]), 3).shape).toEqual([0, 2, 3, 3]);
    expect(adaptiveMaxPool2d(zeros([2, 0, 5, 5]), 3).shape).toEqual([2, 0, 3, 3]);
  });
});

describe('operations on sequences are those on images of one row', () => {
  const x = randn([2, 4, 11]);
  const image = x.unsqueeze(2);

  it('conv1d', () => {
    const [weight, bias] = [randn([6, 2, 3]), randn([6])];
    const options = { stride: 2, dilation: 2, padding: [1, 3] as const, groups: 2 };
    const wide = { stride: [1, 2] as const, dilation: [1, 2] as const, padding: [0, 1, 0, 3] as const, groups: 2 };
    const expected = conv2d(image, weight.unsqueeze(2), bias, wide).squeeze(2);
    expect(conv1d(x, weight, bias, options).toArray()).toEqual(expected.toArray());
    expect(conv1d(x, randn([1, 4, 4]), null, { padding: 'same' }).shape).toEqual([2, 1, 11]);
    expect(conv1d(x, randn([1, 4, 4]), null, { padding: 'same', stride: 3 }).shape).toEqual([2, 1, 4]);
    expect(conv1d(x, randn([1, 4, 4]), null, { padding: 'valid' }).shape).toEqual([2, 1, 8]);
  });

  it('maxPool1d and avgPool1d, whose stride is the kernel unless they are told', () => {
    expect(maxPool1d(x, 3).toArray()).toEqual(maxPool2d(image, [1, 3]).squeeze(2).toArray());
    expect(avgPool1d(x, 4).toArray()).toEqual(avgPool2d(image, [1, 4]).squeeze(2).toArray());
    const options = { stride: 2, padding: 1, ceilMode: true };
    const wide = { stride: [1, 2] as const, padding: [0, 1] as const, ceilMode: true };
    expect(maxPool1d(x, 3, options).toArray()).toEqual(maxPool2d(image, [1, 3], wide).squeeze(2).toArray());
    expect(avgPool1d(x, 3, options).toArray()).toEqual(avgPool2d(image, [1, 3], wide).squeeze(2).toArray());
  });

  it('unflatten is the reverse of flatten', () => {
    expect(unflatten(x.flatten(1), 1, [4, -1]).toArray()).toEqual(x.toArray());
    expect(unflatten(x, -1, [11, 1]).shape).toEqual([2, 4, 11, 1]);
    expect(() => unflatten(x, 1, [3, 2])).toThrow(
      'reshape: [2, 4, 11] has 88 elements, which do not fill [2, 3, 2, 11]',
    );
  });
});

describe('dropout', () => {
  const seeded = () => ({ generator: new Generator(9) });

  it.skipIf(noNative)(withReason('drops the same elements on every backend and in every dtype'), () => {
    const drawn = (['typescript', 'native'] as const).map((backend) => {
      setBackend(backend);
      return Array.from(dropout(ones([3, 41]), 0.3, seeded()).data);
    });
    expect(drawn[0]).toEqual(drawn[1]);
    const wide = dropout(ones([3, 41], { dtype: 'float64' }), 0.3, seeded());
    expect(Array.from(wide.data, Math.fround)).toEqual(drawn[0]);
  });

  it('takes 64 bits from the generator whatever the size, and none when it drops nothing', () => {
    const stateAfter = (draw: (generator: Generator) => unknown) => {
      const generator = new Generator(3);
      draw(generator);
      return generator.state;
    };
    const twoWords = stateAfter((generator) => [generator.bits(), generator.bits()]);
    for (const size of [1, 1000])
      expect(stateAfter((generator) => dropout(ones([size]), 0.5, { generator }))).toEqual(twoWords);
    expect(stateAfter((generator) => dropout2d(ones([2, 3, 4, 4]), 0.5, { generator }))).toEqual(twoWords);
    expect(stateAfter((generator) => dropout(ones([5]), 0, { generator }))).toEqual(stateAfter(() => undefined));
    expect(stateAfter((generator) => dropout(ones([5]), 0.5, { generator, training: false }))).toEqual(
      stateAfter(() => undefined),
    );
  });

  it('takes an empty tensor', () => {
    expect(dropout(zeros([0, 3])).shape).toEqual([0, 3]);
  });

  it('of channels keeps or drops each as a whole, in each example by itself', () => {
    const y = dropout2d(ones([40, 25, 3, 2]), 0.4, seeded());
    const planes = Array.from({ length: 1000 }, (_, i) => new Set(y.data.subarray(6 * i, 6 * i + 6)));
    expect(planes.every((values) => values.size === 1)).toBe(true);
    const dropped = planes.filter((values) => values.has(0)).length;
    // One standard error is √(0.4·0.6·1000) = 15.5; five are allowed.
    expect(Math.abs(dropped - 400)).toBeLessThan(78);
    const first = planes.slice(0, 25).map((values) => values.has(0));
    expect(planes.slice(25, 50).map((values) => values.has(0))).not.toEqual(first);
    expect(dropout2d(ones([2, 3, 5]), 0.5, seeded()).shape).toEqual([2, 3, 5]);
  });
});

describe('instance normalisation', () => {
  it('moves its statistics in training only, towards the average over examples', () => {
    const layer = new nn.InstanceNorm2d(1, { momentum: 0.5, trackRunningStats: true });
    const x = tensor([[[[1, 3]]], [[[2, 10]]]]); // means 2 and 6, unbiased variances 2 and 32
    const y = layer.forward(x).toArray();
    expect([layer.runningMean?.item(), layer.runningVar?.item()]).toEqual([2, 9]);
    expect(y).toEqual(instanceNorm(x).toArray());
    layer.eval();
    const expected = [[[[-1 / 3, 1 / 3]]], [[[0, 8 / 3]]]].map(([[row]]) => [[row.map((v) => expect.closeTo(v, 4))]]);
    expect(layer.forward(x).toArray()).toEqual(expected);
    expect([layer.runningMean?.item(), layer.numBatchesTracked?.item()]).toEqual([2, 0]);
  });

  it('without statistics uses those of the input in inference too', () => {
    const x = randn([2, 3, 4, 5]);
    expect(new nn.InstanceNorm2d(3).eval().forward(x).toArray()).toEqual(instanceNorm(x).toArray());
    expect(Object.keys(new nn.InstanceNorm2d(3).stateDict())).toEqual([]);
  });
});
