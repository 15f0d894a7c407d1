// `npm run bench -- train`: whole training steps beside PyTorch's, and in plain JavaScript beside those of tfjs.
import { readFileSync } from 'node:fs';
import { inspectTorch } from '../contenders/torchtrain.mjs';
import { openMachine } from '../machine.mjs';
import { printSteps, printTable } from '../print.mjs';
import { showMachine } from '../show.mjs';
import { contestantsOf, measureSteps, sideNames } from './measure.mjs';
import { networks } from './networks.mjs';
import { trainingTables } from './tables.mjs';

export async function benchTraining({ networks: names, threads, sides: given, isa, seconds }) {
  const sides = given.split(',');
  const cases = names.split(',').flatMap((network) => threads.map((count) => ({ network, threads: count, sides })));
  if (cases.flatMap(contestantsOf).length === 0) {
    throw new Error(`nothing to measure: ${sides.join(' and ')} only for lenet on one thread`);
  }
  const machine = openMachine({ isa, threads: 1 });
  await showMachine(machine);
  if (sides.includes('torch')) await showTorch(machine);
  const records = [];
  for (const each of cases) {
    const measured = await measureSteps({ ...each, isa, seconds });
    if (measured.length === 0) continue;
    printSteps(networks[each.network].title, measured);
    console.log(
      `  npm run bench -- train --networks ${each.network} --threads ${each.threads}${isa ? ` --isa ${isa}` : ''}`,
    );
    records.push(...measured);
  }
  const targets = JSON.parse(readFileSync(new URL('../targets.json', import.meta.url), 'utf8'));
  for (const { titles, rows } of trainingTables(records, targets)) {
    console.log();
    printTable(titles, rows);
  }
  if (records.some(({ clean }) => clean === 0)) {
    console.log('* in no round had all sides the machine to themselves: says little, with several threads nothing');
  }
  return records;
}

/** @throws where PyTorch is not there or runs on a BLAS that is no match */
async function showTorch({ isa, peakOfOne }) {
  const { version, gflops, library } = await inspectTorch({ isa, peak: peakOfOne }).catch((error) => {
    throw new Error(`${error.message}. Without PyTorch: --sides ${sideNames.filter((side) => side !== 'torch')}`);
  });
  console.log(
    `PyTorch ${version}, matrix products at ${gflops.toFixed(1)} GFLOP/s on one thread${library ? ` (${library})` : ''}`,
  );
}
