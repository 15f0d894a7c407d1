import { adaptiveAvgPool2d } from '../../ops/adaptiveavgpool2d.js';
import { gelu } from '../../ops/gelu.js';
import { hardSigmoid } from '../../ops/hardsigmoid.js';
import { hardSwish } from '../../ops/hardswish.js';
import { mish } from '../../ops/mish.js';
import { silu } from '../../ops/silu.js';
import type { Graph, Node, Value } from '../graph.js';
import { otherInput, replaceWith, scalarOf } from '../rewrite.js';

/**
 * Finds functions that exporters write out in parts: x · sigmoid(x), x · clip(x + 3, 0, 6) / 6, the GELU by its erf, mish, and
 * the mean of a whole plane. What is left of the parts is dropped as dead.
 */
export function recognise(graph: Graph): void {
  for (const node of graph.nodes) {
    for (const pattern of PATTERNS) {
      if (pattern(graph, node)) break;
    }
  }
}

type Pattern = (graph: Graph, node: Node) => boolean;

const PATTERNS: readonly Pattern[] = [
  // hardSigmoid: clip(x + 3, 0, 6) / 6, with · 1/6 too
  (graph, node) => {
    const [operand, factor] = scaled(node);
    const clipped = operand?.producer;
    const shifted = clipped?.inputs[0]?.producer;
    if (!operand || clipped?.op.name !== 'clip' || shifted?.op.name !== 'add') return false;
    const { alpha, beta } = clipped.attributes as { alpha: number; beta: number };
    const [x, three] = withScalar(shifted);
    if (!x || three !== 3 || alpha !== 0 || beta !== 6 || !near(factor, 1 / 6)) return false;
    replaceWith(graph, node, [x], (t) => hardSigmoid(t));
    return true;
  },
  // silu, hardSwish, mish: x · f(x)
  (graph, node) => {
    if (node.op.name !== 'mul' || node.outputs[0].dtype !== 'float32') return false;
    for (const gate of node.inputs as Value[]) {
      const x = otherInput(node, gate);
      const producer = gate.producer;
      if (!producer || gate === x) continue;
      if (producer.op.name === 'sigmoid' && producer.inputs[0] === x) {
        replaceWith(graph, node, [x], (t) => silu(t));
        return true;
      }
      if (producer.op.name === 'hardSigmoid' && producer.inputs[0] === x) {
        const { alpha, beta } = producer.attributes as { alpha: number; beta: number };
        if (!near(alpha, 1 / 6) || beta !== 0.5) continue;
        replaceWith(graph, node, [x], (t) => hardSwish(t));
        return true;
      }
      const softplus = producer.op.name === 'tanh' ? producer.inputs[0]?.producer : null;
      if (softplus?.op.name === 'softplus' && softplus.inputs[0] === x) {
        replaceWith(graph, node, [x], (t) => mish(t));
        return true;
      }
    }
    return false;
  },
  // hardSwish: (x · clip(x + 3, 0, 6)) / 6
  (graph, node) => {
    const [product, factor] = scaled(node);
    if (product?.producer?.op.name !== 'mul' || !near(factor, 1 / 6)) return false;
    for (const gate of product.producer.inputs as Value[]) {
      const x = otherInput(product.producer, gate);
      const clipped = gate.producer;
      const shifted = clipped?.op.name === 'clip' ? clipped.inputs[0]?.producer : null;
      if (!clipped || shifted?.op.name !== 'add') continue;
      const { alpha, beta } = clipped.attributes as { alpha: number; beta: number };
      const [source, three] = withScalar(shifted);
      if (source !== x || three !== 3 || alpha !== 0 || beta !== 6) continue;
      replaceWith(graph, node, [x], (t) => hardSwish(t));
      return true;
    }
    return false;
  },
  // GELU: x · (1 + erf(x / √2)) · ½, the factors in any order
  (graph, node) => {
    const factors = factorsOf(node);
    if (!factors) return false;
    const half = factors.filter((value) => near(scalarOf(value), 0.5));
    const cumulative = factors.filter((value) => value.producer?.op.name === 'add');
    const rest = factors.filter((value) => !half.includes(value) && !cumulative.includes(value));
    if (half.length !== 1 || cumulative.length !== 1 || rest.length !== 1) return false;
    const [erf, one] = withScalar(cumulative[0].producer as Node);
    if (one !== 1 || erf?.producer?.op.name !== 'erf') return false;
    const argument = erf.producer.inputs[0]?.producer;
    const [x, factor] = argument ? scaled(argument) : [null, null];
    if (x !== rest[0] || !near(factor, Math.SQRT1_2)) return false;
    replaceWith(graph, node, [x], (t) => gelu(t));
    return true;
  },
  // global average pool: Σ over height and width / (h · w)
  (graph, node) => {
    const [total, factor] = scaled(node);
    const sum = total?.producer?.op.name === 'sum' ? total.producer : null;
    const x = sum?.inputs[0];
    if (!total || !sum || !x || x.shape.length !== 4 || x.dtype !== 'float32') return false;
    const [n, c, h, w] = x.shape;
    const { axes } = sum.attributes as { axes: readonly number[] };
    const isPlane = axes.length === 2 && axes[0] === 2 && axes[1] === 3;
    if (!isPlane || h * w === 0 || !near(factor, 1 / (h * w))) return false;
    replaceWith(graph, node, [x], (t) =>
      adaptiveAvgPool2d(t, 1).reshape(total.shape.length === 4 ? [n, c, 1, 1] : [n, c]),
    );
    return true;
  },
];

/** A node that multiplies by a number, or divides by one: what it multiplies, and the factor. */
function scaled(node: Node): [Value | null, number | null] {
  if (node.op.name === 'mul') return withScalar(node);
  const divisor = node.op.name === 'div' ? scalarOf(node.inputs[1]) : null;
  return divisor === null ? [null, null] : [node.inputs[0], 1 / divisor];
}

/** The operand of a commutative node that is no number, and the number. */
function withScalar(node: Node): [Value | null, number | null] {
  const [a, b] = node.inputs;
  const [left, right] = [scalarOf(a), scalarOf(b)];
  if (right !== null) return [a, right];
  return left === null ? [null, null] : [b, left];
}

/** The three factors of a product of two products. */
function factorsOf(node: Node): Value[] | null {
  if (node.op.name !== 'mul') return null;
  const [a, b] = node.inputs as [Value, Value];
  for (const [inner, outer] of [
    [a, b],
    [b, a],
  ]) {
    if (inner.producer?.op.name === 'mul') return [...(inner.producer.inputs as Value[]), outer];
  }
  return null;
}

/** Equal as float32 numbers that were worked out in different ways are. */
function near(value: number | null, wanted: number): boolean {
  return value !== null && Math.abs(value - wanted) <= 1e-6 * Math.abs(wanted);
}
