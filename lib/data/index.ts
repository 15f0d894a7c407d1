export { type Cifar10Options, cifar10 } from './cifar10.js';
export { type CsvIndexOptions, csvIndex } from './csvindex.js';
export type { Batch, Dataset, Sample } from './dataset.js';
export { digits } from './digits.js';
export { type DownloadOptions, type DownloadProgress, download } from './download.js';
export { type IdxArray, readIdx } from './idx.js';
export { ImageDataset } from './imagedataset.js';
export { type ImageFileOptions, ImageFiles } from './imagefiles.js';
export { imageFolder } from './imagefolder.js';
export { IterableDataset, type IterableDatasetOptions, iterableDataset, type SampleStream } from './iterabledataset.js';
export { DataLoader, type DataLoaderOptions, type LoaderState } from './loader/dataloader.js';
export type { Portable, Recipe } from './loader/recipe.js';
export { fashionMnist, type MnistOptions, mnist } from './mnist.js';
export {
  DistributedSampler,
  type DistributedSamplerOptions,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  type Sized,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from './samplers.js';
export { randomSplit, Subset } from './subset.js';
export { type BatchOptions, TensorDataset } from './tensordataset.js';
export * as transforms from './transforms/index.js';
