import { describe, expect, it } from 'vitest';
import { isHollow, Trace } from '../lib/graph/trace.js';
import { crossEntropy, Generator, manualSeed, nn, Tensor, zeros } from '../lib/index.js';
import { dropout, dropout2d } from '../lib/ops/dropout.js';
import { withTracer } from '../lib/ops/op.js';
import { buildLayer, buildLoss, LAYERS, LOSSES } from './golden/modules.js';

/** Traces a call and its gradients, the parameters being state; everything about it is only known when it runs. */
function traced(module: nn.Module, inputs: (trace: Trace) => [Tensor<'float32'>, ...Tensor[]]) {
  const trace = new Trace();
  const [x, ...rest] = inputs(trace);
  x.requiresGrad = true;
  const parameters = module.parameters();
  const state = Object.values(module.stateDict());
  const y = trace.withState([...parameters, ...state], () =>
    withTracer(trace, () => {
      const output = module.forward(x, ...rest);
      output.backward(trace.input('dy', 'float32', output.shape));
      return output;
    }),
  );
  return { trace, y, gradients: [x, ...parameters].map(({ grad }) => grad) };
}

describe('with their gradients, without looking at an element, are traced', () => {
  it.each(LAYERS.map((c, i) => [`${c.layer}${c.why && `, ${c.why}`} (${i})`, c] as const))('%s', (_, c) => {
    const layer = buildLayer(c).train(c.training);
    const { y, gradients } = traced(layer, (trace) => [trace.input('x', 'float32', c.x.shape)]);
    expect(y.shape).toEqual(c.expected.output.shape);
    expect(gradients.map((each) => each && isHollow(each))).toEqual(gradients.map(() => true));
    expect(gradients[0]?.shape).toEqual(c.x.shape);
  });

  it.each(LOSSES.map((c, i) => [`${c.loss}, ${c.why} (${i})`, c] as const))('%s', (_, c) => {
    const { y, gradients } = traced(buildLoss(c), (trace) => [
      trace.input('x', 'float32', c.x.shape),
      trace.input('target', c.targetType, c.target.shape),
    ]);
    expect(y.shape).toEqual(c.expected.output.shape);
    expect(gradients.map((each) => each && isHollow(each))).toEqual([true]);
  });

  it('a loss of labels, which are looked at before each run', () => {
    const trace = new Trace();
    const labels = trace.input('labels', 'int64', [4]);
    const loss = trace.record(() => crossEntropy(trace.input('x', 'float32', [4, 3]), labels));
    expect([loss.shape, isHollow(loss)]).toEqual([[], true]);
    const check = (...given: bigint[]) => {
      for (const effect of trace.effects) effect([new Tensor('int64', BigInt64Array.from(given), [4])]);
    };
    check(0n, 2n, -100n, 1n);
    expect(() => check(0n, 3n, 1n, 1n)).toThrow('crossEntropy: label 3 at position 1 is outside [0, 3)');
  });
});

describe('dropout in a graph', () => {
  it.each([
    ['dropout', dropout, [2, 3, 4, 4]],
    ['dropout2d', dropout2d, [2, 3, 1, 1]],
  ] as const)('%s takes a seed from the generator at each run, and nothing while it is traced', (_, drop, mask) => {
    const generator = new Generator(4);
    const { state } = generator;
    const trace = new Trace();
    trace.record(() => drop(trace.input('x', 'float32', [2, 3, 4, 4]), 0.5, { generator }));
    expect(generator.state).toEqual(state);
    expect(trace.nodes.map(({ op, outputs }) => [op.name, outputs[0].shape])).toEqual([
      ['randomMask', mask],
      ['mul', [2, 3, 4, 4]],
    ]);
    const seed = trace.nodes[0].inputs[0]?.state as Tensor<'int32'>;
    const twin = new Generator(4);
    for (let run = 0; run < 2; run++) {
      for (const effect of trace.effects) effect([]);
      expect([...seed.storage.values].map((word) => word >>> 0)).toEqual([twin.bits(), twin.bits()]);
    }
  });

  it('follows the default generator even if that is restarted after the trace', () => {
    const trace = new Trace();
    trace.record(() => dropout(trace.input('x', 'float32', [8])));
    const seed = trace.nodes[0].inputs[0]?.state as Tensor<'int32'>;
    const drawn = (start: number) => {
      manualSeed(start);
      for (const effect of trace.effects) effect([]);
      return seed.storage.values.join();
    };
    expect(drawn(5)).toBe(drawn(5));
    expect(drawn(5)).not.toBe(drawn(6));
  });

  it('is not there in inference', () => {
    const trace = new Trace();
    const net = new nn.Sequential(new nn.Dropout(), new nn.Dropout2d()).eval();
    const x = trace.input('x', 'float32', [1, 2, 3, 3]);
    expect(trace.record(() => net.forward(x))).toBe(x);
    expect([trace.nodes, trace.effects]).toEqual([[], []]);
    expect(net.forward(zeros([1, 2, 3, 3])).shape).toEqual([1, 2, 3, 3]);
  });
});
