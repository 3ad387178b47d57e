// A small, safe part of Markdown: paragraphs, lists, **bold** and *italic*. Everything becomes text nodes.

export interface Inline {
  text: string;
  style: "" | "strong" | "em";
}

export interface Block {
  kind: "p" | "ul";
  items: Inline[][];
}

const MARK = /\*\*(?=\S)([^*]*[^*\s])\*\*|\*(?=[^*\s])([^*]*[^*\s])\*/g;

export function inlines(text: string): Inline[] {
  const found: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(MARK)) {
    if (match.index > end) found.push({ text: text.slice(end, match.index), style: "" });
    found.push(match[1] !== undefined ? { text: match[1], style: "strong" } : { text: match[2], style: "em" });
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end), style: "" });
  return found;
}

export function blocks(text: string): Block[] {
  const found: Block[] = [];
  for (const part of text.split(/\n\s*\n/)) {
    const lines = part.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    if (lines.length === 0) continue;
    if (lines.every((line) => /^[-*] /.test(line))) {
      found.push({ kind: "ul", items: lines.map((line) => inlines(line.slice(2))) });
    } else {
      found.push({ kind: "p", items: [inlines(lines.join(" "))] });
    }
  }
  return found;
}

export function render(text: string, doc: Document = document): DocumentFragment {
  const made = doc.createDocumentFragment();
  for (const block of blocks(text)) {
    if (block.kind === "p") {
      made.append(fill(doc.createElement("p"), block.items[0], doc));
      continue;
    }
    const list = doc.createElement("ul");
    for (const item of block.items) list.append(fill(doc.createElement("li"), item, doc));
    made.append(list);
  }
  return made;
}

function fill(element: HTMLElement, parts: Inline[], doc: Document): HTMLElement {
  for (const part of parts) {
    if (part.style === "") element.append(part.text);
    else {
      const inner = doc.createElement(part.style);
      inner.textContent = part.text;
      element.append(inner);
    }
  }
  return element;
}
