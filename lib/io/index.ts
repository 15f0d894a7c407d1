export { encodeImage, type ImageFormat, type ReadImageOptions, readImage, writeImage } from './image.js';
export {
  decodeSafetensors,
  encodeSafetensors,
  loadSafetensors,
  type SafetensorsFile,
  saveSafetensors,
} from './safetensors.js';
