// How the shares of the loops move over the run: bands one upon another, with the cursor's time marked.

import { scaleLinear } from "d3-scale";
import { area as makeArea } from "d3-shape";
import type { Loop } from "./data";
import { picture, svg } from "./dom";
import type { Palette } from "./palette";

export interface SharesInput {
  loops: Loop[];
  shares: Record<string, Float64Array>;
  times: ArrayLike<number>;
  cursor: number;
  chosen: string | null;
  width: number;
  height: number;
  size: number;
  palette: Palette;
  summary: string;
}

export function bands(input: SharesInput): SVGElement {
  const { width, height, size, palette } = input;
  const made = picture(input);
  const [left, right, top, bottom] = [4, width - 4, 4, height - size * 1.5];
  const last = input.times.length - 1;
  const x = scaleLinear([input.times[0], input.times[last]], [left, right]);
  const y = scaleLinear([0, 1], [bottom, top]);
  const low = new Float64Array(last + 1);
  input.loops.forEach((loop, i) => {
    const share = input.shares[loop.id];
    const rows: [number, number, number][] = [];
    for (let row = 0; row <= last; row += 1) {
      const high = low[row] + Math.abs(share[row]);
      rows.push([x(input.times[row]), y(low[row]), y(high)]);
      low[row] = high;
    }
    const draw = makeArea<[number, number, number]>()
      .x((row) => row[0])
      .y0((row) => row[1])
      .y1((row) => row[2]);
    const faded = input.chosen !== null && input.chosen !== loop.id;
    made.append(svg("path", { d: draw(rows), fill: palette.series[i % palette.series.length], opacity: faded ? 0.25 : 0.85, stroke: palette.back, "stroke-width": 1 }));
    const widest = rows.reduce((best, row, at) => (row[1] - row[2] > rows[best][1] - rows[best][2] && at > last * 0.05 && at < last * 0.95 ? at : best), Math.floor(last / 2));
    const [labelX, y0, y1] = rows[widest];
    if (y0 - y1 > size * 1.25) {
      const label = { x: labelX, y: (y0 + y1) / 2 + size * 0.35, "text-anchor": "middle", "font-weight": 700, fill: "#000", stroke: "#fff", "stroke-width": 4, "paint-order": "stroke" };
      made.append(svg("text", label, loop.id));
    }
  });
  for (const year of x.ticks(Math.max(2, Math.floor((right - left) / (size * 4))))) {
    const at = Math.min(Math.max(x(year), left + size * 1.1), right - size * 1.1);
    made.append(svg("text", { x: at, y: height - size * 0.3, "text-anchor": "middle", fill: palette.soft }, String(year)));
  }
  const at = x(input.cursor);
  made.append(svg("line", { x1: at, x2: at, y1: top - 4, y2: bottom + 4, stroke: palette.ink, "stroke-width": 2.5 }));
  return made;
}
