import { full, tensor } from '../../creation.js';
import {
  adaptiveAvgPool2d,
  add,
  avgPool2d,
  conv2d,
  div,
  max,
  maxPool2d,
  maxPool2dWithIndices,
  mul,
  pad,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { NodeFacts, OperatorCall } from '../operator.js';
import type { Family } from './families.js';
import {
  asImage,
  kernelShape,
  kernelShapeProblem,
  likeInput,
  type Two,
  WINDOW_ATTRIBUTES,
  type Windows,
  windowsOf,
} from './window.js';

export const POOLINGS: Family = {
  MaxPool: {
    inputs: [1, 1],
    outputs: 2,
    attributes: { ...WINDOW_ATTRIBUTES, ceil_mode: 'int', dilations: 'ints', storage_order: [0] },
    unsupported: kernelShapeProblem,
    evaluate: maxPool,
  },
  AveragePool: {
    inputs: [1, 1],
    attributes: { ...WINDOW_ATTRIBUTES, ceil_mode: 'int', count_include_pad: 'int', dilations: 'ints' },
    unsupported: averageProblem,
    evaluate: averagePool,
  },
  GlobalAveragePool: {
    inputs: [1, 1],
    evaluate: (call) => likeInput(adaptiveAvgPool2d(asImage(call, call.input(0)), 1), call.input(0)),
  },
  GlobalMaxPool: {
    inputs: [1, 1],
    evaluate: (call) => {
      const x = call.input(0);
      const axes = x.shape.map((_, axis) => axis).slice(2);
      return max(x, axes, { keepDims: true });
    },
  },
};

function maxPool(call: OperatorCall): Tensor | readonly Tensor[] {
  const x = call.input(0);
  const { image, kernel, options } = poolingOf(call, x, -Infinity);
  if (!call.gives(1)) return likeInput(maxPool2d(image, kernel, options), x);
  const [y, positions] = maxPool2dWithIndices(image, kernel, options);
  return [likeInput(y, x), likeInput(flatIndices(positions, image), x)];
}

/** ONNX counts positions through the whole tensor, convforge within each plane. */
function flatIndices(positions: Tensor<'int32'>, image: Tensor): Tensor<'int32'> {
  const [n, c, h, w] = image.shape;
  const planes = Int32Array.from({ length: n * c }, (_, plane) => plane * h * w);
  return add(positions, tensor(planes, [n, c, 1, 1]));
}

function averageProblem(facts: NodeFacts): string | undefined {
  const isDilated = facts.ints('dilations')?.some((dilation) => dilation !== 1) ?? false;
  if (isDilated && facts.flag('ceil_mode')) return 'dilations together with ceil_mode';
  return kernelShapeProblem(facts);
}

function averagePool(call: OperatorCall): Tensor {
  const x = call.input(0);
  const countIncludePad = call.flag('count_include_pad');
  const { image, kernel, options } = poolingOf(call, x, countIncludePad ? 0 : null);
  const y = options.dilation.some((dilation) => dilation !== 1)
    ? dilatedAverage(image, kernel, options, countIncludePad)
    : avgPool2d(image, kernel, { ...options, countIncludePad });
  return likeInput(y, x);
}

/** A sum of pixels with gaps between them is a depthwise convolution with ones; so is their number. */
function dilatedAverage(
  x: Tensor<'float32'>,
  kernel: Two,
  windows: Windows,
  countIncludePad: boolean,
): Tensor<'float32'> {
  const [, c, h, w] = x.shape;
  const total = conv2d(x, full([c, 1, ...kernel], 1), null, { ...windows, groups: c });
  if (countIncludePad) return mul(total, 1 / (kernel[0] * kernel[1]));
  return div(total, conv2d(full([1, 1, h, w], 1), full([1, 1, ...kernel], 1), null, windows));
}

/**
 * The window of a pooling. Padding beyond half of it, which convforge's pooling refuses, is put around the image before:
 * with `value` if that gives the same result, else (null) not at all.
 */
function poolingOf(call: OperatorCall, x: Tensor<'float32'>, value: number | null) {
  const image = asImage(call, x);
  const kernel = kernelShape(call, x.rank - 2);
  const ceilMode = call.flag('ceil_mode');
  const windows = windowsOf(call, image, x.rank, kernel);
  const [top, left, bottom, right] = windows.padding;
  const isWide = 2 * Math.max(top, bottom) > kernel[0] || 2 * Math.max(left, right) > kernel[1];
  if (!isWide || value === null || ceilMode) return { image, kernel, options: { ...windows, ceilMode } };
  const padded = pad(image, windows.padding, { value });
  if (call.gives(1)) throw call.unsupported('indices together with padding beyond half the window');
  return { image: padded, kernel, options: { ...windows, padding: [0, 0, 0, 0] as Windows['padding'], ceilMode } };
}
