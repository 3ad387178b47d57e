// What the page gets from Python: the story, the model's plan and its numbers. Types only, and how to read them.

export interface Slider {
  id: string;
  variable: string;
  label: string;
  kind: "policy" | "assumption";
  low: number;
  high: number;
  step: number;
  ticks: number[];
  value: number;
  scale: number;
  unit: string;
  decimals: number;
  since: number | null;
  hold: boolean;
  meaning: string;
  index: number;
  table: string;
  points: [number, number][];
}

export interface Evidence {
  start: number;
  stop: number | null;
  value: number;
  source: string;
}

export interface Graph {
  id: string;
  variable: string;
  label: string;
  low: number;
  high: number;
  scale: number;
  unit: string;
  decimals: number;
  line: number | null;
  line_label: string;
  evidence: Evidence[];
}

export interface Phase {
  label: string;
  start: number;
  stop: number;
}

export type View = "graphs" | "loops" | "stocks";

export interface Step {
  id: string;
  title: string;
  text: string;
  question: string;
  note: string;
  answer: string;
  minutes: number;
  view: View;
  graphs: string[];
  sliders: string[];
  loops: string[];
  preset: Record<string, number>;
  predict: { graph: string; since: number } | null;
  time: number | null;
  differences: boolean;
  at: Record<string, [number, number]>;
}

export interface Loop {
  id: string;
  name: string;
  meaning: string;
  links: string[][];
}

export interface Plan {
  sizes: Record<string, number>;
  order: [string, number, number][];
  tables: Record<string, [number[], number[]][]>;
  places: Record<string, [number, number]>;
}

export interface Grid {
  start: number;
  step: number;
  steps: number;
  every: number;
}

export interface Game {
  rounds: number[];
  sliders: string[];
  goal: string;
  score: string;
  aim: "high" | "low";
  limit: string | null;
  limit_value: number;
  best: Record<string, number[]>;
}

export interface Shape {
  kind: "stock" | "auxiliary" | "rate" | "cloud" | "valve" | "flow" | "arrow" | "comment";
  id?: string;
  text?: string;
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  points?: [number, number][];
}

export interface Drawing {
  name: string;
  width: number;
  height: number;
  shapes: Shape[];
}

export interface Lane {
  id: string;
  inflows: string[];
  outflows: string[];
}

export interface Translation {
  title: string;
  question: string;
  words: Record<string, string>;
  step: Record<string, { title: string; text: string; question: string; note: string; answer: string }>;
}

export interface PageData {
  version: string;
  title: string;
  question: string;
  minutes: number;
  model: string;
  scenario: string;
  fingerprint: string;
  languages: string[];
  translations: Record<string, Translation>;
  grid: Grid;
  method: string;
  parameters: number[];
  plan: Plan;
  sliders: Slider[];
  graphs: Graph[];
  phases: Phase[];
  steps: Step[];
  terms: { word: string; meaning: string }[];
  sources: string[];
  loops: Loop[];
  names: Record<string, string>;
  units: Record<string, string>;
  docs: Record<string, string>;
  states: string[];
  diagram: { at: Record<string, [number, number]>; labels: Record<string, string> };
  stocks: Drawing[];
  lanes: Lane[];
  game: Game | null;
}

export function readData(): PageData {
  return JSON.parse(document.getElementById("data")!.textContent!) as PageData;
}
