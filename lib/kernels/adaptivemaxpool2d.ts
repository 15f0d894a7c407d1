import { adaptiveSpans } from './avgpool2d.js';
import type { Floats } from './types.js';

/**
 * y[n, c, oh, ow] = the largest element of each window of x [n, c, h, w], the windows being those of adaptiveAvgPool2dForward;
 * indices = its position h·W + w in the plane. The first maximum in row order wins, and so does the first NaN. A window
 * without any element gives −∞ and index −1.
 */
export function adaptiveMaxPool2dForward(x: Floats, y: Floats, indices: Int32Array, flat: Int32Array): void {
  const [n, c, h, w, oh, ow] = flat;
  const [rows, columns] = [adaptiveSpans(oh, h), adaptiveSpans(ow, w)];
  let out = 0;
  for (let plane = 0; plane < n * c; plane++) {
    for (const row of rows) {
      for (const column of columns) {
        let [best, index] = [-Infinity, -1];
        for (let ih = row.begin; ih < row.end; ih++) {
          for (let iw = column.begin; iw < column.end; iw++) {
            const value = x[(plane * h + ih) * w + iw];
            if (index >= 0 && (value <= best || Number.isNaN(best))) continue;
            best = value;
            index = ih * w + iw;
          }
        }
        y[out] = best;
        indices[out++] = index;
      }
    }
  }
}
