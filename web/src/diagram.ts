// The causal-loop diagram at one moment: links as thick as their computed scores, loops by their shares.

import type { Loop } from "./data";
import { measure, picture, svg, wrap } from "./dom";
import { places, type Place } from "./layout";
import type { Palette } from "./palette";
import { key } from "./scores";

export interface DiagramInput {
  loops: Loop[];
  labels: Record<string, string>;
  at: Record<string, Place>;
  states: string[];
  signs: Record<string, number>; // of links
  shares: Record<string, Float64Array>; // of loops
  row: number;
  chosen: string | null;
  width: number;
  height: number;
  size: number;
  palette: Palette;
  summary: string;
}

interface Node {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
  lines: string[];
}

type Point = [number, number];

export function diagram(input: DiagramInput): SVGElement {
  const made = picture(input);
  const links = linksOf(input.loops);
  const nodes = nodesOf(input, links);
  const marks: SVGElement[] = [];
  const inChosen = new Set((input.loops.find((loop) => loop.id === input.chosen)?.links ?? []).map(key));
  for (const way of links) {
    const strength = dominance(input, key(way));
    const faded = input.chosen !== null && !inChosen.has(key(way));
    const [line, mark] = arrow(nodes[way[0]], nodes[way[way.length - 1]], links, input, strength, faded, way);
    made.append(line);
    marks.push(mark);
  }
  for (const node of Object.values(nodes)) made.append(...box(node, input));
  made.append(...marks);
  made.append(...badges(input, nodes));
  return made;
}

// How much of what happens at this moment goes through a link: the shares of the loops that it belongs to.
function dominance(input: DiagramInput, link: string): number {
  const through = input.loops.filter((loop) => loop.links.some((way) => key(way) === link));
  return Math.min(1, through.reduce((sum, loop) => sum + Math.abs(input.shares[loop.id][input.row]), 0));
}

function linksOf(loops: Loop[]): string[][] {
  const found = new Map<string, string[]>();
  for (const loop of loops) for (const way of loop.links) found.set(key(way), way);
  return [...found.values()];
}

function nodesOf(input: DiagramInput, links: string[][]): Record<string, Node> {
  const ids = [...new Set(links.flatMap((way) => [way[0], way[way.length - 1]]))];
  const spots = places(ids, links.map((way) => [way[0], way[way.length - 1]]), input.at);
  const { size } = input;
  const made: Record<string, Node> = {};
  for (const id of ids) {
    const lines = wrap(input.labels[id], size, size * 7.5, 600);
    const width = Math.max(...lines.map((line) => measure(line, size, 600))) + size * 0.8;
    made[id] = { id, x: 0, y: 0, width, height: lines.length * size * 1.15 + size * 0.5, lines };
  }
  const edgeX = Math.max(...Object.values(made).map((node) => node.width)) / 2 + 4;
  const edgeY = Math.max(...Object.values(made).map((node) => node.height)) / 2 + 4;
  for (const node of Object.values(made)) {
    node.x = edgeX + spots[node.id][0] * (input.width - 2 * edgeX);
    node.y = edgeY + spots[node.id][1] * (input.height - 2 * edgeY);
  }
  return made;
}

function box(node: Node, input: DiagramInput): SVGElement[] {
  const { palette, size } = input;
  const stock = input.states.includes(node.id);
  const frame = svg("rect", {
    x: node.x - node.width / 2,
    y: node.y - node.height / 2,
    width: node.width,
    height: node.height,
    rx: stock ? 2 : size * 0.5,
    fill: palette.panel,
    stroke: stock ? palette.ink : palette.grid,
    "stroke-width": stock ? 2.5 : 1,
  });
  const top = node.y - ((node.lines.length - 1) * size * 1.15) / 2 + size * 0.35;
  const texts = node.lines.map((line, i) =>
    svg("text", { x: node.x, y: top + i * size * 1.15, "text-anchor": "middle", "font-weight": 600, fill: palette.ink }, line),
  );
  return [frame, ...texts];
}

function bend(from: Node, to: Node, links: string[][]): Point {
  const back = links.some((way) => way[0] === to.id && way[way.length - 1] === from.id);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const amount = back ? 0.28 : 0.16;
  return [(from.x + to.x) / 2 - dy * amount, (from.y + to.y) / 2 + dx * amount];
}

function along(from: Point, via: Point, to: Point, t: number): Point {
  const s = 1 - t;
  return [s * s * from[0] + 2 * s * t * via[0] + t * t * to[0], s * s * from[1] + 2 * s * t * via[1] + t * t * to[1]];
}

function inside(point: Point, node: Node, margin: number): boolean {
  return Math.abs(point[0] - node.x) < node.width / 2 + margin && Math.abs(point[1] - node.y) < node.height / 2 + margin;
}

function arrow(
  from: Node,
  to: Node,
  links: string[][],
  input: DiagramInput,
  strength: number,
  faded: boolean,
  way: string[],
): [SVGElement, SVGElement] {
  const { palette, size } = input;
  const positive = (input.signs[key(way)] ?? 1) > 0;
  const colour = positive ? palette.plus : palette.minus;
  const thick = 1.5 + 11 * strength;
  const head = 9 + thick * 1.4;
  const via = bend(from, to, links);
  const start: Point = [from.x, from.y];
  const end: Point = [to.x, to.y];
  let [first, last, tip] = [0, 1, 1];
  for (let t = 0; t <= 1; t += 0.01) {
    const point = along(start, via, end, t);
    if (inside(point, from, 2)) first = t;
    if (tip === 1 && t > 0.3 && inside(point, to, 3)) tip = t;
  }
  const point = along(start, via, end, tip);
  for (let t = tip; t > first; t -= 0.01) {
    const at = along(start, via, end, t);
    if (Math.hypot(at[0] - point[0], at[1] - point[1]) >= head) {
      last = t;
      break;
    }
  }
  const neck = along(start, via, end, last);
  const points: string[] = [];
  for (let i = 0; i <= 24; i += 1) {
    const [x, y] = along(start, via, end, first + ((last - first) * i) / 24);
    points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
  }
  const angle = Math.atan2(point[1] - neck[1], point[0] - neck[0]);
  const wing = (side: number): string => {
    const spread = 5 + thick * 0.8;
    return `${(neck[0] + side * spread * Math.sin(angle)).toFixed(1)},${(neck[1] - side * spread * Math.cos(angle)).toFixed(1)}`;
  };
  const group = svg("g", { opacity: faded ? 0.18 : 0.35 + 0.65 * Math.min(1, strength * 2 + 0.15) });
  group.append(
    svg("polyline", { points: points.join(" "), fill: "none", stroke: colour, "stroke-width": thick, "stroke-dasharray": positive ? null : "14 5" }),
    svg("polygon", { points: `${point[0].toFixed(1)},${point[1].toFixed(1)} ${wing(1)} ${wing(-1)}`, fill: colour }),
  );
  const spot = along(start, via, end, Math.max(first, last - 0.12));
  const off = size * 0.55 + thick / 2;
  const mark = svg(
    "text",
    {
      x: spot[0] + off * Math.sin(angle),
      y: spot[1] - off * Math.cos(angle) + size * 0.35,
      "text-anchor": "middle",
      "font-weight": 800,
      fill: positive ? palette.plusText : palette.minusText,
      opacity: faded ? 0.3 : 1,
    },
    positive ? "+" : "\u2212",
  );
  return [group, mark];
}

function badges(input: DiagramInput, nodes: Record<string, Node>): SVGElement[] {
  const { palette, size } = input;
  const spots = input.loops.map((loop) => {
    const around = loop.links.map((way) => nodes[way[0]]);
    return {
      loop,
      x: around.reduce((sum, node) => sum + node.x, 0) / around.length,
      y: around.reduce((sum, node) => sum + node.y, 0) / around.length,
    };
  });
  settle(spots, Object.values(nodes), input);
  return spots.flatMap(({ loop, x, y }, i) => {
    const share = Math.abs(input.shares[loop.id][input.row]);
    const radius = Math.max(measure(loop.id, size, 700) / 2 + 5, size * (0.7 + 0.8 * share));
    const faded = input.chosen !== null && input.chosen !== loop.id ? 0.25 : 1;
    const colour = palette.seriesText[i % palette.seriesText.length];
    return [
      svg("circle", { cx: x, cy: y, r: radius, fill: palette.back, stroke: colour, "stroke-width": 2 + 6 * share, opacity: faded }),
      svg("text", { x, y: y + size * 0.35, "text-anchor": "middle", "font-weight": 700, fill: colour, opacity: faded }, loop.id),
    ];
  });
}

// Push badges off boxes and off one another.
function settle(spots: { x: number; y: number }[], nodes: Node[], input: DiagramInput): void {
  const gap = input.size * 2.6;
  for (let round = 0; round < 200; round += 1) {
    for (const a of spots) {
      for (const b of spots) {
        if (a === b) continue;
        const [dx, dy] = [a.x - b.x || 0.5, a.y - b.y || 0.3];
        const apart = Math.hypot(dx, dy);
        if (apart < gap) {
          a.x += (dx / apart) * 2;
          a.y += (dy / apart) * 2;
        }
      }
      for (const node of nodes) {
        const [dx, dy] = [a.x - node.x, a.y - node.y];
        const [roomX, roomY] = [node.width / 2 + input.size * 1.35, node.height / 2 + input.size * 1.35];
        if (Math.abs(dx) < roomX && Math.abs(dy) < roomY) {
          if (roomX - Math.abs(dx) < roomY - Math.abs(dy)) a.x += Math.sign(dx || 1) * 3;
          else a.y += Math.sign(dy || 1) * 3;
        }
      }
      a.x = Math.min(Math.max(a.x, gap / 2), input.width - gap / 2);
      a.y = Math.min(Math.max(a.y, gap / 2), input.height - gap / 2);
    }
  }
}
