// Where the variables of a loop diagram stand: as the story says, or laid out in ranks where it doesn't.

import dagre from "@dagrejs/dagre";

export type Place = [number, number]; // 0 to 1 across and down

export function places(nodes: string[], links: [string, string][], given: Record<string, Place>): Record<string, Place> {
  if (nodes.every((id) => given[id])) return Object.fromEntries(nodes.map((id) => [id, given[id]]));
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 40, ranksep: 70 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of nodes) graph.setNode(id, { width: 150, height: 50 });
  for (const [from, to] of links) graph.setEdge(from, to);
  dagre.layout(graph);
  const found = nodes.map((id) => graph.node(id) as { x: number; y: number });
  const xs = found.map((node) => node.x);
  const ys = found.map((node) => node.y);
  const scale = (values: number[], value: number): number => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return high > low ? (value - low) / (high - low) : 0.5;
  };
  return Object.fromEntries(nodes.map((id, i) => [id, [scale(xs, found[i].x), scale(ys, found[i].y)]]));
}
