import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { transforms } from '../../lib/data/index.js';
import { type Tensor, tensor } from '../../lib/index.js';
import { root } from '../compiled.js';

interface Golden {
  images: Record<string, { shape: number[]; bytes: number[] }>;
  cases: { function: string; image: string; arguments: unknown[]; shape: number[]; values: number[] }[];
}

const golden = JSON.parse(readFileSync(join(root, 'test/golden/transforms.json'), 'utf8')) as Golden;
const functions = transforms.functional as unknown as Record<
  string,
  (image: Tensor, ...rest: unknown[]) => Tensor<'float32'>
>;

function imageOf(name: string): Tensor<'float32'> {
  const { shape, bytes } = golden.images[name];
  return tensor(
    Float32Array.from(bytes, (byte) => byte / 255),
    shape,
  );
}

/**
 * Values are sums of at most some hundred products of numbers up to 5, with weights that add up to 1 (bicubic ones to below 2
 * in magnitude), each rounded to 2^−24 relatively; positions are computed in float32 by torchvision, off by up to 10 · 2^−23
 * pixels, times differences of up to 1 between neighbours. Answers are written with seven digits.
 */
const TOLERANCE = 5e-6;

describe('functional transforms give what torchvision gives', () => {
  it('in cases of every function', () => {
    const covered = new Set(golden.cases.map((each) => each.function));
    expect([...covered].sort()).toEqual(Object.keys(functions).sort());
  });

  it.each(golden.cases)('$function of $image by $arguments', (each) => {
    const image = imageOf(each.image);
    const before = image.data.slice();
    const result = functions[each.function](image, ...each.arguments);
    expect(result.shape).toEqual(each.shape);
    const worst = each.values.reduce((most, value, i) => Math.max(most, Math.abs(value - result.data[i])), 0);
    expect(worst).toBeLessThan(TOLERANCE);
    // what went in is as it was, and not what came out
    expect(image.data).toEqual(before);
    expect(result.data.buffer).not.toBe(image.data.buffer);
  });
});
