import { readdirSync, readFileSync } from 'node:fs';
import { window2d } from '../dist/geometry.js';

const folder = new URL('./shapes/', import.meta.url);

/** Names of the files in shapes/. */
export const networks = readdirSync(folder)
  .map((file) => file.replace('.json', ''))
  .sort();

const FIELDS = {
  name: undefined,
  count: 1, // how often the network has this layer
  n: 1,
  ic: undefined,
  oc: undefined,
  size: undefined, // [h, w], as are the pairs below, or one number for both
  kernel: undefined,
  stride: 1,
  padding: 0,
  dilation: 1,
  groups: 1,
};

const pair = (value) => (Array.isArray(value) ? value : [value, value]);

/** A row of shapes/*.json with its defaults, checked, and the geometry that kernels take. */
function complete(network, row) {
  const id = `${network}.${row.name}`;
  for (const field of Object.keys(row)) {
    if (!(field in FIELDS)) throw new Error(`${id}: unknown field ${field}`);
  }
  const layer = { ...FIELDS, ...row, id, network };
  for (const [field, value] of Object.entries(layer)) {
    if (value === undefined) throw new Error(`${id}: ${field} is missing`);
  }
  const { n, ic, oc, groups, stride, padding, dilation } = layer;
  if (ic % groups || oc % groups) throw new Error(`${id}: ${groups} groups do not divide ${ic} and ${oc} channels`);
  const [[h, w], [kh, kw]] = [pair(layer.size), pair(layer.kernel)];
  const window = window2d(id, [h, w], [kh, kw], { stride, padding, dilation });
  const geometry = { n, ic, h, w, oc, kh, kw, groups, ...window };
  const { oh, ow } = window;
  return { ...layer, geometry, flops: 2 * n * oc * oh * ow * (ic / groups) * kh * kw };
}

/** The layers of a network, or of several, comma-separated; `only` names one layer, `batch` replaces the batch size. */
export function layersOf(names, { only, batch } = {}) {
  const layers = names.split(',').flatMap((network) => {
    if (!networks.includes(network)) throw new Error(`no shapes/${network}.json; there are ${networks.join(', ')}`);
    const rows = JSON.parse(readFileSync(new URL(`${network}.json`, folder), 'utf8'));
    return rows.map((row) => complete(network, batch ? { ...row, n: batch } : row));
  });
  const chosen = only ? layers.filter(({ name }) => name === only) : layers;
  if (chosen.length === 0) {
    throw new Error(`${names} has no layer ${only}; it has ${layers.map(({ name }) => name).join(', ')}`);
  }
  return chosen;
}

/** A layer in words: "64→128 3×3 stride 2, 56×56". */
export function describeLayer({ groups, geometry: g }) {
  const parts = [
    `${g.n > 1 ? `batch ${g.n}, ` : ''}${g.ic}→${g.oc} ${g.kh}×${g.kw}`,
    g.strideH > 1 && `stride ${g.strideH}`,
    g.dilationH > 1 && `dilation ${g.dilationH}`,
    groups > 1 && (groups === g.ic ? 'depthwise' : `${groups} groups`),
  ];
  return `${parts.filter(Boolean).join(' ')}, ${g.h}×${g.w}`;
}
