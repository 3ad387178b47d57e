import assert from "node:assert/strict";
import { test } from "node:test";
import { format, spread } from "../src/chart";
import type { PageData, Slider } from "../src/data";
import { places } from "../src/layout";
import { blocks, inlines } from "../src/markdown";
import { Prediction } from "../src/predict";
import { heldFrom, Run, stretched, taskOf } from "../src/run";
import { csv } from "../src/saving";
import { scores, shares } from "../src/scores";
import { decode, encode, type State } from "../src/state";
import { fill, WORDS } from "../src/texts";

const slider = (more: Partial<Slider>): Slider => ({
  id: "a", variable: "a", label: "A", kind: "policy", low: 0, high: 10, step: 1, ticks: [], value: 2, scale: 1, unit: "",
  decimals: 0, since: null, hold: false, meaning: "", index: 0, table: "", points: [], ...more,
});

test("a path is stretched after its date and left alone before it", () => {
  const points: [number, number][] = [[1990, 0], [1993, 0], [1997, 2]];
  assert.deepEqual(stretched(points, 1993, 4), [[1990, 0], [1993, 0], [1997, 4]]);
  assert.deepEqual(stretched([[0, 1], [10, 1]], 5, 3), [[0, 1], [5, 1], [5, 3], [1e6, 3]]);
});

test("a schedule holds each value from its year to the next", () => {
  const made = heldFrom([[0, 1], [10, 1]], [[2, 5], [4, 7]]);
  assert.deepEqual(made, [[0, 1], [2, 1], [2, 5], [4, 5], [4, 7], [1e6, 7]]);
});

test("sliders set parameters, or the table of their path", () => {
  const data = { parameters: [2, 9], sliders: [slider({}), slider({ id: "b", index: -1, table: "t", since: 5, points: [[0, 1], [10, 1]], value: 1 })] };
  const task = taskOf(data as unknown as PageData, { a: 3, b: 4 });
  assert.deepEqual(task.parameters, [3, 9]);
  assert.deepEqual(task.tables, { t: [[[0, 5, 5, 1e6], [1, 1, 4, 4]]] });
});

test("the address restores step, sliders and look, and ignores what makes no sense", () => {
  const data = { steps: [{ id: "one" }, { id: "two" }], sliders: [slider({})], languages: ["en", "ko"] } as unknown as PageData;
  const state = { step: 1, values: { a: 7 }, view: "loops", language: "ko", dark: true, large: false, differences: true, time: 1985.25 } as unknown as State;
  const other = { step: 0, values: { a: 2 }, view: "graphs", language: "en", dark: false, large: false, differences: false, time: 0 } as unknown as State;
  assert.equal(decode(data, encode(data, state), other), true);
  assert.deepEqual(other, state);
  decode(data, "#step=nowhere&s.a=99999&lang=xx&view=%E0%A4%A&time=abc", other);
  assert.equal(other.step, 1);
  assert.equal(other.values.a, 10);
  assert.equal(other.language, "ko");
});

test("a small part of Markdown becomes blocks; markup stays text", () => {
  assert.deepEqual(blocks("one\ntwo\n\n- a\n- b"), [
    { kind: "p", items: [[{ text: "one two", style: "" }]] },
    { kind: "ul", items: [[{ text: "a", style: "" }], [{ text: "b", style: "" }]] },
  ]);
  assert.deepEqual(inlines("a **b** *c* <b>d</b> 2 * 3 * 4"), [
    { text: "a ", style: "" }, { text: "b", style: "strong" }, { text: " ", style: "" }, { text: "c", style: "em" },
    { text: " <b>d</b> 2 * 3 * 4", style: "" },
  ]);
});

test("a prediction is drawn by pointer and by keys, within the axis", () => {
  const frame = { left: 0, right: 100, top: 0, bottom: 100, x0: 0, x1: 10, y0: 0, y1: 1 };
  const drawn = new Prediction(5, 10, 0.5, 0, 1);
  drawn.begin(55, 20, frame);
  drawn.drag(100, -50, frame);
  assert.equal(drawn.complete(), true);
  assert.equal(drawn.points().at(-1)![1], 1);
  const typed = new Prediction(5, 10, 0.5, 0, 1);
  typed.key("ArrowUp");
  typed.key("End");
  assert.equal(typed.complete(), true);
  assert.ok(Math.abs(typed.points().at(-1)![1] - 0.525) < 1e-12);
});

test("labels are moved apart, within the frame", () => {
  const items = [{ y: 10 }, { y: 12 }, { y: 99 }];
  spread(items, 20, 0, 100);
  assert.deepEqual(items.map((item) => item.y), [10, 30, 99]);
});

test("numbers have real minus signs and no negative zero", () => {
  assert.equal(format(-1234.56, 1), "\u22121\u202f234.6");
  assert.equal(format(-0.001, 1), "0.0");
});

test("a place for each variable, also where the story gives none", () => {
  const found = places(["a", "b", "c"], [["a", "b"], ["b", "c"], ["c", "a"]], { a: [0, 0] });
  for (const [x, y] of Object.values(found)) assert.ok(x >= 0 && x <= 1 && y >= 0 && y <= 1);
});

test("every language has every word, with the same gaps", () => {
  for (const [language, words] of Object.entries(WORDS)) {
    assert.deepEqual(Object.keys(words), Object.keys(WORDS.en), language);
    for (const [key, text] of Object.entries(words)) {
      const gaps = (it: string): string[] => (it.match(/\{\d\}/g) ?? []).sort();
      assert.deepEqual(gaps(text), gaps((WORDS.en as Record<string, string>)[key]), `${language} ${key}`);
    }
  }
  assert.equal(fill("{1} of {0}", 3, "two"), "two of 3");
});

// dx/dt = a*x - b*x with a = 0.3 and b = 0.1: births reinforce, deaths balance, in the ratio three to one.
function population(): { data: PageData; run: Run } {
  const places = { x: [0, 1], births: [1, 1], deaths: [2, 1] };
  const data = {
    grid: { start: 0, step: 1, steps: 10, every: 1 },
    plan: { sizes: { row: 3 }, places },
    states: ["x"],
    names: { x: "=x", births: "births", deaths: "deaths" },
    units: { x: "people" },
    loops: [
      { id: "R", name: "births", meaning: "", links: [["x", "births"], ["births", "x"]] },
      { id: "B", name: "deaths", meaning: "", links: [["x", "deaths"], ["deaths", "x"]] },
    ],
  } as unknown as PageData;
  const values = new Float64Array(33);
  for (let i = 0; i <= 10; i += 1) {
    const x = 100 * 1.2 ** i;
    values.set([x, 0.3 * x, 0.1 * x], 3 * i);
  }
  return { data, run: new Run(data, values, null, { parameters: [], tables: {} }) };
}

test("loop scores of births and deaths are three to one, with their signs", () => {
  const { data, run } = population();
  const parts = {
    x: (v: Float64Array) => v[1] - v[2],
    births: (v: Float64Array) => 0.3 * v[0],
    deaths: (v: Float64Array) => 0.1 * v[0],
  };
  const found = scores(data, run, parts);
  const shown = shares(found.raw, ["R", "B"]);
  assert.ok(Math.abs(shown.R[5] - 0.75) < 1e-9);
  assert.ok(Math.abs(shown.B[5] + 0.25) < 1e-9);
  assert.equal(found.signs["deaths>x"], -1);
});

test("a CSV holds every variable with its unit, and no field that a spreadsheet would run", () => {
  const { data, run } = population();
  const lines = csv(data, run).split("\r\n");
  assert.equal(lines[0], 'time,"\'=x [people]","births","deaths"');
  assert.equal(lines[1], "0,100,30,10");
  assert.equal(lines.length, 13);
});
