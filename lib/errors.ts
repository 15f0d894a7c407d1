/** Stable identifiers carried by every {@link ConvforgeError}; programs branch on these, people read the message. */
export type ErrorCode =
  | 'ERR_ARGUMENT'
  | 'ERR_SHAPE'
  | 'ERR_DTYPE'
  | 'ERR_AUTOGRAD'
  | 'ERR_STATE_DICT'
  | 'ERR_UNSUPPORTED_OP'
  | 'ERR_MODEL_FORMAT'
  | 'ERR_FILE_FORMAT'
  | 'ERR_TRACE'
  | 'ERR_NATIVE'
  | 'ERR_DATA'
  | 'ERR_DIVERGED'
  | 'ERR_ABORTED';

/** Base of all errors convforge throws on purpose. `code` is stable across releases, the message is for people. */
export class ConvforgeError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An option or argument has a value outside its documented range. */
export class ArgumentError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_ARGUMENT', message, options);
  }
}

/** Shapes do not fit together, or do not fit the operation. */
export class ShapeError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_SHAPE', message, options);
  }
}

/** A tensor has a dtype the operation does not compute with. */
export class DTypeError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_DTYPE', message, options);
  }
}

/** A gradient was asked for where none can be had. */
export class AutogradError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_AUTOGRAD', message, options);
  }
}

/** A model file is damaged, or says things that contradict each other. */
export class ModelFormatError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MODEL_FORMAT', message, options);
  }
}

/** A model asks for an operator, an attribute value or a type that convforge does not have. */
export class UnsupportedOpError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_UNSUPPORTED_OP', message, options);
  }
}

/** The code of a model that is being traced depends on what is only known when the compiled model runs. */
export class TraceError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_TRACE', message, options);
  }
}

/** The native build was demanded and cannot be used, or it reported a failure. */
export class NativeError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_NATIVE', message, options);
  }
}

/** A sample cannot be loaded, a download failed, or a thread that loads data has ended. */
export class DataError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_DATA', message, options);
  }
}

/** Training has come to losses or weights that are no finite numbers, and cannot go on. */
export class DivergedError extends ConvforgeError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_DIVERGED', message, options);
  }
}

type ErrorClass = new (message: string) => ConvforgeError;

/**
 * Throws `new kind(`${operation}: ${rule()}`)` unless `condition` holds. The rule is a function so that the text is only
 * built when it is needed. Every public operation validates with this before any kernel runs.
 */
export function check(
  condition: boolean,
  operation: string,
  rule: () => string,
  kind: ErrorClass = ShapeError,
): asserts condition {
  if (!condition) throw new kind(`${operation}: ${rule()}`);
}
