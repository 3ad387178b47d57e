// The speaker's notes in a second window, which follows the steps; where no window opens, in a box of the page.

import { el } from "./dom";
import { render } from "./markdown";
import type { Page } from "./page";

export class Notes {
  private other: Window | null = null;
  private box: HTMLElement | null = null;

  constructor(private readonly page: Page) {}

  open(): void {
    if (this.box) {
      this.box.remove();
      this.box = null;
      return;
    }
    this.other = this.other && !this.other.closed ? this.other : window.open("", "sdpolicy-notes", "width=760,height=620");
    if (this.other) {
      this.other.focus();
      const style = document.querySelector("style")!.textContent!;
      const sheet = this.other.document.createElement("style");
      sheet.textContent = style;
      this.other.document.head.replaceChildren(sheet);
      this.other.document.documentElement.dataset.theme = "dark";
    } else {
      this.box = el("aside", { class: "notes-box" });
      document.body.append(this.box);
    }
    this.update();
  }

  update(): void {
    const { page } = this;
    if (this.other && !this.other.closed) {
      const doc = this.other.document;
      doc.title = page.word("notes");
      doc.body.className = "notes";
      doc.body.replaceChildren(...this.content(doc));
    } else if (this.box) {
      this.box.replaceChildren(...this.content(document), el("p", { class: "hint" }, page.word("blocked")));
    }
  }

  private content(doc: Document): Node[] {
    const { page } = this;
    const line = (tag: string, text: string, name = ""): HTMLElement => {
      const made = doc.createElement(tag);
      made.textContent = text;
      made.className = name;
      return made;
    };
    const { step, data, state } = page;
    const before = data.steps.slice(0, state.step).reduce((sum, item) => sum + item.minutes, 0);
    const counter = `${page.word("step", state.step + 1, data.steps.length)} \u00b7 ${before}\u2013${before + step.minutes} / ${page.word("minutes", data.minutes)}`;
    const made: Node[] = [line("p", counter, "counter"), line("h2", page.tell(step, "title"))];
    const note = page.tell(step, "note");
    if (note) made.push(render(note, doc));
    const question = page.tell(step, "question");
    if (question) made.push(line("p", question, "question"));
    const next = data.steps[state.step + 1];
    if (next) made.push(line("p", `${page.word("nextStep")}: ${page.tell(next, "title")}`, "hint"));
    return made;
  }
}
