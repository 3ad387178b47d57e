// What the page remembers, and the part of it that the address carries, so that a link restores it.

import type { PageData, View } from "./data";
import type { Values } from "./run";

export interface State {
  step: number;
  values: Values;
  view: View;
  language: string;
  dark: boolean;
  large: boolean;
  differences: boolean;
  time: number;
  chosen: string | null;
  allLoops: boolean;
  details: boolean;
  sheet: number;
}

export function defaults(data: PageData): Values {
  return Object.fromEntries(data.sliders.map((slider) => [slider.id, slider.value]));
}

export function encode(data: PageData, state: State): string {
  const parts = [`step=${encodeURIComponent(data.steps[state.step].id)}`];
  for (const slider of data.sliders) {
    const value = state.values[slider.id];
    if (value !== slider.value) parts.push(`s.${encodeURIComponent(slider.id)}=${value}`);
  }
  parts.push(`view=${state.view}`, `lang=${state.language}`);
  if (state.dark) parts.push("dark=1");
  if (state.large) parts.push("large=1");
  if (state.differences) parts.push("diff=1");
  parts.push(`time=${Math.round(state.time * 100) / 100}`);
  return `#${parts.join("&")}`;
}

// Apply what the address says, as far as it makes sense, and tell whether it said anything.
export function decode(data: PageData, hash: string, state: State): boolean {
  const entries = new Map<string, string>();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    if (at < 1) continue;
    try {
      entries.set(decodeURIComponent(part.slice(0, at)), decodeURIComponent(part.slice(at + 1)));
    } catch {
      continue;
    }
  }
  const step = data.steps.findIndex((item) => item.id === entries.get("step"));
  if (step >= 0) state.step = step;
  for (const slider of data.sliders) {
    const value = Number(entries.get(`s.${slider.id}`) ?? NaN);
    if (Number.isFinite(value)) state.values[slider.id] = Math.min(Math.max(value, slider.low), slider.high);
  }
  const view = entries.get("view");
  if (view === "graphs" || view === "loops" || view === "stocks") state.view = view;
  const language = entries.get("lang") ?? "";
  if (data.languages.includes(language)) state.language = language;
  state.dark = entries.has("dark") ? entries.get("dark") === "1" : state.dark;
  state.large = entries.get("large") === "1";
  state.differences = entries.get("diff") === "1";
  const time = Number(entries.get("time") ?? NaN);
  if (Number.isFinite(time)) state.time = time;
  return entries.size > 0;
}
