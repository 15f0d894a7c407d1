// A program as a user of onnxruntime-node writes it. `ort` is what was imported: that package or convforge. It goes through
// the interface step by step and gives back what it saw, as JSON.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Tensors as JSON: big integers as strings, so that they differ from numbers. */
const shown = ({ type, dims, data, size }) => ({
  type,
  dims: [...dims],
  size,
  array: data.constructor.name,
  data: Array.from(data, (value) => (typeof value === 'bigint' ? `${value}n` : value)),
});

const shownAll = (results) =>
  Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, shown(tensor)]));

/** Whether a call is refused, which says nothing of the words it is refused with. */
async function outcome(call) {
  try {
    await call();
    return 'accepted';
  } catch (error) {
    return error instanceof Error ? 'refused' : 'refused with something that is no Error';
  }
}

/** Runs the program on the models of a folder. What a step throws is what it saw. */
export async function program({ InferenceSession, Tensor }, folder) {
  const seen = {};
  const step = async (name, look) => {
    try {
      seen[name] = await look();
    } catch (error) {
      seen[name] = `threw ${error.message}`;
    }
  };
  const model = (name) => join(folder, `${name}.onnx`);
  const picture = (batch) => {
    const pixels = Float32Array.from({ length: batch * 297 }, (_, i) => Math.sin(i));
    return new Tensor('float32', pixels, [batch, 3, 9, 11]);
  };

  const session = await InferenceSession.create(model('exporter/classifier'), {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    enableCpuMemArena: true,
    enableMemPattern: true,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  await step('names', () => ({ inputs: [...session.inputNames], outputs: [...session.outputNames] }));
  await step('metadata', () => ({ inputs: session.inputMetadata, outputs: session.outputMetadata }));

  await step('run', async () => shown((await session.run({ x: picture(1) })).y));
  await step('results are tensors', async () => (await session.run({ x: picture(1) })).y instanceof Tensor);
  await step('batches', async () => {
    const results = [];
    for (const batch of [2, 5, 1]) results.push(shown((await session.run({ x: picture(batch) })).y));
    return results;
  });
  await step('runs at once', async () => {
    const together = await Promise.all([1, 2, 3].map((batch) => session.run({ x: picture(batch) })));
    return together.map(({ y }) => shown(y));
  });

  await step('outputs by name', async () => shownAll(await session.run({ x: picture(1) }, ['y'])));
  await step('outputs as null', async () => shownAll(await session.run({ x: picture(1) }, { y: null })));
  await step('outputs into memory', async () => {
    const memory = new Float32Array(4);
    const results = await session.run({ x: picture(1) }, { y: new Tensor('float32', memory, [1, 4]) });
    return { results: shownAll(results), memory: [...memory] };
  });
  const options = { tag: 'a run', logSeverityLevel: 3 };
  await step('options of a run', async () => shownAll(await session.run({ x: picture(1) }, options)));
  await step('outputs and options', async () => shownAll(await session.run({ x: picture(1) }, ['y'], options)));

  const floats = (dims) => new Tensor('float32', new Float32Array(297), dims);
  const refusals = {
    'no feeds': () => session.run({}),
    'an unknown output': () => session.run({ x: picture(1) }, ['z']),
    'another type': () => session.run({ x: new Tensor('int32', new Int32Array(297), [1, 3, 9, 11]) }),
    'another rank': () => session.run({ x: floats([297]) }),
    'another extent': () => session.run({ x: floats([1, 9, 3, 11]) }),
    'no tensor': () => session.run({ x: new Float32Array(297) }),
    'nothing at all': () => session.run(),
    'a file that is not there': () => InferenceSession.create(model('nowhere')),
    'bytes that are no model': () => InferenceSession.create(new Uint8Array([1, 2, 3])),
    'a tensor of too few elements': () => new Tensor('float32', new Float32Array(3), [2, 2]),
  };
  for (const [name, call] of Object.entries(refusals)) await step(`given ${name}`, () => outcome(call));
  await step('run after refusals', async () => shown((await session.run({ x: picture(1) })).y));
  await session.release();
  await step('run after release', () => outcome(() => session.run({ x: picture(1) })));

  const bytes = readFileSync(model('exporter/classifier'));
  const sources = { Buffer: bytes, Uint8Array: new Uint8Array(bytes), ArrayBuffer: new Uint8Array(bytes).buffer };
  for (const [how, source] of Object.entries(sources)) {
    await step(`a model in a ${how}`, async () => {
      const fromBytes = await InferenceSession.create(source);
      const { y } = await fromBytes.run({ x: picture(1) });
      await fromBytes.release();
      return shown(y);
    });
  }

  const once = (what, name, feeds) =>
    step(what, async () => {
      const opened = await InferenceSession.create(model(name));
      const { inputMetadata, outputMetadata } = opened;
      const results = shownAll(await opened.run(feeds()));
      await opened.release();
      // shapes of outputs that the file leaves open are for each package to work out or not
      const outputs = outputMetadata.map((each) => ({ name: each.name, isTensor: each.isTensor, type: each.type }));
      return { inputs: inputMetadata, outputs, results };
    });
  await once('int64', 'binary/add_int64', () => ({
    a: new Tensor(
      'int64',
      BigInt64Array.from({ length: 15 }, (_, i) => BigInt(i) - 7n),
      [3, 5],
    ),
    b: new Tensor('int64', [1n, -2n, 3n, -4n, 5n], [5]),
  }));
  await once('bool', 'compare/and', () => ({
    a: new Tensor('bool', [true, false, true, true, ...new Array(8).fill(false)], [3, 4]),
    b: new Tensor('bool', Uint8Array.of(1, 1, 0, 1), [4]),
  }));
  await once('types from arrays', 'compare/greater', () => ({
    a: new Tensor(
      Float32Array.from({ length: 15 }, (_, i) => i - 7),
      [3, 5],
    ),
    b: new Tensor('float32', [0, 1, 2, 3, -4], [5]),
  }));
  await once('uint8', 'cast/uint8_to_float', () => ({ x: new Tensor('uint8', Uint8Array.of(0, 1, 128, 255), [4]) }));
  await once('several outputs', 'position/top_all', () => ({
    x: new Tensor('float32', Float32Array.of(3, -1, 4, 1, 5), [5]),
  }));
  await once('a scalar', 'file/scalar', () => ({ x: new Tensor('float32', Float32Array.of(-3), []) }));
  await once('no elements', 'file/empty_batch', () => ({
    x: new Tensor('float32', new Float32Array(0), [0, 3, 2, 2]),
  }));

  const tensor = () => new Tensor('float32', Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
  await step('a tensor', () => shown(tensor()));
  await step('a tensor without dims', () => shown(new Tensor('float32', Float32Array.of(1, 2))));
  await step('a tensor reshaped', () => shown(tensor().reshape([3, 2])));
  await step('where a tensor is', () => tensor().location);
  await step('data that may have to be fetched', async () => Array.from(await tensor().getData()));
  return seen;
}
