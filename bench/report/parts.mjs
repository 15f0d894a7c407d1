// What a report measures, in parts that can be measured again one by one.
import { setIsa, setThreads } from 'convforge';
import { inspectTorch } from '../contenders/torchtrain.mjs';
import { gemmCases, measureProduct } from '../gemm.mjs';
import { measureLayer } from '../layers.mjs';
import { openMachine } from '../machine.mjs';
import { measureMemoryOp, memoryOps, memorySizes } from '../memory/measure.mjs';
import { makeModels, networkNames } from '../networks/models.mjs';
import { measureNetwork } from '../networks/network.mjs';
import { measureSessions } from '../networks/session.mjs';
import { layersOf, networks } from '../shapes.mjs';
import { blockedSide } from '../sides/blocked.mjs';
import { openSides, underSettings } from '../sides/index.mjs';
import { measureSteps, sideNames } from '../training/measure.mjs';
import { networkNames as trainedNetworks } from '../training/networks.mjs';

async function measureLayers(machine, sides, names, { passes = ['forward'], seconds, progress }) {
  const records = [];
  try {
    for (const pass of passes) {
      for (const layer of layersOf(names)) {
        progress(`${layer.id} ${pass}`);
        records.push(...(await measureLayer(machine, sides, layer, { pass, seconds })));
      }
    }
  } finally {
    for (const side of sides) await side.close?.();
  }
  return records;
}

/** All layers of a network, forward, on every side that is installed. */
const forwardOf = (network) =>
  async function measureNetwork({ sides, seconds, progress }) {
    const machine = openMachine({ threads: 1 });
    const opened = await openSides(sides, machine, { algorithm: 'chosen' });
    return { convolutions: await measureLayers(machine, opened, network, { seconds, progress }) };
  };

async function measureTraining({ sides, seconds, progress }) {
  const machine = openMachine({ threads: 1 });
  const opened = await openSides(sides, machine, { algorithm: 'chosen' });
  const passes = ['forward', 'gradInput', 'gradWeight'];
  return { convolutions: await measureLayers(machine, opened, 'training', { passes, seconds, progress }) };
}

/** One thread against all, in turn. */
async function measureThreads({ seconds, progress }) {
  const single = openMachine({ threads: 1 });
  const all = single.addon.defaultThreads;
  const machine = openMachine({ threads: all });
  const side = blockedSide(machine, { algorithm: 'chosen' });
  const sides = [
    underSettings(side, 'one', () => setThreads(1), single.calibration),
    underSettings(side, 'all', () => setThreads(all)),
  ];
  return { threads: await measureLayers(machine, sides, 'resnet50,vgg16,mobilenet_v2', { seconds, progress }) };
}

/** AVX2 against AVX-512, direct convolution, in turn. Nothing on machines without both. */
async function measureIsas({ seconds, progress }) {
  const machine = openMachine({ threads: 1 });
  const pair = ['avx512', 'avx2'];
  if (!pair.every((isa) => machine.addon.isas.includes(isa))) return { isas: [] };
  const side = (isa) => blockedSide({ ...machine, isa }, { algorithm: 'direct' });
  const sides = pair.map((isa) => underSettings(side(isa), isa, () => setIsa(isa)));
  const isas = await measureLayers(machine, sides, 'resnet50', { seconds, progress });
  setIsa(machine.isa);
  return { isas };
}

async function measureProducts({ seconds, progress }) {
  const machine = openMachine({ threads: 1 });
  const gemm = [];
  for (const row of gemmCases) {
    progress(`gemm ${row.name}`);
    gemm.push(...(await measureProduct(machine, row, { seconds })));
  }
  return { gemm };
}

async function measureMemory({ seconds, progress }) {
  const machine = openMachine({ threads: 1 });
  const memory = [];
  for (const op of memoryOps) {
    for (const size of Object.keys(memorySizes)) {
      progress(`${op.name} ${size}`);
      memory.push(await measureMemoryOp(machine, op, size, { seconds }));
    }
  }
  return { memory };
}

const SESSIONS = ['convforge', 'onnxruntime'];
/** A few runs take that long; what is given for a layer would be one run. */
const NETWORK_SECONDS = 4;

/** Whole networks at batch 1, and some at batch 8, on one thread and two. */
async function measureNetworks({ isa, progress }) {
  const cases = [
    ...networkNames.filter((name) => name !== 'lenet').map((network) => ({ network, batch: 1 })),
    ...['resnet50', 'mobilenet_v2'].map((network) => ({ network, batch: 8 })),
  ];
  makeModels(cases.map(({ network }) => network));
  const records = [];
  for (const each of cases) {
    for (const threads of [1, 2]) {
      progress(`${each.network}, batch ${each.batch}, ${threads} threads`);
      const options = { ...each, threads, sides: SESSIONS, isa, seconds: NETWORK_SECONDS };
      records.push(...(await measureNetwork(options)));
    }
  }
  return { networks: records };
}

const measureSession = async ({ isa, progress }) => ({ sessions: await measureSessions(SESSIONS, { isa, progress }) });

/** Whole training steps, on one thread and two; without PyTorch where that is not there or no match. */
async function measureTrainingSteps({ isa, progress }) {
  const { peakOfOne } = openMachine({ isa, threads: 1 });
  let sides = sideNames;
  try {
    await inspectTorch({ isa, peak: peakOfOne });
  } catch (error) {
    console.log(`without torch: ${error.message}`);
    sides = sides.filter((side) => side !== 'torch');
  }
  const records = [];
  for (const network of trainedNetworks) {
    for (const threads of [1, 2]) {
      records.push(...(await measureSteps({ network, threads, sides, isa, seconds: NETWORK_SECONDS, progress })));
    }
  }
  return { steps: records };
}

/** Each returns lists of records by kind; a report joins those of all parts. */
export const parts = {
  ...Object.fromEntries(networks.filter((name) => name !== 'training').map((name) => [name, forwardOf(name)])),
  training: measureTraining,
  threads: measureThreads,
  isas: measureIsas,
  gemm: measureProducts,
  memory: measureMemory,
  networks: measureNetworks,
  sessions: measureSession,
  steps: measureTrainingSteps,
};

/** Sides of a report's convolutions: ours, and of the others those that run here. */
export async function installedSides(wanted) {
  const machine = openMachine({ threads: 1 });
  const installed = [];
  for (const name of wanted) {
    try {
      for (const side of await openSides(name, machine, { algorithm: 'chosen' })) await side.close?.();
      installed.push(name);
    } catch (error) {
      console.log(`without ${name}: ${error.message}`);
    }
  }
  return installed.join(',');
}
