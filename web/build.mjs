// Makes the bundle that travels in the Python package: one script and one style sheet, the same bytes every time.
import { build } from "esbuild";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../src/sdpolicy/lecture/bundle");
await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { page: "src/main.ts" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2021",
  charset: "utf8",
  legalComments: "eof",
  logLevel: "warning",
});
await build({
  absWorkingDir: here,
  entryPoints: { page: "src/page.css" },
  outdir: out,
  bundle: true,
  minify: true,
  charset: "utf8",
  logLevel: "warning",
});

// The licences of what the bundle contains, which have to travel with it.
const { readFile, writeFile, readdir } = await import("node:fs/promises");
const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.ts"],
  bundle: true,
  write: false,
  metafile: true,
  logLevel: "silent",
});
const packages = new Set();
for (const input of Object.keys(result.metafile.inputs)) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (found) packages.add(found[1]);
}
const texts = [];
for (const name of [...packages].sort()) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((item) => /^licen[cs]e/i.test(item));
  const text = file ? (await readFile(join(folder, file), "utf8")).replace(/\r\n/g, "\n").trim() : "";
  texts.push(`${name} ${version} (${license})\n\n${text}\n`);
}
await writeFile(join(out, "LICENCES.txt"), texts.join(`\n${"-".repeat(72)}\n\n`));
