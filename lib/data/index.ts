export { digits } from './digits.js';
export { type IdxArray, readIdx } from './idx.js';
export { type MnistOptions, mnist } from './mnist.js';
export { type BatchOptions, TensorDataset } from './tensordataset.js';
