import type { Tensor } from '../tensor.js';
import type { Graph, Node, Value } from './graph.js';
import { Trace } from './trace.js';

/** The other input of a node of two. */
export function otherInput(node: Node, value: Value): Value {
  return (node.inputs[0] === value ? node.inputs[1] : node.inputs[0]) as Value;
}

/** Puts what `body` computes with ops in the place of a node. */
export function replaceWith(
  graph: Graph,
  node: Node,
  inputs: readonly Value[],
  body: (...tensors: Tensor[]) => Tensor,
): void {
  const trace = new Trace();
  trace.scope = node.name;
  const tensors = inputs.map((value) => trace.adopt(value));
  const result = trace.valueOf(trace.record(() => body(...tensors)));
  graph.replace(node, trace.nodes, result);
}

/** The single element of a constant; null if the value is none or has several. */
export function scalarOf(value: Value | null): number | null {
  return value?.constant?.size === 1 ? value.constant.item() : null;
}

/** A constant of float32 with one number for each of `channels` channels of a [n, c, …] map of this rank; else null. */
export function perChannel(value: Value | null, channels: number, rank: number): Float64Array | null {
  if (!value?.constant || value.dtype !== 'float32') return null;
  const { shape } = value;
  const elements = value.constant.storage;
  if (elements.size === 1) return new Float64Array(channels).fill(value.constant.item());
  // [c, 1, 1], [1, c, 1, 1], or with leading ones; aligned at the end as broadcasting does
  const axis = shape.length - rank + 1;
  if (elements.size !== channels || axis < 0 || shape[axis] !== channels || shape.length > rank) return null;
  return Float64Array.from(elements.read() as Float32Array);
}
