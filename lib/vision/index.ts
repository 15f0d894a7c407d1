// convforge/vision: classical filters and matching, and pictures of what a network sees and learns.
export { encodeImage, type ImageFormat, type ReadImageOptions, readImage, writeImage } from '../io/image.js';
export { BORDERS, type Border } from './border.js';
export { type Box, drawBox } from './box.js';
export { type ChartOptions, lineChart, type Series } from './chart.js';
export {
  applyColormap,
  type Colormap,
  type ColormapName,
  type ColormapOptions,
  colormaps,
  type Rgb,
  type ValueRange,
} from './colormap.js';
export { type ConfusionOptions, confusionMatrixPicture } from './confusion.js';
export * from './explain/index.js';
export { type Filter2dOptions, filter2d } from './filter2d.js';
export { findPeaks, type Peak, type PeakOptions } from './findpeaks.js';
export { type GridOptions, imageGrid } from './grid.js';
export { gaussian, type Kernel, type KernelName, kernels } from './kernels.js';
export { MATCH_METHODS, type MatchMethod, type MatchOptions, matchTemplate } from './matchtemplate.js';
export { type OverlayOptions, overlayHeatmap } from './overlayheatmap.js';
export { imagePanel, type PanelOptions, type PanelRow } from './panel.js';
export { savePicture } from './picture.js';
export { unrollConv2d } from './unrollconv2d.js';
