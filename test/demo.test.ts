import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runDemo } from '../lib/cli/demorun.js';
import { DigitClassifier } from '../lib/cli/digitclassifier.js';
import { manualSeed, noGrad, rand } from '../lib/index.js';

const folder = mkdtempSync(join(tmpdir(), 'convforge-demo-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the demo learns the digits, saves weights and draws its pictures', async () => {
  const lines: string[] = [];
  const result = await runDemo({ epochs: 6, seed: 7, out: folder, print: (line) => lines.push(line) });
  // Six passes of the 25; a network that learned nothing is at 10 %.
  expect(result.accuracy).toBeGreaterThan(0.96);
  expect(result.pictures).toHaveLength(6);
  for (const name of ['training', 'kernels', 'features', 'confusion', 'misread', 'scene']) {
    expect(statSync(join(folder, `${name}.png`)).size).toBeGreaterThan(3000);
  }
  expect(existsSync(join(folder, 'weights.safetensors'))).toBe(true);
  expect(lines[0]).toMatch(/^backend: (native, \w+, \d+ threads?|TypeScript, because: .+)$/);
  expect(lines.join('\n')).toMatch(/accuracy on held-out digits: \d+\.\d\d % \(\d+ of 359 misread\)/);
});

it('the classifier slid over an image answers as it does on each window alone', () => {
  manualSeed(2);
  const net = new DigitClassifier();
  net.eval();
  const scene = rand([1, 1, 14, 18]);
  const map = noGrad(() => net.slide(scene));
  expect(map.shape).toEqual([1, 11, 4, 6]);
  for (const [row, column] of [
    [0, 0],
    [2, 3],
    [3, 5],
  ]) {
    const window = scene.slice([null, null, [2 * row, 2 * row + 8], [2 * column, 2 * column + 8]]);
    const alone = noGrad(() => net.forward(window)).data;
    const slid = map.slice([null, null, [row, row + 1], [column, column + 1]]).data;
    // Sums of 288 terms in another order: 2^-24 · Σ|x·w| · √288 through three layers stays below 1e-5 for values near 1.
    alone.forEach((value, c) => {
      expect(slid[c]).toBeCloseTo(value, 5);
    });
  }
});
