// Takes a picture of every step of a lecture page, to be looked at: node browser/shots.mjs PAGE FOLDER [LANGUAGE]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { open } from "./open.mjs";

const [file, folder, language = "en", width = "1280", height = "720", extra = ""] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const viewport = { width: Number(width), height: Number(height) };
const { browser, page, seen } = await open(file, { viewport });
const steps = await page.evaluate(() => globalThis.sdpolicyPage.data.steps.map((step) => step.id));
for (const [i, step] of steps.entries()) {
  await page.evaluate(
    ([index, lang, dark, large]) => {
      const it = globalThis.sdpolicyPage;
      it.state.language = lang;
      it.state.dark = dark;
      it.state.large = large;
      it.enter(index);
    },
    [i, language, extra.includes("dark"), extra.includes("large")],
  );
  await page.waitForTimeout(150);
  const name = `${String(i + 1).padStart(2, "0")}-${step}`;
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: viewport.width < 800 });
  const predicts = await page.evaluate(() => globalThis.sdpolicyPage.step.predict !== null);
  if (predicts) {
    const box = await page.locator(".draw-pad").boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.5);
    await page.mouse.down();
    for (let k = 0; k <= 20; k += 1) {
      await page.mouse.move(box.x + box.width * (0.5 + 0.022 * k), box.y + box.height * (0.5 - 0.012 * k));
    }
    await page.mouse.up();
    await page.screenshot({ path: join(folder, `${name}-drawn.png`), fullPage: viewport.width < 800 });
    await page.evaluate(() => globalThis.sdpolicyPage.reveal());
    await page.screenshot({ path: join(folder, `${name}-revealed.png`), fullPage: viewport.width < 800 });
  }
}
console.log(JSON.stringify(seen));
await browser.close();
