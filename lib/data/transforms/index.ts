export { RandomAffine, type RandomAffineOptions, RandomRotation } from './affine.js';
export { ColorJitter, type ColorJitterOptions, Grayscale, Normalize } from './color.js';
export { Compose, RandomApply, RandomChoice } from './compose.js';
export { ConvertImageDtype, ToTensor } from './convert.js';
export {
  CenterCrop,
  Pad,
  RandomCrop,
  type RandomCropOptions,
  RandomResizedCrop,
  type RandomResizedCropOptions,
} from './crop.js';
export { RandomErasing, type RandomErasingOptions } from './erase.js';
export { RandomHorizontalFlip, RandomVerticalFlip } from './flip.js';
export * as functional from './functional/index.js';
export { CutMix, type MixOptions, MixUp } from './mix.js';
export { Resize } from './resize.js';
export type { BatchTransform, BatchTransformLike, Transform, TransformLike } from './transform.js';
