// The text of a report.
import { averagePercent, evaluate, layersByName } from '../analysis.mjs';
import { comparisons } from '../networks/comparisons.mjs';
import { networks as networkTitles } from '../networks/models.mjs';
import { QUANTITIES } from '../networks/session.mjs';
import { milliseconds, threeDigits } from '../print.mjs';
import { geometricMean } from '../statistics.mjs';
import { trainingTables } from '../training/tables.mjs';

const table = (titles, rows) =>
  [
    `| ${titles.join(' | ')} |`,
    `| ${titles.map((_, i) => (i ? '---:' : '---')).join(' | ')} |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');

const time = (ms) => milliseconds(ms).trim();
const timeOf = ({ ms, clean }) => `${time(ms)}${clean ? '' : '*'}`;
const percent = (value) => (value === undefined ? '' : value.toFixed(0));
const factor = (value) => (value === undefined ? '' : value.toFixed(2));

const RATIOS = new Set(['scaling', 'ratio', 'faster', 'fasterMean', 'network', 'sessionRatio', 'step', 'stepMemory']);

/** Numbers of a target in its own unit: × where it compares two times, % where it names none. */
function inUnit({ kind, unit }, value) {
  if (unit) return `${value.toFixed(1)} ${unit}`;
  return RATIOS.has(kind) ? `${(value / 100).toFixed(2)} ×` : `${value.toFixed(1)} %`;
}

function targetRow(target) {
  const { class: name, atLeast, atMost, worst, mean, where, count, missed, met } = target;
  const wanted = atMost === undefined ? `≥ ${inUnit(target, atLeast)}` : `≤ ${inUnit(target, atMost)}`;
  if (met === null) return [name, wanted, 'not measured', '', '', ''];
  const others = count > 1 ? inUnit(target, mean) : '';
  const verdict = met ? 'met' : `**${count > 1 ? `${missed.length} of ${count} missed` : 'missed'}**`;
  return [name, wanted, inUnit(target, worst), count > 1 ? where : '', others, verdict];
}

/** One network, every layer on every side; ratios are times of the side over times of the blocked kernels. */
function networkTable(layers, sides) {
  const others = sides.filter((side) => side !== 'blocked' && side !== 'blocked-direct');
  const rows = layers.map(({ layer, count, sides: records }) => {
    const own = records.blocked ?? records.native;
    const ratio = (side) => factor(own && records[side] && records[side].ms / own.ms);
    return [
      `${layer}${count > 1 ? ` ×${count}` : ''}`,
      records.blocked?.algorithm ?? '(eager)',
      own ? timeOf(own) : '',
      own?.gflops.toFixed(0) ?? '',
      percent(own?.percent),
      percent(records['blocked-direct']?.percent),
      ...others.map(ratio),
    ];
  });
  const titles = [
    'layer',
    'algorithm',
    'time',
    'GFLOP/s',
    '% of peak',
    '% direct',
    ...others.map((side) => `${side} ×`),
  ];
  return `${table(titles, rows)}\n\n${totals(layers, sides)}`;
}

/** The whole network on each side that has all layers the blocked kernels have. */
function totals(layers, sides) {
  const own = layers.filter((each) => each.sides.blocked);
  const lines = [];
  for (const side of sides) {
    if (side === 'blocked-direct' || own.length === 0) continue;
    const common = own.filter((each) => each.sides[side]);
    if (common.length === 0) continue;
    const ms = common.reduce((sum, each) => sum + each.count * each.sides[side].ms, 0);
    const ratios = common.map((each) => each.sides[side].ms / each.sides.blocked.ms);
    const counts = common.map(({ count }) => count);
    const missing = common.length < own.length ? ` (${own.length - common.length} layers missing)` : '';
    const mean =
      side === 'blocked' ? '' : `, geometric mean ${geometricMean(ratios, counts).toFixed(2)} × the time of blocked`;
    lines.push(`${side} ${time(ms)}${missing}, ${averagePercent(common, side).toFixed(0)} % of peak${mean}`);
  }
  return `All layers, each as often as it occurs: ${lines.join('; ')}.`;
}

function pairTable(records, [first, second]) {
  const layers = layersByName(records).filter(({ sides }) => sides[first] && sides[second]);
  const rows = layers.map(({ id, sides }) => [
    id,
    timeOf(sides[first]),
    timeOf(sides[second]),
    factor(sides[first].ms / sides[second].ms),
  ]);
  return table(['layer', first, second, 'ratio'], rows);
}

const gemmTable = (gemm) =>
  table(
    ['product', 'm × k · k × n', 'kernel', 'time', 'GFLOP/s', '%', 'of'],
    gemm.map(({ name, m, n, k, transA, transB, side, ms, gflops, percent: share, of }) => [
      name,
      `${m}×${k}${transA ? 'ᵀ' : ''} · ${k}×${n}${transB ? 'ᵀ' : ''}`,
      side,
      time(ms),
      gflops.toFixed(1),
      share.toFixed(1),
      of,
    ]),
  );

const networkTimes = (records) =>
  table(
    ['network', 'batch', 'threads', 'convforge', 'onnxruntime', 'ratio'],
    comparisons(records).map(({ network, batch, threads, sides: { convforge, onnxruntime } }) => [
      networkTitles[network],
      batch,
      threads,
      convforge ? timeOf(convforge) : '',
      onnxruntime ? timeOf(onnxruntime) : '',
      factor(convforge && onnxruntime && convforge.ms / onnxruntime.ms),
    ]),
  );

const sessionTable = (records) =>
  table(
    ['', 'convforge', 'onnxruntime'],
    [...new Set(records.map(({ quantity }) => quantity))].map((quantity) => [
      QUANTITIES[quantity].title,
      ...['convforge', 'onnxruntime'].map((side) => {
        const record = records.find((each) => each.quantity === quantity && each.side === side);
        return record ? `${threeDigits(record.value)} ${record.unit}` : '';
      }),
    ]),
  );

const memoryTable = (memory) =>
  table(
    ['op', 'in', 'working set', 'time', 'GB/s', 'bandwidth', '%'],
    memory.map(({ op, size, workingSet, ms, gbytes, bandwidth, percent: share }) => [
      op,
      size,
      `${(workingSet / 2 ** 20).toFixed(1)} MiB`,
      time(ms),
      gbytes.toFixed(1),
      bandwidth.toFixed(1),
      share.toFixed(0),
    ]),
  );

const NETWORKS_TEXT =
  'Sessions of both packages, each in a process of its own, in turn: 50 ms of rest (threads of onnxruntime spin for 35 ms ' +
  'after a run), one run that is not counted, then runs back to back for 40 ms and at least one.';

const STEPS_TEXT =
  'Forward pass, cross-entropy, backward pass and SGD with momentum, each side in a process of its own, in turn; all begin ' +
  "with the same weights, and their first losses are compared. PyTorch's times are those of the faster layout, × is how many " +
  'times its images a second.';

export function markdown({ machine, date, sides, records, targets, chart }) {
  const { processor, cores, system, node, convforge, compiler, isa, peakOfOne, peakOfAll, memory } = machine;
  const evaluated = targets.map((target) => evaluate(target, records));
  const judged = evaluated.filter(({ met }) => met !== null);
  const networks = [...new Set(records.convolutions.map(({ network }) => network))];
  const sections = [
    '# How fast convforge is here',
    `${processor}, ${cores} cores; ${system}; Node ${node}; convforge ${convforge}, ${compiler}, ${isa}; measured ${date}.`,
    `One thread unless said otherwise. Peak of fp32 multiply-adds: ${peakOfOne.toFixed(1)} GFLOP/s on one thread, ${peakOfAll.toFixed(1)} on all. Times are medians of samples whose ` +
      'calibrations ran at full speed (an asterisk: none did). GFLOP are those of direct summation, so Winograd passes 100 %. ' +
      'Columns with × are times relative to the blocked kernels (where there are none, to eager conv2d), above 1 slower. `npm run bench -- report` makes this page again.',
    table(
      ['memory', 'working set', 'read', 'write', 'copy GB/s'],
      memory.map(({ level, bytes, read, write, copy }) => [
        level,
        `${bytes / 1024} KiB`,
        ...[read, write, copy].map((rate) => rate.toFixed(0)),
      ]),
    ),
    `![Share of the peak by class](${chart})`,
    `## Targets: ${judged.filter(({ met }) => met).length} of ${judged.length} met`,
    table(['class', 'wanted', 'measured (worst)', 'where', 'mean', ''], evaluated.map(targetRow)),
  ];
  const shortfalls = evaluated.filter(({ met, count }) => met === false && count > 1);
  if (shortfalls.length > 0) {
    sections.push('### What misses its target');
    sections.push(
      shortfalls
        .map((target) => {
          const worst = [...target.missed].sort((a, b) => a[1] - b[1]);
          return `- ${target.class}: ${worst.map(([name, value]) => `${name} ${inUnit(target, value)}`).join(', ')}`;
        })
        .join('\n'),
    );
  }
  if (records.networks.length) sections.push('## Whole networks', NETWORKS_TEXT, networkTimes(records.networks));
  if (records.steps.length) {
    const tables = trainingTables(records.steps, targets).map(({ titles, rows }) => table(titles, rows));
    sections.push('## Training steps', STEPS_TEXT, ...tables);
  }
  if (records.sessions.length) sections.push('## Sessions', sessionTable(records.sessions));
  for (const network of networks) {
    const own = records.convolutions.filter((record) => record.network === network);
    for (const pass of new Set(own.map((record) => record.pass))) {
      sections.push(
        `## ${network}${pass === 'forward' ? '' : `, ${pass}`}`,
        networkTable(layersByName(own, pass), sides),
      );
    }
  }
  if (records.gemm.length) sections.push('## Matrix products', gemmTable(records.gemm));
  if (records.memory.length) sections.push('## Ops bound by memory', memoryTable(records.memory));
  if (records.threads.length) sections.push('## One thread and all', pairTable(records.threads, ['one', 'all']));
  if (records.isas.length) sections.push('## AVX2 and AVX-512, direct', pairTable(records.isas, ['avx512', 'avx2']));
  return `${sections.join('\n\n')}\n`;
}
