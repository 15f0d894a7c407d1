// `npm run bench -- session`: what a server sees of a session besides its speed. Memory and time to load, timers that wait
// while it runs, memory that stays after it is released, and what a run costs beyond its kernels.
import { printTable, threeDigits } from '../print.mjs';
import { median } from '../statistics.mjs';
import { makeModels } from './models.mjs';
import { inFreshProcess } from './process.mjs';

const NETWORK = 'resnet50';
/** Fresh processes for each side; medians are of these. */
const PROCESSES = 5;
const LOADS = 200;
const LATENESS_SECONDS = 5;
const RUNS = 3000;

export async function benchSession({ sides, isa }) {
  const names = sides.split(',');
  const records = await measureSessions(names, { isa, progress: (what) => console.error(what) });
  const titles = ['', ...names];
  const cell = (quantity) => (side) => {
    const record = records.find((each) => each.quantity === quantity && each.side === side);
    return record ? `${threeDigits(record.value)} ${record.unit}` : '-';
  };
  const quantities = [...new Set(records.map(({ quantity }) => quantity))];
  printTable(
    titles,
    quantities.map((quantity) => [QUANTITIES[quantity].title, ...names.map(cell(quantity))]),
  );
  return records;
}

/** What is measured, by the name that targets use. */
export const QUANTITIES = {
  start: { title: 'resident before loading, the package imported', unit: 'MiB' },
  memory: { title: 'resident after loading ResNet-50 and one run', unit: 'MiB' },
  peakMemory: { title: 'peak of resident memory until then', unit: 'MiB' },
  load: { title: 'loading ResNet-50', unit: 'ms' },
  firstRun: { title: 'loading ResNet-50 and one run', unit: 'ms' },
  import: { title: 'importing the package', unit: 'ms' },
  lateness: { title: '5 ms timer late at the 99th percentile, ResNet-50 back to back on one thread', unit: 'ms' },
  latenessIdle: { title: 'the same while nothing runs: what else this machine does', unit: 'ms' },
  latenessMax: { title: 'latest timer', unit: 'ms' },
  growth: { title: `growth over the second half of ${LOADS} loads and releases of SqueezeNet 1.1`, unit: 'MiB' },
  lenet: { title: 'a run of LeNet', unit: 'µs' },
  overhead: { title: 'of it beyond the kernels', unit: 'µs' },
};

/** Records { quantity, side, value, unit }. */
export async function measureSessions(sides, { isa, progress }) {
  makeModels([NETWORK, 'squeezenet1_1', 'lenet']);
  const records = [];
  const record = (quantity, side, value) => records.push({ quantity, side, value, unit: QUANTITIES[quantity].unit });
  const ask = (task, options, execArgv) => inFreshProcess(task, { network: NETWORK, ...options }, { isa, execArgv });

  progress('memory and time to load');
  const footprints = sides.map(() => []);
  for (let i = 0; i <= PROCESSES; i++) {
    for (const [at, side] of sides.entries()) {
      const footprint = await ask('footprint', { side });
      if (i > 0) footprints[at].push(footprint); // the first reads the file from the disk
    }
  }
  const fields = {
    start: 'before',
    memory: 'after',
    peakMemory: 'peak',
    load: 'loadMs',
    firstRun: 'runMs',
    import: 'importMs',
  };
  for (const [at, side] of sides.entries()) {
    for (const [quantity, field] of Object.entries(fields)) {
      record(quantity, side, median(footprints[at].map((each) => each[field])));
    }
  }

  progress('timers');
  for (const side of sides) {
    const { p99, max, idleP99 } = await ask('lateness', { side, seconds: LATENESS_SECONDS });
    record('lateness', side, p99);
    record('latenessIdle', side, idleP99);
    record('latenessMax', side, max);
  }

  progress(`${LOADS} loads and releases`);
  for (const side of sides) {
    const resident = await ask('leaks', { side, network: 'squeezenet1_1', loads: LOADS }, ['--expose-gc']);
    record('growth', side, resident.at(-1) - resident[resident.length / 2 - 1]);
  }

  progress('LeNet');
  for (const side of sides) {
    const { whole, kernels } = await ask('latency', { side, network: 'lenet', runs: RUNS });
    record('lenet', side, whole);
    if (kernels !== undefined) record('overhead', side, whole - kernels);
  }
  return records;
}
