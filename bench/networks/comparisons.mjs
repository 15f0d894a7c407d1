/** Records by network, batch and threads: { network, batch, threads, sides: { side: record } }. */
export function comparisons(records) {
  const found = new Map();
  for (const record of records) {
    const { network, batch, threads, side, unsupported } = record;
    const key = `${network} ${batch} ${threads}`;
    if (!found.has(key)) found.set(key, { network, batch, threads, sides: {} });
    if (!unsupported) found.get(key).sides[side] = record;
  }
  return [...found.values()];
}
