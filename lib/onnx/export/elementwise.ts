import { full } from '../../creation.js';
import type { DType } from '../../dtype.js';
import type { Tensor } from '../../tensor.js';
import type { ExportCall, Write, Writers } from './call.js';
import { ELEMENT_CODES } from './graphwriter.js';

/** Functions of one tensor that ONNX has under another name. */
const UNARY = {
  abs: 'Abs',
  ceil: 'Ceil',
  erf: 'Erf',
  exp: 'Exp',
  floor: 'Floor',
  hardSwish: 'HardSwish',
  isInf: 'IsInf',
  isNan: 'IsNaN',
  log: 'Log',
  logicalNot: 'Not',
  neg: 'Neg',
  reciprocal: 'Reciprocal',
  relu: 'Relu',
  round: 'Round',
  sigmoid: 'Sigmoid',
  sign: 'Sign',
  softplus: 'Softplus',
  sqrt: 'Sqrt',
  tanh: 'Tanh',
};

/** Functions of two tensors, which broadcast. */
const BINARY = {
  add: 'Add',
  div: 'Div',
  eq: 'Equal',
  ge: 'GreaterOrEqual',
  gt: 'Greater',
  le: 'LessOrEqual',
  logicalAnd: 'And',
  logicalOr: 'Or',
  logicalXor: 'Xor',
  lt: 'Less',
  maximum: 'Max',
  minimum: 'Min',
  mul: 'Mul',
  pow: 'Pow',
  prelu: 'PRelu',
  sub: 'Sub',
  where: 'Where',
};

const byName = (names: Readonly<Record<string, string>>): Writers =>
  Object.fromEntries(
    Object.entries(names).map(([name, opType]): [string, Write] => [name, (call) => call.add(opType, call.inputs)]),
  );

export const ELEMENTWISE: Writers = {
  ...byName(UNARY),
  ...byName(BINARY),
  ne: (call) => call.add('Not', [call.add('Equal', call.inputs)]),
  square: (call) => call.add('Mul', [call.input(0), call.input(0)]),
  silu: (call) => call.add('Mul', [call.input(0), call.add('Sigmoid', [call.input(0)])]),
  leakyRelu: (call) => call.add('LeakyRelu', call.inputs, { alpha: { float: parameters(call).alpha } }),
  elu: (call) => call.add('Elu', call.inputs, { alpha: { float: parameters(call).alpha } }),
  hardSigmoid: (call) => {
    const { alpha, beta } = parameters(call);
    return call.add('HardSigmoid', call.inputs, { alpha: { float: alpha }, beta: { float: beta } });
  },
  affine: (call) => {
    const { alpha, beta } = parameters(call);
    return call.add('Add', [call.add('Mul', [call.input(0), scalar(call, alpha)]), scalar(call, beta)]);
  },
  clip: (call) => {
    const { alpha, beta } = parameters(call);
    return call.add('Clip', [call.input(0), scalar(call, alpha), scalar(call, beta)]);
  },
  // operators of their own since opset 20 and 18
  gelu: (call) => {
    const [x] = call.inputs;
    if (call.writer.opset >= 20) return call.add('Gelu', [x]);
    const erf = call.add('Erf', [call.add('Mul', [x, scalar(call, Math.SQRT1_2)])]);
    const gate = call.add('Add', [erf, scalar(call, 1)]);
    return call.add('Mul', [call.add('Mul', [x, gate]), scalar(call, 0.5)]);
  },
  mish: (call) => {
    const [x] = call.inputs;
    if (call.writer.opset >= 18) return call.add('Mish', [x]);
    return call.add('Mul', [x, call.add('Tanh', [call.add('Softplus', [x])])]);
  },
  mod: (call) => {
    if (call.dtype() === 'int32') return call.add('Mod', call.inputs, { fmod: 0 });
    // for floating types ONNX has only the remainder with the sign of the dividend
    const [a, b] = call.inputs;
    return call.add('Sub', [a, call.add('Mul', [b, call.add('Floor', [call.add('Div', [a, b])])])]);
  },
  fmod: (call) => call.add('Mod', call.inputs, { fmod: 1 }),
  cast: (call) => {
    const { dtype } = call.attributes<{ dtype: DType }>();
    return call.add('Cast', call.inputs, { to: ELEMENT_CODES[dtype] });
  },
};

function parameters(call: ExportCall): { alpha: number; beta: number } {
  return call.attributes();
}

/** A number as an initializer of the type of the first input. */
export function scalar(call: ExportCall, value: number): string {
  const dtype = call.dtype();
  return call.writer.constant(full([], value, { dtype }) as Tensor, 'scalar');
}
