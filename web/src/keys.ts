// Keys for a keyboard and for a presenter's remote (which sends page keys).

import type { Page } from "./page";

export class Keys {
  constructor(private readonly page: Page) {
    addEventListener("keydown", (event) => this.press(event));
  }

  private press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (this.leave(target, event.key)) return;
    const { page } = this;
    const actions: Record<string, () => void> = {
      ArrowRight: () => page.enter(page.state.step + 1),
      PageDown: () => page.enter(page.state.step + 1),
      " ": () => page.enter(page.state.step + 1),
      ArrowLeft: () => page.enter(page.state.step - 1),
      PageUp: () => page.enter(page.state.step - 1),
      r: () => page.reset(),
      d: () => page.toggleDifferences(),
      l: () => page.show(page.state.view === "loops" ? "graphs" : "loops"),
      p: () => page.play(),
      n: () => page.openNotes(),
      m: () => page.openMenu(),
      f: () => toggleFullScreen(),
    };
    const action = /^[1-9]$/.test(event.key) ? () => page.enter(Number(event.key) - 1) : actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  // What a slider, a text field or a button does with a key comes first.
  private leave(target: Element, key: string): boolean {
    if (target.matches("select, textarea, [role=slider]")) return true;
    if (target.matches("input")) return key.startsWith("Arrow") || key.startsWith("Page") || key === "Home" || key === "End";
    return target.matches("button, a") && (key === " " || key === "Enter");
  }
}

export function toggleFullScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen?.().catch(() => undefined);
}
