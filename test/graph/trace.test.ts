import { describe, expect, it } from 'vitest';
import { hollow, isHollow, Trace } from '../../lib/graph/trace.js';
import { concat, conv2d, linear, matmul, maxPool2dWithIndices, randn, relu, tensor, zeros } from '../../lib/index.js';
import { LazyStorage } from '../../lib/storage.js';
import { Tensor } from '../../lib/tensor.js';

function record(body: (trace: Trace) => void): Trace {
  const trace = new Trace();
  trace.record(() => body(trace));
  return trace;
}

const opsOf = (trace: Trace) => trace.nodes.map(({ op }) => op.name);

describe('a trace', () => {
  it('notes calls, shapes and dtypes without computing anything', () => {
    const trace = new Trace();
    const x = trace.input('x', 'float32', [1, 3, 8, 8]);
    const [y, indices] = trace.record(() => maxPool2dWithIndices(conv2d(x, zeros([4, 3, 3, 3])), 2));
    expect([y.shape, y.dtype, indices.shape, indices.dtype]).toEqual([[1, 4, 3, 3], 'float32', [1, 4, 3, 3], 'int32']);
    expect([y, indices].map(isHollow)).toEqual([true, true]);
    expect(opsOf(trace)).toEqual(['conv2d', 'maxPool2d']);
    expect(String(trace.graph({ y }))).toContain('conv2d(x[1, 3, 8, 8], constant');
  });

  it('carries out what does not depend on inputs', () => {
    const trace = record((trace) => {
      const x = trace.input('x', 'float32', [2, 3]);
      const sizes = tensor([x.shape[0], x.shape[1]]).mul(2);
      expect(sizes.toArray()).toEqual([4, 6]);
      x.add(sizes.sum());
    });
    expect(opsOf(trace)).toEqual(['add']);
    expect(trace.nodes[0].inputs[1]?.constant?.item()).toBe(10);
  });

  it('does not note the calls that an op makes inside', () => {
    // a matrix that stretches along one batch axis is written out by another op
    const trace = record((trace) => {
      matmul(trace.input('x', 'float32', [2, 1, 3, 4]), randn([1, 5, 4, 2]));
    });
    expect(opsOf(trace)).toEqual(['matmul']);
    expect(trace.nodes[0].outputs[0].shape).toEqual([2, 5, 3, 2]);
  });

  it('knows a value again under another tensor', () => {
    const trace = record((trace) => {
      const x = relu(trace.input('x', 'float32', [2]));
      concat([x, x.detach()]);
    });
    const [first, second] = trace.nodes[1].inputs;
    expect(first).toBe(second);
    expect(first?.producer).toBe(trace.nodes[0]);
  });

  it.each([
    ['item', (x: Tensor) => x.item()],
    ['toArray', (x: Tensor) => x.toArray()],
    ['data', (x: Tensor) => x.data],
    ['clone', (x: Tensor) => x.clone()],
  ])('refuses to tell elements by %s', (_, look) => {
    const x = hollow('float32', [1]);
    expect(() => look(x)).toThrow('only known when the compiled model runs');
    expect(String(x)).toBe('Tensor(float32 [1], being traced)');
  });

  it('does not read weights from their file', () => {
    const storage = new LazyStorage('float32', 12, () => {
      throw new Error('read');
    });
    const weight = new Tensor('float32', storage, [4, 3]);
    const trace = record((trace) => {
      linear(trace.input('x', 'float32', [1, 3]), weight);
    });
    expect(trace.nodes[0].inputs[1]?.constant).toBe(weight);
  });

  it('lets errors through and is over then', () => {
    const trace = new Trace();
    const x = trace.input('x', 'float32', [2, 3]);
    expect(() => trace.record(() => matmul(x, x))).toThrow('matmul: inner sizes differ');
    expect(tensor([1]).add(1).toArray()).toEqual([2]);
  });

  it('answers the first calls with what a trace before it has got', () => {
    const trace = new Trace();
    const known = tensor([5]);
    trace.replay([[known]]);
    const x = trace.input('x', 'float32', [1]);
    const y = trace.record(() => relu(x));
    expect(y).toBe(known);
    expect(opsOf(trace)).toEqual([]);
    trace.record(() => relu(x));
    expect(opsOf(trace)).toEqual(['relu']);
  });
});
