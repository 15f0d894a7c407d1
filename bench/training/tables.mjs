// Records of training steps as tables: { titles, rows } of strings, for the terminal and for a report.
import { threeDigits } from '../print.mjs';
import { stepComparisons } from './comparisons.mjs';
import { networks } from './networks.mjs';

const times = (record) => (record ? `${record.ms.toFixed(2)}${record.clean ? '' : '*'}` : '');
const imagesPerSecond = (batch, record) => (record ? ((1000 * batch) / record.ms).toFixed(0) : '');
const memory = (record) => (record?.peak === undefined ? '' : record.peak.toFixed(0));
const verdict = (isMet) => (isMet ? 'met' : 'missed');
const isClean = (...records) => records.every((record) => record?.clean > 0);

/** All that there is something to say in. */
export function trainingTables(records, targets) {
  const tables = [stepTable, memoryTable, latenessTable, typescriptTable].map((make) => make(records, targets));
  return tables.filter(({ rows }) => rows.length > 0);
}

/** How many times as fast one record is as another, and whether that is what a target wants: three cells. */
function ratioCells(own, other, target) {
  const wanted = target ? (target.atLeast / 100).toFixed(1) : '';
  if (!own || !other) return ['', wanted, ''];
  const ratio = other.ms / own.ms;
  const mark = isClean(own, other) ? '' : '*';
  return [`${ratio.toFixed(2)}${mark}`, wanted, target ? `${verdict(100 * ratio >= target.atLeast)}${mark}` : ''];
}

/** Times of whole steps, and how many times the images of PyTorch's better layout that is, beside what is aimed at. */
export function stepTable(records, targets) {
  const rows = stepComparisons(records).map(({ network, batch, threads, sides: { compiled, eager, torch } }) => {
    const wanted = targets.find((target) => target.kind === 'step' && target.network === network && !target.side);
    return [
      ...[networks[network].title, batch, threads, times(compiled), times(eager), times(torch), torch?.layout ?? ''],
      ...[imagesPerSecond(batch, compiled), imagesPerSecond(batch, torch)],
      eager && torch ? (torch.ms / eager.ms).toFixed(2) : '',
      ...ratioCells(compiled, torch, wanted),
    ].map(String);
  });
  const of = ['compiled ms', 'eager ms', 'PyTorch ms', 'its layout', 'compiled images/s', "PyTorch's"];
  return { titles: ['network', 'batch', 'threads', ...of, 'eager ×', 'compiled ×', 'wanted', ''], rows };
}

/** Peaks of resident memory, PyTorch's in the layout that is faster. */
export function memoryTable(records) {
  const rows = stepComparisons(records)
    .filter(({ sides }) => Object.values(sides).some(({ peak }) => peak !== undefined))
    .map(({ network, threads, sides: { compiled, eager, torch } }) => [
      ...[networks[network].title, String(threads), memory(compiled), memory(eager), memory(torch)],
      compiled?.peak && torch?.peak ? verdict(compiled.peak <= torch.peak) : '',
    ]);
  return { titles: ['peak of resident memory', 'threads', 'compiled MiB', 'eager MiB', 'PyTorch MiB', ''], rows };
}

/** How late a timer of 5 ms is while compiled steps run on one thread. */
export function latenessTable(records, targets) {
  const wanted = targets.find(({ kind }) => kind === 'stepLateness');
  const rows = records
    .filter(({ lateness }) => lateness)
    .map(({ network, lateness: { p99, max, idleP99 } }) => [
      networks[network].title,
      ...[p99, max, idleP99].map((ms) => `${threeDigits(ms)} ms`),
      wanted ? verdict(p99 <= wanted.atMost) : '',
    ]);
  const quantiles = ['99th percentile', 'latest', '99th, nothing runs'];
  return { titles: ['5 ms timer late, one compute thread', ...quantiles, ''], rows };
}

/** LeNet without native kernels. */
export function typescriptTable(records, targets) {
  const wanted = targets.find(({ kind, side }) => kind === 'step' && side === 'typescript');
  const rows = stepComparisons(records)
    .filter(({ sides: { typescript, tfjs } }) => typescript || tfjs)
    .map(({ network, sides: { typescript, tfjs } }) => [
      ...[networks[network].title, times(typescript), times(tfjs)],
      ...ratioCells(typescript, tfjs, wanted),
    ]);
  return { titles: ['plain JavaScript', 'typescript ms', 'tfjs ms', '×', 'wanted', ''], rows };
}
