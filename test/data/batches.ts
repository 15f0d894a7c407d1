import { type Batch, TensorDataset } from '../../lib/data/index.js';
import { type Generator, type Tensor, tensor } from '../../lib/index.js';

/** Images [n, 1, 2, 2] whose every pixel is the number of the image, with labels that are the number too. */
export function numbered(count: number): { images: Tensor<'float32'>; labels: Tensor<'int32'> } {
  return {
    images: tensor(
      Float32Array.from({ length: 4 * count }, (_, i) => Math.floor(i / 4)),
      [count, 1, 2, 2],
    ),
    labels: tensor(Int32Array.from({ length: count }, (_, i) => i)),
  };
}

/** The dataset of {@link numbered} images. */
export function datasetOf(count: number): TensorDataset {
  const { images, labels } = numbered(count);
  return new TensorDataset(images, labels);
}

/** Adds a random number to every pixel. */
export const jitter = (image: Tensor<'float32'>, generator: Generator) =>
  image.add(tensor(Math.fround(generator.uniform())));

/** All batches of a loop. */
export async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

/** The labels of every batch. */
export const labelsOf = (batches: readonly Batch[]) => batches.map(([, y]) => y.toArray());

/** Every bit of batches. */
export const bitsOf = (batches: readonly Batch[]) =>
  batches.map((batch) =>
    batch.map(({ dtype, shape, data }) => ({ dtype, shape, data: Array.from(data as Float32Array) })),
  );
