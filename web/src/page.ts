// The page: what it remembers, how a slider becomes a run and a run a picture, and the steps of the story.

import type { Graph, Loop, PageData, Step, View } from "./data";
import { button, el } from "./dom";
import { GameBoard } from "./game";
import { Keys } from "./keys";
import { Menu } from "./menu";
import { render } from "./markdown";
import { Notes } from "./notes";
import { DARK, LIGHT, type Palette } from "./palette";
import { Prediction } from "./predict";
import { rowAt, Simulator, taskOf, type Run, type Schedule } from "./run";
import { scores, type Scores } from "./scores";
import { panel } from "./sliders";
import { Stage } from "./stage";
import { decode, defaults, encode, type State } from "./state";
import { fill, WORDS, type Key } from "./texts";

export class Page {
  readonly state: State;
  readonly simulator: Simulator;
  readonly base: Run;
  now: Run;
  ghost: Run | null = null;
  schedule: Schedule = {};
  private gesture = 0;
  private playing = 0;
  private saving = 0;
  private readonly predictions = new Map<string, Prediction>();
  private scored: { run: Run; scores: Scores } | null = null;
  private readonly stage: Stage;
  private readonly notes: Notes;
  private readonly menu: Menu;
  readonly game: GameBoard | null;
  private readonly parts: Record<"header" | "story" | "stage" | "footer" | "handout", HTMLElement>;
  private timeInput: HTMLInputElement | null = null;
  private timeOutput: HTMLElement | null = null;
  private playButton: HTMLButtonElement | null = null;

  constructor(readonly data: PageData) {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    this.state = {
      step: 0,
      values: defaults(data),
      view: "graphs",
      language: "en",
      dark,
      large: false,
      differences: false,
      time: data.grid.start + data.grid.step * data.grid.steps,
      chosen: null,
      allLoops: false,
      details: false,
      sheet: 0,
    };
    this.simulator = new Simulator(data);
    this.base = this.simulator.now(taskOf(data, defaults(data)));
    this.now = this.base;
    this.parts = {
      header: el("header", {}),
      story: el("section", { class: "story", tabindex: "-1" }),
      stage: el("section", { class: "stage" }),
      footer: el("footer", {}),
      handout: el("div", { class: "handout", "aria-hidden": "true" }),
    };
    this.stage = new Stage(this, this.parts.stage);
    this.notes = new Notes(this);
    this.menu = new Menu(this);
    this.game = data.game ? new GameBoard(this, data.game) : null;
  }

  start(): void {
    const { data, state, parts } = this;
    this.enter(0, false);
    const asked = decode(data, location.hash, state);
    if (asked && !location.hash.includes("s.")) Object.assign(state.values, this.step.preset);
    const app = document.getElementById("app")!;
    app.append(parts.header, el("main", {}, parts.story, parts.stage), parts.footer, this.menu.dialog, parts.handout);
    new Keys(this);
    this.joinHost();
    this.now = this.simulator.now(this.task());
    addEventListener("resize", () => this.resize());
    addEventListener("beforeprint", () => this.menu.fillHandout(parts.handout));
    addEventListener("hashchange", () => {
      decode(data, location.hash, state);
      this.refresh();
      this.run();
    });
    this.refresh();
  }

  get step(): Step {
    return this.data.steps[this.state.step];
  }

  get palette(): Palette {
    return this.state.dark ? DARK : LIGHT;
  }

  get isGame(): boolean {
    return this.game !== null && this.step.id === "game";
  }

  // A word of the interface.
  word(key: Key, ...parts: (string | number)[]): string {
    return fill((WORDS[this.state.language] ?? WORDS.en)[key], ...parts);
  }

  // A short text of the story.
  say(text: string): string {
    return this.data.translations[this.state.language]?.words[text] || text;
  }

  // A text of a step, or of the story where no step is given.
  tell(step: Step, what: "title" | "text" | "question" | "note" | "answer"): string {
    return this.data.translations[this.state.language]?.step[step.id]?.[what] || step[what];
  }

  get title(): string {
    return this.data.translations[this.state.language]?.title || this.data.title;
  }

  label(id: string): string {
    return this.say(this.data.diagram.labels[id] ?? this.data.names[id]);
  }

  graphs(): Graph[] {
    const prediction = this.prediction();
    const predicted = prediction ? [this.step.predict!.graph] : [];
    const names = prediction && !prediction.revealed ? predicted : [...new Set([...predicted, ...this.step.graphs])];
    const chosen = names.map((name) => this.data.graphs.find((graph) => graph.id === name)!).filter(Boolean);
    return chosen.length > 0 ? chosen : this.data.graphs.slice(0, 4);
  }

  shownLoops(): Loop[] {
    const named = this.data.loops.filter((loop) => this.step.loops.includes(loop.id));
    return named.length > 0 && !this.state.allLoops ? named : this.data.loops;
  }

  prediction(): Prediction | null {
    const wanted = this.step.predict;
    if (!wanted) return null;
    let made = this.predictions.get(this.step.id);
    if (!made) {
      const graph = this.data.graphs.find((item) => item.id === wanted.graph)!;
      const start = this.now.series(graph.variable)[rowAt(this.data.grid, wanted.since)] * graph.scale;
      made = new Prediction(wanted.since, this.now.time(this.now.rows - 1), start, graph.low, graph.high);
      this.predictions.set(this.step.id, made);
    }
    return made;
  }

  scores(): Scores {
    if (this.scored?.run !== this.now) {
      this.scored = { run: this.now, scores: scores(this.data, this.now, this.simulator.parts(this.now.task)) };
    }
    return this.scored.scores;
  }

  task(): ReturnType<typeof taskOf> {
    return taskOf(this.data, this.state.values, this.schedule);
  }

  // Go to a step: its preset, its view; the class starts from what the step says.
  enter(index: number, redraw = true): void {
    const { state, data } = this;
    state.step = Math.min(Math.max(index, 0), data.steps.length - 1);
    const step = this.step;
    state.values = { ...defaults(data), ...step.preset };
    state.view = step.view;
    state.differences = step.differences;
    state.chosen = null;
    state.allLoops = false;
    this.ghost = null;
    this.schedule = {};
    state.time = step.time ?? data.grid.start + data.grid.step * data.grid.steps;
    if (this.isGame) this.game!.prepare();
    if (!redraw) return;
    this.pause();
    this.now = this.simulator.now(this.task());
    this.refresh();
    this.parts.story.scrollTop = 0;
    this.parts.story.focus({ preventScroll: false });
    scrollTo(0, 0);
  }

  // A gesture begins: the run as it is stays behind as a ghost.
  startGesture(): void {
    if (Date.now() - this.gesture > 600) this.ghost = this.now;
    this.gesture = Date.now();
  }

  move(id: string, value: number): void {
    this.gesture = Date.now();
    this.state.values[id] = value;
    this.run();
  }

  reset(): void {
    this.startGesture();
    this.state.values = { ...defaults(this.data), ...this.step.preset };
    this.schedule = {};
    if (this.isGame) this.game!.prepare();
    this.refresh();
    this.run();
  }

  run(): void {
    this.simulator.ask(this.task(), (run) => {
      this.now = run;
      this.draw();
      if (parent !== window) parent.postMessage({ sdpolicy: this.state.values }, "*");
      document.dispatchEvent(new CustomEvent("sdpolicy:drawn"));
    });
  }

  // Inside a notebook the host may set sliders; whatever else it sends is left alone.
  private joinHost(): void {
    addEventListener("message", (event: MessageEvent<{ sdpolicy?: Record<string, unknown> } | null>) => {
      const values = event.data?.sdpolicy;
      if (parent === window || event.source !== parent || !values) return;
      let moved = false;
      for (const slider of this.data.sliders) {
        const value = values[slider.id];
        if (typeof value !== "number" || !Number.isFinite(value) || value === this.state.values[slider.id]) continue;
        this.state.values[slider.id] = Math.min(Math.max(value, slider.low), slider.high);
        moved = true;
      }
      if (!moved) return;
      this.refresh();
      this.run();
    });
  }

  show(view: View): void {
    this.state.view = view;
    this.state.chosen = null;
    this.refresh();
  }

  choose(loop: string): void {
    this.state.chosen = this.state.chosen === loop ? null : loop;
    this.draw();
  }

  toggleDifferences(): void {
    this.state.differences = !this.state.differences;
    this.refresh();
  }

  reveal(): void {
    const prediction = this.prediction();
    if (!prediction) return;
    prediction.revealed = true;
    this.refresh();
  }

  drawAgain(): void {
    this.predictions.delete(this.step.id);
    this.refresh();
  }

  setTime(time: number): void {
    this.state.time = time;
    this.draw();
  }

  play(): void {
    if (this.playing) {
      this.pause();
      return;
    }
    const { grid } = this.data;
    const [start, stop] = [grid.start, grid.start + grid.step * grid.steps];
    if (this.state.time >= stop - 0.5) this.state.time = start;
    let last = performance.now();
    const tick = (now: number): void => {
      this.state.time += ((now - last) / 14_000) * (stop - start);
      last = now;
      if (this.state.time >= stop) {
        this.state.time = stop;
        this.pause();
      } else this.playing = requestAnimationFrame(tick);
      this.draw();
    };
    this.playing = requestAnimationFrame(tick);
    this.playButton!.textContent = "\u2016";
    this.playButton!.setAttribute("aria-label", this.word("pause"));
  }

  pause(): void {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    if (!this.playButton) return;
    this.playButton.textContent = "\u25b6";
    this.playButton.setAttribute("aria-label", this.word("play"));
  }

  openNotes(): void {
    this.notes.open();
  }

  openMenu(): void {
    this.menu.open();
  }

  // Everything anew: texts, sliders, header, footer, stage.
  refresh(): void {
    const { state } = this;
    const root = document.documentElement;
    root.lang = state.language;
    root.dataset.theme = state.dark ? "dark" : "light";
    root.dataset.size = state.large ? "large" : "normal";
    document.title = this.title;
    this.fillHeader();
    this.fillStory();
    this.fillFooter();
    this.notes.update();
    this.resize();
  }

  private resize(): void {
    this.stage.measure();
    this.draw();
  }

  draw(): void {
    if (this.timeInput) this.timeInput.value = String(this.state.time);
    if (this.timeOutput) this.timeOutput.textContent = String(Math.floor(this.state.time + 1e-9));
    this.stage.draw();
    this.remember();
  }

  private remember(): void {
    clearTimeout(this.saving);
    this.saving = window.setTimeout(() => {
      try {
        history.replaceState(null, "", encode(this.data, this.state));
      } catch {
        // some browsers refuse to change the address of a local file; the page works without
      }
    }, 300);
  }

  private fillHeader(): void {
    const tabs = el("nav", { class: "tabs", "aria-label": this.word("menu") });
    const views: View[] = ["graphs"];
    if (this.data.loops.length > 0) views.push("loops");
    if (this.data.lanes.length > 0) views.push("stocks");
    for (const view of views) {
      const pressed = this.state.view === view;
      tabs.append(button(this.word(view), () => this.show(view), { "aria-pressed": pressed ? "true" : "false" }));
    }
    const tools = el("div", { class: "tools" });
    if (this.state.view === "graphs") {
      const pressed = this.state.differences ? "true" : "false";
      tools.append(button(this.word("differences"), () => this.toggleDifferences(), { "aria-pressed": pressed }));
    }
    if (this.state.view === "loops" && this.step.loops.length > 0) {
      const toggle = (): void => {
        this.state.allLoops = !this.state.allLoops;
        this.state.chosen = null;
        this.refresh();
      };
      tools.append(button(this.word("allLoops"), toggle, { "aria-pressed": this.state.allLoops ? "true" : "false" }));
    }
    if (this.state.view === "stocks") tools.append(...this.sheetButtons());
    tools.append(button(this.word("menu"), () => this.openMenu(), { "aria-haspopup": "dialog" }));
    this.parts.header.replaceChildren(el("h1", {}, this.title), tabs, tools);
  }

  private sheetButtons(): HTMLElement[] {
    const { state, data } = this;
    const made: HTMLElement[] = [];
    if (data.stocks.length > 1 && state.details) {
      data.stocks.forEach((_, i) => {
        const show = (): void => {
          state.sheet = i;
          this.refresh();
        };
        made.push(button(String(i + 1), show, { "aria-pressed": state.sheet === i ? "true" : "false", title: data.stocks[i].name }));
      });
    }
    if (data.stocks.length === 0) return made;
    const toggle = (): void => {
      state.details = !state.details;
      this.refresh();
    };
    made.push(button(this.word("details"), toggle, { "aria-pressed": state.details ? "true" : "false" }));
    return made;
  }

  private fillStory(): void {
    const { step } = this;
    const box = this.parts.story;
    const counter = this.word("step", this.state.step + 1, this.data.steps.length);
    const text = el("div", { class: "text" });
    text.append(render(this.tell(step, "text")));
    box.replaceChildren(el("p", { class: "counter" }, counter), el("h2", {}, this.tell(step, "title")), text);
    const question = this.tell(step, "question");
    if (question) box.append(el("p", { class: "question" }, question));
    box.append(...this.predictButtons());
    if (this.isGame) box.append(this.game!.panel());
    else if (step.sliders.length > 0) box.append(this.sliders());
  }

  private predictButtons(): HTMLElement[] {
    const prediction = this.prediction();
    if (!prediction) return [];
    if (!prediction.revealed) {
      return [
        el("p", { class: "hint" }, this.word("drawHelp")),
        el("div", { class: "actions" }, button(this.word("reveal"), () => this.reveal(), { class: "primary" })),
      ];
    }
    const made: HTMLElement[] = [];
    const answer = this.tell(this.step, "answer");
    if (answer) {
      const box = el("div", { class: "answer" });
      box.append(render(answer));
      made.push(box);
    }
    const actions = el("div", { class: "actions" });
    if (this.data.loops.length > 0) actions.append(button(this.word("why"), () => this.show("loops"), { class: "primary" }));
    actions.append(button(this.word("drawAgain"), () => this.drawAgain()));
    return [...made, actions];
  }

  sliders(names: string[] = this.step.sliders): HTMLElement {
    const made = panel({
      sliders: names.map((name) => this.data.sliders.find((slider) => slider.id === name)!),
      values: this.state.values,
      words: (text) => this.say(text),
      heading: { policy: this.word("policies"), assumption: this.word("assumptions") },
      since: (year) => (this.isGame ? "" : this.word("slider", year)),
      onStart: () => this.startGesture(),
      onInput: (id, value) => (this.isGame ? this.game!.move(id, value) : this.move(id, value)),
    });
    if (!this.isGame) made.append(button(`${this.word("reset")} (R)`, () => this.reset(), { class: "reset" }));
    return made;
  }

  private fillFooter(): void {
    const { data, state } = this;
    const steps = el("ol", { class: "steps" });
    data.steps.forEach((step, i) => {
      const current = i === state.step;
      const mark = button(String(i + 1), () => this.enter(i), {
        "aria-current": current ? "step" : null,
        "aria-label": `${i + 1}. ${this.tell(step, "title")}`,
      });
      steps.append(el("li", {}, mark));
    });
    const back = button("\u25c0", () => this.enter(state.step - 1), { "aria-label": this.word("previous"), disabled: state.step === 0 });
    const next = button("\u25b6\ufe0e", () => this.enter(state.step + 1), {
      "aria-label": this.word("next"),
      class: "primary",
      disabled: state.step === data.steps.length - 1,
    });
    const nav = el("nav", { class: "walk", "aria-label": this.word("step", state.step + 1, data.steps.length) }, back, steps, next);
    this.parts.footer.replaceChildren(nav, this.clock());
  }

  private clock(): HTMLElement {
    const { grid } = this.data;
    this.playButton = button("\u25b6", () => this.play(), { "aria-label": this.word("play"), class: "play" });
    this.timeInput = el("input", {
      type: "range",
      min: grid.start,
      max: grid.start + grid.step * grid.steps,
      step: 0.25,
      value: this.state.time,
      "aria-label": this.word("time"),
    });
    this.timeInput.addEventListener("input", () => {
      this.pause();
      this.setTime(Number(this.timeInput!.value));
    });
    this.timeOutput = el("output", { class: "year" }, String(Math.floor(this.state.time + 1e-9)));
    return el("div", { class: "clock" }, this.playButton, this.timeInput, this.timeOutput);
  }
}
