// The predicted curve: values on a grid of years, drawn by pointer or by keys.

import type { Frame } from "./chart";

export class Prediction {
  readonly times: number[] = [];
  readonly values: (number | null)[] = [];
  cursor = 0;
  revealed = false;
  private last: [number, number] | null = null;

  constructor(
    since: number,
    stop: number,
    readonly start: number, // the value that the curve leaves from
    readonly low: number,
    readonly high: number,
  ) {
    const step = Math.max(1, Math.round((stop - since) / 50));
    for (let time = since; time <= stop + 1e-9; time += step) {
      this.times.push(time);
      this.values.push(null);
    }
    this.values[0] = start;
    this.cursor = 1;
  }

  // The points drawn so far, up to the last; years left out lie on the line between their neighbours.
  points(): [number, number][] {
    const known = this.times.map((time, i) => [time, this.values[i]] as [number, number | null]).filter(([, v]) => v !== null);
    return known as [number, number][];
  }

  complete(): boolean {
    return this.values[this.values.length - 1] !== null;
  }

  begin(x: number, y: number, frame: Frame): void {
    this.last = null;
    this.drag(x, y, frame);
  }

  drag(x: number, y: number, frame: Frame): void {
    const time = frame.x0 + ((x - frame.left) / (frame.right - frame.left)) * (frame.x1 - frame.x0);
    const value = this.clamp(frame.y0 + ((frame.bottom - y) / (frame.bottom - frame.top)) * (frame.y1 - frame.y0));
    const from = this.last ?? [time, value];
    const [t0, t1] = from[0] <= time ? [from, [time, value]] : [[time, value], from];
    const step = this.times[1] - this.times[0];
    for (let i = 1; i < this.times.length; i += 1) {
      const at = this.times[i];
      if (at < t0[0] - step / 2 || at > t1[0] + step / 2) continue;
      const share = t1[0] > t0[0] ? Math.min(Math.max((at - t0[0]) / (t1[0] - t0[0]), 0), 1) : 1;
      this.values[i] = t0[1] + share * (t1[1] - t0[1]);
      this.cursor = i;
    }
    this.last = [time, value];
  }

  // Move by years (a value not yet drawn follows its neighbour) or by a fortieth of the axis.
  key(name: string): boolean {
    const i = this.cursor;
    const step = (this.high - this.low) / 40;
    const here = this.values[i] ?? this.values[i - 1] ?? this.start;
    switch (name) {
      case "ArrowRight":
        this.values[i] = here;
        this.cursor = Math.min(i + 1, this.times.length - 1);
        this.values[this.cursor] ??= here;
        return true;
      case "ArrowLeft":
        this.cursor = Math.max(i - 1, 1);
        return true;
      case "ArrowUp":
        this.values[i] = this.clamp(here + step);
        return true;
      case "ArrowDown":
        this.values[i] = this.clamp(here - step);
        return true;
      case "End":
        for (let k = i; k < this.times.length; k += 1) this.values[k] = here;
        this.cursor = this.times.length - 1;
        return true;
      default:
        return false;
    }
  }

  // The mean distance to a run, in the graph's unit.
  distance(actual: (time: number) => number): number {
    const points = this.points().slice(1);
    if (points.length === 0) return NaN;
    return points.reduce((sum, [time, value]) => sum + Math.abs(value - actual(time)), 0) / points.length;
  }

  private clamp(value: number): number {
    return Math.min(Math.max(value, this.low), this.high);
  }
}
