import { type ResizeOptions, resize } from '../../ops/index.js';
import { COORDINATE_TRANSFORMS, NEAREST_MODES } from '../../ops/resizetable.js';
import type { Tensor } from '../../tensor.js';
import { FLAG, type OperatorCall } from '../operator.js';
import type { Family } from './families.js';

const POLICIES = ['stretch', 'not_larger', 'not_smaller'] as const;

/** What resizing needs besides the axes and their lengths. */
type Method = Omit<ResizeOptions, 'axes' | 'sizes' | 'scales'>;

export const RESIZES: Family = {
  Resize: {
    since: 10,
    inputs: [1, 4],
    attributes: {
      antialias: FLAG,
      axes: 'ints',
      coordinate_transformation_mode: COORDINATE_TRANSFORMS,
      cubic_coeff_a: 'float',
      exclude_outside: FLAG,
      extrapolation_value: 'float',
      keep_aspect_ratio_policy: POLICIES,
      mode: ['nearest', 'linear', 'cubic'],
      nearest_mode: NEAREST_MODES,
    },
    evaluate: (call) => (call.opset === 10 ? upsampled(call) : resized(call)),
  },
  Upsample: {
    inputs: [1, 2],
    attributes: { mode: ['nearest', 'linear'], scales: 'floats' },
    evaluate: upsampled,
  },
};

function resized(call: OperatorCall): Tensor {
  const x = call.input(0);
  const axes = (call.ints('axes') ?? x.shape.map((_, axis) => axis)).map((axis) => (axis < 0 ? axis + x.rank : axis));
  const method: Method = {
    mode: call.string('mode', 'nearest') as ResizeOptions['mode'],
    coordinateTransform: call.string(
      'coordinate_transformation_mode',
      'half_pixel',
    ) as ResizeOptions['coordinateTransform'],
    nearestMode: call.string('nearest_mode', 'round_prefer_floor') as ResizeOptions['nearestMode'],
    cubicCoeff: call.float('cubic_coeff_a', -0.75),
    excludeOutside: call.flag('exclude_outside'),
    extrapolationValue: call.float('extrapolation_value', 0),
    antialias: call.flag('antialias'),
  };
  const roi = call.numbers(1);
  if (method.coordinateTransform === 'tf_crop_and_resize') {
    if (roi?.length !== 2 * axes.length) {
      throw call.malformed(`roi has ${roi?.length ?? 0} elements, ${axes.length} axes take ${2 * axes.length}`);
    }
    method.roi = roi;
  }
  const scales = call.numbers(2);
  const sizes = call.numbers(3);
  // An empty input is a missing one: before opset 13 it could not be left out.
  if (sizes?.length) return resize(x, { axes, ...method, ...lengths(call, x, axes, sizes) });
  if (!scales?.length) throw call.malformed('scales and sizes are both missing');
  checkCount(call, 'scales', scales, axes);
  return resize(x, { axes, scales, ...method });
}

/** Lengths as they are given, or the nearest to them that keep the shape of the picture. */
function lengths(
  call: OperatorCall,
  x: Tensor,
  axes: readonly number[],
  sizes: readonly number[],
): Partial<Pick<ResizeOptions, 'sizes' | 'scales'>> {
  checkCount(call, 'sizes', sizes, axes);
  const policy = call.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return { sizes };
  const factors = sizes.map((size, i) => size / x.shape[axes[i]]);
  const scale = policy === 'not_larger' ? Math.min(...factors) : Math.max(...factors);
  return { sizes: axes.map((axis) => Math.floor(scale * x.shape[axis] + 0.5)), scales: axes.map(() => scale) };
}

function checkCount(call: OperatorCall, name: string, values: readonly number[], axes: readonly number[]): void {
  if (values.length === axes.length) return;
  throw call.malformed(`${name} has ${values.length} elements, there are ${axes.length} axes`);
}

/**
 * Upsample, and Resize of opset 10: positions are multiples of 1 / scale. The nearest is the one before when an axis gets
 * longer, the one behind when it gets shorter (as onnxruntime has it, the documents leave it open).
 */
function upsampled(call: OperatorCall): Tensor {
  const x = call.input(0);
  const scales = call.floats('scales') ?? call.numbers(1);
  if (!scales) throw call.malformed('scales are missing');
  const axes = x.shape.map((_, axis) => axis);
  checkCount(call, 'scales', scales, axes);
  const mode = call.string('mode', 'nearest') as ResizeOptions['mode'];
  const along = (y: Tensor<'float32'>, nearestMode: 'floor' | 'ceil', isChosen: (scale: number) => boolean) => {
    const chosen = axes.filter((axis) => isChosen(scales[axis]));
    if (chosen.length === 0) return y;
    const factors = chosen.map((axis) => scales[axis]);
    return resize(y, { axes: chosen, scales: factors, mode, coordinateTransform: 'asymmetric', nearestMode });
  };
  return along(
    along(x, 'floor', (scale) => scale > 1),
    'ceil',
    (scale) => scale < 1,
  );
}
