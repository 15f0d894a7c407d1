import type { Graph, Value } from '../graph.js';

/** Drops nodes whose results nobody reads. */
export function removeDead(graph: Graph): void {
  const needed = new Set<Value>(graph.outputs);
  graph.nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((output) => needed.has(output))) return false;
      for (const input of node.inputs) if (input) needed.add(input);
      return true;
    })
    .reverse();
}
