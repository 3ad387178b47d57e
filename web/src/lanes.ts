// Stocks and their flows, each in a lane of its own: a stock fills up with its value, a pipe is as wide as its flow.

import { measure, picture, svg, wrap } from "./dom";
import type { Lane } from "./data";
import type { Palette } from "./palette";

export interface LanesInput {
  lanes: Lane[];
  label: (id: string) => string;
  share: (id: string) => number; // the value at the cursor as a fraction of the largest in the run
  value: (id: string) => string;
  width: number;
  height: number;
  size: number;
  palette: Palette;
  summary: string;
}

export function lanes(input: LanesInput): SVGElement {
  const { width, height, size } = input;
  const made = picture(input);
  const columns = width > size * 60 && input.lanes.length > 5 ? 2 : 1;
  const rows = Math.ceil(input.lanes.length / columns);
  const wide = width / columns;
  const tall = Math.min(height / rows, size * 8);
  input.lanes.forEach((lane, i) => {
    const [left, top] = [(i % columns) * wide, Math.floor(i / columns) * (height / rows) + (height / rows - tall) / 2];
    made.append(...draw(lane, left, top, wide, tall, input));
  });
  return made;
}

function draw(lane: Lane, left: number, top: number, width: number, height: number, input: LanesInput): SVGElement[] {
  const { palette, size } = input;
  const name = wrap(input.label(lane.id), size, width * 0.3, 700);
  const value = input.value(lane.id);
  const boxWidth = Math.max(...name.map((line) => measure(line, size, 700)), measure(value, size), size * 6) + size;
  const boxHeight = Math.min(height - 6, size * (name.length + 1) * 1.2 + size);
  const [x, y] = [left + width / 2, top + height / 2];
  const level = Math.min(1, Math.max(0, input.share(lane.id)));
  const found: SVGElement[] = [];
  found.push(...side(lane.inflows, left + size, x - boxWidth / 2, y, height, input));
  found.push(...side(lane.outflows, x + boxWidth / 2, left + width - size, y, height, input));
  found.push(
    svg("rect", { x: x - boxWidth / 2, y: y - boxHeight / 2, width: boxWidth, height: boxHeight, fill: palette.back }),
    svg("rect", { x: x - boxWidth / 2, y: y + boxHeight / 2 - boxHeight * level, width: boxWidth, height: boxHeight * level, fill: palette.ghost, opacity: 0.4 }),
    svg("rect", { x: x - boxWidth / 2, y: y - boxHeight / 2, width: boxWidth, height: boxHeight, fill: "none", stroke: palette.ink, "stroke-width": 2.5 }),
  );
  const lines = [...name, value];
  const start = y - ((lines.length - 1) * size * 1.2) / 2 + size * 0.35;
  lines.forEach((line, i) => {
    const weight = i < name.length ? 700 : 400;
    found.push(svg("text", { x, y: start + i * size * 1.2, "text-anchor": "middle", "font-weight": weight, fill: palette.ink }, line));
  });
  return found;
}

function side(flows: string[], from: number, to: number, y: number, height: number, input: LanesInput): SVGElement[] {
  const { palette, size } = input;
  const found: SVGElement[] = [];
  const gap = Math.min(size * 3, height / Math.max(flows.length, 1));
  flows.forEach((flow, i) => {
    const at = y + (i - (flows.length - 1) / 2) * gap;
    const share = input.share(flow);
    const thick = 3 + size * 0.75 * Math.min(1, Math.abs(share));
    const [start, tip] = share >= 0 ? [from, to] : [to, from];
    const dir = Math.sign(tip - start);
    const head = size * 0.7;
    const middle = (from + to) / 2;
    found.push(
      svg("line", { x1: start, x2: tip - dir * head, y1: at, y2: at, stroke: palette.now, "stroke-width": thick }),
      svg("polygon", { points: `${tip},${at} ${tip - dir * head},${at - thick / 2 - 4} ${tip - dir * head},${at + thick / 2 + 4}`, fill: palette.now }),
      svg("path", { d: `M${middle - 9} ${at - 9} L${middle + 9} ${at + 9} L${middle + 9} ${at - 9} L${middle - 9} ${at + 9} Z`, fill: palette.panel, stroke: palette.ink, "stroke-width": 2 }),
      svg("text", { x: middle, y: at - size * 0.75, "text-anchor": "middle", fill: palette.ink }, input.label(flow)),
    );
  });
  return found;
}
