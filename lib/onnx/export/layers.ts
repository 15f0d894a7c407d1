import { full, tensor } from '../../creation.js';
import type { ChannelGeometry } from '../../geometry.js';
import { type Conv2dGeometry, outputSize, type Pool2dGeometry } from '../../geometry.js';
import type { ExportCall, Writers } from './call.js';
import { scalar } from './elementwise.js';
import { reduced } from './reductions.js';

/** Convolutions, pooling, normalisation and products of matrices. */
export const LAYERS: Writers = {
  conv2d: (call) => {
    const g = call.attributes<Conv2dGeometry>();
    const inputs = call.has(2) ? call.inputs : call.inputs.slice(0, 2);
    return call.add('Conv', inputs, { ...windows(g), group: g.groups });
  },
  // The gradient of a convolution's input is what is called a transposed convolution; h and w are sizes of its output.
  conv2dGradInput: (call) => {
    const g = call.attributes<Conv2dGeometry>();
    const natural = (n: number, stride: number, dilation: number, k: number, before: number, behind: number) =>
      (n - 1) * stride + dilation * (k - 1) + 1 - before - behind;
    return call.add('ConvTranspose', call.inputs, {
      ...windows(g),
      group: g.groups,
      output_padding: [
        g.h - natural(g.oh, g.strideH, g.dilationH, g.kh, g.padTop, g.padBottom),
        g.w - natural(g.ow, g.strideW, g.dilationW, g.kw, g.padLeft, g.padRight),
      ],
    });
  },
  maxPool2d: (call) => {
    const g = call.attributes<Pool2dGeometry>();
    const attributes = { ...windows(g), ceil_mode: ceilMode(g) };
    if (!call.isUsed(1)) return call.add('MaxPool', call.inputs, attributes);
    const [y, positions] = call.writer.addAll('MaxPool', call.inputs, attributes, 2);
    // ONNX counts through the whole tensor, convforge within each plane.
    return [y, call.writer.narrow(call.add('Mod', [positions, call.writer.integers(g.h * g.w)]))];
  },
  avgPool2d: (call) => {
    const g = call.attributes<Pool2dGeometry>();
    const { dilations: _, ...sizes } = windows(g);
    const attributes = { ...sizes, ceil_mode: ceilMode(g), count_include_pad: g.countIncludePad };
    return call.add('AveragePool', call.inputs, attributes);
  },
  adaptiveAvgPool2d: (call) => {
    const { h, w, oh, ow } = call.attributes<{ h: number; w: number; oh: number; ow: number }>();
    if (oh === 1 && ow === 1) return call.add('GlobalAveragePool', call.inputs);
    if (h % oh === 0 && w % ow === 0) {
      const kernel = [h / oh, w / ow];
      return call.add('AveragePool', call.inputs, { kernel_shape: kernel, strides: kernel });
    }
    // Windows of different sizes: a product with the matrices that average rows, and columns.
    const rows = call.writer.constant(averages(h, oh), 'rows');
    const columns = call.writer.constant(averages(w, ow), 'columns');
    const across = call.add('MatMul', [call.input(0), call.add('Transpose', [columns], { perm: [1, 0] })]);
    return call.add('MatMul', [rows, across]);
  },
  // Even windows are those of maxPool2d. Others: the maxima of rows, then of columns.
  adaptiveMaxPool2d: (call) => {
    const { h, w, oh, ow } = call.attributes<{ h: number; w: number; oh: number; ow: number }>();
    if (call.isUsed(1)) throw call.writer.unsupported('ONNX has no adaptive max pooling that tells positions');
    return maximaAlong(call, 3, w, ow, maximaAlong(call, 2, h, oh, call.input(0)));
  },
  batchNorm: (call) => {
    const { geometry, eps, batchStatistics } = call.attributes<{
      geometry: ChannelGeometry;
      eps: number;
      batchStatistics: boolean;
    }>();
    if (batchStatistics) return normalised(call, eps);
    const [x, weight, bias, mean, variance] = call.inputs;
    const filled = (value: number) => call.writer.constant(full([geometry.c], value), 'scale');
    const inputs = [x, weight || filled(1), bias || filled(0), mean, variance];
    return call.add('BatchNormalization', inputs, { epsilon: { float: eps } });
  },
  matmul: (call) => {
    const { transA, transB } = call.attributes<{ transA: boolean; transB: boolean }>();
    const [a, b] = call.inputs;
    const isMatrix = call.shape(0).length === 2 && call.shape(1).length === 2;
    if (isMatrix && (transA || transB)) {
      return call.add('Gemm', [a, b], { transA: Number(transA), transB: Number(transB) });
    }
    const swapped = (name: string, position: number, isSwapped: boolean) => {
      if (!isSwapped) return name;
      const perm = call.shape(position).map((_, axis) => axis);
      perm.push(...perm.splice(-2).reverse());
      return call.add('Transpose', [name], { perm });
    };
    return call.add('MatMul', [swapped(a, 0, transA), swapped(b, 1, transB)]);
  },
  softmax: (call) => call.add('Softmax', call.inputs, { axis: call.attributes<{ axis: number }>().axis }),
  logSoftmax: (call) => call.add('LogSoftmax', call.inputs, { axis: call.attributes<{ axis: number }>().axis }),
};

type Windowed = Omit<Pool2dGeometry, 'c' | 'countIncludePad'>;

function windows(g: Windowed) {
  return {
    kernel_shape: [g.kh, g.kw],
    strides: [g.strideH, g.strideW],
    dilations: [g.dilationH, g.dilationW],
    pads: [g.padTop, g.padLeft, g.padBottom, g.padRight],
  };
}

/** 1 when a last window hangs over the edge. */
function ceilMode(g: Windowed): number {
  const oh = outputSize(g.h, g.kh, g.strideH, g.dilationH, g.padTop, g.padBottom);
  const ow = outputSize(g.w, g.kw, g.strideW, g.dilationW, g.padLeft, g.padRight);
  return Number(g.oh > oh || g.ow > ow);
}

/** Start and end of each window of an adaptive pooling. */
function adaptiveWindows(input: number, output: number): [start: number, end: number][] {
  return Array.from({ length: output }, (_, i) => [
    Math.floor((i * input) / output),
    Math.ceil(((i + 1) * input) / output),
  ]);
}

/** Maxima over the windows of an adaptive pooling along one axis. */
function maximaAlong(call: ExportCall, axis: number, input: number, output: number, x: string): string {
  const parts = adaptiveWindows(input, output).map(([start, end]) => {
    const lists = [[start], [end], [axis]].map((list) => call.writer.integers(list));
    return reduced(call, 'ReduceMax', call.add('Slice', [x, ...lists]), [axis], true);
  });
  return call.add('Concat', parts, { axis });
}

/** The matrix [output, input] whose rows average the windows of an adaptive pooling. */
function averages(input: number, output: number) {
  const matrix = new Float32Array(output * input);
  adaptiveWindows(input, output).forEach(([start, end], i) => {
    matrix.fill(1 / (end - start), i * input + start, i * input + end);
  });
  return tensor(matrix, [output, input]);
}

/** Normalisation by the statistics of the input itself, per channel. */
function normalised(call: ExportCall, eps: number): readonly string[] {
  const [x, weight, bias] = call.inputs;
  const axes = call.shape().map((_, axis) => axis);
  const across = axes.filter((axis) => axis !== 1);
  const average = (name: string) => reduced(call, 'ReduceMean', name, across, true);
  const mean = average(x);
  const centred = call.add('Sub', [x, mean]);
  const variance = average(call.add('Mul', [centred, centred]));
  const deviation = call.add('Sqrt', [call.add('Add', [variance, scalar(call, eps)])]);
  const perChannel = (name: string) =>
    call.add('Reshape', [name, call.writer.integers(axes.map((axis) => (axis === 1 ? -1 : 1)))]);
  let y = call.add('Div', [centred, deviation]);
  if (weight) y = call.add('Mul', [y, perChannel(weight)]);
  if (bias) y = call.add('Add', [y, perChannel(bias)]);
  const flat = (name: string, position: number) =>
    call.isUsed(position) ? call.add('Reshape', [name, call.writer.integers([-1])]) : name;
  return [y, flat(mean, 1), flat(variance, 2)];
}
