import type { ConvforgeError } from '../../../lib/errors.js';

// biome-ignore lint/suspicious/noExplicitAny: the constructors of error classes take different arguments
export type ErrorClass = abstract new (...rest: any[]) => ConvforgeError;

/** A call that must throw, the class of the error, and its message in full. */
export type Rejection = readonly [call: () => unknown, kind: ErrorClass, message: string];

/** Rejections by the file of lib/ whose rules they break. */
export type Rejections = Record<string, readonly Rejection[]>;
