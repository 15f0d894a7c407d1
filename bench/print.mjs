// What the bench says on the terminal.

const number = (value, digits, width) => value.toFixed(digits).padStart(width);

export function milliseconds(ms) {
  return ms < 1 ? `${number(ms * 1000, ms < 0.1 ? 2 : 1, 8)} µs` : `${number(ms, 3, 8)} ms`;
}

/** Time, rate, share of what the machine can do, spread; dropped samples where there were any. */
function figures(record) {
  const { ms, gflops, percent, spread } = record;
  return `${milliseconds(ms)} ${number(gflops, 1, 7)} GFLOP/s ${number(percent, 1, 6)} %  ±${number(100 * spread, 1, 4)} %  ${samplesOf(record)}`;
}

/** One line of a side; the others compare themselves with the first. */
export function printRecord(record, first, overheadUs) {
  const name = `  ${record.side.padEnd(16)}`;
  if (record.unsupported) return console.log(`${name}- ${record.unsupported}`);
  const notes = [];
  if (record !== first && !first.unsupported)
    notes.push(`${(record.ms / first.ms).toFixed(2)} × the time of ${first.side}`);
  if (record.isCall && record.ms < 0.02) {
    notes.push(`${((100 * overheadUs) / (record.ms * 1000)).toFixed(0)} % of it the bare call of a kernel`);
  }
  console.log(
    `${name}${(record.algorithm ?? '').padEnd(20)}${figures(record)}${notes.length ? `; ${notes.join(', ')}` : ''}`,
  );
}

export function printMachine(description, machine, bandwidths) {
  const { processor, cores, system, node, convforge, compiler } = description;
  console.log(`${processor}, ${cores} cores; ${system}; Node ${node}; convforge ${convforge} (${compiler})`);
  const { addon, isa, threads, peakOfOne, peakOfAll, overheadUs } = machine;
  const all = addon.defaultThreads;
  const scaling = all > 1 ? `, ${peakOfAll.toFixed(1)} on ${all} (${(peakOfAll / peakOfOne).toFixed(2)} ×)` : '';
  console.log(
    `${isa}, measured on ${threads} thread${threads > 1 ? 's' : ''}; peak of multiply-adds ${peakOfOne.toFixed(1)} GFLOP/s on one thread${scaling}; ` +
      `a kernel call costs ${overheadUs.toFixed(2)} µs`,
  );
  for (const { level, bytes, read, write, copy } of bandwidths) {
    const size = bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
    console.log(
      `  ${level.padEnd(5)}${size.padStart(8)} a thread: read ${number(read, 0, 4)} GB/s, write ${number(write, 0, 4)}, copy ${number(copy, 0, 4)}`,
    );
  }
}

/** A number with three digits that count, and no exponent. */
export const threeDigits = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** A table of strings and numbers under a line of titles, columns as wide as they must be. */
export function printTable(titles, rows) {
  const cells = [titles, ...rows].map((row) => row.map(String));
  const widths = titles.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  for (const row of cells) {
    console.log(
      row
        .map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    );
  }
}

function samplesOf({ clean, dropped }) {
  if (!clean) return 'no clean sample';
  return dropped ? `${clean} samples, ${dropped} dropped` : `${clean} samples`;
}

/** A whole network on each side; the others compare themselves with the first. */
export function printNetwork(title, records) {
  const [first] = records;
  const { batch, threads } = first;
  console.log(`\n${title}, batch ${batch}, ${threads} thread${threads > 1 ? 's' : ''}`);
  for (const record of records) {
    const name = `  ${record.side.padEnd(12)}`;
    if (record.unsupported) {
      console.log(`${name}- ${record.unsupported}`);
      continue;
    }
    const off = `off by ${record.error.toExponential(1)}`;
    const ratio = record === first ? '' : `; ${first.side} takes ${(first.ms / record.ms).toFixed(3)} × as long`;
    const samples = `±${number(100 * record.spread, 1, 4)} %  ${samplesOf(record)}`;
    console.log(`${name}${milliseconds(record.ms)}  ${samples}, ${off}${ratio}`);
  }
}

/** Whole training steps of a network on each side. */
export function printSteps(title, records) {
  const [{ batch, threads }] = records;
  console.log(`\n${title}, batch ${batch}, ${threads} thread${threads > 1 ? 's' : ''}`);
  for (const record of records) {
    const name = `  ${record.side.padEnd(12)}`;
    if (record.unsupported) {
      console.log(`${name}- ${record.unsupported}`);
      continue;
    }
    const { ms, spread, peak, losses, error, apart } = record;
    const notes = [`±${number(100 * spread, 1, 4)} %  ${samplesOf(record)}`];
    if (peak !== undefined) notes.push(`${peak.toFixed(0)} MiB`);
    notes.push(
      error === undefined
        ? `losses ${losses.map((loss) => loss.toPrecision(6)).join(', ')}`
        : `losses off by ${error.toExponential(1)}`,
    );
    if (apart !== undefined) notes.push(`ours apart by ${apart.toExponential(1)}`);
    console.log(`${name}${milliseconds(ms)} ${number((1000 * batch) / ms, 0, 7)} images/s  ${notes.join(', ')}`);
  }
}

/** A matrix product: share of the peak, or of the bandwidth where a single row or column waits for its weights. */
export function printProduct(records, again) {
  const [{ name, m, n, k, transA, transB }] = records;
  console.log(`\n${name}  ${m}×${k}${transA ? 'ᵀ' : ''} · ${k}×${n}${transB ? 'ᵀ' : ''}`);
  for (const record of records) {
    const { side, ms, gflops, gbytes, percent, of, spread } = record;
    const rate = of === 'peak' ? `${number(gflops, 1, 7)} GFLOP/s` : `${number(gbytes, 1, 7)} GB/s   `;
    const share = `${number(percent, 1, 6)} % of ${of === 'peak' ? 'peak' : 'reading the weights'}`;
    const samples = `±${number(100 * spread, 1, 4)} %  ${samplesOf(record)}`;
    console.log(`  ${side.padEnd(8)}${milliseconds(ms)} ${rate} ${share}  ${samples}`);
  }
  console.log(`  npm run bench -- ${again}`);
}

/** An op that memory bounds, on one size. */
export function printMemoryOp(record) {
  const { size, workingSet, ms, gbytes, bandwidth, percent, spread } = record;
  const mib = `${number(workingSet / 2 ** 20, 1, 7)} MiB`;
  const share = `${number(gbytes, 1, 6)} of ${number(bandwidth, 1, 6)} GB/s ${number(percent, 1, 6)} %`;
  console.log(
    `  ${size.padEnd(5)}${mib}  ${milliseconds(ms)} ${share}  ±${number(100 * spread, 1, 4)} %  ${samplesOf(record)}`,
  );
}
