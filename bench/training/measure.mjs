// Training steps of one network on several sides, each in a process of its own.
import { TorchProcess } from '../contenders/torchtrain.mjs';
import { SideProcess } from '../networks/process.mjs';
import { inTurn } from '../rounds.mjs';
import { checkLosses } from './losses.mjs';
import { CHECKED_STEPS, CLASSES, LEARNING_RATE, MOMENTUM, networks } from './networks.mjs';

const script = new URL('./child.mjs', import.meta.url);

/** Peaks of memory are those after that many seconds, and at least that many steps. */
const FOOTPRINT = { seconds: 2, steps: 10 };
const LATENESS_SECONDS = 5;

const node =
  (backend) =>
  ({ threads, isa }) =>
    new SideProcess({ script, isa, env: { CONVFORGE_BACKEND: backend, CONVFORGE_THREADS: String(threads) } });
const torch = (options) => new TorchProcess(options);

const isLenetAlone = ({ network, threads }) => network === 'lenet' && threads === 1;

/**
 * What takes samples: the side it belongs to; how its process is opened; in which group it takes turns, since rounds of the
 * fast would wait for the slow; with `trains`, only for which { network, threads } it is measured.
 */
const CONTESTANTS = {
  compiled: { side: 'compiled', open: node('native'), group: 0, isMemoryMeasured: true },
  eager: { side: 'eager', open: node('native'), group: 0, isMemoryMeasured: true },
  'torch-nchw': { side: 'torch', layout: 'nchw', open: torch, group: 0, isMemoryMeasured: true },
  'torch-nhwc': { side: 'torch', layout: 'nhwc', open: torch, group: 0, isMemoryMeasured: true },
  typescript: { side: 'typescript', open: node('typescript'), group: 1, trains: isLenetAlone },
  tfjs: { side: 'tfjs', open: node('native'), group: 1, trains: isLenetAlone },
};

export const sideNames = [...new Set(Object.values(CONTESTANTS).map(({ side }) => side))];

/** Names of what is measured for a network on some threads, of the sides named. */
export function contestantsOf({ network, threads, sides }) {
  const unknown = sides.find((side) => !sideNames.includes(side));
  if (unknown !== undefined) throw new Error(`no side ${unknown}; there are ${sideNames.join(', ')}`);
  if (!networks[network]) throw new Error(`no network ${network}; there are ${Object.keys(networks).join(', ')}`);
  return Object.entries(CONTESTANTS)
    .filter(([, { side, trains = () => true }]) => sides.includes(side) && trains({ network, threads }))
    .map(([name]) => name);
}

/**
 * Checks and measures one network on the sides, interleaved. A record: { network, batch, threads, side, losses, error,
 * apart, ms, spread, clean, dropped, peak, lateness }, where `side` is a contestant's name, `error` and `apart` are what
 * checkLosses says, `peak` is resident memory in MiB of a process that only trains, and `lateness` is that of a timer while
 * the compiled step runs on one thread, in ms. What was not measured is missing; with `unsupported`, the reason, everything.
 *
 * @throws when losses of ours are wrong: there is no point in their time
 */
export async function measureSteps({ network, threads, sides, isa, seconds, progress = () => {} }) {
  const { batch } = networks[network];
  const names = contestantsOf({ network, threads, sides });
  const records = names.map((side) => ({ network, batch, threads, side }));
  const processes = new Map();
  const isMeasured = ({ unsupported }) => !unsupported;
  try {
    for (const record of records) {
      progress(`${network}, ${threads} threads: ${record.side}`);
      const { losses, unsupported } = await prepare(record, isa, processes);
      Object.assign(record, unsupported ? { unsupported } : { losses });
    }
    checkLosses(records);
    for (const group of new Set(names.map((name) => CONTESTANTS[name].group))) {
      const own = records.filter((record) => isMeasured(record) && CONTESTANTS[record.side].group === group);
      progress(`${network}, ${threads} threads: ${own.map(({ side }) => side).join(', ')} in turn`);
      const summaries = await inTurn(
        own.map(({ side }) => processes.get(side)),
        seconds,
      );
      for (const [i, record] of own.entries()) Object.assign(record, summaries[i]);
    }
  } finally {
    for (const each of processes.values()) await each.close();
  }
  for (const record of records.filter(isMeasured)) {
    progress(`${network}, ${threads} threads: memory and timers of ${record.side}`);
    if (CONTESTANTS[record.side].isMemoryMeasured)
      record.peak = await inFreshProcess(record, isa, 'footprint', FOOTPRINT);
    if (record.side === 'compiled' && threads === 1) {
      record.lateness = await inFreshProcess(record, isa, 'lateness', { seconds: LATENESS_SECONDS });
    }
  }
  return records;
}

/** Opens a contestant's process and has it make its first steps. What fails in others' is said, and no reason to stop. */
async function prepare(record, isa, processes) {
  const { side, open } = CONTESTANTS[record.side];
  try {
    const opened = open({ threads: record.threads, isa });
    processes.set(record.side, opened);
    return await opened.ask('prepare', problemOf(record));
  } catch (error) {
    if (side === 'torch' || side === 'tfjs') return { unsupported: error.message.split('\n')[0] };
    throw new Error(`${record.network}, ${record.side}: ${error.message}`);
  }
}

async function inFreshProcess(record, isa, task, options) {
  const opened = CONTESTANTS[record.side].open({ threads: record.threads, isa });
  try {
    return await opened.ask(task, { ...problemOf(record), ...options });
  } finally {
    await opened.close();
  }
}

/** What a process has to know; those in Node take the numbers of all networks from networks.mjs. */
function problemOf({ network, threads, side: name }) {
  const { side, layout } = CONTESTANTS[name];
  const { batch, image } = networks[network];
  const training = { classes: CLASSES, learningRate: LEARNING_RATE, momentum: MOMENTUM, checkedSteps: CHECKED_STEPS };
  return { side, network, threads, ...(layout ? { layout, batch, image, ...training } : {}) };
}
