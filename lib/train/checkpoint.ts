import { ConvforgeError } from '../errors.js';
import { fail, readBytes } from '../io/files.js';
import { replaceFile } from '../io/replacefile.js';
import { decodeSafetensors, encodeSafetensors } from '../io/safetensors.js';
import type { StateDict } from '../nn/module.js';
import { version } from '../version.js';
import { pack, unpack } from './pack.js';
import type { TrainingState } from './state.js';

/** Everything a training needs to go on later, and a model to be used. */
export interface Checkpoint {
  /** Parameters and buffers of the model by name, for `loadStateDict`. */
  readonly weights: StateDict;
  /** Where the training is. */
  readonly training: TrainingState;
  /** What the training was told to note, such as the names of classes. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Version of the package that wrote it. */
  readonly version: string;
}

const KEY = 'convforge.training';
/** Of the layout below; a reader refuses what is newer than it knows. */
const FORMAT = 1;
/** Between names of tensors that belong to the training; names of weights have dots. */
const TRAINING = 'training/';

/**
 * The bytes of a checkpoint: a safetensors file with the weights under their own names, so that whatever reads safetensors
 * finds them, the tensors of optimizer and averages under names that begin with `training/`, and all else as JSON among the
 * file's metadata.
 */
export function encodeCheckpoint({ weights, training, metadata }: Omit<Checkpoint, 'version'>): Uint8Array {
  const tensors: StateDict = { ...weights };
  const note = { format: FORMAT, version, training: pack('training', training, tensors), metadata };
  return encodeSafetensors(tensors, { [KEY]: JSON.stringify(note) });
}

/**
 * Writes a checkpoint in one step: whenever the process stops, the path holds the old one or the new one, whole.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT that says in words why the file cannot be written
 */
export async function saveCheckpoint(path: string, checkpoint: Omit<Checkpoint, 'version'>): Promise<void> {
  const bytes = encodeCheckpoint(checkpoint);
  await replaceFile(path, bytes).catch((error) => fail('saveCheckpoint', path, 'written', error));
}

/**
 * Reads a checkpoint that a {@link Trainer} wrote.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT naming the file when it is missing, damaged, of a later format, or no checkpoint
 * @example
 * const net = new nn.Linear(2, 2);
 * const trainer = new Trainer({ model: net, optimizer: new SGD(net.parameters(), { lr: 0.1 }), loss: crossEntropy });
 * await trainer.fit([[zeros([1, 2]), zeros([1], { dtype: 'int32' })]], { epochs: 1, folder: 'run', progress: false });
 * const { weights, training } = await loadCheckpoint('run/last.safetensors');
 * net.loadStateDict(weights);
 * training.step; // 1
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readBytes('loadCheckpoint', path);
  try {
    return decodeCheckpoint(bytes);
  } catch (error) {
    if (!(error instanceof ConvforgeError)) throw error;
    throw new ConvforgeError('ERR_FILE_FORMAT', `loadCheckpoint: ${path}: ${error.message}`, { cause: error });
  }
}

function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const text = metadata[KEY];
  const damaged = (why: string) => new ConvforgeError('ERR_FILE_FORMAT', why);
  if (text === undefined) throw damaged('it holds tensors, but was not written by a training');
  let note: { format: number; version: string; training: unknown; metadata: Record<string, unknown> } | null;
  try {
    note = JSON.parse(text);
  } catch (error) {
    throw damaged(`its note on the training is not JSON: ${(error as Error).message}`);
  }
  if (!note || !(note.format <= FORMAT)) {
    throw damaged(`it has format ${note?.format}, written by convforge ${note?.version}; this is ${version}`);
  }
  return {
    weights: Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.startsWith(TRAINING))),
    training: unpack(note.training, tensors) as TrainingState,
    metadata: note.metadata,
    version: note.version,
  };
}
