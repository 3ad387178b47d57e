// Walks through a lecture page in headless Chromium and prints what it found, as JSON.
//   node browser/check.mjs PAGE walk            every step, by keys: what is shown, how large, errors, requests, axe
//   node browser/check.mjs PAGE series FILE     runs the settings in FILE in the page's worker; prints the series
//   node browser/check.mjs PAGE shares          each loop's share among all named loops, at all saved times
//   node browser/check.mjs PAGE game            plays the game's rounds
//   node browser/check.mjs PAGE speed           milliseconds from a slider's movement to the redrawn page
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { open } from "./open.mjs";

const [file, task, argument] = process.argv.slice(2);
const tasks = { walk, series, speed, shares, game };
console.log(JSON.stringify(await tasks[task]()));

async function walk() {
  const { browser, page, seen } = await open(file);
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const count = await page.evaluate(() => sdpolicyPage.data.steps.length);
  const languages = await page.evaluate(() => sdpolicyPage.data.languages);
  const steps = [];
  for (let i = 0; i < count; i += 1) {
    if (i > 0) await page.keyboard.press("ArrowRight");
    await page.waitForTimeout(50);
    const found = await look(page);
    if (found.predicts) {
      await page.locator(".draw-pad").focus();
      for (let k = 0; k < 5; k += 1) await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("End");
      found.drawn = await page.evaluate(() => sdpolicyPage.prediction().complete());
      await page.keyboard.press("Enter");
      found.revealed = await page.evaluate(() => sdpolicyPage.prediction().revealed);
    }
    found.views = [];
    for (const view of await page.locator(".tabs button").all()) {
      await view.click();
      found.views.push(await page.locator(".stage svg").count());
    }
    await page.evaluate((index) => sdpolicyPage.enter(index), i);
    found.axe = await audit(page, axe);
    steps.push(found);
  }
  const translated = {};
  for (const language of languages) {
    await page.evaluate((code) => {
      sdpolicyPage.state.language = code;
      sdpolicyPage.enter(0);
    }, language);
    translated[language] = await look(page);
  }
  await page.evaluate(() => {
    sdpolicyPage.state.dark = true;
    sdpolicyPage.state.language = "en";
    sdpolicyPage.enter(5);
  });
  const dark = await audit(page, axe);
  await page.keyboard.press("m");
  const menu = await audit(page, axe);
  await page.keyboard.press("Escape");
  const notes = await speakerNotes(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => sdpolicyPage.enter(3));
  const phone = await page.evaluate(() => document.documentElement.scrollWidth);
  await browser.close();
  return { steps, translated, dark, menu, notes, phone, ...seen };
}

async function speakerNotes(page) {
  const [other] = await Promise.all([page.context().waitForEvent("page", { timeout: 5000 }), page.keyboard.press("n")]);
  await page.waitForTimeout(200);
  const text = await other.evaluate(() => document.body.textContent);
  await other.close();
  return text.length;
}

async function look(page) {
  return page.evaluate(() => {
    const it = sdpolicyPage;
    const texts = [...document.querySelectorAll("#app *")].filter(
      (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && element.getClientRects().length > 0,
    );
    const scale = (element) => {
      const svg = element.closest("svg");
      return svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    };
    const sizes = texts.map((element) => parseFloat(getComputedStyle(element).fontSize) * scale(element));
    const story = document.querySelector(".story");
    const box = document.querySelector(".stage").getBoundingClientRect();
    const over = [...document.querySelectorAll(".stage svg, .stage button")].filter((element) => {
      const other = element.getBoundingClientRect();
      return other.bottom > box.bottom + 1 || other.right > box.right + 1;
    });
    return {
      id: it.step.id,
      title: document.querySelector(".story h2").textContent,
      predicts: it.step.predict !== null,
      smallest: Math.min(...sizes),
      scrolls: story.scrollHeight > story.clientHeight + 1,
      overflows: over.length,
      figures: document.querySelectorAll(".stage svg").length,
      sliders: document.querySelectorAll(".slider input").length,
      named: [...document.querySelectorAll(".stage svg")].every((svg) => svg.getAttribute("aria-label")),
    };
  });
}

async function audit(page, axe) {
  return page.evaluate(async (source) => {
    // The page's policy forbids scripts of strangers, so the checker comes in through the debugger's door.
    if (!globalThis.axe) (0, eval)(source);
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map((item) => [item.impact, item.id, item.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]);
  }, axe);
}

async function series() {
  const { browser, page, seen } = await open(file);
  const members = JSON.parse(readFileSync(argument, "utf8"));
  const rows = await page.evaluate(async (settings) => {
    const it = sdpolicyPage;
    const ids = Object.keys(it.data.names).filter((id) => it.data.plan.places[id][1] === 1);
    const made = [];
    for (const values of settings) {
      Object.assign(it.state.values, values);
      const run = await new Promise((resolve) => it.simulator.ask(it.task(), resolve));
      const kept = [];
      for (let i = 0; i < run.rows; i += 4) kept.push(ids.map((id) => run.row(i)[it.data.plan.places[id][0]]));
      made.push({ trouble: run.trouble, kept });
    }
    return { ids, made, worker: it.simulator.worker !== null };
  }, members);
  await browser.close();
  return { ...rows, ...seen };
}

async function shares() {
  const { browser, page, seen } = await open(file);
  const found = await page.evaluate(() => {
    const it = sdpolicyPage;
    const { raw } = it.scores();
    const ids = Object.keys(raw);
    const times = Array.from({ length: it.now.rows }, (_, i) => it.now.time(i));
    return { times, raw: Object.fromEntries(ids.map((id) => [id, [...raw[id]]])) };
  });
  await browser.close();
  return { ...found, ...seen };
}

async function game() {
  const { browser, page, seen } = await open(file);
  await page.evaluate(() => sdpolicyPage.enter(sdpolicyPage.data.steps.findIndex((step) => step.id === "game")));
  const hidden = [];
  let rounds = 0;
  while (await page.locator(".game .round").count()) {
    await page.locator(".slider input").first().focus();
    await page.keyboard.press("Home");
    hidden.push(await page.evaluate(() => {
      const it = sdpolicyPage;
      const paths = [...document.querySelectorAll(".cell:first-child svg path")];
      const right = Math.max(...paths.flatMap((path) => [...path.getAttribute("d").matchAll(/([\d.]+) [\d.-]+/g)].map((m) => Number(m[1]))));
      return right < document.querySelector(".cell svg").getBoundingClientRect().width * 0.9 || it.game.horizon() >= 2005;
    }));
    await page.locator(".game > button.primary").click();
    rounds += 1;
  }
  const found = await page.evaluate(() => {
    const it = sdpolicyPage;
    const last = (run) => run.series("output")[run.rows - 1];
    return { over: it.game.over, best: last(it.game.bestRun()), history: last(it.base), text: document.querySelector(".game").textContent };
  });
  await browser.close();
  return { ...found, rounds, hidden, ...seen };
}

async function speed() {
  const { browser, page, seen } = await open(file);
  const index = await page.evaluate(() => sdpolicyPage.data.steps.findIndex((step) => step.sliders.length > 0 && step.graphs.length > 3 || step.sliders.length > 2));
  await page.evaluate((i) => sdpolicyPage.enter(i), Math.max(index, 0));
  // Processor time of the page's own thread, which other work on the machine does not stretch as it does the clock.
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () => {
    const { metrics } = await client.send("Performance.getMetrics");
    return metrics.find((metric) => metric.name === "TaskDuration").value * 1000;
  };
  const before = await spent();
  const times = await page.evaluate(async () => {
    const sliders = [...document.querySelectorAll(".slider input")];
    const found = [];
    for (let k = 0; k < 120; k += 1) {
      const slider = sliders[k % sliders.length];
      const [low, high] = [Number(slider.min), Number(slider.max)];
      slider.value = String(low + ((high - low) * ((k * 37) % 100)) / 100);
      const start = performance.now();
      const drawn = new Promise((resolve) => document.addEventListener("sdpolicy:drawn", resolve, { once: true }));
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await drawn;
      found.push(performance.now() - start);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    return found.slice(20);
  });
  const busy = (await spent()) - before;
  await browser.close();
  const sorted = times.sort((a, b) => a - b);
  return { processor: busy / 120, median: sorted[sorted.length >> 1], p95: sorted[Math.floor(sorted.length * 0.95)], ...seen };
}
