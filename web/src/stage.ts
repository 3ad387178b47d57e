// The right side of the page: graphs, loops or stocks and flows, as large as there is room.

import { chart, format, frameOf, type ChartInput, type Line } from "./chart";
import type { Graph, Loop } from "./data";
import { diagram } from "./diagram";
import { button, el } from "./dom";
import type { Page } from "./page";
import type { Prediction } from "./predict";
import { rowAt, type Run } from "./run";
import { shares } from "./scores";
import { bands } from "./shares";
import { lanes } from "./lanes";
import { stocks } from "./stocks";

export class Stage {
  private drawn = "";
  private narrow = false;
  private font = 20;
  private size = { width: 0, height: 0 };

  constructor(
    private readonly page: Page,
    private readonly box: HTMLElement,
  ) {}

  draw(): void {
    const { state } = this.page;
    if (this.drawn !== state.view) {
      this.box.replaceChildren();
      this.box.className = `stage ${state.view}`;
      this.drawn = state.view;
      this.measure();
    }
    const failed = this.failure();
    if (state.view === "graphs") this.graphs(failed);
    else if (state.view === "loops") this.loops(failed);
    else this.stocks(failed);
  }

  private failure(): HTMLElement | null {
    const { trouble } = this.page.now;
    if (!trouble) return null;
    const name = this.page.data.names[trouble.quantity] ?? trouble.quantity;
    return el("p", { class: "failed", role: "alert" }, this.page.word("failed", Math.floor(trouble.time), name));
  }

  // The size of the stage, asked for only when it may have changed: asking makes the browser lay out the page.
  measure(): void {
    this.narrow = matchMedia("(max-width: 800px)").matches;
    const width = this.box.clientWidth;
    this.size = { width, height: this.narrow ? Math.round(width * 1.1) : this.box.clientHeight - 14 };
    this.font = parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  private room(): { width: number; height: number } {
    return this.size;
  }

  private graphs(failed: HTMLElement | null): void {
    const { page } = this;
    const graphs = page.graphs();
    const { width, height } = this.room();
    const columns = !this.narrow && graphs.length > 2 ? 2 : 1;
    const rows = Math.ceil(graphs.length / columns);
    const gap = 10;
    const each = Math.floor((width - gap * (columns - 1)) / columns);
    const tall = this.narrow ? 280 : Math.floor((height - gap * (rows - 1)) / rows);
    const difference = page.state.differences && page.now !== page.base;
    const wide = (i: number): boolean => columns === 1 || (graphs.length === 3 && i === 0);
    const upper = difference ? Math.round(tall * 0.62) : tall;
    const inputs = graphs.map((graph, i) => {
      const prediction = page.step.predict?.graph === graph.id ? page.prediction() : null;
      const top = this.chartInput(graph, wide(i) ? width : each, upper, i < columns || graphs.length === 3, prediction);
      const below = difference ? this.differenceInput(graph, wide(i) ? width : each, tall - upper) : null;
      return { graph, prediction, top, below };
    });
    for (let column = 0; column < columns; column += 1) {
      const mates = inputs.filter((_, i) => (graphs.length === 3 ? (i === 0 ? -1 : (i - 1) % columns) : i % columns) === column);
      align(mates.flatMap(({ top, below }) => (below ? [top, below] : [top])));
    }
    if (graphs.length === 3) align(inputs[0].below ? [inputs[0].top, inputs[0].below] : [inputs[0].top]);
    const made = inputs.map(({ prediction, top, below }, i) => {
      const cell = el("div", { class: wide(i) && columns > 1 ? "cell wide" : "cell" });
      cell.append(chart(top));
      if (below) cell.append(chart(below));
      if (prediction && !prediction.revealed) this.listen(cell, top, prediction);
      return cell;
    });
    this.box.style.setProperty("--columns", String(columns));
    const focused = document.activeElement?.classList.contains("draw-pad");
    this.box.replaceChildren(...(failed ? [failed] : []), ...made);
    if (focused) this.box.querySelector<HTMLElement>(".draw-pad")?.focus();
  }

  private series(run: Run, graph: Graph): Float64Array {
    return run.series(graph.variable, graph.scale);
  }

  private chartInput(graph: Graph, width: number, height: number, top: boolean, prediction: Prediction | null): ChartInput {
    const { page } = this;
    const { palette, data } = page;
    const times = page.base.times();
    const game = page.isGame ? page.game : null;
    const until = prediction && !prediction.revealed ? prediction.times[0] : (game?.horizon() ?? Infinity);
    const hidden = Number.isFinite(until) ? rowAt(data.grid, until) : undefined;
    const now = this.series(page.now, graph);
    const lines: Line[] = [];
    if (page.now !== page.base && differs(page.now, page.base, graph)) {
      lines.push({ values: this.series(page.base, graph), label: hidden ? "" : page.word(game ? "history" : "base"), colour: palette.base, text: palette.soft, width: 3, to: hidden });
    }
    if (page.ghost && !game && differs(page.ghost, page.base, graph) && differs(page.ghost, page.now, graph)) {
      lines.push({ values: this.series(page.ghost, graph), label: page.word("before"), colour: palette.ghost, text: palette.soft, width: 2.5, dash: "9 6", to: hidden });
    }
    if (game?.over) {
      const colour = palette.series[2];
      lines.push({ values: this.series(game.bestRun(), graph), label: page.word("best"), colour, text: palette.seriesText[2], width: 3, dash: "12 5" });
    }
    const label = hidden ? "" : lines.length > 0 || prediction ? page.word("now") : "";
    lines.push({ values: now, label, colour: palette.now, text: palette.nowText, width: 4.5, to: hidden, cursor: true });
    const title = page.say(graph.label);
    return {
      graph,
      title,
      unit: page.say(graph.unit),
      times,
      lines,
      phases: data.phases,
      phaseLabels: data.phases.map((phase) => (top ? page.say(phase.label) : "")),
      showPhases: true,
      evidence: !hidden && !game,
      lineLabel: page.say(graph.line_label),
      cursor: hidden || atEnd(page) ? null : page.state.time,
      width,
      height,
      size: this.font,
      palette,
      drawing: prediction ? prediction.points() : null,
      drawingLabel: prediction && prediction.points().length > 1 ? page.word("yours") : "",
      summary: `${title}: ${summary(now, times, graph)}`,
    };
  }

  private differenceInput(graph: Graph, width: number, height: number): ChartInput {
    const { page } = this;
    const input = this.chartInput(graph, width, height, false, null);
    const base = this.series(page.base, graph);
    const values = this.series(page.now, graph).map((value, i) => value - base[i]);
    const most = Math.max(...values.map((value) => (Number.isFinite(value) ? Math.abs(value) : 0)));
    const least = Math.max(most / 20, (graph.high - graph.low) / 100);
    const limit = (sign: number): number => {
      const reach = values.reduce((best, value) => (Number.isFinite(value) ? Math.max(best, value * sign) : best), 0);
      return reach > least / 10 ? niceLimit(Math.max(reach, least)) : 0;
    };
    const [below, above] = [limit(-1), limit(1)];
    const { palette } = page;
    return {
      ...input,
      title: page.word("difference"),
      unit: "",
      evidence: false,
      phaseLabels: input.phaseLabels.map(() => ""),
      lines: [{ values, label: "", colour: palette.minus, text: palette.minusText, width: 3.5, cursor: true }],
      symmetric: below + above > 0 ? [-below, above] : [-least, least],
      drawing: null,
      summary: `${page.word("difference")}: ${summary(values, input.times, graph)}`,
    };
  }

  private listen(cell: HTMLElement, input: ChartInput, prediction: Prediction): void {
    const { page } = this;
    const frame = frameOf(input);
    const hint = el("p", { class: "draw-hint" }, `\u270e ${page.word("draw")}`);
    const pad = el("div", {
      class: "draw-pad",
      tabindex: "0",
      role: "slider",
      "aria-label": `${page.word("draw")}: ${input.title}`,
      "aria-valuemin": prediction.low,
      "aria-valuemax": prediction.high,
      "aria-valuenow": prediction.values[prediction.cursor] ?? prediction.start,
      "aria-valuetext": `${prediction.times[prediction.cursor]}: ${format(prediction.values[prediction.cursor] ?? prediction.start, input.graph.decimals)}`,
    });
    const redraw = (): void => this.draw();
    let down = false;
    const at = (event: PointerEvent): [number, number] => {
      const box = cell.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    pad.addEventListener("pointerdown", (event) => {
      down = true;
      prediction.begin(...at(event), frame);
      this.sketch(cell, input, prediction);
      pad.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    pad.addEventListener("pointermove", (event) => {
      if (!down) return;
      prediction.drag(...at(event), frame);
      this.sketch(cell, input, prediction);
    });
    pad.addEventListener("pointerup", () => {
      down = false;
      redraw();
    });
    pad.addEventListener("keydown", (event) => {
      if (event.key === "Enter") page.reveal();
      else if (prediction.key(event.key)) redraw();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    cell.append(pad);
    if (prediction.points().length < 3) cell.append(hint);
  }

  // The curve while it is being drawn: the graph alone is replaced, so that the pointer stays caught.
  private sketch(cell: HTMLElement, input: ChartInput, prediction: Prediction): void {
    cell.querySelector("svg")!.replaceWith(chart({ ...input, drawing: prediction.points() }));
    cell.querySelector(".draw-hint")?.remove();
  }

  private loops(failed: HTMLElement | null): void {
    const { page } = this;
    const { data, state, palette } = page;
    const loops = page.shownLoops();
    const found = page.scores();
    const shown = shares(found.raw, loops.map((loop) => loop.id));
    const row = Math.max(1, rowAt(data.grid, state.time));
    const { width, height } = this.room();
    const size = this.font;
    const wide = width > 600;
    const many = loops.length > 6; // too many for a diagram: shares and names alone
    const listWidth = wide && !many ? Math.round(width * 0.44) : width;
    const columns = many && wide ? 3 : 1;
    const rows = Math.ceil(loops.length / columns);
    const low = Math.max(size * 5.5, Math.min(height * 0.5, size * (1.6 * rows + 1.9)));
    const year = Math.floor(state.time + 1e-9);
    const summaryText = loops.map((loop) => `${loop.id} ${page.say(loop.name)} ${percent(shown[loop.id][row])}`).join(", ");
    const common = { loops, shares: shown, chosen: state.chosen, size, palette };
    const ribbon = (across: number, tall: number): SVGElement =>
      bands({
        ...common,
        times: page.base.times(),
        cursor: state.time,
        width: across,
        height: Math.round(tall),
        summary: `${page.word("share")} ${year}: ${summaryText}`,
      });
    const picture = (): SVGElement =>
      diagram({
        ...common,
        size: Math.min(size, Math.max(20, Math.sqrt((width * (height - low)) / count) / 7.5)), // no larger than there is room
        labels: Object.fromEntries(Object.keys(data.names).map((id) => [id, page.label(id)])),
        at: { ...data.diagram.at, ...page.step.at },
        states: data.states,
        signs: found.signs,
        row,
        width,
        height: Math.round(height - low - 6),
        summary: `${page.word("loops")} ${year}: ${summaryText}`,
      });
    const count = new Set(loops.flatMap((loop) => loop.links.map((way) => way[0]))).size;
    const side = el("div", {}, el("p", { class: "hint" }, page.word("share")), this.list(loops, shown, row));
    const foot = el("div", { class: "loop-foot" }, side);
    if (!many) foot.append(ribbon(wide ? width - listWidth - 8 : width, low));
    foot.style.setProperty("--list", `${listWidth}px`);
    foot.style.setProperty("--list-columns", String(columns));
    const upper = many ? ribbon(width, height - low - 6) : picture();
    const focused = document.activeElement?.closest(".loop-list") ? [...this.box.querySelectorAll(".loop-list button")].indexOf(document.activeElement) : -1;
    this.box.replaceChildren(...(failed ? [failed] : []), upper, foot);
    if (focused >= 0) this.box.querySelectorAll<HTMLElement>(".loop-list button")[focused]?.focus();
  }

  private list(loops: Loop[], shown: Record<string, Float64Array>, row: number): HTMLElement {
    const { page } = this;
    const made = el("ul", { class: "loop-list", "aria-label": page.word("share") });
    loops.forEach((loop, i) => {
      const share = Math.abs(shown[loop.id][row]);
      const name = el("span", { class: "name" }, `${loop.id} ${page.say(loop.name)}`);
      name.style.color = page.palette.seriesText[i % page.palette.series.length];
      const pressed = page.state.chosen === loop.id ? "true" : "false";
      const item = button("", () => page.choose(loop.id), { "aria-pressed": pressed, title: page.say(loop.meaning) });
      const bar = el("span", { class: "bar" });
      bar.style.width = `${Math.round(share * 100)}%`;
      bar.style.background = page.palette.series[i % page.palette.series.length];
      item.append(bar, name, el("span", { class: "share" }, percent(share)));
      made.append(el("li", {}, item));
    });
    return made;
  }

  private stocks(failed: HTMLElement | null): void {
    const { page } = this;
    const { width, height } = this.room();
    const row = rowAt(page.data.grid, page.state.time);
    const share = (id: string): number => {
      if (!page.data.plan.places[id]) return 0;
      const values = page.now.series(id);
      const most = values.reduce((best, value) => Math.max(best, Math.abs(value)), 0);
      return most > 0 ? values[row] / most : 0;
    };
    const year = Math.floor(page.state.time + 1e-9);
    const common = { width, height, size: this.font, palette: page.palette, summary: `${page.word("stocks")} ${year}` };
    const drawing = page.data.stocks[Math.min(page.state.sheet, page.data.stocks.length - 1)];
    const value = (id: string): string => `${significant(page.now.series(id)[row])} ${page.say(page.data.units[id] ?? "").replace(/^Dmnl$/i, "")}`.trim();
    const picture =
      page.state.details && drawing
        ? stocks({ ...common, drawing, label: (id, text) => page.say(page.data.names[id] ?? text), level: share, flow: share })
        : lanes({ ...common, lanes: page.data.lanes, label: (id) => page.label(id), share, value });
    const scroll = [this.box.firstElementChild?.scrollLeft ?? 0, this.box.firstElementChild?.scrollTop ?? 0];
    const sheet = el("div", { class: "sheet", tabindex: page.state.details ? "0" : null, role: page.state.details ? "region" : null, "aria-label": page.state.details ? page.word("stocks") : null });
    sheet.append(...(failed ? [failed] : []), picture);
    this.box.replaceChildren(sheet);
    sheet.scrollTo(scroll[0], scroll[1]);
  }
}

// Graphs below one another share their left and right end, so that a year stands at one place in all of them.
function align(inputs: ChartInput[]): void {
  const frames = inputs.map(frameOf);
  const sides: [number, number] = [Math.max(...frames.map((frame) => frame.left)), Math.min(...frames.map((frame) => frame.right))];
  for (const input of inputs) input.sides = sides;
}

function atEnd(page: Page): boolean {
  const { grid } = page.data;
  return page.state.time >= grid.start + grid.step * grid.steps - 1e-9;
}

function differs(a: Run, b: Run, graph: Graph): boolean {
  const [one, other] = [a.series(graph.variable), b.series(graph.variable)];
  if (one === other) return false;
  const tiny = (graph.high - graph.low) / Math.abs(graph.scale) / 1000;
  for (let i = one.length - 1; i >= 0; i -= 1) {
    if (Math.abs(one[i] - other[i]) > tiny || Number.isFinite(one[i]) !== Number.isFinite(other[i])) return true;
  }
  return false;
}

function significant(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return format(value, Math.min(digits, 4));
}

function percent(share: number): string {
  return `${Math.round(Math.abs(share) * 100)}\u202f%`;
}

function niceLimit(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((limit) => limit >= value) ?? value;
}

function summary(values: ArrayLike<number>, times: ArrayLike<number>, graph: Graph): string {
  const last = times.length - 1;
  const spots = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(last * share));
  return spots.map((i) => `${Math.round(times[i])}: ${Number.isFinite(values[i]) ? format(values[i], graph.decimals) : "-"}`).join(", ");
}
