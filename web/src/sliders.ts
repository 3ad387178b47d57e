// The levers: policies and assumptions, each with its unit, ticks, value and where its base value lies.

import type { Slider } from "./data";
import { el } from "./dom";
import { format } from "./chart";

export interface SlidersInput {
  sliders: Slider[];
  values: Record<string, number>;
  words: (text: string) => string;
  heading: { policy: string; assumption: string };
  since: (year: number) => string;
  onStart: () => void;
  onInput: (id: string, value: number) => void;
}

function shown(slider: Slider, value: number, words: (text: string) => string): string {
  const unit = slider.unit ? `\u00a0${words(slider.unit)}` : "";
  return `${format(value * slider.scale, slider.decimals)}${unit}`;
}

export function panel(input: SlidersInput): HTMLElement {
  const made = el("div", { class: "sliders" });
  for (const kind of ["policy", "assumption"] as const) {
    const group = input.sliders.filter((slider) => slider.kind === kind);
    if (group.length === 0) continue;
    const box = el("fieldset", { class: `group ${kind}` }, el("legend", {}, input.heading[kind]));
    for (const slider of group) box.append(lever(slider, input));
    made.append(box);
  }
  return made;
}

function lever(slider: Slider, input: SlidersInput): HTMLElement {
  const name = `slider-${slider.id}`;
  const value = input.values[slider.id];
  const output = el("output", { for: name }, shown(slider, value, input.words));
  const label = input.words(slider.label);
  const since = slider.since === null ? "" : ` ${input.since(slider.since)}`;
  const range = el("input", {
    type: "range",
    id: name,
    min: slider.low,
    max: slider.high,
    step: slider.step,
    value,
    "aria-valuetext": shown(slider, value, input.words),
    title: slider.meaning ? input.words(slider.meaning) : null,
  });
  range.addEventListener("pointerdown", input.onStart);
  range.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow") || event.key.startsWith("Page") || event.key === "Home" || event.key === "End") input.onStart();
  });
  range.addEventListener("input", () => {
    const chosen = Number(range.value);
    output.textContent = shown(slider, chosen, input.words);
    range.setAttribute("aria-valuetext", shown(slider, chosen, input.words));
    input.onInput(slider.id, chosen);
  });
  return el("div", { class: "slider" }, el("div", { class: "top" }, el("label", { for: name }, `${label}${since}`), output), range, ticks(slider));
}

// Marks under the track; the base value's is a triangle.
function ticks(slider: Slider): HTMLElement {
  const made = el("div", { class: "ticks", "aria-hidden": "true" });
  const at = (value: number): string => `calc(0.5rem + (100% - 1rem) * ${(value - slider.low) / (slider.high - slider.low)})`;
  const marks = slider.ticks.length > 0 ? slider.ticks : [slider.low, slider.high];
  for (const value of marks) {
    const mark = el("span", {}, format(value * slider.scale, slider.decimals));
    mark.style.left = at(value);
    if (value === slider.low) mark.className = "first";
    if (value === slider.high) mark.className = "last";
    made.append(mark);
  }
  const base = el("i", { class: "base" });
  base.style.left = at(slider.value);
  made.append(base);
  return made;
}
