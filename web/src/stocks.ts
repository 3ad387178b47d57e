// The stock-and-flow diagram as the model's file draws it; stocks fill up with their value at the cursor's time.

import type { Drawing, Shape } from "./data";
import { FONT, measure, svg, wrap } from "./dom";
import type { Palette } from "./palette";

export interface StocksInput {
  drawing: Drawing;
  label: (id: string, text: string) => string;
  level: (id: string) => number; // a stock's value at the cursor as a fraction of its largest in the run
  flow: (id: string) => number; // a flow's value, likewise
  width: number;
  height: number;
  size: number;
  palette: Palette;
  summary: string;
}

const NAME = 15.5; // the height in the sketch's pixels for which its names leave each other room

export function stocks(input: StocksInput): SVGElement {
  const { drawing, palette } = input;
  const scale = Math.max(input.size / NAME, input.width / drawing.width);
  const [width, height] = [drawing.width * scale, drawing.height * scale];
  const size = input.size / scale;
  const made = svg("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    viewBox: `0 0 ${drawing.width} ${drawing.height}`,
    role: "img",
    "aria-label": input.summary,
    "font-family": FONT,
    "font-size": size,
  });
  made.append(svg("rect", { width: drawing.width, height: drawing.height, fill: palette.back }));
  for (const kind of ["flow", "arrow", "cloud", "stock", "valve", "rate", "auxiliary", "comment"] as const) {
    for (const shape of drawing.shapes) if (shape.kind === kind) made.append(...draw(shape, size, input));
  }
  return made;
}

function draw(shape: Shape, size: number, input: StocksInput): SVGElement[] {
  const { palette } = input;
  const [x, y] = [shape.x ?? 0, shape.y ?? 0];
  switch (shape.kind) {
    case "flow": {
      const width = 4 + 14 * Math.min(1, Math.abs(input.flow(shape.id ?? "")));
      const points = (shape.points ?? []).map((point) => point.join(",")).join(" ");
      return [
        svg("polyline", { points, fill: "none", stroke: palette.soft, "stroke-width": width + 3 }),
        svg("polyline", { points, fill: "none", stroke: palette.ghost, "stroke-width": width }),
        head(shape.points ?? [], size * 0.8, palette.soft),
      ];
    }
    case "arrow": {
      const points = shape.points ?? [];
      if (points.length < 2) return [];
      const d = points.length > 2 ? curve(points) : `M${points[0].join(" ")} L${points[1].join(" ")}`;
      return [svg("path", { d, fill: "none", stroke: palette.base, "stroke-width": 1.5 }), head(points, size * 0.45, palette.base)];
    }
    case "cloud":
      return [svg("circle", { cx: x, cy: y, r: size * 0.6, fill: palette.panel, stroke: palette.soft, "stroke-dasharray": "3 3" })];
    case "valve": {
      const w = size * 0.5;
      return [svg("path", { d: `M${x - w} ${y - w} L${x + w} ${y + w} L${x + w} ${y - w} L${x - w} ${y + w} Z`, fill: palette.panel, stroke: palette.ink, "stroke-width": 2 })];
    }
    case "stock": {
      const text = input.label(shape.id ?? "", shape.text ?? "");
      const lines = wrap(text, size, Math.max(shape.width ?? 0, size * 7), 700);
      const w = Math.max(shape.width ?? 0, ...lines.map((line) => measure(line, size, 700) + size));
      const h = Math.max(shape.height ?? 0, size * (lines.length * 1.2 + 1));
      const level = Math.min(1, Math.max(0, input.level(shape.id ?? "")));
      return [
        svg("rect", { x: x - w / 2, y: y - h / 2, width: w, height: h, fill: palette.back }),
        svg("rect", { x: x - w / 2, y: y + h / 2 - h * level, width: w, height: h * level, fill: palette.now, opacity: 0.3 }),
        svg("rect", { x: x - w / 2, y: y - h / 2, width: w, height: h, fill: "none", stroke: palette.ink, "stroke-width": 2.5 }),
        ...words(lines, x, y, size, 700, palette.ink),
      ];
    }
    case "rate":
    case "auxiliary":
    case "comment": {
      const text = shape.kind === "comment" ? (shape.text ?? "") : input.label(shape.id ?? "", shape.text ?? "");
      const lines = wrap(text, size, size * 9);
      const weight = shape.kind === "auxiliary" ? 400 : 700;
      return words(lines, x, y, size, weight, shape.kind === "comment" ? palette.soft : palette.ink, palette.back);
    }
  }
}

function words(lines: string[], x: number, y: number, size: number, weight: number, fill: string, halo?: string): SVGElement[] {
  const top = y - ((lines.length - 1) * size * 1.1) / 2 + size * 0.35;
  return lines.map((line, i) =>
    svg("text", { x, y: top + i * size * 1.1, "text-anchor": "middle", "font-weight": weight, fill, stroke: halo ?? null, "stroke-width": halo ? size * 0.25 : null, "paint-order": "stroke" }, line),
  );
}

function curve(points: [number, number][]): string {
  const [from, via, to] = [points[0], points[1], points[points.length - 1]];
  // The middle point lies on the arc; the control point is twice as far out.
  const cx = 2 * via[0] - (from[0] + to[0]) / 2;
  const cy = 2 * via[1] - (from[1] + to[1]) / 2;
  return `M${from.join(" ")} Q${cx} ${cy} ${to.join(" ")}`;
}

function head(points: [number, number][], size: number, fill: string): SVGElement {
  if (points.length < 2) return svg("g");
  const tip = points[points.length - 1];
  const back = points[points.length - 2];
  const angle = Math.atan2(tip[1] - back[1], tip[0] - back[0]);
  const at = (turn: number): string => `${tip[0] - size * Math.cos(angle + turn)},${tip[1] - size * Math.sin(angle + turn)}`;
  return svg("polygon", { points: `${tip.join(",")} ${at(0.45)} ${at(-0.45)}`, fill });
}
