// Which loops drive the behaviour, moment by moment: link and loop scores computed on the running equations.
//
// A link's score is |d_x z / dz| with the sign of d_x z / dx, where d_x z is the change that x alone makes
// (Schoenberg, Davidsen & Eberlein 2020, doi:10.1002/sdr.1658). For a stock, z is its net flow, so that a flow
// weighs by its share in the change of net flow (Schoenberg, Hayward & Eberlein 2023, doi:10.1002/sdr.1728).
// A loop's score is the product of its links; its share is that over the sum of the absolute scores of the loops shown.

import type { PageData } from "./data";
import type { Part, Run } from "./run";
import { rowAt } from "./run";

export interface Scores {
  raw: Record<string, Float64Array>; // loop -> score at each saved row
  signs: Record<string, number>; // link "a>b" -> +1 or -1, the sign that it mostly has
}

export function key(way: string[]): string {
  return `${way[0]}>${way[way.length - 1]}`;
}

export function scores(data: PageData, run: Run, parts: Record<string, Part>): Scores {
  const links: Record<string, Float64Array> = {};
  const raw: Record<string, Float64Array> = {};
  for (const loop of data.loops) {
    const product = new Float64Array(run.rows).fill(1);
    for (const way of loop.links) {
      links[key(way)] ??= linkScore(data, run, parts, way);
      const score = links[key(way)];
      for (let i = 0; i < run.rows; i += 1) product[i] *= score[i];
    }
    raw[loop.id] = product;
  }
  return { raw, signs: signs(links) };
}

// The shares of the named loops among one another. Scores jump where a variable turns; the median over a few
// rows on either side takes out the jump.
export function shares(raw: Record<string, Float64Array>, ids: string[], reach = 4): Record<string, Float64Array> {
  const rows = ids.length > 0 ? raw[ids[0]].length : 0;
  const sharp: Record<string, Float64Array> = {};
  for (const id of ids) sharp[id] = new Float64Array(rows);
  for (let i = 0; i < rows; i += 1) {
    const total = ids.reduce((sum, id) => sum + Math.abs(raw[id][i]), 0);
    if (!(total > 0) || !Number.isFinite(total)) continue;
    for (const id of ids) sharp[id][i] = raw[id][i] / total;
  }
  const found: Record<string, Float64Array> = {};
  for (const id of ids) {
    found[id] = new Float64Array(rows);
    for (let i = 0; i < rows; i += 1) {
      const window = Array.from(sharp[id].subarray(Math.max(1, i - reach), Math.min(rows, i + reach + 1)));
      window.sort((a, b) => a - b);
      found[id][i] = window[window.length >> 1] ?? 0;
    }
  }
  for (let i = 0; i < rows; i += 1) {
    const total = ids.reduce((sum, id) => sum + Math.abs(found[id][i]), 0);
    if (total > 0) for (const id of ids) found[id][i] /= total;
  }
  return found;
}

function signs(links: Record<string, Float64Array>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [link, score] of Object.entries(links)) {
    let sum = 0;
    for (const value of score) sum += Math.sign(value);
    found[link] = sum < 0 ? -1 : 1;
  }
  return found;
}

// The product of the scores along the way; hidden stages of delays may stand between its ends.
function linkScore(data: PageData, run: Run, parts: Record<string, Part>, way: string[]): Float64Array {
  const product = new Float64Array(run.rows).fill(1);
  for (let k = 1; k < way.length; k += 1) {
    const single = alone(data, run, parts[way[k]], way[k - 1], way[k]);
    for (let i = 0; i < run.rows; i += 1) product[i] *= single[i];
  }
  return product;
}

function alone(data: PageData, run: Run, part: Part | undefined, x: string, z: string): Float64Array {
  const found = new Float64Array(run.rows);
  const place = data.plan.places[x];
  if (!part || !place) return found;
  const at = place[0];
  const isState = data.states.includes(z);
  const last = run.trouble ? rowAt(data.grid, run.trouble.time) - 1 : run.rows - 1;
  const mixed = new Float64Array(data.plan.sizes.row);
  for (let i = 1; i <= last; i += 1) {
    const before = run.row(i - 1);
    const after = run.row(i);
    const dx = after[at] - before[at];
    if (dx === 0) continue;
    const t0 = run.time(i - 1);
    mixed.set(before);
    mixed[at] = after[at];
    const start = part(before, t0, t0);
    const own = part(mixed, t0, t0) - start;
    const all = (isState ? part(after, run.time(i), run.time(i)) : after[data.plan.places[z][0]]) - start;
    if (all === 0 || own === 0) continue;
    found[i] = Math.abs(own / all) * Math.sign(own / dx);
  }
  return found;
}
