// Opens a page in headless Chromium with the network cut, and notes every request, error and message on the console.
import { chromium } from "playwright-core";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function browserPath() {
  const candidates = [
    process.env.CHROMIUM,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  ];
  return candidates.find((path) => path && existsSync(path));
}

export async function open(file, options = {}) {
  const browser = await chromium.launch({ executablePath: browserPath(), args: FLAGS });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 720 },
    colorScheme: "light",
    offline: true,
    ...options,
  });
  const page = await context.newPage();
  const seen = { requests: [], errors: [], messages: [] };
  page.on("request", (request) => {
    if (!/^(file|blob|data):/.test(request.url())) seen.requests.push(request.url());
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") seen.messages.push(message.text());
  });
  const address = pathToFileURL(file).href;
  await page.goto(address + (options.hash ?? ""));
  await page.waitForSelector(".stage svg");
  return { browser, context, page, seen };
}
