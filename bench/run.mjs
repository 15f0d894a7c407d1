// How fast convforge is on this machine, and others beside it: `npm run bench -- --help`.
import { Command, InvalidArgumentError, Option } from 'commander';
import { benchConvolutions } from './conv.mjs';
import { benchProducts } from './gemm.mjs';
import { benchMemory } from './memory/measure.mjs';
import { networkNames } from './networks/models.mjs';
import { benchNetworks } from './networks/network.mjs';
import { benchSession } from './networks/session.mjs';
import { benchReport, partNames } from './report/report.mjs';
import { networks } from './shapes.mjs';
import { benchMachine } from './show.mjs';
import { sideNames } from './sides/index.mjs';
import { sideNames as trainingSides } from './training/measure.mjs';
import { networkNames as trainingNetworks } from './training/networks.mjs';
import { benchTraining } from './training/train.mjs';

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

function counts(text) {
  return text.split(',').map(count);
}

const program = new Command('bench').description(
  'Measures kernels against the peaks of this machine: multiply-adds a second, memory bandwidth. Every answer is checked. ' +
    'A sample counts when a calibration right before and after it ran at full speed; times are medians of those.',
);

const isa = () => new Option('--isa <name>', 'avx512, avx2, neon or baseline (default: the best here)');
const threads = () => new Option('--threads <n>', 'threads').argParser(count).default(1);
const seconds = () => new Option('--seconds <s>', 'time for each side of a layer').argParser(positive).default(0.25);

const command = (name, description, options) =>
  program.command(name, options).description(description).addOption(isa());
const timed = (...given) =>
  command(...given)
    .addOption(threads())
    .addOption(seconds());

command('machine', 'only the peaks of this machine').addOption(threads()).action(benchMachine);

timed('conv', 'convolution layers (the default command)', { isDefault: true })
  .option('--shapes <names>', `layers of, comma-separated: ${networks.join(', ')}`, 'resnet50')
  .option('--layer <name>', 'only this layer')
  .option('--batch <n>', 'images (default: what the shapes say, mostly 1)', count)
  .addOption(
    new Option('--pass <name>', 'what is computed').choices(['forward', 'gradInput', 'gradWeight']).default('forward'),
  )
  .option('--sides <names>', `comma-separated: ${sideNames.join(', ')}`, 'blocked,native')
  .addOption(
    new Option('--algorithm <name>', 'direct: without Winograd')
      .choices(['chosen', 'direct', 'winograd2', 'winograd4', 'winograd4Taps', 'winogradStrided'])
      .default('chosen'),
  )
  .action(benchConvolutions);

timed('gemm', 'matrix products').option('--size <name>', 'only this row of bench/gemm.json').action(benchProducts);

timed('memory', 'ops bound by memory bandwidth: pooling, elementwise, batch norm, softmax, optimizers')
  .option('--op <name>', 'only this one')
  .action(benchMemory);

const sessions = () =>
  new Option('--sides <names>', 'comma-separated: convforge, onnxruntime').default('convforge,onnxruntime');

command('network', 'whole networks against onnxruntime, on one thread and two')
  .option('--networks <names>', `comma-separated: ${networkNames.join(', ')}`, networkNames.slice(0, -1).join(','))
  .addOption(new Option('--threads <counts>', 'comma-separated').argParser(counts).default([1, 2], '1,2'))
  .addOption(new Option('--batch <counts>', 'images, comma-separated, up to 8').argParser(counts).default([1], '1'))
  .addOption(sessions())
  .addOption(new Option('--precision <name>', 'of our sessions').choices(['fast', 'exact']).default('fast'))
  .addOption(seconds().default(4))
  .action(benchNetworks);

command('session', 'what a server sees of a session: memory, time to load, late timers, leaks, overhead of a run')
  .addOption(sessions())
  .action(benchSession);

command('train', 'whole training steps against PyTorch, on one thread and two, and in plain JavaScript against tfjs')
  .option('--networks <names>', `comma-separated: ${trainingNetworks.join(', ')}`, trainingNetworks.join(','))
  .addOption(new Option('--threads <counts>', 'comma-separated').argParser(counts).default([1, 2], '1,2'))
  .option(
    '--sides <names>',
    `comma-separated: ${trainingSides.join(', ')}; the last two only for lenet on one thread`,
    trainingSides.join(','),
  )
  .addOption(seconds().default(4))
  .action(benchTraining);

command('report', 'everything, into bench/results/: a table with targets met or not, and a chart; also --report')
  .addOption(seconds())
  .option('--parts <names>', `comma-separated: ${partNames.join(', ')}; all, or none to write it again`, 'all')
  .action(benchReport);

const words = process.argv.slice(2);
if (words[0] === '--report') words[0] = 'report';
try {
  await program.parseAsync(words, { from: 'user' });
} catch (error) {
  console.error(`bench: ${process.env.DEBUG ? error.stack : error.message}`);
  process.exitCode = 1;
}
