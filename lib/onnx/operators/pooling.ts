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
  mean,
  mul,
  pad,
  permute,
  reshape,
  sub,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { FLAG, type OperatorCall } from '../operator.js';
import type { Family } from './families.js';
import {
  asImage,
  type ImageWindows,
  likeInput,
  onImage,
  WINDOW_ATTRIBUTES,
  type Windows,
  windowsOf,
} from './window.js';

export const POOLINGS: Family = {
  MaxPool: {
    inputs: [1, 1],
    outputs: 2,
    attributes: { ...WINDOW_ATTRIBUTES, ceil_mode: FLAG, storage_order: FLAG },
    evaluate: (call) => (call.gives(1) ? maxPoolWithIndices(call) : pooled(call, maximum)),
  },
  AveragePool: {
    inputs: [1, 1],
    attributes: { ...WINDOW_ATTRIBUTES, ceil_mode: FLAG, count_include_pad: FLAG },
    evaluate: (call) => pooled(call, average),
  },
  GlobalAveragePool: {
    inputs: [1, 1],
    evaluate: (call) => {
      const x = call.input(0);
      return x.rank === 4 ? adaptiveAvgPool2d(x, 1) : mean(x, spatialAxes(x), { keepDims: true });
    },
  },
  GlobalMaxPool: {
    inputs: [1, 1],
    evaluate: (call) => max(call.input(0), spatialAxes(call.input(0)), { keepDims: true }),
  },
};

function spatialAxes({ shape }: Tensor): number[] {
  return shape.map((_, axis) => axis).slice(2);
}

type Pool = (call: OperatorCall, image: Tensor<'float32'>, windows: ImageWindows) => Tensor<'float32'>;

/** Pools over one to three spatial axes: maxima and means of boxes are those of columns of those of faces. */
function pooled(call: OperatorCall, pool: Pool): Tensor {
  const x = call.input(0);
  const [n, c, ...spatial] = x.shape;
  const windows = poolingWindows(call, spatial);
  if (spatial.length < 3) return likeInput(pool(call, asImage(x), onImage(windows, 0, spatial.length - 1)), x);
  if (spatial.length > 3) throw call.unsupported(`${spatial.length} spatial axes; supported are 1 to 3`);
  const [d, h, w] = spatial;
  const faces = pool(call, reshape(x, [n, c * d, h, w]), onImage(windows, 1, 2));
  const [, , oh, ow] = faces.shape;
  const rows = permute(reshape(faces, [n, c, d, oh * ow]), [0, 1, 3, 2]);
  const columns = permute(pool(call, rows, onImage(windows, 0, 0)), [0, 1, 3, 2]);
  return reshape(columns, [n, c, columns.shape[2], oh, ow]);
}

function poolingWindows(call: OperatorCall, spatial: readonly number[]): Windows {
  const kernel = call.ints('kernel_shape');
  if (!kernel) throw call.malformed('kernel_shape is missing');
  if (kernel.length === spatial.length) return windowsOf(call, spatial, kernel);
  throw call.malformed(`kernel_shape has ${kernel.length} elements, there are ${spatial.length} spatial axes`);
}

function maximum(call: OperatorCall, image: Tensor<'float32'>, windows: ImageWindows): Tensor<'float32'> {
  const { kernel, padding } = windows;
  if (!isWide(windows)) return maxPool2d(image, kernel, { ...windows, ceilMode: call.flag('ceil_mode') });
  refuseCeil(call);
  return maxPool2d(pad(image, padding, { value: -Infinity }), kernel, { ...windows, padding: 0 });
}

function average(call: OperatorCall, image: Tensor<'float32'>, windows: ImageWindows): Tensor<'float32'> {
  const { kernel, padding, dilation } = windows;
  const countIncludePad = call.flag('count_include_pad');
  const isDense = dilation.every((each) => each === 1);
  if (isDense && !isWide(windows)) {
    return avgPool2d(image, kernel, { ...windows, ceilMode: call.flag('ceil_mode'), countIncludePad });
  }
  refuseCeil(call);
  const [, c, h, w] = image.shape;
  // Sums are convolutions with ones, of each channel for itself; so are the numbers of pixels in them.
  const sum = (x: Tensor<'float32'>, groups: number) =>
    conv2d(pad(x, padding), full([groups, 1, ...kernel], 1), null, { ...windows, padding: 0, groups });
  const sums = sum(image, c);
  return countIncludePad ? div(sums, kernel[0] * kernel[1]) : div(sums, sum(full([1, 1, h, w], 1), 1));
}

/** Padding beyond half the window, which convforge's own pooling refuses. */
function isWide({ kernel: [kh, kw], padding: [top, left, bottom, right] }: ImageWindows): boolean {
  return 2 * Math.max(top, bottom) > kh || 2 * Math.max(left, right) > kw;
}

function refuseCeil(call: OperatorCall): void {
  if (call.flag('ceil_mode')) throw call.unsupported('ceil_mode with dilations or padding beyond half the window');
}

/** ONNX counts positions through the whole tensor, in planes by rows or by columns; convforge within each plane, by rows. */
function maxPoolWithIndices(call: OperatorCall): readonly Tensor[] {
  const x = call.input(0);
  const [n, c, ...spatial] = x.shape;
  if (spatial.length > 2) throw call.unsupported(`indices over ${spatial.length} spatial axes; supported are 1 and 2`);
  const image = asImage(x);
  const windows = onImage(poolingWindows(call, spatial), 0, spatial.length - 1);
  const ceilMode = call.flag('ceil_mode');
  const [y, positions] = maxPool2dWithIndices(image, windows.kernel, { ...windows, ceilMode });
  const [h, w] = image.shape.slice(2);
  const planes = tensor(
    Int32Array.from({ length: n * c }, (_, plane) => plane * h * w),
    [n, c, 1, 1],
  );
  const indices = add(call.flag('storage_order') ? byColumns(positions, h, w) : positions, planes);
  return [likeInput(y, x), likeInput(indices, x)];
}

/** row · w + column → column · h + row */
function byColumns(positions: Tensor<'int32'>, h: number, w: number): Tensor<'int32'> {
  const row = div(positions, w);
  const column = sub(positions, mul(row, w));
  return add(mul(column, h), row);
}
