import { parentPort, workerData } from 'node:worker_threads';
import { DTYPES, type DType, type TypedArrays } from '../../dtype.js';
import { type Shape, sizeOf } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import type { Dataset } from '../dataset.js';
import type { BatchTransformLike, TransformLike } from '../transforms/transform.js';
import { Assembler } from './assembler.js';
import { type Answer, type Job, type SharedTensor, sendable, type WorkerData } from './messages.js';
import { rebuild } from './recipe.js';

// The program of a DataLoader's worker threads: makes dataset and transforms again, then assembles one batch after the other.

/** Memory that the main thread has lent for the batch in work. */
let lent: SharedArrayBuffer[] = [];
/** Memory of the batch in work, lent or new, that is not answered with yet: the main thread lends again what it is sent. */
const own = new Set<ArrayBufferLike>();

function allocate<D extends DType>(dtype: D, shape: Shape): Tensor<D> {
  const { array, bytes } = DTYPES[dtype];
  const needed = Math.max(1, sizeOf(shape) * bytes);
  const found = lent.findIndex(({ byteLength }) => byteLength >= needed);
  const [buffer] = found < 0 ? [new SharedArrayBuffer(needed)] : lent.splice(found, 1);
  own.add(buffer);
  const ArrayOver = array as unknown as new (
    buffer: SharedArrayBuffer,
    offset: number,
    length: number,
  ) => TypedArrays[D];
  return new Tensor(dtype, new ArrayOver(buffer, 0, sizeOf(shape)), shape);
}

/**
 * A tensor in shared memory that nothing else needs. Most are; a batch transform may have made others, give one twice, or
 * give memory of the dataset.
 */
function shared(tensor: Tensor): SharedTensor {
  const { dtype, shape } = tensor;
  const values = tensor.storage.read();
  if (own.delete(values.buffer)) return { dtype, shape, values };
  const copy = allocate(dtype, shape).storage.values;
  (copy as Uint8Array).set(values as Uint8Array);
  return { dtype, shape, values: copy };
}

async function start({ dataset, transform, batchTransform, current }: WorkerData) {
  const options = {
    transform: (await rebuild(transform)) as TransformLike | undefined,
    batchTransform: (await rebuild(batchTransform)) as BatchTransformLike | undefined,
  };
  return {
    dataset: (await rebuild(dataset)) as Dataset,
    assembler: new Assembler({ ...options, allocate, isPolite: false, current }),
  };
}

if (!parentPort) throw new Error('this module is the program of worker threads');
const port = parentPort;
const answer = (message: Answer) => port.postMessage(message);
const started = start(workerData as WorkerData);
started.catch((error) => answer({ id: null, error: sendable(error) }));

let last: Promise<unknown> = started;
port.on('message', ({ id, task, buffers }: Job) => {
  last = last.then(async () => {
    const { dataset, assembler } = await started;
    lent = [...buffers];
    own.clear();
    try {
      const batch = await assembler.fromDataset(dataset, task);
      answer({ id, tensors: batch.map(shared) });
    } catch (error) {
      answer({ id, error: sendable(error) });
    }
  });
  last.catch(() => {}); // of a start that failed the main thread has heard
});
