/** Arrays the kernels compute with; all floating-point arrays of one call are of the same kind. */
export type Floats = Float32Array | Float64Array;

/** Arrays {@link stridedCopy} moves. */
export type Elements =
  | Floats
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
