// Measures conv2d layer by layer, each answer checked before the clock starts: `npm run bench -- --help`.
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Command } from 'commander';
import { availableSides, expectation, worstError } from './sides.mjs';
import { interleave, median, spread } from './statistics.mjs';

const shapesFolder = new URL('./shapes/', import.meta.url);
const networks = readdirSync(shapesFolder).map((file) => file.replace('.json', ''));

const { shapes, layer, sides, rounds, threads } = new Command('bench')
  .description('Times of 2-D convolution layers, batch 1, on several implementations in turn')
  .option('--shapes <network>', `layers of: ${networks.join(', ')}`, 'resnet50')
  .option('--layer <name>', 'only this layer')
  .option('--sides <names>', 'native, typescript, tfjs (see bench/contenders)', 'native,typescript')
  .option('--rounds <n>', 'samples of each side', Number, 15)
  .option('--threads <n>', 'threads of the native kernels (default: all cores)', Number)
  .parse()
  .opts();

const layers = JSON.parse(readFileSync(new URL(`${shapes}.json`, shapesFolder), 'utf8'));
const chosen = await availableSides(sides.split(','), threads);
console.log(`${cpus()[0].model}; ${chosen.map(({ name, detail }) => `${name}: ${detail}`).join('; ')}`);

for (const each of layers.filter(({ name }) => !layer || name === layer)) {
  const reference = expectation(each);
  const prepared = await Promise.all(chosen.map((side) => side.prepare(reference)));
  prepared.forEach(({ activate, result }, i) => {
    activate();
    const error = worstError(result(), reference);
    if (error > 1)
      throw new Error(`${shapes}.${each.name}: ${chosen[i].name} is ${error.toFixed(1)} times the error bound off`);
  });
  const samples = interleave(prepared, { rounds, sampleMs: 10 });
  const times = samples.map(median);
  console.log(`\n${shapes}.${each.name}  ${(reference.flops / 1e6).toFixed(0)} MFLOP`);
  chosen.forEach(({ name }, i) => {
    const rate = reference.flops / times[i] / 1e6;
    const slower = times[i] / times[0];
    console.log(
      `  ${name.padEnd(11)} ${times[i].toFixed(3).padStart(9)} ms ±${(100 * spread(samples[i])).toFixed(1).padStart(4)} %  ${rate.toFixed(1).padStart(7)} GFLOP/s  ${i ? `${slower.toFixed(1)} × the time of ${chosen[0].name}` : ''}`,
    );
  });
  console.log(
    `  npm run bench -- --shapes ${shapes} --layer ${each.name} --sides ${sides}${threads ? ` --threads ${threads}` : ''}`,
  );
}
