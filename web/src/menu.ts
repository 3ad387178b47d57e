// What is needed now and then: language, look, files, glossary, sources, keys, and the printed hand-out.

import { button, el } from "./dom";
import { toggleFullScreen } from "./keys";
import { render } from "./markdown";
import type { Page } from "./page";
import { csv, download, png, together } from "./saving";
import { LANGUAGE_NAMES } from "./texts";

export class Menu {
  readonly dialog = el("dialog", { class: "menu" });

  constructor(private readonly page: Page) {}

  open(): void {
    const { page } = this;
    const { state } = page;
    const close = button(page.word("close"), () => this.dialog.close(), { class: "primary" });
    const head = el("div", { class: "menu-head" }, el("h2", {}, page.word("menu")), close);
    const looks = el("div", { class: "actions" });
    looks.append(
      button(page.word(state.dark ? "light" : "dark"), () => this.change(() => (state.dark = !state.dark))),
      button(page.word("large"), () => this.change(() => (state.large = !state.large)), { "aria-pressed": state.large ? "true" : "false" }),
      button(page.word("fullscreen"), () => this.leave(toggleFullScreen)),
      button(page.word("notes"), () => this.leave(() => page.openNotes())),
    );
    const files = el("div", { class: "actions" });
    files.append(
      button(page.word("saveSvg"), () => this.saveSvg()),
      button(page.word("savePng"), () => void this.savePng()),
      button(page.word("saveCsv"), () => download(`${this.name()}.csv`, csv(page.data, page.now), "text/csv")),
      button(page.word("print"), () => this.leave(() => print())),
    );
    this.dialog.setAttribute("aria-label", page.word("menu"));
    this.dialog.replaceChildren(head, this.languages(), looks, files, ...this.reading());
    if (!this.dialog.open) this.dialog.showModal();
  }

  private languages(): HTMLElement {
    const { page } = this;
    const made = el("div", { class: "actions", role: "group", "aria-label": page.word("language") });
    for (const code of ["en", "ko", "ja"]) {
      const pressed = page.state.language === code ? "true" : "false";
      const choice = button(LANGUAGE_NAMES[code], () => this.change(() => (page.state.language = code)), { "aria-pressed": pressed, lang: code });
      made.append(choice);
    }
    return made;
  }

  private reading(): HTMLElement[] {
    const { page } = this;
    const made: HTMLElement[] = [el("h3", {}, page.word("keys")), el("p", {}, page.word("keysText"))];
    made.push(...glossary(page), ...sources(page));
    const run = `${page.data.scenario} \u00b7 ${page.data.model} ${page.data.fingerprint} \u00b7 sdpolicy ${page.data.version}`;
    made.push(el("p", { class: "hint" }, run));
    return made;
  }

  private change(action: () => void): void {
    action();
    this.page.refresh();
    this.open();
  }

  private leave(action: () => void): void {
    this.dialog.close();
    action();
  }

  private name(): string {
    return `${this.page.data.model}-${this.page.step.id}`.replace(/[^a-z0-9-]+/gi, "-");
  }

  private figure(): ReturnType<typeof together> {
    const figures = [...document.querySelectorAll<SVGElement>(".stage svg")];
    return together(figures, `${this.page.title} \u00b7 ${this.page.data.model} ${this.page.data.fingerprint} \u00b7 sdpolicy ${this.page.data.version}`);
  }

  private saveSvg(): void {
    this.dialog.close();
    download(`${this.name()}.svg`, this.figure().text, "image/svg+xml");
  }

  private async savePng(): Promise<void> {
    this.dialog.close();
    download(`${this.name()}.png`, await png(this.figure()), "image/png");
  }

  // The printed hand-out: every step's text and question, the graphs as they stand, glossary and sources.
  fillHandout(box: HTMLElement): void {
    const { page } = this;
    const { dark } = page.state;
    page.state.dark = false; // paper is light
    page.draw();
    const figures = [...document.querySelectorAll<SVGElement>(".stage svg")].map((figure) => figure.cloneNode(true));
    page.state.dark = dark;
    page.draw();
    box.replaceChildren(el("h1", {}, page.title), el("div", { class: "figures" }, ...figures));
    for (const step of page.data.steps) {
      const part = el("section", {}, el("h2", {}, page.tell(step, "title")));
      part.append(render(page.tell(step, "text")));
      const question = page.tell(step, "question");
      if (question) part.append(el("p", { class: "question" }, question), el("p", { class: "lines" }));
      box.append(part);
    }
    box.append(...glossary(page), ...sources(page));
  }
}

function glossary(page: Page): HTMLElement[] {
  if (page.data.terms.length === 0) return [];
  const list = el("dl", {});
  for (const term of page.data.terms) list.append(el("dt", {}, page.say(term.word)), el("dd", {}, page.say(term.meaning)));
  return [el("h3", {}, page.word("glossary")), list];
}

function sources(page: Page): HTMLElement[] {
  const list = el("ul", {});
  for (const source of page.data.sources) list.append(el("li", {}, page.say(source)));
  const evidence = el("ul", {});
  for (const graph of page.data.graphs) {
    for (const fact of graph.evidence) {
      const when = fact.stop && fact.stop !== fact.start ? `${fact.start}\u2013${fact.stop}` : String(fact.start);
      evidence.append(el("li", {}, `${page.say(graph.label)}, ${when}: ${fact.value} ${page.say(graph.unit)}. ${fact.source}`));
    }
  }
  const made: HTMLElement[] = [];
  if (list.childElementCount > 0) made.push(el("h3", {}, page.word("sources")), list);
  if (evidence.childElementCount > 0) made.push(el("p", {}, `${page.word("evidence")}:`), evidence);
  return made;
}
