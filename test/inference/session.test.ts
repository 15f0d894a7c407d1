import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nativeAddon } from '../../lib/backend/backend.js';
import {
  availableIsas,
  type BackendName,
  backendInfo,
  type ConvforgeError,
  compile,
  InferenceSession,
  nn,
  noGrad,
  ones,
  type Profile,
  randn,
  relu,
  setBackend,
  setIsa,
  type Tensor,
  tensor,
  zeros,
} from '../../lib/index.js';
import { modelPath, type OnnxCase } from '../golden/onnxcases.js';

const backends: BackendName[] = nativeAddon() ? ['native', 'typescript'] : ['typescript'];
const initial = backendInfo().backend;
afterAll(() => setBackend(initial));

/** A forward pass without parameters. */
class Lambda extends nn.Module {
  readonly #body: (...inputs: Tensor<'float32'>[]) => Tensor;

  constructor(body: (...inputs: Tensor<'float32'>[]) => Tensor) {
    super();
    this.#body = body;
  }

  forward(...inputs: Tensor[]): Tensor {
    return this.#body(...(inputs as Tensor<'float32'>[]));
  }
}

function smallNet(): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(3, 20, 3, { padding: 1 }),
    new nn.BatchNorm2d(20),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(20, 8, 3),
    new nn.ReLU(),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(8, 5),
  );
}

async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string; cause?: unknown }> {
  const error = await promise.then(
    () => undefined,
    (error: ConvforgeError) => error,
  );
  if (!error) throw new Error('nothing was thrown');
  return { code: error.code, message: error.message, ...(error.cause ? { cause: error.cause } : {}) };
}

const close = (got: Tensor, want: Tensor) => {
  expect(got.shape).toEqual(want.shape);
  const [a, b] = [got.data as Float32Array, want.data as Float32Array];
  for (let i = 0; i < b.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThan(1e-5);
};

describe.each(backends)('sessions on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  it('give what the module gives, for any batch and image size', async () => {
    const net = smallNet();
    const session = await InferenceSession.create(compile(net, zeros([1, 3, 16, 16])));
    net.eval();
    for (const shape of [
      [1, 3, 16, 16],
      [4, 3, 16, 16],
      [2, 3, 9, 31],
      [1, 3, 16, 16],
    ]) {
      const x = randn(shape);
      close(
        (await session.run({ input: x })).output,
        noGrad(() => net.forward(x)),
      );
      close(
        session.runSync({ input: x }).output,
        noGrad(() => net.forward(x)),
      );
    }
    await session.release();
  });

  it('keep the weights that the module had when it was compiled', async () => {
    const net = new nn.Linear(3, 2);
    const x = randn([1, 3]);
    const before = noGrad(() => net.forward(x));
    const session = await InferenceSession.create(compile(net, x));
    (net.weight.data as Float32Array).fill(9);
    close((await session.run({ input: x })).output, before);
    close((await session.run({ input: x.reshape([1, 3]) })).output, before);
    const two = randn([2, 3]);
    expect((await session.run({ input: two })).output.toArray()).not.toEqual(noGrad(() => net.forward(two)).toArray());
  });

  it('leave the module in the mode it was in', () => {
    const net = smallNet();
    net.train();
    net.children()[0][1].training = false;
    compile(net, zeros([1, 3, 16, 16]));
    expect(net.modules().map(([, module]) => module.training)).toEqual([true, false, ...Array(8).fill(true)]);
  });

  it('run many times at once, each with its own answer', async () => {
    const net = smallNet();
    const session = await InferenceSession.create(compile(net, zeros([1, 3, 16, 16])), { threads: 1 });
    net.eval();
    const inputs = Array.from({ length: 20 }, (_, i) => randn([1 + (i % 3), 3, 16, 16]));
    const results = await Promise.all(inputs.map((input) => session.run({ input })));
    results.forEach(({ output }, i) => {
      close(
        output,
        noGrad(() => net.forward(inputs[i])),
      );
    });
  });

  it('give a tensor of its own each time', async () => {
    const session = await InferenceSession.create(compile(new Lambda((x) => relu(x)), zeros([2])));
    const first = (await session.run({ input: tensor([1, -1]) })).output;
    const second = (await session.run({ input: tensor([3, -1]) })).output;
    expect([first.toArray(), second.toArray()]).toEqual([
      [1, 0],
      [3, 0],
    ]);
  });

  it.each([
    ['an input', (x: Tensor<'float32'>) => x],
    ['a view of an input', (x: Tensor<'float32'>) => x.reshape([3, 2])],
    ['a constant', () => ones([2])],
    ['a large constant', () => ones([300, 300])],
    ['a scalar', (x: Tensor<'float32'>) => x.sum()],
    ['nothing at all', (x: Tensor<'float32'>) => x.slice([[0, 0]])],
  ])('can have %s as output', async (_, body) => {
    const net = new Lambda(body as never);
    const x = randn([2, 3]);
    const session = await InferenceSession.create(compile(net, x));
    const { output } = await session.run({ input: x });
    expect(output.shape).toEqual(net.forward(x).shape);
    expect(output.toArray()).toEqual(net.forward(x).toArray());
    (output.data as Float32Array).fill(7);
    expect(x.toArray()).not.toContain(7);
    expect((await session.run({ input: x })).output.toArray()).toEqual(net.forward(x).toArray());
  });

  it('take several inputs by name', async () => {
    const net = new Lambda((a, b) => a.sub(b));
    const model = compile(net, [zeros([2]), zeros([2])], {
      inputNames: ['left', 'right'],
      outputNames: ['difference'],
    });
    const session = await InferenceSession.create(model);
    expect(session.inputNames).toEqual(['left', 'right']);
    expect(session.outputNames).toEqual(['difference']);
    const { difference } = await session.run({ right: tensor([1, 2]), left: tensor([5, 5]) });
    expect(difference.toArray()).toEqual([4, 3]);
  });

  it('write to memory of the caller, and give only what is asked for', async () => {
    const session = await InferenceSession.create(compile(new Lambda((x) => x.mul(2)), zeros([2])));
    const mine = zeros([2]);
    const results = await session.run({ input: tensor([1, 2]) }, { output: mine });
    expect(results.output).toBe(mine);
    expect(mine.toArray()).toEqual([2, 4]);
    expect(Object.keys(await session.run({ input: tensor([1, 2]) }, ['output']))).toEqual(['output']);
    expect(await failure(session.run({ input: tensor([1, 2]) }, { output: zeros([3]) }))).toEqual({
      code: 'ERR_SHAPE',
      message: "run: output 'output' is [2], the tensor to write to is [3]",
    });
  });

  it.each(['float64', 'int64', 'int32', 'uint8', 'bool'] as const)('take inputs of %s', async (dtype) => {
    const net = new Lambda((x) => x.reshape([1, 2]).to('float32').mul(2));
    const session = await InferenceSession.create(compile(net, zeros([2], { dtype })));
    const { output } = await session.run({ input: tensor([1, 0], { dtype }) });
    expect([output.dtype, output.toArray()]).toEqual(['float32', [[2, 0]]]);
  });

  it('compute in float64 where the module does', async () => {
    const third = new Lambda((x) => x.to('float64').div(3));
    const session = await InferenceSession.create(compile(third, zeros([1])));
    const { output } = await session.run({ input: tensor([1]) });
    expect([output.dtype, output.item()]).toEqual(['float64', 1 / 3]);
  });

  it('take what other packages call a tensor', async () => {
    const session = await InferenceSession.create(compile(new Lambda((x) => x.mul(2)), zeros([2])));
    const { output } = await session.run({ input: { type: 'float32', dims: [2], data: new Float32Array([1, 2]) } });
    expect(output.toArray()).toEqual([2, 4]);
  });

  it.each([
    [null, 'ERR_ARGUMENT', 'run: feeds must be an object with a tensor for each input'],
    [{}, 'ERR_ARGUMENT', "run: input 'input' is missing"],
    [
      { input: zeros([2, 2]), other: zeros([1]) },
      'ERR_ARGUMENT',
      "run: there is no input 'other'; the inputs are input",
    ],
    [{ input: [1, 2] }, 'ERR_ARGUMENT', "run: input 'input' must be a tensor, got Array"],
    [
      { input: tensor([1, 2], { dtype: 'int32' }) },
      'ERR_DTYPE',
      "run: input 'input' is float32, got a tensor of int32",
    ],
    [{ input: zeros([2]) }, 'ERR_SHAPE', "run: input 'input' is [batch, 3], got [2]"],
    [{ input: zeros([1, 4]) }, 'ERR_SHAPE', "run: input 'input' is [batch, 3], got [1, 4]"],
  ])('refuse feeds %#', async (feeds, code, message) => {
    const session = await InferenceSession.create(compile(new nn.Linear(3, 2), zeros([1, 3])));
    expect(await failure(session.run(feeds as never))).toEqual({ code, message });
    expect(() => session.runSync(feeds as never)).toThrow(message);
  });

  it.each([
    [{ threads: 0 }, 'InferenceSession.create: threads must be an integer from 1 to 1024, got 0'],
    [{ threads: 1.5 }, 'InferenceSession.create: threads must be an integer from 1 to 1024, got 1.5'],
    [{ precision: 'double' }, `InferenceSession.create: precision must be 'fast' or 'exact', got "double"`],
    [
      { graphOptimizationLevel: 'most' },
      'InferenceSession.create: graphOptimizationLevel must be one of disabled, basic, extended, layout, all, got "most"',
    ],
    [{ plans: 0 }, 'InferenceSession.create: plans must be an integer of at least 1, got 0'],
    [{ disabledPasses: ['fold'] }, /^disabledPasses: there is no pass "fold"; there are removeDead, /],
  ])('refuse options %#', async (options, message) => {
    const { code, message: actual } = await failure(
      InferenceSession.create(compile(new nn.Linear(3, 2), zeros([1, 3])), options as never),
    );
    expect(code).toBe('ERR_ARGUMENT');
    expect(actual).toMatch(message);
  });

  it('refuse what is no model', async () => {
    expect(await failure(InferenceSession.create(5 as never))).toEqual({
      code: 'ERR_ARGUMENT',
      message:
        'InferenceSession.create: the model must be the path of an ONNX file, its bytes, or what compile() returns',
    });
    expect((await failure(InferenceSession.create('no/such/model.onnx'))).code).toBe('ERR_FILE_FORMAT');
    expect((await failure(InferenceSession.create(new Uint8Array([1, 2, 3])))).code).toBe('ERR_MODEL_FORMAT');
  });

  it('stop when their signal says so, before and during a run', async () => {
    // long enough to be under way when the signal comes: some 30 ms
    const [channels, size] = backend === 'native' ? [64, 96] : [12, 48];
    const layers = Array.from({ length: 60 }, () => new nn.Conv2d(channels, channels, 3, { padding: 1 }));
    const input = zeros([1, channels, size, size]);
    const session = await InferenceSession.create(compile(new nn.Sequential(...layers), input));
    const reason = new Error('enough');
    expect(await failure(session.run({ input }, { signal: AbortSignal.abort(reason) }))).toEqual({
      code: 'ERR_ABORTED',
      message: 'run: aborted by its signal',
      cause: reason,
    });
    const controller = new AbortController();
    const running = session.run({ input }, { signal: controller.signal });
    const others = [1, 2, 3].map(() => session.run({ input }));
    setImmediate(() => controller.abort(reason));
    expect((await failure(running)).code).toBe('ERR_ABORTED');
    // those that were not stopped still end
    expect((await Promise.all(others)).map(({ output }) => output.shape)).toEqual(Array(3).fill(input.shape));
    // a signal that comes too late changes nothing
    const late = new AbortController();
    await session.run({ input }, { signal: late.signal });
    late.abort();
    await session.release();
  });

  it('refuse to run once released, and can be released twice', async () => {
    const session = await InferenceSession.create(compile(new nn.Linear(3, 2), zeros([1, 3])));
    const running = session.run({ input: zeros([1, 3]) });
    await session.release();
    await session.release();
    expect((await running).output.shape).toEqual([1, 2]);
    expect(await failure(session.run({ input: zeros([1, 3]) }))).toEqual({
      code: 'ERR_ARGUMENT',
      message: 'run: the session was released',
    });
  });

  it('tell what they take and give', async () => {
    const session = await InferenceSession.create(compile(smallNet(), zeros([1, 3, 16, 16])));
    expect(session.inputMetadata).toEqual([
      { name: 'input', isTensor: true, type: 'float32', shape: ['batch', 3, 'height', 'width'] },
    ]);
    expect(session.outputMetadata).toEqual([{ name: 'output', isTensor: true, type: 'float32', shape: ['batch', 5] }]);
  });

  it('show what runs', async () => {
    const session = await InferenceSession.create(compile(smallNet(), zeros([1, 3, 16, 16])));
    const inspection = session.inspect({ input: [1, 3, 16, 16] });
    expect(inspection.rows.map(({ op }) => op)).toEqual([
      'fusedConv2d',
      'maxPool2d',
      'fusedConv2d',
      'adaptiveAvgPool2d',
      'reshape',
      'fusedLinear',
    ]);
    expect(inspection.multiplyAdds).toBe(16 * 16 * 20 * 27 + 6 * 6 * 8 * 180 + 8 * 5);
    expect(inspection.parameters).toBe(20 * 27 + 20 + 8 * 180 + 8 + 8 * 5 + 5);
    expect(String(inspection)).toContain('6 nodes');
    expect(() => session.inspect()).toThrow("inspect: input 'input' is [batch, 3, height, width]; say for which sizes");
  });

  it('time their runs when asked to', async () => {
    const session = await InferenceSession.create(compile(smallNet(), zeros([1, 3, 16, 16])));
    expect(session.lastProfile).toBeNull();
    await session.run({ input: zeros([1, 3, 16, 16]) }, { profile: true });
    const profile = session.lastProfile as Profile;
    expect(profile.rows.map(({ op }) => op)).toContain('fusedConv2d');
    expect(profile.total).toBeGreaterThan(0);
    const { traceEvents } = profile.toChromeTrace() as { traceEvents: { ph: string; ts: number; dur: number }[] };
    expect(traceEvents.length).toBeGreaterThanOrEqual(5);
    let end = 0;
    for (const { ph, ts, dur } of traceEvents) {
      expect(ph).toBe('X');
      expect(dur).toBeGreaterThanOrEqual(0);
      expect(ts).toBeGreaterThanOrEqual(end - 1e-3);
      end = ts + dur;
    }
  });

  it('keep a limited number of plans and make them anew', async () => {
    const session = await InferenceSession.create(compile(new nn.Conv2d(3, 4, 3), zeros([1, 3, 8, 8])), { plans: 2 });
    for (let round = 0; round < 3; round++) {
      for (const size of [8, 9, 10, 11]) {
        const { output } = await session.run({ input: ones([1, 3, size, size]) });
        expect(output.shape).toEqual([1, 4, size - 2, size - 2]);
      }
    }
  });

  it('are traced again for every shape, so that control flow may depend on shapes', async () => {
    const net = new Lambda((x) => (x.shape[0] > 2 ? x.mul(0) : x.mul(2)));
    const session = await InferenceSession.create(compile(net, zeros([1, 1])));
    expect((await session.run({ input: ones([2, 1]) })).output.toArray()).toEqual([[2], [2]]);
    expect((await session.run({ input: ones([3, 1]) })).output.toArray()).toEqual([[0], [0], [0]]);
  });

  it('refuse modules that look at elements', () => {
    const net = new Lambda((x) => ((x.sum().item() as number) > 0 ? x : x.neg()));
    expect(() => compile(net, zeros([2]))).toThrow(
      'the elements of this tensor are only known when the compiled model runs, so its code cannot depend on them',
    );
  });

  it('load models from bytes as from a file', async () => {
    const { readFileSync } = await import('node:fs');
    const path = modelPath('conv', { name: 'groups' } as OnnxCase);
    const [file, bytes] = await Promise.all([
      InferenceSession.create(path),
      InferenceSession.create(new Uint8Array(readFileSync(path))),
    ]);
    expect(bytes.inputMetadata).toEqual(file.inputMetadata);
    await Promise.all([file.release(), bytes.release()]);
  });
});

describe.skipIf(backends.length < 2)('sessions on the native executor', () => {
  beforeAll(() => setBackend('native'));

  it('hold NaN and infinity as eager execution does', async () => {
    const net = new nn.Sequential(new nn.Conv2d(16, 16, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2));
    const x = randn([1, 16, 12, 12]);
    (x.data as Float32Array)[100] = Number.NaN;
    (x.data as Float32Array)[900] = Number.POSITIVE_INFINITY;
    const session = await InferenceSession.create(compile(net, x));
    const got = (await session.run({ input: x })).output.data;
    const want = noGrad(() => net.forward(x)).data;
    expect(Array.from(got, Number.isFinite)).toEqual(Array.from(want, Number.isFinite));
    expect(Array.from(got, Number.isNaN)).toEqual(Array.from(want, Number.isNaN));
  });

  it('give the same bits for any number of threads', async () => {
    const net = smallNet();
    const x = randn([2, 3, 40, 40]);
    const outputs = [];
    for (const threads of [1, 2, 3, 8]) {
      const session = await InferenceSession.create(compile(net, x), { threads });
      outputs.push((await session.run({ input: x })).output.data);
      await session.release();
    }
    for (const output of outputs) expect(output).toEqual(outputs[0]);
  });

  it('follow a change of instruction set', async () => {
    const net = smallNet();
    const x = randn([1, 3, 20, 20]);
    const session = await InferenceSession.create(compile(net, x));
    net.eval();
    for (const isa of availableIsas()) {
      setIsa(isa);
      close(
        (await session.run({ input: x })).output,
        noGrad(() => net.forward(x)),
      );
    }
    setIsa(availableIsas()[0]);
  });

  it('wait for weights that another run has begun to pack', async () => {
    // without sizes to expect, nothing is packed when the session is made
    const net = new nn.Sequential(new nn.Conv2d(64, 96, 3, { padding: 1 }), new nn.Conv2d(96, 64, 3, { padding: 1 }));
    const session = await InferenceSession.create(
      Object.assign(compile(net, zeros([1, 64, 8, 8])), { expected: null }),
    );
    const inputs = [6, 7, 8, 9].map((size) => randn([1, 64, size, size]));
    const running = inputs.map((input) => session.run({ input }));
    const synchronous = session.runSync({ input: inputs[3] }).output;
    const results = await Promise.all(running);
    results.forEach(({ output }, i) => {
      close(
        output,
        noGrad(() => net.forward(inputs[i])),
      );
    });
    close(synchronous, results[3].output);
  });

  it('give all of their memory back', async () => {
    const addon = nativeAddon();
    const bytes = () => addon?.memory().sessionBytes ?? 0;
    const before = bytes();
    const session = await InferenceSession.create(compile(smallNet(), zeros([1, 3, 64, 64])), { threads: 1 });
    await session.run({ input: zeros([1, 3, 64, 64]) });
    expect(bytes()).toBeGreaterThan(before);
    const running = [session.run({ input: zeros([1, 3, 64, 64]) }), session.run({ input: zeros([1, 3, 64, 64]) })];
    await session.release();
    await Promise.all(running);
    // sessions of other tests may have been collected meanwhile
    expect(bytes()).toBeLessThanOrEqual(before);
  });

  it('do not grow however many shapes come by', async () => {
    const addon = nativeAddon();
    const before = addon?.memory().sessionBytes ?? 0;
    const session = await InferenceSession.create(compile(new nn.Conv2d(3, 4, 3), zeros([1, 3, 8, 8])), { plans: 2 });
    const bytes: number[] = [];
    for (let size = 8; size < 40; size++) {
      await session.run({ input: zeros([1, 3, size, 8]) });
      bytes.push(addon?.memory().sessionBytes ?? 0);
    }
    // two plans of the largest size, and the weights in the forms that they need
    expect(Number(bytes.at(-1)) - before).toBeLessThan(60_000);
    await session.release();
  });
});
