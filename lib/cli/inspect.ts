import { Command, InvalidArgumentError, Option } from 'commander';
import type { Precision } from '../backend/backend.js';
import { ArgumentError, check } from '../errors.js';
import { atLeast } from './options.js';

interface InspectFlags {
  shape: Readonly<Record<string, readonly number[]>>;
  threads?: number;
  precision: Precision;
  profile?: true;
  trace?: string;
}

/** `convforge inspect`: what a model consists of, and where its time goes. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show what an ONNX model consists of as it will run: shapes, parameters, algorithms, memory, time')
    .argument('<model>', 'ONNX file')
    .option('-s, --shape <input=sizes>', 'sizes of an input, such as input=1,3,224,224; again for another', shapes, {})
    .option('-t, --threads <n>', 'threads of a run (default: all cores)', atLeast(1))
    .addOption(new Option('-p, --precision <precision>', 'fast or exact').choices(['fast', 'exact']).default('fast'))
    .option('--profile', 'run it on zeros and show the time of each node')
    .option('--trace <file>', "write that run in Chrome's trace format")
    .action(inspectModel);
}

async function inspectModel(path: string, { shape, threads, precision, profile, trace }: InspectFlags): Promise<void> {
  const { InferenceSession, zeros } = await import('../index.js');
  const session = await InferenceSession.create(path, { threads, precision });
  try {
    const unknown = Object.keys(shape).find((name) => !session.inputNames.includes(name));
    check(
      unknown === undefined,
      '--shape',
      () => `there is no input '${unknown}'; the inputs are ${session.inputNames.join(', ')}`,
      ArgumentError,
    );
    const inspection = session.inspect(shape);
    for (const [kind, values] of [
      ['input', session.inputMetadata],
      ['output', session.outputMetadata],
    ] as const) {
      for (const { name, type, shape } of values)
        console.log(`${kind} ${name}: ${type} [${shape.map((extent) => extent || '?').join(', ')}]`);
    }
    console.log(`\n${inspection}`);
    if (!profile && !trace) return;
    const zero = Object.fromEntries(
      session.inputMetadata.map(({ name, type }) => {
        const dtype = type === 'bool' || type === 'uint8' ? type : /float/.test(type) ? 'float32' : 'int32';
        return [name, zeros(session.shapeOf(name, shape), { dtype })];
      }),
    );
    // The first runs touch memory for the first time.
    for (let i = 0; i < 3; i++) await session.run(zero);
    await session.run(zero, { profile: true });
    console.log(`\n${session.lastProfile}`);
    if (!trace) return;
    await session.lastProfile?.save(trace);
    console.log(`\n${trace}: open it with chrome://tracing or ui.perfetto.dev`);
  } finally {
    await session.release();
  }
}

/** Adds `name=1,3,224,224` to the shapes given so far. */
function shapes(text: string, before: Readonly<Record<string, readonly number[]>>): Record<string, readonly number[]> {
  const found = /^(.+)=(\d+(?:,\d+)*)$/.exec(text);
  if (!found) throw new InvalidArgumentError('It must be like input=1,3,224,224.');
  return { ...before, [found[1]]: found[2].split(',').map(Number) };
}
