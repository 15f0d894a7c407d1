export { type AffineParameters, affine, type RotateOptions, rotate, type WarpOptions } from './affine.js';
export { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, rgbToGrayscale } from './color.js';
export { centerCrop, crop, type ImagePadding, type ImagePadOptions, type PaddingMode, pad } from './crop.js';
export { erase } from './erase.js';
export { hflip, vflip } from './flip.js';
export type { Size } from './image.js';
export { normalize } from './normalize.js';
export { type ImageResizeOptions, type Interpolation, resize, resizedCrop } from './resize.js';
