import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { full, grad, noGrad, Tensor, tensor, zeros } = cf;
const DTYPES = 'float32, float64, int32, int64, uint8, bool';

/** Values that the types forbid: JavaScript users, and data from outside, have no types. */
const wrong = (value: unknown) => value as never;

/** A tensor whose gradient needs an input that was changed in place since. */
function changedInPlace() {
  const x = tensor([2, 3], { requiresGrad: true });
  const loss = x.square().sum();
  x.grad = tensor([1, 1]);
  new cf.SGD([x], { lr: 1 }).step();
  return loss;
}

/** A loss that backward has been through. */
function freed() {
  const loss = tensor([2, 3], { requiresGrad: true }).square().sum();
  loss.backward();
  return loss;
}

// biome-ignore format: one rejection a line
export const CORE_REJECTIONS: Rejections = {
  'tensor.ts': [
    [() => new Tensor(wrong('float16'), wrong([1])), ArgumentError, `Tensor: dtype must be one of ${DTYPES}, got "float16"`],
    [() => new Tensor('float32', new Float32Array(5), [2, 3]), ShapeError, 'Tensor: shape [2, 3] has 6 elements, data has 5'],
    [() => new Tensor('float32', wrong(new Int32Array(2)), [2]), DTypeError, 'Tensor: float32 data must be a Float32Array, got Int32Array'],
    [() => new Tensor('bool', wrong(new Float32Array(2)), [2]), DTypeError, 'Tensor: bool data must be a Uint8Array, got Float32Array'],
    [() => tensor(wrong({ length: 2 })), ArgumentError, 'Tensor: data must be a typed array of a supported kind or nested arrays of numbers, got Object'],
    [() => tensor(wrong(new Uint16Array(2))), ArgumentError, 'Tensor: data must be a typed array of a supported kind or nested arrays of numbers, got Uint16Array'],
    [() => tensor(wrong(null)), ArgumentError, 'Tensor: data must be a typed array of a supported kind or nested arrays of numbers, got null'],
    [() => tensor(wrong([[1, 'two']])), ArgumentError, 'Tensor: nested arrays must hold numbers, got string'],
    [() => tensor(wrong([1, null])), ArgumentError, 'Tensor: nested arrays must hold numbers, got null'],
    [() => tensor([[1, 2], [3]]), ShapeError, 'Tensor: rows of nested arrays differ in shape: [2] and [1]'],
    [() => tensor([1, [2]]), ShapeError, 'Tensor: rows of nested arrays differ in shape: [] and [1]'],
    [() => { tensor([1], { dtype: 'int32' }).requiresGrad = true; }, DTypeError, 'requiresGrad: only float32 and float64 tensors have gradients, this one is int32'],
    [() => tensor([true], { requiresGrad: true }), DTypeError, 'requiresGrad: only float32 and float64 tensors have gradients, this one is bool'],
    [() => { tensor([1], { requiresGrad: true }).mul(2).requiresGrad = false; }, AutogradError, 'requiresGrad: a computed tensor cannot stop requiring grad; use detach()'],
    [() => tensor([1, 2]).item(), ShapeError, 'item: needs exactly one element, the tensor has shape [2]'],
    [() => zeros([0]).item(), ShapeError, 'item: needs exactly one element, the tensor has shape [0]'],
  ],
  'creation.ts': [
    [() => tensor([1], wrong(2)), ArgumentError, 'tensor: the second argument must be a shape or options, got 2'],
    [() => tensor([1], wrong(null)), ArgumentError, 'tensor: the second argument must be a shape or options, got null'],
    [() => tensor([1], { dtype: wrong('half') }), ArgumentError, `tensor: dtype must be one of ${DTYPES}, got "half"`],
    [() => zeros([2], { dtype: wrong(32) }), ArgumentError, `zeros: dtype must be one of ${DTYPES}, got 32`],
    [() => cf.ones([2], { dtype: wrong('toString') }), ArgumentError, `full: dtype must be one of ${DTYPES}, got "toString"`],
    [() => cf.arange(0, 5, 0), ArgumentError, 'arange: start, end and step must be finite and step not 0, got 0, 5, 0'],
    [() => cf.arange(Number.POSITIVE_INFINITY), ArgumentError, 'arange: start, end and step must be finite and step not 0, got 0, Infinity, 1'],
    [() => cf.arange(Number.NaN), ArgumentError, 'arange: start, end and step must be finite and step not 0, got 0, NaN, 1'],
  ],
  'shape.ts': [
    [() => zeros([2, -1]), ShapeError, 'zeros: a shape is an array of integers of at least 0, got [2,-1]'],
    [() => full([1.5], 0), ShapeError, 'full: a shape is an array of integers of at least 0, got [1.5]'],
    [() => cf.randn(wrong(3)), ShapeError, 'randn: a shape is an array of integers of at least 0, got 3'],
    [() => cf.rand(wrong('ab')), ShapeError, 'rand: a shape is an array of integers of at least 0, got "ab"'],
    [() => new Tensor('float32', new Float32Array(1), wrong([Number.NaN])), ShapeError, 'Tensor: a shape is an array of integers of at least 0, got [null]'],
    [() => zeros([1, 1, 1, 1, 1, 1, 1, 1, 1]), ShapeError, 'zeros: a tensor has at most 8 axes, got [1, 1, 1, 1, 1, 1, 1, 1, 1]'],
    [() => tensor([1, 2]).add(tensor([1, 2, 3])), ShapeError, 'add: shapes [2] and [3] do not broadcast: 2 against 3'],
    [() => cf.sub(zeros([4, 2]), zeros([4, 1, 3])), ShapeError, 'sub: shapes [4, 2] and [4, 1, 3] do not broadcast: 2 against 3'],
    [() => cf.sum(zeros([2, 3]), 2), ArgumentError, 'sum: axis 2 is outside a tensor of 2 axes'],
    [() => cf.softmax(zeros([2, 3]), -3), ArgumentError, 'softmax: axis -3 is outside a tensor of 2 axes'],
    [() => cf.argmax(zeros([2, 3]), 0.5), ArgumentError, 'argmax: axis 0.5 is outside a tensor of 2 axes'],
    [() => cf.mean(zeros([2, 3]), [0, -2]), ArgumentError, 'mean: an axis is named twice in [0, 0]'],
  ],
  'dtype.ts': [
    [() => cf.relu(wrong(tensor([1], { dtype: 'int32' }))), DTypeError, `relu: expects float32 or float64, got int32; convert with .to('float32')`],
    [() => cf.add(wrong(tensor([true])), 1), DTypeError, `add: expects float32, float64 or int32, got bool; convert with .to('int32')`],
    [() => cf.mul(tensor([1]), wrong(tensor([1], { dtype: 'float64' }))), DTypeError, 'mul: operands must share one dtype, got float32 and float64'],
    [() => cf.lt(tensor([1]), wrong(tensor([1], { dtype: 'int64' }))), DTypeError, 'lt: operands must share one dtype, got float32 and int64'],
  ],
  'geometry.ts': [
    [() => cf.maxPool1d(zeros([1, 1, 4]), 1.5), ArgumentError, 'maxPool1d: kernelSize must be an integer of at least 1, got 1.5'],
    [() => cf.maxPool2d(zeros([1, 1, 4, 4]), 0), ArgumentError, 'maxPool2d: kernelSize must be an integer of at least 1 or a pair of them, got 0'],
    [() => cf.maxPool2d(zeros([1, 1, 4, 4]), wrong(null)), ArgumentError, 'maxPool2d: kernelSize must be an integer of at least 1 or a pair of them, got null'],
    [() => cf.avgPool2d(zeros([1, 1, 4, 4]), wrong([2])), ArgumentError, 'avgPool2d: kernelSize must be an integer of at least 1 or a pair of them, got [2]'],
    [() => cf.conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 2, 2]), null, { stride: [0, 1] }), ArgumentError, 'conv2d: stride must be an integer of at least 1 or a pair of them, got [0,1]'],
    [() => cf.conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 2, 2]), null, { padding: [0, 0, 0, -1] }), ArgumentError, 'conv2d: padding must be integers of at least 0, got [0,0,0,-1]'],
    [() => cf.conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 2, 2]), null, { padding: wrong('SAME') }), ArgumentError, `conv2d: padding must be a number, [height, width], [top, left, bottom, right], 'same' or 'valid', got "SAME"`],
    [() => cf.conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 5, 2])), ShapeError, 'conv2d: a window of 5×2 does not fit into the padded input of 4×4'],
    [() => cf.maxPool2d(zeros([1, 1, 4, 4]), 3, { dilation: 2 }), ShapeError, 'maxPool2d: a window of 5×5 does not fit into the padded input of 4×4'],
    [() => zeros([65536, 65536]), ShapeError, 'zeros: a tensor of 4294967296 elements is larger than the 2147483647 a kernel can index'],
    [() => cf.arange(2 ** 31), ShapeError, 'arange: a tensor of 2147483648 elements is larger than the 2147483647 a kernel can index'],
  ],
  'random.ts': [
    [() => cf.manualSeed(-1), ArgumentError, 'Generator: seed must be an integer in [0, 2^32), got -1'],
    [() => new cf.Generator(0.5), ArgumentError, 'Generator: seed must be an integer in [0, 2^32), got 0.5'],
    [() => new cf.Generator(1).integer(0), ArgumentError, 'Generator.integer: bound must be an integer in (0, 2^32], got 0'],
    [() => new cf.Generator(1).integer(2 ** 33), ArgumentError, 'Generator.integer: bound must be an integer in (0, 2^32], got 8589934592'],
    [() => new cf.Generator(1).permutation(-1), ArgumentError, 'Generator.permutation: length must be an integer in [0, 2^31), got -1'],
    [() => Object.assign(new cf.Generator(1), { state: { words: [0, 0, 0, 0], spare: null } }), ArgumentError, 'Generator.state: words must be four integers in [0, 2^32), not all 0, and spare a number or null'],
  ],
  'autograd.ts': [
    [() => noGrad(() => Promise.resolve(1)), AutogradError, 'noGrad: the body must be synchronous: recording is switched on again as soon as it returns'],
    [() => tensor([1]).backward(), AutogradError, 'backward: the tensor of shape [1] does not require grad: nothing it was computed from does'],
    [() => tensor([1, 2], { requiresGrad: true }).mul(2).backward(), AutogradError, 'backward: a tensor of shape [2] needs a gradient of that shape; only one element can go without'],
    [() => tensor([1, 2], { requiresGrad: true }).mul(2).backward(tensor([1])), AutogradError, 'backward: the gradient must be float32 [2] like the tensor, got float32 [1]'],
    [() => grad([tensor([1], { requiresGrad: true }).mul(2)], [tensor([1])]), AutogradError, 'grad: an input of shape [1] does not require grad'],
    [() => grad([tensor([1], { requiresGrad: true }).mul(2)], [], { gradOutputs: [tensor([1]), tensor([1])] }), AutogradError, 'grad: 2 gradOutputs for 1 outputs'],
    [() => changedInPlace().backward(), AutogradError, 'square: input 0 of shape [2] was changed in place after the forward pass, so its gradient cannot be computed'],
    [() => freed().backward(), AutogradError, 'sum: backward went through this graph before and freed it; pass { retainGraph: true } to the first backward'],
  ],
};
