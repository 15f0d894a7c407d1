import { convertElement, type DType, dtypeOf } from '../dtype.js';
import type { Elements } from './types.js';

type Values = { [index: number]: number | bigint };

/**
 * y = x converted to the kind of y: towards integers the fraction is cut off and the value wraps around, NaN and infinity
 * become 0. With `truth` 1, y is 1 where x is not 0 and else 0.
 */
export function cast(x: Elements, y: Elements, truth: number): void {
  const dtype: DType = truth === 1 ? 'bool' : (dtypeOf(y) as DType);
  const to = y as Values;
  for (let i = 0; i < y.length; i++) to[i] = convertElement(dtype, x[i]);
}

/** y = value everywhere, converted as {@link cast} does. */
export function fill(y: Elements, value: number): void {
  (y as Float32Array).fill(convertElement(dtypeOf(y) as DType, value) as number);
}
