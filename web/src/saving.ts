// Taking results out of the page: SVG, PNG and CSV files, made in the browser.

import type { PageData } from "./data";
import { el, svg } from "./dom";
import type { Run } from "./run";

export function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// All figures of the stage in one SVG, one below another as they stand, with a footer that says what was run.
export function together(figures: SVGElement[], footer: string): { text: string; width: number; height: number } {
  const boxes = figures.map((figure) => figure.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  const width = Math.max(...boxes.map((box) => box.right)) - left;
  const height = Math.max(...boxes.map((box) => box.bottom)) - top + 30;
  const whole = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` });
  figures.forEach((figure, i) => {
    const copy = figure.cloneNode(true) as SVGElement;
    copy.setAttribute("x", String(boxes[i].left - left));
    copy.setAttribute("y", String(boxes[i].top - top));
    whole.append(copy);
  });
  whole.append(svg("text", { x: 4, y: height - 8, "font-size": 13, "font-family": "sans-serif", fill: "#75808a" }, footer));
  return { text: new XMLSerializer().serializeToString(whole), width, height };
}

export async function png(figure: { text: string; width: number; height: number }): Promise<Blob> {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([figure.text], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = el("canvas", { width: Math.round(figure.width * 2), height: Math.round(figure.height * 2) });
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no image"))), "image/png");
  });
}

// All variables of the model at all saved times. A field that a spreadsheet would take for a formula gets a quote.
export function csv(data: PageData, run: Run): string {
  const ids = Object.keys(data.names).filter((id) => data.plan.places[id]?.[1] === 1);
  const quote = (text: string): string => `"${(/^[=+\-@\t]/.test(text) ? `'${text}` : text).replace(/"/g, '""')}"`;
  const head = ["time", ...ids.map((id) => quote(data.units[id] ? `${data.names[id]} [${data.units[id]}]` : data.names[id]))];
  const rows = [head.join(",")];
  for (let i = 0; i < run.rows; i += 1) {
    const row = run.row(i);
    rows.push([run.time(i), ...ids.map((id) => row[data.plan.places[id][0]])].join(","));
  }
  return `${rows.join("\r\n")}\r\n`;
}
