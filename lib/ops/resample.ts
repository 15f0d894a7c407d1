import { kernelsFor } from '../backend/backend.js';
import { DTYPES } from '../dtype.js';
import { encode, RESAMPLE_FIELDS } from '../geometry.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, type Op } from './op.js';
import { axisGeometry } from './reduction.js';

/**
 * What the elements along a new axis are made of: element j is Σ_t weights[t·count + j] · x[index[t·count + j]]. An index of
 * −1 adds nothing.
 */
export interface ResampleTable {
  count: number;
  taps: number;
  index: Int32Array;
  weights: Float64Array;
}

interface ResampleAttributes {
  axis: number;
  table: ResampleTable;
}

const op: Op<ResampleAttributes> = {
  name: 'resample',
  forward([input], { axis, table: { count, taps, index, weights } }) {
    const x = input as Tensor;
    const y = empty(x.dtype, x.shape.with(axis, count));
    const g = encode(RESAMPLE_FIELDS, { ...axisGeometry(x.shape, axis), count, taps });
    const rounded = new DTYPES[x.dtype].array(weights.length) as Float32Array;
    rounded.set(weights);
    kernelsFor(x.dtype).resample(floats(x), index, rounded, floats(y), g);
    return y;
  },
  gradient: ({ attributes: { axis, table }, inputShapes }, dy) => [
    resample(dy, axis, transposed(table, inputShapes[0][axis])),
  ],
  saves: { inputs: [] },
};

/** Replaces an axis of x by weighted sums of its elements. */
export function resample(x: Tensor, axis: number, table: ResampleTable): Tensor {
  return applyOne(op, [x], { axis, table });
}

/** The table of the gradient: what each of `size` elements was added to, and with which weight. */
function transposed({ count, taps, index, weights }: ResampleTable, size: number): ResampleTable {
  const uses = new Int32Array(size);
  for (const from of index) if (from >= 0) uses[from]++;
  const most = uses.reduce((a, b) => Math.max(a, b), 0);
  const table = {
    count: size,
    taps: most,
    index: new Int32Array(most * size).fill(-1),
    weights: new Float64Array(most * size),
  };
  uses.fill(0);
  for (let j = 0; j < count; j++) {
    for (let t = 0; t < taps; t++) {
      const from = index[t * count + j];
      if (from < 0) continue;
      const at = uses[from]++ * size + from;
      table.index[at] = j;
      table.weights[at] = weights[t * count + j];
    }
  }
  return table;
}
