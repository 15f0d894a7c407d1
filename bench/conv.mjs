// `npm run bench -- conv`: convolution layers, one pass of them, on several sides.
import { measureLayer } from './layers.mjs';
import { openMachine } from './machine.mjs';
import { printRecord, printTable } from './print.mjs';
import { describeLayer, layersOf } from './shapes.mjs';
import { showMachine } from './show.mjs';
import { openSides } from './sides/index.mjs';
import { geometricMean } from './statistics.mjs';

export async function benchConvolutions(options) {
  const { shapes, layer: only, batch, pass, sides: names, isa, threads, algorithm, seconds } = options;
  const layers = layersOf(shapes, { only, batch });
  const machine = openMachine({ isa, threads });
  const sides = await openSides(names, machine, { algorithm });
  await showMachine(machine);
  for (const { name, detail } of sides) console.log(`${name}: ${detail}`);
  const all = [];
  try {
    for (const layer of layers) {
      const records = await measureLayer(machine, sides, layer, { pass, seconds });
      all.push(...records);
      const times = layer.count > 1 ? `, ${layer.count} times` : '';
      console.log(`\n${layer.id}  ${describeLayer(layer)}${times}  ${(layer.flops / 1e6).toPrecision(3)} MFLOP`);
      for (const record of records) printRecord(record, records[0], machine.overheadUs);
      console.log(`  npm run bench -- conv ${rerun(layer, options)}`);
    }
  } finally {
    for (const side of sides) await side.close?.();
  }
  summarise(all, sides, layers);
  return all;
}

/** The options that measure one layer again. */
function rerun({ network, name }, { batch, pass, sides, isa, threads, algorithm }) {
  const given = { shapes: network, layer: name, batch, sides, isa };
  if (pass !== 'forward') given.pass = pass;
  if (threads !== 1) given.threads = threads;
  if (algorithm !== 'chosen') given.algorithm = algorithm;
  return Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `--${name} ${value}`)
    .join(' ');
}

/** All layers together, each as often as the network has it, as far as every side has them. */
function summarise(records, sides, layers) {
  if (layers.length < 2) return;
  const complete = layers.filter((layer) => of(records, layer).every(({ unsupported }) => !unsupported));
  if (complete.length === 0) return;
  const left = layers.length - complete.length;
  console.log(
    `\nAll ${complete.length} layers${left ? ` that every side has (${left} left out)` : ''}, each as often as it occurs:`,
  );
  const flops = complete.reduce((sum, { flops, count }) => sum + flops * count, 0);
  const rows = sides.map(({ name }, i) => {
    const own = complete.map((layer) => of(records, layer)[i]);
    const ms = own.reduce((sum, record) => sum + record.ms * record.count, 0);
    const ratios = complete.map((layer, at) => own[at].ms / of(records, layer)[0].ms);
    return [name, ms.toFixed(3), (flops / ms / 1e6).toFixed(1), geometricMean(ratios).toFixed(2)];
  });
  printTable(['', 'ms', 'GFLOP/s', `geometric mean of times, ${sides[0].name} = 1`], rows);
}

const of = (records, { network, name }) =>
  records.filter((record) => record.network === network && record.layer === name);
