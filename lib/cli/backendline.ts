import { backendInfo } from '../backend/backend.js';

/** A line that says which backend computes. */
export function backendLine(): string {
  const { backend, isa, threads, reasons } = backendInfo();
  return backend === 'native'
    ? `backend: native, ${isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
    : `backend: TypeScript, because: ${reasons.join('; ')}`;
}
