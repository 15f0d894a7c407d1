import { describe, expect, it } from 'vitest';
import { compile, InferenceSession, noGrad, type Tensor, zeros } from '../lib/index.js';
import { restore } from './golden/cases.js';
import { mismatches, strayBound } from './golden/compare.js';
import { buildLayer, LAYERS } from './golden/modules.js';

describe('a session computes what the layer does in float64', () => {
  it.each(LAYERS.map((c, i) => [`${c.layer}${c.why && `, ${c.why}`} (${i})`, c] as const))('%s', async (_, c) => {
    const model = compile(buildLayer(c).eval(), zeros(c.x.shape));
    const session = await InferenceSession.create(model);
    const { output } = await session.run({ input: restore(c.x, 'float32') });
    await session.release();
    const exact = noGrad(() => buildLayer(c).to('float64').eval().forward(restore(c.x, 'float64')));
    const expected = { shape: [...exact.shape], data: Array.from((exact as Tensor).data, Number) };
    const bound = strayBound(expected, c.float32Strays.output, 'float32');
    expect(mismatches({ output }, { output: expected }, () => bound)).toEqual([]);
  });
});
