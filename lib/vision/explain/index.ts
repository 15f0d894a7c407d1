export { featureMaps } from './activations.js';
export { type GradCamOptions, gradCam } from './gradcam.js';
export {
  type ExplanationPictureOptions,
  explanationPicture,
  type FeatureMapsPictureOptions,
  featureMapsPicture,
  type KernelsPictureOptions,
  kernelsPicture,
} from './pictures.js';
export { saliency } from './saliency.js';
export type { TargetOptions } from './score.js';
