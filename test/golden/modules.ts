import { nn } from '../../lib/index.js';
import { readGolden, restoreAll, type Stored, type StoredTensors, type Tensors } from './cases.js';

/** What make_golden_nn.py says of one call: output, d… for gradients, buffers by their names in the state dict. */
export interface Answers {
  why: string;
  x: Stored;
  dy: Stored;
  expected: StoredTensors;
  float32Strays: Record<string, number>;
}

export interface LayerCase extends Answers {
  layer: string;
  args: unknown[];
  training: boolean;
  state: StoredTensors;
}

export interface LossCase extends Answers {
  loss: string;
  options: Record<string, unknown>;
  tensors: StoredTensors;
  target: Stored;
  targetType: 'float32' | 'int32';
}

export const LAYERS = readGolden<LayerCase>('layer');
export const LOSSES = readGolden<LossCase>('lossmodule');

type Constructor = new (...args: unknown[]) => nn.Module;
const constructorOf = (name: string) => nn[name as keyof typeof nn] as unknown as Constructor;

/** The layer of a case, with its state. */
export function buildLayer({ layer, args, state }: LayerCase): nn.Module {
  const made = layer === 'Residual' ? residual() : new (constructorOf(layer))(...args);
  const { num_batches_tracked: tracked, ...rest }: Tensors = restoreAll(state, 'float32');
  made.loadStateDict(tracked ? { ...rest, num_batches_tracked: tracked.to('int64') } : rest);
  return made;
}

function residual(): nn.Module {
  return new nn.Residual(new nn.Conv2d(4, 3, 3, { stride: 2, padding: 1 }), {
    shortcut: new nn.Conv2d(4, 3, 1, { stride: 2, bias: false }),
    activation: new nn.ReLU(),
  });
}

export function buildLoss({ loss, options, tensors }: LossCase): nn.Module {
  return new (constructorOf(loss))({ ...options, ...restoreAll(tensors, 'float32') });
}
