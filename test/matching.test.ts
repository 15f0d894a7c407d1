import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Generator, ones, rand, randn, type Tensor, tensor, zeros } from '../lib/index.js';
import { findPeaks, MATCH_METHODS, matchTemplate, readImage } from '../lib/vision/index.js';

const photograph = fileURLToPath(new URL('../assets/images/china.jpg', import.meta.url));

/** An error of exactly this message. */
const saying = (message: string) => expect.objectContaining({ message });

function expectClose(actual: Tensor, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.size).toBe(expected.length);
  const values = actual.data as Float32Array;
  let worst = 0;
  for (let i = 0; i < values.length; i++) worst = Math.max(worst, Math.abs(values[i] - expected[i]));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe('matchTemplate', () => {
  const generator = new Generator(2);

  function naiveScores(scene: Tensor, template: Tensor, normalized: boolean): number[] {
    const [c, h, w] = scene.shape;
    const [, th, tw] = template.shape;
    const [s, t] = [scene.data as Float32Array, template.data as Float32Array];
    const scores: number[] = [];
    for (let i = 0; i <= h - th; i++) {
      for (let j = 0; j <= w - tw; j++) {
        let [product, energyS, energyT] = [0, 0, 0];
        for (let k = 0; k < c; k++) {
          const window: number[] = [];
          for (let p = 0; p < th; p++) for (let q = 0; q < tw; q++) window.push(s[(k * h + i + p) * w + j + q]);
          const plane = Array.from(t.subarray(k * th * tw, (k + 1) * th * tw));
          const mean = (values: number[]) => (normalized ? values.reduce((a, b) => a + b, 0) / values.length : 0);
          const [meanS, meanT] = [mean(window), mean(plane)];
          for (let m = 0; m < plane.length; m++) {
            product += (window[m] - meanS) * (plane[m] - meanT);
            energyS += (window[m] - meanS) ** 2;
            energyT += (plane[m] - meanT) ** 2;
          }
        }
        scores.push(normalized ? product / Math.sqrt(energyS * energyT) : product);
      }
    }
    return scores;
  }

  it('equals the formulas, with one channel and with three', () => {
    for (const c of [1, 3]) {
      const [scene, template] = [rand([c, 12, 15], { generator }), rand([c, 4, 5], { generator })];
      for (const method of MATCH_METHODS) {
        const map = matchTemplate(scene, template, { method });
        expect(map.shape).toEqual([9, 11]);
        expectClose(map, naiveScores(scene, template, method === 'zeroMeanNormalized'), 2e-5);
      }
      const double = matchTemplate(scene.to('float64'), template.to('float64'));
      expectClose(double, naiveScores(scene, template, true), 1e-10);
    }
    const [scene, template] = [rand([9, 8], { generator }), rand([3, 3], { generator })];
    expectClose(matchTemplate(scene, template), naiveScores(scene.unsqueeze(0), template.unsqueeze(0), true), 2e-5);
  });

  it('finds a part of a photograph, also brighter, flatter and with noise', async () => {
    const scene = (await readImage(photograph)).slice([null, [20, 220], [80, 330]]);
    const [row, column] = [60, 95];
    const template = scene.slice([null, [row, row + 36], [column, column + 30]]);
    for (const changed of [template, template.mul(0.4).add(0.5), template.mul(1.7).sub(0.3)]) {
      const [best] = findPeaks(matchTemplate(scene, changed));
      expect(best).toMatchObject({ row, column });
      expect(best.score).toBeGreaterThan(0.999);
    }
    const negative = matchTemplate(scene, template.mul(-1));
    expect(Math.min(...(negative.data as Float32Array))).toBeLessThan(-0.999);
    const noisy = template.add(randn(template.shape, { generator }).mul(0.1));
    expect(findPeaks(matchTemplate(scene, noisy))[0]).toMatchObject({ row, column });
  });

  it('gives 0 for flat windows, whatever their brightness', () => {
    const scene = zeros([1, 12, 40]);
    const values = scene.data as Float32Array;
    const levels = [0, 0.1, 1 / 3, 0.9];
    for (let i = 0; i < values.length; i++) values[i] = levels[Math.floor((i % 40) / 10)];
    const map = matchTemplate(scene, rand([1, 5, 6], { generator }));
    for (const level of [0, 1, 2, 3]) {
      const within = map.slice([null, [level * 10, level * 10 + 5]]);
      expect(new Set(within.data)).toEqual(new Set([0]));
    }
    const gray = matchTemplate(tensor([[0.1, 0.1, 0.1, 0.1]]), tensor([[0, 1]]));
    expect(gray.toArray()).toEqual([[0, 0, 0]]);
  });

  it('says what is wrong', () => {
    const scene = rand([3, 8, 8], { generator });
    const cases: [() => unknown, string][] = [
      [
        () => matchTemplate(scene, zeros([2, 2])),
        'matchTemplate: scene and template must have the same channels, got [3, 8, 8] and [2, 2]',
      ],
      [
        () => matchTemplate(scene, zeros([1, 2, 2])),
        'matchTemplate: scene and template must have the same channels, got [3, 8, 8] and [1, 2, 2]',
      ],
      [
        () => matchTemplate(zeros([1, 3, 8, 8]), scene),
        'matchTemplate: scene must be [c, h, w] or [h, w] with at least one pixel, got [1, 3, 8, 8]',
      ],
      [
        () => matchTemplate(scene, zeros([3, 0, 2])),
        'matchTemplate: template must be [c, h, w] or [h, w] with at least one pixel, got [3, 0, 2]',
      ],
      [
        () => matchTemplate(scene, rand([3, 9, 2])),
        'matchTemplate: a template of 9×2 does not fit into a scene of 8×8',
      ],
      [
        () => matchTemplate(scene, scene, { method: 'sad' as never }),
        'matchTemplate: method must be one of crossCorrelation, zeroMeanNormalized, got "sad"',
      ],
      [
        () => matchTemplate(scene, ones([3, 2, 2]).mul(0.3)),
        "matchTemplate: the template is flat, nothing correlates with it; use method 'crossCorrelation'",
      ],
      [
        () => matchTemplate(scene.div(0), ones([3, 2, 2])),
        'matchTemplate: the scene holds a value that is not a finite number',
      ],
      [
        () => matchTemplate(scene, zeros([3, 2, 2]).div(0)),
        'matchTemplate: the template holds a value that is not a finite number',
      ],
    ];
    for (const [call, message] of cases) expect(call).toThrow(saying(message));
  });
});

describe('findPeaks', () => {
  const map = tensor([
    [1, 0, 0, 0, 0, 5],
    [0, 0, 3, 3, 0, 0],
    [0, 0, 3, 3, 0, 0],
    [Number.NaN, 0, 0, 0, 0, 4],
  ]);

  it('orders peaks by score, counts a plateau once and leaves out NaN', () => {
    expect(findPeaks(map)).toEqual([{ row: 0, column: 5, score: 5 }]);
    expect(findPeaks(map, { count: 9, minimum: 1 }).map(({ score }) => score)).toEqual([5, 4, 3, 1]);
    expect(findPeaks(tensor([[2, 2, 1, 2]]), { count: 9 })).toEqual([
      { row: 0, column: 0, score: 2 },
      { row: 0, column: 3, score: 2 },
    ]);
    expect(findPeaks(map, { minimum: 6 })).toEqual([]);
  });

  it('keeps peaks apart', () => {
    const line = tensor([[5, 0, 4, 0, 3, 0, 2]]);
    const columns = (distance: number | [number, number]) =>
      findPeaks(line, { count: 9, distance, minimum: 1 }).map(({ column }) => column);
    expect(columns(2)).toEqual([0, 2, 4, 6]);
    expect(columns(3)).toEqual([0, 4]);
    expect(columns([1, 5])).toEqual([0, 6]);
    const rows = findPeaks(line.transpose(0, 1), { count: 9, distance: [4, 2], minimum: 1 }).map(({ row }) => row);
    expect(rows).toEqual([0, 4]);
  });

  it('says what is wrong', () => {
    expect(() => findPeaks(zeros([1, 2, 2]))).toThrow(saying('findPeaks: map must be [h, w], got [1, 2, 2]'));
    expect(() => findPeaks(map, { count: 0 })).toThrow(
      saying('findPeaks: count must be an integer of at least 1, got 0'),
    );
    expect(() => findPeaks(map, { minimum: Number.NaN })).toThrow(
      saying('findPeaks: minimum must be a number, got NaN'),
    );
    expect(() => findPeaks(map, { distance: 0 })).toThrow(
      saying('findPeaks: distance must be an integer of at least 1 or a pair of them, got 0'),
    );
  });
});
