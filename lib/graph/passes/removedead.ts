import type { Graph, Node, Value } from '../graph.js';

/** Drops nodes whose results nobody reads and that change nothing in place. */
export function removeDead(graph: Graph): void {
  const needed = new Set<Value>(graph.outputs);
  const alive = new Set<Node>();
  for (const node of graph.nodes.toReversed()) {
    if (!node.op.updates && !node.outputs.some((output) => needed.has(output))) continue;
    alive.add(node);
    for (const input of node.inputs) if (input) needed.add(input);
  }
  graph.keep((node) => alive.has(node));
}
