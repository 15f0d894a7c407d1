import { grad } from '../../autograd.js';
import { ArgumentError, check } from '../../errors.js';
import type { Module } from '../../nn/module.js';
import { interpolate } from '../../ops/interpolate.js';
import { formatShape } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import { type Activation, activationOf, record } from './activations.js';
import { checkImages, leafOf } from './saliency.js';
import { scoreOf, type TargetOptions } from './score.js';

/** The least that float32 keeps in full precision, about. */
const TINY = 1e-37;

/** Options of {@link gradCam}. */
export interface GradCamOptions extends TargetOptions {
  /**
   * Dotted name of the layer whose feature maps are weighed. Default: of those with maps of more than one pixel the last, where
   * features say most and still have a place.
   */
  layer?: string;
}

/**
 * Where in the images the evidence for a class is, as Grad-CAM (Selvaraju et al. 2017) has it: the feature maps of a layer,
 * each weighed by the mean of the score's gradient over it, summed, with what speaks against the class left out; laid out
 * over the image by bilinear interpolation and scaled so that its greatest value is 1. Images x [n, c, h, w] and a model with
 * scores [n, classes] → [n, h, w] in 0 … 1, all 0 where nothing speaks for the class.
 *
 * @throws ShapeError unless x is [n, c, h, w], the output [n, classes] and the layer's [n, c, h, w]; ArgumentError for a
 *   layer or classes that there are not, or a layer that the score does not depend on
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(144, 2));
 * gradCam(net, rand([2, 1, 8, 8])).shape; // [2, 8, 8]
 */
export function gradCam(model: Module, x: Tensor<'float32'>, options: GradCamOptions = {}): Tensor<'float32'> {
  checkImages('gradCam', x);
  const { output, activations } = record('gradCam', model, leafOf(x));
  const { sum } = scoreOf('gradCam', output, options.target);
  const { name, output: maps } = layerOf(activations, options.layer);
  const [gradient] = grad([sum], [maps]);
  check(
    gradient !== null,
    'gradCam',
    () => `the score does not depend on the output of layer '${name}'`,
    ArgumentError,
  );
  const weights = gradient.mean([2, 3], { keepDims: true });
  const evidence = maps.detach().mul(weights).sum(1, { keepDims: true }).relu() as Tensor<'float32'>;
  const [n, , h, w] = x.shape;
  return scaled(interpolate(evidence, { size: [h, w], mode: 'bilinear' }).reshape([n, h, w]));
}

function layerOf(activations: readonly Activation[], layer: string | undefined): Activation {
  const isMap = ({ output }: Activation) => output instanceof Tensor && output.rank === 4;
  if (layer !== undefined) {
    const found = activationOf('gradCam', activations, layer);
    check(
      isMap(found),
      'gradCam',
      () => `layer '${layer}' must give feature maps [n, c, h, w], its output is ${formatShape(found.output.shape)}`,
    );
    return found;
  }
  const last = activations.findLast((each) => isMap(each) && each.output.shape[2] * each.output.shape[3] > 1);
  check(last !== undefined, 'gradCam', () => 'no layer of the model gives feature maps [n, c, h, w]', ArgumentError);
  return last;
}

/** Each map over its own maximum. */
function scaled(maps: Tensor<'float32'>): Tensor<'float32'> {
  const highest = maps.max([1, 2], { keepDims: true });
  // 0 / TINY is 0, where 0 / 0 were no number.
  return maps.div(highest.maximum(TINY));
}
