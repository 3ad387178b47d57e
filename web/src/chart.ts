// One behaviour-over-time graph as SVG that stands alone: fixed axes, labels on the lines, phases, evidence, cursor.

import { scaleLinear } from "d3-scale";
import type { Graph, Phase } from "./data";
import { measure, picture, svg } from "./dom";
import type { Palette } from "./palette";

export interface Line {
  values: ArrayLike<number>;
  label: string;
  colour: string;
  text: string;
  width: number;
  dash?: string;
  from?: number; // rows before it are not drawn
  to?: number; // rows after it are not drawn
  cursor?: boolean; // whether the value at the cursor is written
}

export interface ChartInput {
  graph: Graph;
  title: string;
  unit: string;
  times: ArrayLike<number>;
  lines: Line[];
  phases: Phase[];
  phaseLabels: string[];
  showPhases: boolean;
  evidence: boolean;
  lineLabel: string;
  cursor: number | null;
  width: number;
  height: number;
  size: number;
  palette: Palette;
  drawing: [number, number][] | null; // the predicted curve, in the graph's unit
  drawingLabel: string;
  symmetric?: [number, number]; // axis limits instead of the graph's own
  sides?: [number, number]; // left and right end of the axis, to line up with another graph
  summary: string;
}

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

let clips = 0;

export function format(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  const plain = Number(text) === 0 ? (0).toFixed(decimals) : text;
  const [whole, rest] = plain.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return (rest ? `${grouped}.${rest}` : grouped).replace("-", "\u2212");
}

export function frameOf(input: ChartInput): Frame {
  const [low, high] = input.symmetric ?? [input.graph.low, input.graph.high];
  const ticks = yTicks(low, high, input.height, input.size);
  const decimals = tickDecimals(ticks);
  const yWidth = Math.max(...ticks.map((tick) => measure(format(tick, decimals), input.size)));
  const labels = [...input.lines.map((line) => line.label), input.drawing ? input.drawingLabel : ""];
  const right = Math.max(measure("2000", input.size) / 2 + 3, ...labels.map((label) => measure(label, input.size, 600) + 14));
  return {
    left: input.sides?.[0] ?? yWidth + 12,
    right: input.sides?.[1] ?? input.width - right,
    top: input.size * 1.75,
    bottom: input.height - input.size * 1.5,
    x0: input.times[0],
    x1: input.times[input.times.length - 1],
    y0: low,
    y1: high,
  };
}

function yTicks(low: number, high: number, height: number, size: number): number[] {
  return scaleLinear([low, high], [0, 1]).ticks(Math.max(2, Math.min(6, Math.floor(height / (size * 3)))));
}

function tickDecimals(ticks: number[]): number {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1;
  return Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
}

export function chart(input: ChartInput): SVGElement {
  const frame = frameOf(input);
  const x = scaleLinear([frame.x0, frame.x1], [frame.left, frame.right]);
  const y = scaleLinear([frame.y0, frame.y1], [frame.bottom, frame.top]);
  clips += 1;
  const clip = `clip-${clips}`;
  const made = picture(input);
  const window = { x: frame.left, y: frame.top - 3, width: frame.right - frame.left + 3, height: frame.bottom - frame.top + 6 };
  made.append(svg("clipPath", { id: clip }, svg("rect", window)));
  made.append(...phases(input, frame, x), ...axes(input, frame, x, y));
  const inside = svg("g", { "clip-path": `url(#${clip})` });
  inside.append(...lines(input, frame));
  made.append(inside, ...labels(input, frame, y));
  if (input.evidence) made.append(...evidence(input, frame, x, y));
  if (input.cursor !== null) made.append(...cursor(input, frame, x, y));
  made.append(titleOf(input));
  return made;
}

type Scale = (value: number) => number;

function titleOf(input: ChartInput): SVGElement {
  const title = svg("text", { x: 2, y: input.size, fill: input.palette.ink });
  title.append(svg("tspan", { "font-weight": 700 }, input.title));
  const room = measure(input.title, input.size, 700) + input.size * 0.4 + measure(input.unit, input.size) < input.width;
  if (input.unit && room) title.append(svg("tspan", { fill: input.palette.soft, dx: input.size * 0.4 }, input.unit));
  return title;
}

function phases(input: ChartInput, frame: Frame, x: Scale): SVGElement[] {
  if (!input.showPhases) return [];
  const found: SVGElement[] = [];
  input.phases.forEach((phase, i) => {
    const from = x(Math.max(phase.start, frame.x0));
    const to = x(Math.min(phase.stop, frame.x1));
    if (to <= from) return;
    const height = frame.bottom - frame.top;
    found.push(svg("rect", { x: from, y: frame.top, width: to - from, height, fill: i % 2 ? input.palette.back : input.palette.phase }));
    const label = input.phaseLabels[i];
    if (measure(label, input.size) < to - from - 8) {
      const at = { x: (from + to) / 2, y: frame.top + input.size, "text-anchor": "middle", fill: input.palette.soft };
      found.push(svg("text", at, label));
    }
  });
  return found;
}

function axes(input: ChartInput, frame: Frame, x: Scale, y: Scale): SVGElement[] {
  const { palette, size } = input;
  const found: SVGElement[] = [];
  const ticks = yTicks(frame.y0, frame.y1, input.height, size);
  const decimals = tickDecimals(ticks);
  for (const tick of ticks) {
    const at = y(tick);
    const zero = tick === 0 && frame.y0 < 0;
    found.push(svg("line", { x1: frame.left, x2: frame.right, y1: at, y2: at, stroke: zero ? palette.soft : palette.grid }));
    found.push(svg("text", { x: frame.left - 8, y: at + size * 0.35, "text-anchor": "end", fill: palette.soft }, format(tick, decimals)));
  }
  if (input.graph.line !== null && !input.symmetric) {
    const at = y(input.graph.line);
    found.push(svg("line", { x1: frame.left, x2: frame.right, y1: at, y2: at, stroke: palette.ink, "stroke-dasharray": "2 4", "stroke-width": 1.5 }));
    found.push(svg("text", { x: frame.left + 6, y: at + size * 0.95, fill: palette.soft }, input.lineLabel));
  }
  const room = Math.max(2, Math.floor((frame.right - frame.left) / (size * 4)));
  for (const year of scaleLinear([frame.x0, frame.x1], [0, 1]).ticks(room)) {
    if (!Number.isInteger(year)) continue;
    const at = x(year);
    found.push(svg("line", { x1: at, x2: at, y1: frame.bottom, y2: frame.bottom + 5, stroke: palette.soft }));
    found.push(svg("text", { x: at, y: frame.bottom + size * 1.15, "text-anchor": "middle", fill: palette.soft }, String(year)));
  }
  found.push(svg("line", { x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom, stroke: palette.soft }));
  return found;
}

function lines(input: ChartInput, frame: Frame): SVGElement[] {
  const found: SVGElement[] = [];
  for (const line of input.lines) {
    const last = Math.min(line.to ?? input.times.length - 1, input.times.length - 1);
    found.push(path(outline(input.times, line.values, line.from ?? 0, last, frame), line.colour, line.width, line.dash));
  }
  if (input.drawing) {
    const times = input.drawing.map(([time]) => time);
    const values = input.drawing.map(([, value]) => value);
    found.push(path(outline(times, values, 0, times.length - 1, frame), input.palette.yours, 4, "2 7"));
  }
  return found;
}

const outlines = new WeakMap<object, { frame: string; d: string }>();

// The path of a line. That of a run which did not change is remembered: most lines of a redrawn graph stay.
function outline(times: ArrayLike<number>, values: ArrayLike<number>, from: number, to: number, frame: Frame): string {
  const name = `${from},${to},${frame.left},${frame.right},${frame.top},${frame.bottom},${frame.y0},${frame.y1}`;
  const known = outlines.get(values);
  if (known?.frame === name) return known.d;
  const across = (frame.right - frame.left) / (frame.x1 - frame.x0);
  const down = (frame.bottom - frame.top) / (frame.y1 - frame.y0);
  let d = "";
  let pen = "M";
  for (let i = from; i <= to; i += 1) {
    const value = values[i];
    if (!Number.isFinite(value)) {
      pen = "M";
      continue;
    }
    const y = Math.min(Math.max(frame.bottom - (value - frame.y0) * down, -9999), 9999);
    d += `${pen}${round(frame.left + (times[i] - frame.x0) * across)} ${round(y)}`;
    pen = "L";
  }
  outlines.set(values, { frame: name, d });
  return d;
}

function path(d: string, stroke: string, width: number, dash?: string): SVGElement {
  return svg("path", {
    d,
    fill: "none",
    stroke,
    "stroke-width": width,
    "stroke-dasharray": dash,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

interface Label {
  text: string;
  y: number;
  colour: string;
}

function labels(input: ChartInput, frame: Frame, y: Scale): SVGElement[] {
  const found: Label[] = [];
  const add = (text: string, value: number, colour: string): void => {
    if (text === "" || !Number.isFinite(value)) return;
    found.push({ text, y: Math.min(Math.max(y(value), frame.top), frame.bottom), colour });
  };
  for (const line of input.lines) add(line.label, lastOf(line, input.times.length), line.text);
  const drawn = input.drawing;
  if (drawn && drawn.length > 0) add(input.drawingLabel, drawn[drawn.length - 1][1], input.palette.yoursText);
  spread(found, input.size * 1.1, frame.top, frame.bottom);
  return found.map((label) =>
    svg("text", { x: frame.right + 8, y: label.y + input.size * 0.35, fill: label.colour, "font-weight": 600 }, label.text),
  );
}

function lastOf(line: Line, rows: number): number {
  for (let i = Math.min(line.to ?? rows - 1, rows - 1); i >= 0; i -= 1) {
    if (Number.isFinite(line.values[i])) return line.values[i];
  }
  return NaN;
}

// Move labels apart so that none covers another, as little as needed.
export function spread(items: { y: number }[], gap: number, top: number, bottom: number): void {
  items.sort((a, b) => a.y - b.y);
  for (let i = 1; i < items.length; i += 1) items[i].y = Math.max(items[i].y, items[i - 1].y + gap);
  const over = items.length > 0 ? items[items.length - 1].y - bottom : 0;
  if (over > 0) {
    items[items.length - 1].y = bottom;
    for (let i = items.length - 2; i >= 0; i -= 1) items[i].y = Math.min(items[i].y, items[i + 1].y - gap);
  }
  if (items.length > 0 && items[0].y < top) items[0].y = top;
}

function evidence(input: ChartInput, frame: Frame, x: Scale, y: Scale): SVGElement[] {
  const found: SVGElement[] = [];
  for (const fact of input.graph.evidence) {
    const stop = fact.stop ?? fact.start;
    if (stop < frame.x0 || fact.start > frame.x1) continue;
    const at = y(fact.value);
    const from = x(Math.max(fact.start, frame.x0));
    const to = x(Math.min(stop, frame.x1));
    const { palette } = input;
    if (to > from) found.push(svg("line", { x1: from, x2: to, y1: at, y2: at, stroke: palette.ink, "stroke-width": 2 }));
    found.push(svg("circle", { cx: (from + to) / 2, cy: at, r: 6, fill: palette.back, stroke: palette.ink, "stroke-width": 2.5 }));
  }
  return found;
}

function cursor(input: ChartInput, frame: Frame, x: Scale, y: Scale): SVGElement[] {
  const time = Math.min(Math.max(input.cursor!, frame.x0), frame.x1);
  const at = x(time);
  const { palette, size } = input;
  const found = [svg("line", { x1: at, x2: at, y1: frame.top, y2: frame.bottom, stroke: palette.soft, "stroke-width": 1.5, "stroke-dasharray": "5 4" })];
  const row = nearest(input.times, time);
  for (const line of input.lines) {
    if (!line.cursor || row < (line.from ?? 0) || row > (line.to ?? row)) continue;
    const value = line.values[row];
    if (!Number.isFinite(value) || value < frame.y0 || value > frame.y1) continue;
    found.push(svg("circle", { cx: at, cy: y(value), r: 6, fill: line.colour }));
    const text = format(value, input.graph.decimals);
    const left = at > (frame.left + frame.right) / 2;
    const box = measure(text, size, 700) + 10;
    const above = y(value) - size * 0.6 > frame.top + size ? y(value) - size * 0.5 : y(value) + size * 1.3;
    const start = left ? at - box - 6 : at + 6;
    found.push(svg("rect", { x: start, y: above - size, width: box, height: size * 1.25, fill: palette.back, opacity: 0.85, rx: 4 }));
    found.push(svg("text", { x: start + 5, y: above, fill: line.text, "font-weight": 700 }, text));
  }
  return found;
}

function nearest(times: ArrayLike<number>, time: number): number {
  const step = (times[times.length - 1] - times[0]) / (times.length - 1);
  return Math.round((time - times[0]) / step);
}
