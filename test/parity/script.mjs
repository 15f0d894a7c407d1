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

/** Runs the program on the models of a folder. */
export async function program({ InferenceSession, Tensor }, folder) {
  const seen = {};
  const model = (name) => join(folder, `${name}.onnx`);
  const picture = (batch) =>
    new Tensor(
      'float32',
      Float32Array.from({ length: batch * 297 }, (_, i) => Math.sin(i)),
      [batch, 3, 9, 11],
    );

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
  seen.names = { inputs: [...session.inputNames], outputs: [...session.outputNames] };
  seen.metadata = { inputs: session.inputMetadata, outputs: session.outputMetadata };

  const { y } = await session.run({ x: picture(1) });
  seen.run = shown(y);
  seen.isTensor = y instanceof Tensor;
  seen.batches = [];
  for (const batch of [2, 5, 1]) seen.batches.push(shown((await session.run({ x: picture(batch) })).y));
  const together = await Promise.all([1, 2, 3].map((batch) => session.run({ x: picture(batch) })));
  seen.together = together.map((results) => shown(results.y));

  seen.fetchNames = shownAll(await session.run({ x: picture(1) }, ['y']));
  seen.fetchNull = shownAll(await session.run({ x: picture(1) }, { y: null }));
  const memory = new Float32Array(4);
  const given = await session.run({ x: picture(1) }, { y: new Tensor('float32', memory, [1, 4]) });
  seen.fetchInto = { results: shownAll(given), memory: [...memory] };
  seen.withOptions = shownAll(await session.run({ x: picture(1) }, { tag: 'a run', logSeverityLevel: 3 }));
  seen.withBoth = shownAll(await session.run({ x: picture(1) }, ['y'], { tag: 'another' }));

  seen.refusals = {
    'no feeds': await outcome(() => session.run({})),
    'an unknown output': await outcome(() => session.run({ x: picture(1) }, ['z'])),
    'another type': await outcome(() => session.run({ x: new Tensor('int32', new Int32Array(297), [1, 3, 9, 11]) })),
    'another rank': await outcome(() => session.run({ x: new Tensor('float32', new Float32Array(297), [297]) })),
    'another extent': await outcome(() =>
      session.run({ x: new Tensor('float32', new Float32Array(297), [1, 9, 3, 11]) }),
    ),
    'no tensor': await outcome(() => session.run({ x: new Float32Array(297) })),
    'nothing at all': await outcome(() => session.run()),
    'a file that is not there': await outcome(() => InferenceSession.create(model('nowhere'))),
    'bytes that are no model': await outcome(() => InferenceSession.create(new Uint8Array([1, 2, 3]))),
    'a tensor of too few elements': await outcome(() => new Tensor('float32', new Float32Array(3), [2, 2])),
  };
  seen.afterRefusals = shown((await session.run({ x: picture(1) })).y);
  await session.release();
  seen.afterRelease = await outcome(() => session.run({ x: picture(1) }));

  const bytes = readFileSync(model('exporter/classifier'));
  for (const [how, source] of Object.entries({
    Buffer: bytes,
    Uint8Array: new Uint8Array(bytes),
    ArrayBuffer: new Uint8Array(bytes).buffer,
  })) {
    const fromBytes = await InferenceSession.create(source);
    seen[`from ${how}`] = shown((await fromBytes.run({ x: picture(1) })).y);
    await fromBytes.release();
  }

  const once = async (name, feeds) => {
    const opened = await InferenceSession.create(model(name));
    const { inputMetadata, outputMetadata } = opened;
    const results = shownAll(await opened.run(feeds));
    await opened.release();
    // shapes of outputs that the file leaves open are for each package to work out or not
    const outputs = outputMetadata.map(({ name, isTensor, type }) => ({ name, isTensor, type }));
    return { inputs: inputMetadata, outputs, results };
  };
  seen.int64 = await once('binary/add_int64', {
    a: new Tensor(
      'int64',
      BigInt64Array.from({ length: 15 }, (_, i) => BigInt(i) - 7n),
      [3, 5],
    ),
    b: new Tensor('int64', [1n, -2n, 3n, -4n, 5n], [5]),
  });
  seen.bool = await once('compare/and', {
    a: new Tensor('bool', [true, false, true, true, ...new Array(8).fill(false)], [3, 4]),
    b: new Tensor('bool', Uint8Array.of(1, 1, 0, 1), [4]),
  });
  seen.comparison = await once('compare/greater', {
    a: new Tensor(
      Float32Array.from({ length: 15 }, (_, i) => i - 7),
      [3, 5],
    ),
    b: new Tensor('float32', [0, 1, 2, 3, -4], [5]),
  });
  seen.uint8 = await once('cast/uint8_to_float', { x: new Tensor('uint8', Uint8Array.of(0, 1, 128, 255), [4]) });
  seen.severalOutputs = await once('position/top_all', { x: new Tensor(Float32Array.of(3, -1, 4, 1, 5), [5]) });
  seen.scalar = await once('file/scalar', { x: new Tensor('float32', Float32Array.of(-3), []) });
  seen.empty = await once('file/empty_batch', { x: new Tensor('float32', new Float32Array(0), [0, 3, 2, 2]) });

  const tensor = new Tensor('float32', Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
  seen.tensor = { ...shown(tensor), reshaped: shown(tensor.reshape([3, 2])), location: tensor.location };
  seen.getData = Array.from(await tensor.getData());
  return seen;
}
