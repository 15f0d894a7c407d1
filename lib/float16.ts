/** Widening of the two 16-bit floating-point formats that files hold and convforge does not compute with. */

/** IEEE half precision: 1 sign, 5 exponent and 10 fraction bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const wide = new Float32Array(1);
const wideBits = new Uint32Array(wide.buffer);

/** bfloat16: the upper half of a float32. */
export function brainToNumber(bits: number): number {
  wideBits[0] = bits << 16;
  return wide[0];
}
