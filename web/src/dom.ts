// Making elements. All text goes in as text nodes; nothing here reads markup.

type Attributes = Record<string, string | number | boolean | null | undefined>;
type Child = Node | string | null | false;

const SVG = "http://www.w3.org/2000/svg";

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  set(made, attributes);
  for (const child of children) if (child !== null && child !== false) made.append(child);
  return made;
}

export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const made = document.createElementNS(SVG, tag);
  set(made, attributes);
  for (const child of children) if (child !== null && child !== false) made.append(child);
  return made;
}

export interface Picture {
  width: number;
  height: number;
  size: number; // of the writing, in pixels
  palette: { back: string };
  summary: string; // what a screen reader says
}

// An empty drawing with its background.
export function picture({ width, height, size, palette, summary }: Picture): SVGElement {
  const attributes = { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary };
  const back = svg("rect", { width, height, fill: palette.back });
  return svg("svg", { ...attributes, "font-family": FONT, "font-size": size }, back);
}

function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

export function button(text: string, action: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = el("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", action);
  return made;
}

let context: CanvasRenderingContext2D | null = null;
const widths = new Map<string, number>();

export const FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK KR', 'Noto Sans CJK JP', sans-serif";

// The width of a line of text in pixels.
export function measure(text: string, size: number, weight = 400): number {
  const name = `${weight}/${size}/${text}`;
  let width = widths.get(name);
  if (width === undefined) {
    context ??= document.createElement("canvas").getContext("2d");
    if (!context) return text.length * size * 0.55;
    context.font = `${weight} ${size}px ${FONT}`;
    width = context.measureText(text).width;
    widths.set(name, width);
  }
  return width;
}

// The words of a text in lines of at most `width` pixels.
export function wrap(text: string, size: number, width: number, weight = 400): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && measure(longer, size, weight) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  if (line !== "") lines.push(line);
  return lines;
}
