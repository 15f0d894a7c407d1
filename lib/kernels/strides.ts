import { MAX_RANK } from '../geometry.js';

/** A walk over a shape by several operands: `strides[operand][axis]` in elements. */
export interface StridedWalk {
  shape: number[];
  strides: number[][];
}

/**
 * Reads a strided geometry (a shape, then one row of strides per operand) and merges each axis into the next one where
 * every operand steps over both evenly. Contiguous operands of one shape, and an operand that is a single number, thus
 * become one long axis: the fast case needs no code of its own.
 */
export function stridedWalk(geometry: Int32Array, operands: number): StridedWalk {
  const shape: number[] = [];
  const strides: number[][] = Array.from({ length: operands }, () => []);
  for (let axis = 0; axis < MAX_RANK; axis++) {
    const size = geometry[axis];
    if (size === 1) continue;
    const own = strides.map((_, operand) => geometry[(operand + 1) * MAX_RANK + axis]);
    const last = shape.length - 1;
    if (last >= 0 && strides.every((row, operand) => row[last] === size * own[operand])) {
      shape[last] *= size;
      for (let operand = 0; operand < operands; operand++) strides[operand][last] = own[operand];
    } else {
      shape.push(size);
      for (let operand = 0; operand < operands; operand++) strides[operand].push(own[operand]);
    }
  }
  if (shape.length === 0) {
    shape.push(1);
    for (const row of strides) row.push(0);
  }
  return { shape, strides };
}

/**
 * Calls `visit` with the offset of every operand for each run along the last axis, in row-major order. The array of
 * offsets is the same one each time.
 */
export function forEachRow(walk: StridedWalk, visit: (offsets: number[]) => void): void {
  const { shape, strides } = walk;
  if (shape.includes(0)) return;
  const outer = shape.length - 1;
  const position = new Array<number>(outer).fill(0);
  const offsets = strides.map(() => 0);
  for (;;) {
    visit(offsets);
    let axis = outer - 1;
    while (axis >= 0 && position[axis] === shape[axis] - 1) {
      for (let i = 0; i < offsets.length; i++) offsets[i] -= strides[i][axis] * position[axis];
      position[axis--] = 0;
    }
    if (axis < 0) return;
    position[axis]++;
    for (let i = 0; i < offsets.length; i++) offsets[i] += strides[i][axis];
  }
}
