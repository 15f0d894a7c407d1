import type { Graph, Node, Value } from '../graph.js';

/**
 * Puts the nodes of a graph in an order in which they can run: passes leave what they fused where one of its parts was. A
 * change in place comes after all who read what was there before, and as early as that allows: its gradient then is still
 * in the cache, and its memory soon free. All else keeps its order.
 */
export function schedule(graph: Graph): void {
  const waits = new Map<Node, number>();
  const followers = new Map<Node, Node[]>();
  for (const node of graph.nodes) {
    const before = new Set<Node | null | undefined>(node.inputs.map((value) => value?.producer));
    for (const index of node.op.updates ?? []) {
      for (const reader of graph.readersOf(node.inputs[index] as Value)) before.add(reader);
    }
    before.delete(node);
    before.delete(null);
    before.delete(undefined);
    waits.set(node, before.size);
    for (const other of before as Set<Node>) {
      const known = followers.get(other);
      if (known) known.push(node);
      else followers.set(other, [node]);
    }
  }
  // Changes come before all nodes that could come too, and those in the order they had.
  const rank = new Map(graph.nodes.map((node, i) => [node, node.op.updates ? i - graph.nodes.length : i]));
  const order: Node[] = [];
  const ready = new Set(graph.nodes.filter((node) => waits.get(node) === 0));
  while (ready.size > 0) {
    let next: Node | null = null;
    for (const node of ready) if (!next || (rank.get(node) as number) < (rank.get(next) as number)) next = node;
    if (!next) break;
    ready.delete(next);
    order.push(next);
    for (const follower of followers.get(next) ?? []) {
      const left = (waits.get(follower) as number) - 1;
      waits.set(follower, left);
      if (left === 0) ready.add(follower);
    }
  }
  graph.reorder(order);
}
