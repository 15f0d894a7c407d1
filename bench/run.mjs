// How fast convforge is on this machine, and others beside it: `npm run bench -- --help`.
import { Command, InvalidArgumentError, Option } from 'commander';
import { benchConvolutions } from './conv.mjs';
import { benchProducts } from './gemm.mjs';
import { benchMemory } from './memory/measure.mjs';
import { networks } from './shapes.mjs';
import { benchMachine } from './show.mjs';
import { sideNames } from './sides/index.mjs';

function positive(text) {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a positive number.');
  return value;
}

function count(text) {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('must be an integer.');
  return value;
}

const program = new Command('bench').description(
  'Measures kernels against the peaks of this machine: multiply-adds a second, memory bandwidth. Every answer is checked. ' +
    'A sample counts when a calibration right before and after it ran at full speed; times are medians of those.',
);

/** What all commands take. */
const command = (name, description, options) =>
  program
    .command(name, options)
    .description(description)
    .option(
      '--isa <name>',
      'instruction set of the native kernels: avx512, avx2, neon, baseline (default: the best here)',
    )
    .option('--threads <n>', 'threads', count, 1)
    .option('--seconds <s>', 'time for each side of a layer', positive, 0.25);

program
  .command('machine')
  .description('only the peaks of this machine')
  .option('--isa <name>', 'instruction set (default: the best here)')
  .option('--threads <n>', 'threads', count, 1)
  .action(benchMachine);

command('conv', 'convolution layers (the default command)', { isDefault: true })
  .option('--shapes <names>', `layers of, comma-separated: ${networks.join(', ')}`, 'resnet50')
  .option('--layer <name>', 'only this layer')
  .option('--batch <n>', 'images (default: what the shapes say, mostly 1)', count)
  .addOption(
    new Option('--pass <name>', 'what is computed').choices(['forward', 'gradInput', 'gradWeight']).default('forward'),
  )
  .option('--sides <names>', `comma-separated: ${sideNames.join(', ')}`, 'native')
  .addOption(
    new Option('--algorithm <name>', 'direct: without Winograd')
      .choices(['chosen', 'direct', 'winograd2', 'winograd4'])
      .default('chosen'),
  )
  .action(benchConvolutions);

command('gemm', 'matrix products').option('--size <name>', 'only this row of bench/gemm.json').action(benchProducts);

command('memory', 'ops bound by memory bandwidth: pooling, elementwise, batch norm, softmax, optimizers')
  .option('--op <name>', 'only this one')
  .action(benchMemory);

try {
  await program.parseAsync();
} catch (error) {
  console.error(`bench: ${process.env.DEBUG ? error.stack : error.message}`);
  process.exitCode = 1;
}
