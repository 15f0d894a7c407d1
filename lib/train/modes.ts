import type { Module } from '../nn/module.js';

/** Notes which modules are in training mode, and returns what puts each back. */
export function captureModes(model: Module): () => void {
  const modes = model.modules().map(([, module]) => [module, module.training] as const);
  return () => {
    for (const [module, training] of modes) module.training = training;
  };
}
