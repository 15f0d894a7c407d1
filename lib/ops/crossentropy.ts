import { isGradEnabled } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check, DTypeError } from '../errors.js';
import { AXIS_FIELDS, encode } from '../geometry.js';
import { formatShape, sameShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { add } from './add.js';
import { cast } from './cast.js';
import { exp } from './exp.js';
import { logSoftmaxGradient } from './logsoftmax.js';
import { type LossOptions, reduceLoss } from './loss.js';
import { mul } from './mul.js';
import { apply, empty, floats, type Op, values } from './op.js';
import { axisGeometry } from './reduction.js';
import { sub } from './sub.js';
import { unsqueeze } from './unsqueeze.js';

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends LossOptions {
  /** A label that marks positions to leave out of the loss and of the mean. Default −100. */
  ignoreIndex?: number;
}

/** Kernels skip labels outside [0, classes); every ignored position is given this one. */
const IGNORED = -1;

const op: Op<null> = {
  name: 'crossEntropy',
  forward([input, target]) {
    const [logits, labels] = [input as Tensor, target as Tensor<'int32'>];
    const losses = empty(logits.dtype, labels.shape);
    const logProbabilities = empty(logits.dtype, logits.shape);
    const g = encode(AXIS_FIELDS, axisGeometry(logits.shape, 1));
    const kernels = kernelsFor(logits.dtype);
    kernels.crossEntropyForward(floats(logits), values(labels), floats(losses), floats(logProbabilities), g);
    return [losses, logProbabilities];
  },
  gradient({ input, output }, dlosses: Tensor | null, dlogProbabilities: Tensor | null) {
    const logProbabilities = output(1);
    const fromLosses = dlosses && gradient(dlosses, logProbabilities, input(1) as Tensor<'int32'>);
    const fromOutput = dlogProbabilities && logSoftmaxGradient(dlogProbabilities, logProbabilities, 1);
    return [fromLosses && fromOutput ? add(fromLosses, fromOutput) : (fromLosses ?? fromOutput), null];
  },
  saves: { inputs: [1], outputs: [1] },
};

/** (e^logProbabilities − one-hot label) · dloss: one kernel, or in ops when it is to be differentiated itself. */
function gradient(dlosses: Tensor, logProbabilities: Tensor, labels: Tensor<'int32'>): Tensor {
  if (isGradEnabled()) {
    const { hot, counted } = oneHot(labels, logProbabilities);
    return mul(sub(mul(exp(logProbabilities), counted), hot), unsqueeze(dlosses, 1));
  }
  const dlogits = empty(logProbabilities.dtype, logProbabilities.shape);
  const g = encode(AXIS_FIELDS, axisGeometry(dlogits.shape, 1));
  const kernels = kernelsFor(dlogits.dtype);
  kernels.crossEntropyBackward(floats(dlosses), floats(logProbabilities), values(labels), floats(dlogits), g);
  return dlogits;
}

/** Ones at the labels, in the shape of the logits, and ones [n, 1, …] at the positions that are not ignored. */
function oneHot(labels: Tensor<'int32'>, like: Tensor): { hot: Tensor; counted: Tensor } {
  const { outer, size, inner } = axisGeometry(like.shape, 1);
  const hot = new Float32Array(like.size);
  const counted = new Float32Array(labels.size);
  for (let at = 0; at < labels.size; at++) {
    const label = values(labels)[at];
    if (label === IGNORED) continue;
    counted[at] = 1;
    hot[(Math.floor(at / inner) * size + label) * inner + (at % inner)] = 1;
  }
  const positions = [outer, 1, ...like.shape.slice(2)];
  return {
    hot: cast(new Tensor('float32', hot, like.shape), like.dtype),
    counted: cast(new Tensor('float32', counted, positions), like.dtype),
  };
}

/**
 * Cross-entropy of integer labels under softmax(logits): −log softmax(logits)[label], averaged over positions by default.
 *
 * logits [n, classes] or [n, classes, d1, …], labels [n] or [n, d1, …] of int32, int64 or uint8 in [0, classes) or equal
 * to `ignoreIndex`. With reduction 'none' the result has the labels' shape.
 *
 * @throws ShapeError when shapes do not fit; DTypeError for labels that are no integers; ArgumentError for a label out of
 *   range
 * @example
 * crossEntropy(tensor([[0, 0]]), tensor([1], { dtype: 'int32' }), { reduction: 'none' }).shape; // [1]
 */
export function crossEntropy<D extends DType>(
  logits: Tensor<D>,
  labels: Tensor,
  options: CrossEntropyOptions = {},
): Tensor<D> {
  const { ignoreIndex = -100, reduction = 'mean' } = options;
  checkFloat('crossEntropy', logits);
  check(logits.rank >= 2, 'crossEntropy', () => `logits must be [n, classes, …], got ${formatShape(logits.shape)}`);
  const expected = logits.shape.toSpliced(1, 1);
  check(
    sameShape(labels.shape, expected),
    'crossEntropy',
    () =>
      `labels for logits ${formatShape(logits.shape)} must be ${formatShape(expected)}, got ${formatShape(labels.shape)}`,
  );
  const { resolved, counted } = resolveLabels(labels, logits.shape[1], ignoreIndex);
  const [losses] = apply(op, [logits, resolved], null) as [Tensor<D>];
  return reduceLoss('crossEntropy', losses, reduction, counted);
}

function resolveLabels(labels: Tensor, classes: number, ignoreIndex: number) {
  check(
    labels.dtype === 'int32' || labels.dtype === 'int64' || labels.dtype === 'uint8',
    'crossEntropy',
    () => `labels must be int32, int64 or uint8, got ${labels.dtype}`,
    DTypeError,
  );
  const resolved = new Int32Array(labels.size);
  const given = labels.storage.values;
  let counted = 0;
  for (let at = 0; at < labels.size; at++) {
    const label = Number(given[at]);
    const isIgnored = label === ignoreIndex;
    check(
      isIgnored || (label >= 0 && label < classes),
      'crossEntropy',
      () => `label ${label} at position ${at} is outside [0, ${classes})`,
      ArgumentError,
    );
    resolved[at] = isIgnored ? IGNORED : label;
    if (!isIgnored) counted++;
  }
  return { resolved: new Tensor('int32', resolved, labels.shape), counted };
}
