// Whether all sides train the same network the same way.

/** How far losses of the first steps may be off those of PyTorch, and ours off each other. */
const ALLOWED = { error: 1e-3, apart: 2e-4 };
const OWN = ['compiled', 'eager', 'typescript'];

/**
 * The largest difference between losses of the same steps, as a fraction of the largest one expected until then: a loss that
 * fell carries on the error of where it fell from. NaN where one is.
 */
export function lossError(expected, actual) {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let [largest, worst] = [0, 0];
  for (const [i, loss] of expected.entries()) {
    largest = Math.max(largest, Math.abs(loss));
    worst = Math.max(worst, Math.abs(actual[i] - loss) / largest);
  }
  return worst;
}

/**
 * Adds to records with losses `error`, how far they are off PyTorch's (without PyTorch: the first ones), and to ours `apart`,
 * how far off the first ones of ours; neither to those that others are compared with. Others' that are wrong become
 * unsupported.
 *
 * @throws where ours are wrong
 */
export function checkLosses(records) {
  const answered = records.filter(({ losses }) => losses);
  if (answered.length === 0) return;
  const reference = answered.find(({ side }) => side.startsWith('torch')) ?? answered[0];
  const first = answered.find(({ side }) => OWN.includes(side));
  for (const record of answered) {
    const isOwn = OWN.includes(record.side);
    if (record !== reference) compare(record, 'error', reference, isOwn);
    if (isOwn && record !== first) compare(record, 'apart', first, isOwn);
  }
}

function compare(record, kind, expected, isOwn) {
  record[kind] = lossError(expected.losses, record.losses);
  if (record[kind] <= ALLOWED[kind]) return;
  const [found, wanted] = [record, expected].map(({ losses }) => losses.join(', '));
  const problem = `its losses ${found} are ${record[kind].toPrecision(2)} off ${wanted} of ${expected.side}`;
  if (isOwn) throw new Error(`${record.network}, ${record.side}: ${problem}`);
  record.unsupported = problem;
}
