// The game: every few years the class sets the levers anew, then sees its result beside history and the best found.

import { format } from "./chart";
import type { Game, Graph } from "./data";
import { button, el } from "./dom";
import type { Page } from "./page";
import { taskOf, type Run, type Schedule } from "./run";

export class GameBoard {
  private round = 0;
  private choices: Record<string, number[]> = {};
  best: Run | null = null;

  constructor(
    private readonly page: Page,
    private readonly game: Game,
  ) {}

  prepare(): void {
    this.round = 0;
    this.choices = Object.fromEntries(this.game.sliders.map((id) => [id, []]));
    this.best = null;
    this.page.schedule = {};
    this.page.state.time = this.game.rounds[0];
  }

  move(id: string, value: number): void {
    this.page.state.values[id] = value;
    this.apply();
  }

  panel(): HTMLElement {
    const { page, game } = this;
    const box = el("div", { class: "game" }, el("p", { class: "hint" }, page.say(game.goal)));
    if (!this.over) {
      const stop = game.rounds[this.round + 1] ?? Math.floor(page.now.time(page.now.rows - 1));
      box.append(el("p", { class: "round" }, page.word("round", this.round + 1, game.rounds.length, game.rounds[this.round], stop)));
      box.append(page.sliders(game.sliders));
      box.append(button(page.word("play5"), () => this.next(), { class: "primary" }));
      return box;
    }
    const scores = [page.now, page.base, this.bestRun()].map((run) => this.score(run));
    box.append(el("p", { class: "answer", role: "status" }, page.word("yourResult", ...scores)));
    const failed = this.failure(page.now);
    if (failed !== null) box.append(el("p", { class: "failed" }, page.word("notPaid", failed)));
    const actions = el("div", { class: "actions" });
    actions.append(button(page.word("playAgain"), () => page.reset(), { class: "primary" }));
    box.append(actions);
    return box;
  }

  get over(): boolean {
    return this.round >= this.game.rounds.length;
  }

  // Up to which year results may be seen.
  horizon(): number {
    return this.over ? Infinity : this.game.rounds[this.round];
  }

  private next(): void {
    for (const id of this.game.sliders) this.choices[id][this.round] = this.page.state.values[id];
    this.round += 1;
    this.apply();
    this.page.state.time = this.horizon() === Infinity ? this.page.now.time(this.page.now.rows - 1) : this.horizon();
    this.page.refresh();
  }

  private apply(): void {
    const { page, game } = this;
    const schedule: Schedule = {};
    for (const id of game.sliders) {
      const made = game.rounds.slice(0, this.round).map((from, i) => [from, this.choices[id][i]] as [number, number]);
      if (this.round < game.rounds.length) made.push([game.rounds[this.round], page.state.values[id]]);
      schedule[id] = made;
    }
    page.schedule = schedule;
    page.now = page.simulator.now(page.task());
    page.draw();
  }

  // The first year in which the limit is broken, if it is.
  private failure(run: Run): number | null {
    const graph = this.page.data.graphs.find((item) => item.id === this.game.limit);
    if (!graph) return null;
    const values = run.series(graph.variable, graph.scale);
    const row = values.findIndex((value, i) => run.time(i) >= this.game.rounds[0] && value < this.game.limit_value);
    return row < 0 ? null : Math.floor(run.time(row));
  }

  bestRun(): Run {
    if (!this.best) {
      const schedule: Schedule = {};
      for (const [id, values] of Object.entries(this.game.best)) {
        schedule[id] = values.map((value, i) => [this.game.rounds[i], value]);
      }
      this.best = this.page.simulator.now(taskOf(this.page.data, this.page.state.values, schedule));
    }
    return this.best;
  }

  private score(run: Run): string {
    const graph: Graph = this.page.data.graphs.find((item) => item.id === this.game.score)!;
    const values = run.series(graph.variable, graph.scale);
    return format(values[values.length - 1], graph.decimals);
  }
}
