/**
 * Reused float64 work memory, one growing buffer per purpose: allocating megabytes on every call would cost more in
 * zeroing and garbage collection than the smaller kernels compute. Kernels run to completion on one thread and call each
 * other only where their purposes differ, so no two users of a buffer overlap in time. Contents are undefined.
 */
const buffers = {
  left: new Float64Array(0),
  right: new Float64Array(0),
  product: new Float64Array(0),
  line: new Float64Array(0),
  image: new Float64Array(0),
};

/** A buffer of exactly `length` elements for the named purpose. */
export function scratch(purpose: keyof typeof buffers, length: number): Float64Array {
  if (buffers[purpose].length < length) buffers[purpose] = new Float64Array(length);
  return buffers[purpose].subarray(0, length);
}
