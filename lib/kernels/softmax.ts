import type { Floats } from './types.js';

// All four work on [outer, size, inner] along the middle axis: element s of a line sits at start + s·inner.

/** y = e^(x − max) / Σ e^(x − max); subtracting the maximum keeps the exponentials from overflowing. */
export function softmaxForward(x: Floats, y: Floats, g: Int32Array): void {
  const [outer, size, inner] = g;
  for (let o = 0; o < outer; o++) {
    for (let start = o * size * inner; start < o * size * inner + inner; start++) {
      const end = start + size * inner;
      const max = lineMax(x, start, end, inner);
      let sum = 0;
      for (let i = start; i < end; i += inner) {
        const e = Math.exp(x[i] - max);
        y[i] = e;
        sum += e;
      }
      for (let i = start; i < end; i += inner) y[i] /= sum;
    }
  }
}

/** dx = y·(dy − Σ dy·y) */
export function softmaxBackward(dy: Floats, y: Floats, dx: Floats, g: Int32Array): void {
  const [outer, size, inner] = g;
  for (let o = 0; o < outer; o++) {
    for (let start = o * size * inner; start < o * size * inner + inner; start++) {
      const end = start + size * inner;
      let sum = 0;
      for (let i = start; i < end; i += inner) sum += dy[i] * y[i];
      for (let i = start; i < end; i += inner) dx[i] = y[i] * (dy[i] - sum);
    }
  }
}

/** y = x − max − log Σ e^(x − max) */
export function logSoftmaxForward(x: Floats, y: Floats, g: Int32Array): void {
  const [outer, size, inner] = g;
  for (let o = 0; o < outer; o++) {
    for (let start = o * size * inner; start < o * size * inner + inner; start++) {
      const end = start + size * inner;
      const max = lineMax(x, start, end, inner);
      let sum = 0;
      for (let i = start; i < end; i += inner) sum += Math.exp(x[i] - max);
      const logSum = Math.log(sum);
      for (let i = start; i < end; i += inner) y[i] = x[i] - max - logSum;
    }
  }
}

/** dx = dy − e^y·Σ dy */
export function logSoftmaxBackward(dy: Floats, y: Floats, dx: Floats, g: Int32Array): void {
  const [outer, size, inner] = g;
  for (let o = 0; o < outer; o++) {
    for (let start = o * size * inner; start < o * size * inner + inner; start++) {
      const end = start + size * inner;
      let sum = 0;
      for (let i = start; i < end; i += inner) sum += dy[i];
      for (let i = start; i < end; i += inner) dx[i] = dy[i] - Math.exp(y[i]) * sum;
    }
  }
}

function lineMax(x: Floats, start: number, end: number, step: number): number {
  let max = -Infinity;
  for (let i = start; i < end; i += step) max = Math.max(max, x[i]);
  return max;
}
