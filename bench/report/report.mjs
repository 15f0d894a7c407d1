// `npm run bench -- report`: measures everything, or the parts named, and writes bench/results/.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { classBars } from '../analysis.mjs';
import { barChart } from '../chart.mjs';
import { openMachine } from '../machine.mjs';
import { showMachine } from '../show.mjs';
import { markdown } from './markdown.mjs';
import { installedSides, parts } from './parts.mjs';

const folder = new URL('../results/', import.meta.url);
const SIDES = ['blocked', 'blocked-direct', 'native', 'onednn', 'onednn-winograd', 'onnxruntime'];
const KINDS = ['convolutions', 'threads', 'isas', 'gemm', 'memory', 'networks', 'sessions', 'steps'];

export const partNames = Object.keys(parts);

/**
 * Writes records-ISA.json, report-ISA.md and report-ISA.svg. Parts that are not measured now keep what the file of
 * records has of them.
 */
export async function benchReport({ parts: wanted, isa, seconds }) {
  const names = wanted === 'all' ? partNames : wanted === 'none' ? [] : wanted.split(',');
  for (const name of names) {
    if (!parts[name]) throw new Error(`no part ${name}; there are ${partNames.join(', ')}`);
  }
  const machine = openMachine({ isa, threads: 1 });
  const file = (name, extension) => new URL(`${name}-${machine.isa}.${extension}`, folder);
  const recordsFile = file('records', 'json');
  mkdirSync(folder, { recursive: true });
  const state = existsSync(recordsFile)
    ? JSON.parse(readFileSync(recordsFile, 'utf8'))
    : { machine: undefined, sides: [], parts: {} };
  if (names.length > 0 || !state.machine) state.machine = await showMachine(machine);
  const save = () => writeFileSync(recordsFile, `${JSON.stringify(state, null, 1)}\n`);
  if (names.length > 0) {
    const sides = await installedSides(SIDES);
    state.sides = sides.split(',');
    for (const name of names) {
      console.log(name);
      const progress = (what) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K  ${what}`);
      const measured = await parts[name]({ isa, sides, seconds, progress });
      state.parts[name] = { date: new Date().toISOString().slice(0, 10), ...measured };
      save(); // what has been measured survives an interruption
    }
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
  const records = Object.fromEntries(
    KINDS.map((kind) => [kind, partNames.flatMap((name) => state.parts[name]?.[kind] ?? [])]),
  );
  const targets = JSON.parse(readFileSync(new URL('../targets.json', import.meta.url), 'utf8'));
  const dates = [...new Set(Object.values(state.parts).map(({ date }) => date))].sort();
  const chart = `report-${machine.isa}.svg`;
  writeFileSync(file('report', 'md'), markdown({ ...state, date: dates.join(', '), records, targets, chart }));
  writeFileSync(file('report', 'svg'), drawing(state, records, targets));
  console.log(`bench/results/report-${machine.isa}.md and .svg, from records-${machine.isa}.json`);
}

function drawing({ machine, sides }, { convolutions }, targets) {
  const series = [
    ['own', 'convforge (blocked)'],
    ['native', 'convforge (eager)'],
    ['onednn', 'oneDNN'],
    ['onednn-winograd', 'oneDNN, Winograd'],
    ['onnxruntime', 'onnxruntime'],
  ];
  const shown = series.filter(([side]) => side === 'own' || sides.includes(side));
  return barChart({
    title: 'Share of the peak by class of layers',
    subtitle: `${machine.processor}, ${machine.isa}, 1 thread, peak ${machine.peak.toFixed(0)} GFLOP/s`,
    series: shown,
    bars: classBars(
      targets,
      convolutions,
      shown.slice(1).map(([side]) => side),
    ),
  });
}
