import type { DType, TypedArrays } from '../../dtype.js';
import type { Shape } from '../../shape.js';
import type { BatchTask } from './assembler.js';
import type { Encoded } from './recipe.js';

/** What a worker starts with. */
export interface WorkerProgram {
  readonly dataset: Encoded;
  readonly transform: Encoded;
  readonly batchTransform: Encoded;
}

/** {@link WorkerProgram}, and shared memory in which a worker notes the samples it is loading. */
export interface WorkerData extends WorkerProgram {
  readonly current: Int32Array;
}

/** A batch to assemble, into the given memory where it fits. */
export interface Job {
  readonly id: number;
  readonly task: BatchTask;
  readonly buffers: readonly SharedArrayBuffer[];
}

/** A tensor in shared memory. */
export interface SharedTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly values: TypedArrays[DType];
}

/** An error as it travels between threads. */
export interface SentError {
  readonly message: string;
  readonly name: string;
  readonly stack?: string;
  readonly code?: string;
  readonly cause?: SentError;
}

/** What a worker answers: a batch, what went wrong with it, or that it cannot work at all. */
export type Answer =
  | { readonly id: number; readonly tensors: readonly SharedTensor[] }
  | { readonly id: number; readonly error: SentError }
  | { readonly id: null; readonly error: SentError };

export function sendable(error: unknown): SentError {
  if (!(error instanceof Error)) return { message: String(error), name: 'Error' };
  const { message, name, stack, cause } = error;
  const code = (error as NodeJS.ErrnoException).code;
  return {
    message,
    name,
    stack,
    ...(typeof code === 'string' && { code }),
    ...(cause !== undefined && { cause: sendable(cause) }),
  };
}

/** The error that was sent, with the stack of the thread it comes from. */
export function received({ cause, ...sent }: SentError): Error {
  const error = new Error(sent.message, cause && { cause: received(cause) });
  return Object.assign(error, sent);
}
