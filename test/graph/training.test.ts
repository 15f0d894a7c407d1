import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../lib/graph/graph.js';
import { optimise } from '../../lib/graph/optimise.js';
import { schedule } from '../../lib/graph/passes/schedule.js';
import { Trace } from '../../lib/graph/trace.js';
import {
  add,
  backendInfo,
  batchNorm,
  conv2d,
  maxPool2d,
  mul,
  ones,
  randn,
  relu,
  setBackend,
  sum,
  type Tensor,
  tensor,
  zeros,
} from '../../lib/index.js';
import { apply, inspect, type Op, onRun, supply, withTracer } from '../../lib/ops/op.js';
import { TracedProgram } from '../../lib/train/tracedprogram.js';

type T = Tensor<'float32'>;
const initial = backendInfo().backend;
beforeAll(() => setBackend('typescript'));
afterAll(() => setBackend(initial));

/** x += y, in place. */
const increase: Op<null> = {
  name: 'increase',
  forward([x, y]) {
    const [to, from] = [(x as T).storage.values, (y as T).storage.values];
    for (let i = 0; i < to.length; i++) to[i] += from[i % from.length];
    return [];
  },
  updates: [0],
};

function graphOf(state: readonly Tensor[], shape: readonly number[], body: (x: T) => Record<string, Tensor>): Graph {
  const trace = new Trace();
  const x = trace.input('x', 'float32', shape);
  return trace.withState(state, () => trace.graph(withTracer(trace, () => body(x))));
}

const names = (graph: Graph) => graph.nodes.map(({ op }) => op.name);

describe('ops that change memory in place', () => {
  it('count as changes for autograd', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const y = sum(mul(w, w));
    apply(increase, [w, ones([1])], null);
    expect(() => y.backward()).toThrow(/changed in place/);
  });

  it('are seen by all who read later, in each run, and by nobody who read before', async () => {
    const count = tensor([0, 10]);
    const program = new TracedProgram([count], [zeros([2])], (x) => {
      const before = add(count, x);
      apply(increase, [count, ones([1])], null);
      return [before, mul(count, 2)];
    });
    const first = await program.run([tensor([0.5, 0.5])]);
    expect(first.map((y) => y.toArray())).toEqual([
      [0.5, 10.5],
      [2, 22],
    ]);
    const second = await program.run([zeros([2])]);
    expect(second.map((y) => y.toArray())).toEqual([
      [1, 11],
      [4, 24],
    ]);
    expect(count.toArray()).toEqual([2, 12]);
  });

  it('are refused on memory that was read as a constant', () => {
    const constant = ones([2]);
    const body = (x: T) => {
      const y = add(x, constant);
      apply(increase, [constant, x], null);
      return { y };
    };
    expect(() => graphOf([], [2], body)).toThrow(/read as a constant cannot be changed in place/);
  });

  it('may change memory that was made while tracing', async () => {
    let sums: Tensor | null = null;
    const program = new TracedProgram([], [zeros([2])], (x) => {
      sums = zeros([2]);
      apply(increase, [sums, x], null);
      return [add(sums, 0)];
    });
    await program.run([tensor([1, 2])]);
    const [y] = await program.run([tensor([1, 2])]);
    expect(y.toArray()).toEqual([2, 4]);
    expect((sums as Tensor | null)?.toArray()).toEqual([2, 4]);
  });
});

describe('memory that a traced graph reads at each run', () => {
  it('cannot be looked at while tracing, and can afterwards', () => {
    const w = tensor([3]);
    for (const look of [() => w.item(), () => w.data, () => w.toArray(), () => w.clone()]) {
      expect(() => graphOf([w], [1], (x) => ({ y: mul(x, look() as number) }))).toThrow(/only known when/);
    }
    expect(w.item()).toBe(3);
    expect(`${graphOf([w], [1], (x) => ({ y: mul(x, w) }))}`).not.toContain('constant');
  });

  it('is the same for two tensors that share it', async () => {
    const w = tensor([3]);
    const program = new TracedProgram([w], [zeros([1])], (x) => [mul(x, w.detach()), mul(x, w.reshape([1, 1]))]);
    w.data[0] = 5;
    expect((await program.run([tensor([2])])).map((y) => y.toArray())).toEqual([[10], [[10]]]);
  });

  it('is let go of when tracing fails', () => {
    const w = tensor([3]);
    const fail = () => {
      throw new Error('no');
    };
    expect(() => graphOf([w], [1], fail)).toThrow('no');
    expect(w.item()).toBe(3);
  });
});

describe('what this thread does before each run', () => {
  it('happens at once where nothing is traced', () => {
    let runs = 0;
    onRun(() => runs++);
    expect(runs).toBe(1);
    expect(supply('int32', [2], (values) => values.set([4, 5])).toArray()).toEqual([4, 5]);
    const seen: number[] = [];
    inspect(tensor([7, 8]), (values) => seen.push(...(values as Float32Array)));
    expect(seen).toEqual([7, 8]);
  });

  it('happens in order before each run, and not while tracing', async () => {
    const log: string[] = [];
    let rate = 0;
    const program = new TracedProgram([], [zeros([1])], (x) => {
      onRun(() => log.push('run'));
      inspect(x, (values) => log.push(`x is ${values[0]}`));
      inspect(mul(x, 2), () => log.push('never')); // is only known later
      inspect(tensor([3]), (values) => log.push(`constant ${values[0]}`));
      return [
        mul(
          x,
          supply('float32', [], (values) => values.fill(++rate)),
        ),
      ];
    });
    expect(log).toEqual(['constant 3']);
    for (const expected of [10, 20, 30]) {
      const [y] = await program.run([tensor([10])]);
      expect(y.toArray()).toEqual([expected]);
    }
    expect(log.slice(1)).toEqual(['run', 'x is 10', 'run', 'x is 10', 'run', 'x is 10']);
  });
});

describe('the order of a graph that changes memory', () => {
  it('has each change as early as it can come, behind all who read what was there before', () => {
    const [a, b] = [ones([2]), ones([2])];
    const graph = graphOf([a, b], [2], (x) => {
      const first = mul(x, a);
      const second = add(first, b);
      const third = mul(second, a);
      apply(increase, [a, first], null);
      apply(increase, [b, first], null);
      return { third, last: add(a, third) };
    });
    schedule(graph);
    const updated = graph.nodes.map(({ op, inputs }) =>
      op.updates ? `increase ${inputs[0]?.state === a ? 'a' : 'b'}` : op.name,
    );
    expect(updated).toEqual(['mul', 'add', 'increase b', 'mul', 'increase a', 'add']);
  });

  it('stays as it is where nothing is changed', () => {
    const graph = graphOf([], [2], (x) => ({ y: add(mul(x, 2), mul(x, 3)) }));
    const before = [...graph.nodes];
    schedule(graph);
    expect(graph.nodes).toEqual(before);
  });
});

/** Gradients of a network of one image, whose last layer is given: what is left of its graph. */
function trained(parameters: readonly Tensor[], shape: readonly number[], forward: (x: T) => Tensor): string[] {
  for (const parameter of parameters) parameter.requiresGrad = true;
  const graph = graphOf(parameters, shape, (x) => {
    sum(mul(forward(x), 0.5)).backward();
    const gradients = parameters.map(({ grad }, i) => [`d${i}`, grad as Tensor] as const);
    for (const parameter of parameters) parameter.grad = null;
    return Object.fromEntries(gradients);
  });
  optimise(graph);
  return names(graph);
}

describe('fusion in a training step', () => {
  const weight = () => randn([4, 3, 3, 3]);

  it('takes residual and ReLU into a batch norm, and the way back through both', () => {
    const [w, v, gamma, beta] = [weight(), weight(), ones([4]), zeros([4])];
    const left = trained([w, v, gamma, beta], [2, 3, 6, 6], (x) => {
      const normed = batchNorm(conv2d(x, w, null, { padding: 1 }), gamma, beta, { training: true });
      return relu(add(normed, conv2d(x, v, null, { padding: 1 })));
    });
    expect(left.filter((name) => name === 'fusedBatchNorm')).toHaveLength(1);
    expect(left.filter((name) => name === 'fusedBatchNormBackward')).toHaveLength(1);
    for (const gone of ['relu', 'reluGrad', 'add', 'batchNorm', 'batchNormBackward']) expect(left).not.toContain(gone);
  });

  it('adds the gradient that comes by a shortcut where the other one is made', () => {
    const [w, v] = [weight(), randn([4, 4, 3, 3])];
    const left = trained([w, v], [2, 3, 6, 6], (x) => {
      const y = conv2d(x, w, null, { padding: 1 });
      return relu(add(conv2d(y, v, null, { padding: 1 }), y));
    });
    expect(left).toContain('fusedGradInput');
    expect(left).not.toContain('add');
  });

  it('leaves a batch norm alone whose result somebody else reads', () => {
    const [w, gamma, beta] = [weight(), ones([4]), zeros([4])];
    const left = trained([w, gamma, beta], [2, 3, 6, 6], (x) => {
      const normed = batchNorm(conv2d(x, w), gamma, beta, { training: true });
      return add(relu(normed), mul(normed, normed));
    });
    expect(left).toContain('relu');
    expect(left).toContain('batchNorm');
  });

  it('adds up the gradient of a bias on the way back through its ReLU', () => {
    const [w, bias] = [weight(), zeros([4])];
    const left = trained([w, bias], [2, 3, 6, 6], (x) => maxPool2d(relu(conv2d(x, w, bias)), 2));
    expect(left).toContain('reluGradSum');
    expect(left).not.toContain('reluGrad');
  });
});
