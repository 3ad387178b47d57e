// Running the model: slider values in, a Run out. A worker computes; where there is none, the page itself does.

import type { Grid, PageData, Slider } from "./data";

export type Values = Record<string, number>;
export type Schedule = Record<string, [number, number][]>; // slider id -> [from, value] pairs in order of time

export interface Trouble {
  quantity: string;
  element: number;
  time: number;
}

export interface Task {
  parameters: number[];
  tables: Record<string, [number[], number[]][]>;
}

interface Answer {
  values: Float64Array;
  trouble: Trouble | null;
}

interface Kernel {
  run(parameters: number[], grid: Grid, method: string, tables: Task["tables"]): Answer;
  parts(tables: Task["tables"]): Record<string, Part>;
}

export type Part = (row: Float64Array, time: number, stepTime: number) => number;

interface Engine {
  kernel(make: unknown, plan: unknown): Kernel;
}

const FAR = 1e6;

export class Run {
  readonly rows: number;
  private readonly known = new Map<string, Float64Array>();

  constructor(
    readonly data: PageData,
    readonly values: Float64Array,
    readonly trouble: Trouble | null,
    readonly task: Task,
  ) {
    this.rows = Math.floor(data.grid.steps / data.grid.every) + 1;
  }

  time(row: number): number {
    return timeOf(this.data.grid, row);
  }

  times(): Float64Array {
    const made = this.known.get("") ?? Float64Array.from({ length: this.rows }, (_, i) => this.time(i));
    this.known.set("", made);
    return made;
  }

  row(row: number): Float64Array {
    const width = this.data.plan.sizes.row;
    return this.values.subarray(row * width, (row + 1) * width);
  }

  // The value of a scalar at every saved time, times a factor; the same array whenever it is asked for again.
  series(id: string, factor = 1): Float64Array {
    const name = `${id} ${factor}`;
    const made = this.known.get(name) ?? this.column(id, factor);
    this.known.set(name, made);
    return made;
  }

  private column(id: string, factor: number): Float64Array {
    const width = this.data.plan.sizes.row;
    const [start] = this.data.plan.places[id];
    const found = new Float64Array(this.rows);
    for (let i = 0; i < this.rows; i += 1) found[i] = factor * this.values[i * width + start];
    return found;
  }
}

export function timeOf(grid: Grid, row: number): number {
  return grid.start + row * grid.every * grid.step;
}

// The saved row nearest to a time.
export function rowAt(grid: Grid, time: number): number {
  const last = Math.floor(grid.steps / grid.every);
  const row = Math.round((time - grid.start) / (grid.every * grid.step));
  return Math.min(Math.max(row, 0), last);
}

function valueAt(points: [number, number][], x: number): number {
  if (x <= points[0][0]) return points[0][1];
  for (let j = points.length - 2; j >= 0; j -= 1) {
    const [x0, y0] = points[j];
    const [x1, y1] = points[j + 1];
    if (x >= x1) return y1;
    if (x >= x0) return x1 === x0 ? y0 : ((y1 - y0) / (x1 - x0)) * (x - x0) + y0;
  }
  return points[points.length - 1][1];
}

// The points of a path whose last value is to be `value`: unchanged up to `since`, stretched after it. A path that
// stays level after `since` jumps there.
export function stretched(points: [number, number][], since: number, value: number, hold = false): [number, number][] {
  const base = valueAt(points, since);
  const last = points[points.length - 1][1];
  if (last === base || hold) return heldFrom(points, [[since, value]]);
  const factor = (value - base) / (last - base);
  const made = points.filter(([x]) => x < since);
  made.push([since, base]);
  for (const [x, y] of points) if (x > since) made.push([x, base + (y - base) * factor]);
  return made;
}

// The points of a path that takes each value from its date on; what was before the first date stays.
export function heldFrom(points: [number, number][], changes: [number, number][]): [number, number][] {
  if (changes.length === 0) return points;
  const since = changes[0][0];
  const made = points.filter(([x]) => x < since);
  made.push([since, valueAt(points, since)]);
  changes.forEach(([from, value], i) => {
    if (i > 0) made.push([from, changes[i - 1][1]]);
    made.push([from, value]);
  });
  made.push([FAR, changes[changes.length - 1][1]]);
  return made;
}

export function taskOf(data: PageData, values: Values, schedule: Schedule = {}): Task {
  const parameters = data.parameters.slice();
  const tables: Task["tables"] = {};
  for (const slider of data.sliders) {
    const value = values[slider.id] ?? slider.value;
    if (slider.table === "") parameters[slider.index] = value;
    else tables[slider.table] = [spread(pathOf(slider, value, schedule[slider.id]))];
  }
  return { parameters, tables };
}

function pathOf(slider: Slider, value: number, changes?: [number, number][]): [number, number][] {
  if (changes) return heldFrom(slider.points, changes);
  return value === slider.value || slider.since === null ? slider.points : stretched(slider.points, slider.since, value, slider.hold);
}

function spread(points: [number, number][]): [number[], number[]] {
  return [points.map(([x]) => x), points.map(([, y]) => y)];
}

interface Globals {
  sdpolicyEngine: Engine;
  sdpolicyModel: unknown;
}

export class Simulator {
  private readonly kernel: Kernel;
  private worker: Worker | null = null;
  private busy = false;
  private waiting: { task: Task; done: (run: Run) => void } | null = null;
  private current: { task: Task; done: (run: Run) => void } | null = null;

  constructor(private readonly data: PageData) {
    const scope = globalThis as unknown as Globals;
    this.kernel = scope.sdpolicyEngine.kernel(scope.sdpolicyModel, data.plan);
    this.worker = this.start();
  }

  now(task: Task): Run {
    const answer = this.kernel.run(task.parameters, this.data.grid, this.data.method, task.tables);
    return new Run(this.data, answer.values, answer.trouble, task);
  }

  parts(task: Task): Record<string, Part> {
    return this.kernel.parts(task.tables);
  }

  // Run in the worker; only the newest of the tasks that wait is run.
  ask(task: Task, done: (run: Run) => void): void {
    if (!this.worker) {
      done(this.now(task));
      return;
    }
    if (this.busy) this.waiting = { task, done };
    else this.send({ task, done });
  }

  private send(job: { task: Task; done: (run: Run) => void }): void {
    this.busy = true;
    this.current = job;
    this.worker!.postMessage(job.task);
  }

  private start(): Worker | null {
    try {
      const engine = document.getElementById("engine")!.textContent!;
      const plan = JSON.stringify([this.data.plan, this.data.grid, this.data.method]);
      const listen = `
const [plan, grid, method] = ${plan};
const kernel = sdpolicyEngine.kernel(sdpolicyModel, plan);
onmessage = ({ data }) => {
  const { values, trouble } = kernel.run(data.parameters, grid, method, data.tables);
  postMessage({ values, trouble }, [values.buffer]);
};`;
      const url = URL.createObjectURL(new Blob([engine, listen], { type: "text/javascript" }));
      const worker = new Worker(url);
      worker.onmessage = ({ data }: MessageEvent<Answer>) => this.receive(data);
      worker.onerror = () => this.abandon();
      return worker;
    } catch {
      return null;
    }
  }

  private receive(answer: Answer): void {
    const { task, done } = this.current!;
    this.busy = false;
    if (this.waiting) {
      const next = this.waiting;
      this.waiting = null;
      this.send(next);
    }
    done(new Run(this.data, answer.values, answer.trouble, task));
  }

  // A browser that allows no worker from a blob: the page runs the model itself.
  private abandon(): void {
    this.worker?.terminate();
    this.worker = null;
    const job = this.waiting ?? this.current;
    this.waiting = null;
    if (job && this.busy) job.done(this.now(job.task));
    this.busy = false;
  }
}
