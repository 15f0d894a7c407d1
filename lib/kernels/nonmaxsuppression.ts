import type { Floats } from './types.js';

/** Corners of a box, lower ones first. */
type Corners = [top: number, left: number, bottom: number, right: number];

/** Box `i` of [.., 4]: two opposite corners (y, x, y, x), or with `centered` (x, y, width, height) around the centre. */
function cornersOf(boxes: Floats, i: number, centered: number): Corners {
  const [p, q, r, s] = boxes.subarray(4 * i, 4 * i + 4);
  if (centered) return [q - s / 2, p - r / 2, q + s / 2, p + r / 2];
  return [Math.min(p, r), Math.min(q, s), Math.max(p, r), Math.max(q, s)];
}

/** Whether two boxes share more than `threshold` of their union. Boxes without area share nothing. */
function overlaps(a: Corners, b: Corners, threshold: number): boolean {
  const height = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const width = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(height > 0 && width > 0)) return false;
  const shared = height * width;
  const union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared;
  // rounded as onnxruntime does, so that a ratio equal to the threshold counts as equal
  return Math.fround(shared / union) > Math.fround(threshold);
}

/**
 * boxes [n, spatial, 4], scores [n, classes, spatial] → selected [n·classes·most, 3], of which the first count[0] rows are
 * (image, class, box): of each image and class the boxes by falling score, of equals the first, above `scoreThreshold`, and
 * not overlapping one selected before by more than `iouThreshold`; at most `most`. Other rows are −1.
 */
export function nonMaxSuppression(
  boxes: Floats,
  scores: Floats,
  selected: Int32Array,
  count: Int32Array,
  g: Int32Array,
  iouThreshold: number,
  scoreThreshold: number,
): void {
  const [n, classes, spatial, most, centered] = g;
  let found = 0;
  if (most === 0) {
    count[0] = 0;
    return;
  }
  for (let image = 0; image < n; image++) {
    for (let c = 0; c < classes; c++) {
      const scoreOf = (i: number) => scores[(image * classes + c) * spatial + i];
      const candidates = Array.from({ length: spatial }, (_, i) => i)
        .filter((i) => scoreOf(i) > scoreThreshold)
        .sort((i, j) => scoreOf(j) - scoreOf(i) || i - j);
      const kept: Corners[] = [];
      for (const i of candidates) {
        if (kept.length === most) break;
        const box = cornersOf(boxes, image * spatial + i, centered);
        if (kept.some((other) => overlaps(other, box, iouThreshold))) continue;
        kept.push(box);
        selected.set([image, c, i], 3 * found++);
      }
    }
  }
  selected.fill(-1, 3 * found);
  count[0] = found;
}
