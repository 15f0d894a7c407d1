// `npm run bench -- network`: whole networks, as sessions of ours and of onnxruntime, each in a process of its own.
import { openMachine } from '../machine.mjs';
import { printNetwork, printTable } from '../print.mjs';
import { inTurn } from '../rounds.mjs';
import { showMachine } from '../show.mjs';
import { comparisons } from './comparisons.mjs';
import { makeModels, networkFiles, networks, relativeError } from './models.mjs';
import { SideProcess } from './process.mjs';

/** How far an answer may be off, as a fraction of the largest number in it, by the precision of our sessions. */
const ALLOWED = { fast: 1e-4, exact: 2e-5 };

export async function benchNetworks({ networks: names, threads, batch, sides, precision, isa, seconds }) {
  const wanted = names.split(',');
  makeModels(wanted);
  const machine = openMachine({ isa, threads: 1 });
  await showMachine(machine);
  const records = [];
  for (const images of batch) {
    for (const count of threads) {
      for (const network of wanted) {
        const options = { network, batch: images, threads: count, sides: sides.split(','), precision, isa, seconds };
        const measured = await measureNetwork(options);
        printNetwork(networks[network], measured);
        const settings = `${precision === 'fast' ? '' : ` --precision ${precision}`}${isa ? ` --isa ${isa}` : ''}`;
        const again = `--networks ${network} --batch ${images} --threads ${count}${settings}`;
        console.log(`  npm run bench -- network ${again}`);
        records.push(...measured);
      }
    }
  }
  showRatios(records);
  return records;
}

/**
 * Checks and measures one network on the sides, interleaved. A record: { network, batch, threads, side, error, ms, spread,
 * clean, dropped }, where `error` is how far the answer is off PyTorch's and that of the side before, or with
 * `unsupported`, the reason, instead of numbers.
 *
 * @throws when an answer of ours is wrong: there is no point in its time
 */
export async function measureNetwork({ network, batch, threads, sides, precision = 'fast', isa, seconds }) {
  const processes = [];
  const records = [];
  const answers = [networkFiles(network, batch).output];
  try {
    for (const side of sides) {
      const child = new SideProcess({ isa });
      const record = { network, batch, threads, side };
      processes.push(child);
      records.push(record);
      try {
        const answer = await child.ask('prepare', {
          ...{ side, network, batch, threads },
          precision: side === 'convforge' ? precision : undefined,
        });
        record.error = Math.max(...answers.map((expected) => relativeError(expected, answer)));
        if (!(record.error <= ALLOWED[precision])) throw new Error(`the answer is ${record.error.toPrecision(3)} off`);
        answers.push(answer);
      } catch (error) {
        if (side === 'convforge') throw new Error(`${network}: ${error.message}`);
        record.unsupported = error.message;
      }
    }
    const isMeasured = (_, i) => !records[i].unsupported;
    const summaries = await inTurn(processes.filter(isMeasured), seconds);
    for (const [i, record] of records.filter(isMeasured).entries()) Object.assign(record, summaries[i]);
  } finally {
    for (const child of processes) await child.close();
  }
  return records;
}

function showRatios(records) {
  const rows = comparisons(records)
    .filter(({ sides }) => sides.convforge && sides.onnxruntime)
    .map(({ network, batch, threads, sides: { convforge, onnxruntime } }) => [
      networks[network],
      batch,
      threads,
      convforge.ms.toFixed(2),
      onnxruntime.ms.toFixed(2),
      `${(convforge.ms / onnxruntime.ms).toFixed(3)}${convforge.clean ? '' : '*'}`,
    ]);
  if (rows.length === 0) return;
  console.log();
  printTable(['network', 'batch', 'threads', 'convforge ms', 'onnxruntime ms', 'ratio'], rows);
  if (rows.some((row) => row.at(-1).endsWith('*'))) {
    console.log('* in no round had both sides the machine to themselves: says little, with several threads nothing');
  }
}
