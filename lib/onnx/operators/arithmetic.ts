import { full } from '../../creation.js';
import {
  abs,
  add,
  cast,
  ceil,
  div,
  eq,
  erf,
  exp,
  floor,
  fmod,
  ge,
  gt,
  isInf,
  isNan,
  le,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  lt,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  pow,
  reciprocal,
  round,
  sign,
  sqrt,
  sub,
  where,
} from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { FLAG, type Operator, type OperatorCall } from '../operator.js';
import { binary, type Family, unary } from './families.js';

export const ARITHMETIC: Family = {
  Abs: unary(abs),
  Neg: unary(neg),
  Sign: unary(sign, 9),
  Exp: unary(exp),
  Log: unary(log),
  Sqrt: unary(sqrt),
  Reciprocal: unary(reciprocal),
  Erf: unary(erf, 9),
  Floor: unary(floor),
  Ceil: unary(ceil),
  Round: unary(round, 11),
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(div),
  Pow: { inputs: [2, 2], evaluate: power },
  Mod: {
    since: 10,
    inputs: [2, 2],
    attributes: { fmod: FLAG },
    evaluate: (call) => (call.flag('fmod') ? fmod : mod)(call.input(0), call.input(1)),
  },
  Min: variadic(minimum),
  Max: variadic(maximum),
  Sum: variadic(add),
  Mean: {
    inputs: [1, Infinity],
    evaluate: (call) => {
      const inputs = call.inputs();
      return mul(inputs.reduce(add), 1 / inputs.length);
    },
  },
  Equal: comparison(eq),
  Greater: comparison(gt),
  GreaterOrEqual: comparison(ge, 12),
  Less: comparison(lt),
  LessOrEqual: comparison(le, 12),
  And: logical(logicalAnd),
  Or: logical(logicalOr),
  Xor: logical(logicalXor),
  Not: { inputs: [1, 1], evaluate: (call) => logicalNot(call.input<Tensor<'bool'>>(0)) },
  IsNaN: unary(isNan, 9),
  IsInf: {
    since: 10,
    inputs: [1, 1],
    attributes: { detect_negative: FLAG, detect_positive: FLAG },
    evaluate: (call) => {
      const x = call.input(0);
      const [negative, positive] = [call.flag('detect_negative', true), call.flag('detect_positive', true)];
      if (negative && positive) return isInf(x);
      if (!negative && !positive) return full(x.shape, 0, { dtype: 'bool' });
      return logicalAnd(isInf(x), negative ? lt(x, 0) : gt(x, 0));
    },
  },
  Where: {
    since: 9,
    inputs: [3, 3],
    evaluate: (call) => where(call.input<Tensor<'bool'>>(0), call.input(1), call.input(2)),
  },
};

function variadic(compute: (a: Tensor<'float32'>, b: Tensor<'float32'>) => Tensor<'float32'>): Operator {
  return { inputs: [1, Infinity], evaluate: (call) => call.inputs().reduce((a, b) => compute(a, b)) };
}

function logical(compute: (a: Tensor<'bool'>, b: Tensor<'bool'>) => Tensor<'bool'>): Operator {
  return { inputs: [2, 2], evaluate: (call) => compute(call.input(0), call.input(1)) };
}

/** Comparisons of bytes are those of integers. */
function comparison(compute: (a: Tensor<'int32'>, b: Tensor<'int32'>) => Tensor<'bool'>, since?: number): Operator {
  const operand = (call: OperatorCall, position: number) => {
    const x = call.input<Tensor>(position);
    return (x.dtype === 'bool' || x.dtype === 'uint8' ? cast(x, 'int32') : x) as Tensor<'int32'>;
  };
  return { since, inputs: [2, 2], evaluate: (call) => compute(operand(call, 0), operand(call, 1)) };
}

/** The base decides the type of the result; the exponent may be of another. */
function power(call: OperatorCall): Tensor {
  const [base, exponent] = [call.input<Tensor>(0), call.input<Tensor>(1)];
  if (base.dtype === exponent.dtype) return pow(base, exponent);
  if (base.isFloat()) return pow(base, cast(exponent, base.dtype));
  return cast(pow(cast(base, 'float32'), cast(exponent, 'float32')), base.dtype);
}
