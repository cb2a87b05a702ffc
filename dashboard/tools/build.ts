/**
 * Builds the dashboard into dist/dashboard, from where the service serves it, and compresses its files.
 *
 *     node dashboard/tools/build.ts [--if-stale] [--optional]
 *
 * --if-stale: only where it is missing or older than its sources. --optional: where it can't be built, say so and go on,
 * for the service runs without it.
 */

import { existsSync, readdirSync, statSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const root = resolve(import.meta.dirname, "../..");
const sources = join(root, "dashboard");
const target = join(root, "dist/dashboard");
const page = join(target, "index.html");
/** What is smaller does not get smaller. */
const compressedFromBytes = 512;

const flags = new Set(process.argv.slice(2));
if (!flags.has("--if-stale") || isStale()) {
  try {
    await buildAll();
  } catch (error) {
    await rm(page, { force: true });
    console.error(`The dashboard can't be built: ${String(error)}`);
    process.exitCode = flags.has("--optional") ? 0 : 1;
  }
}

function isStale(): boolean {
  if (!existsSync(page)) return true;
  const builtMs = statSync(page).mtimeMs;
  const paths = readdirSync(sources, { recursive: true, encoding: "utf8" });
  const lockfile = join(root, "package-lock.json");
  return [...paths.map((path) => join(sources, path)), lockfile].some(
    (path) => existsSync(path) && statSync(path).mtimeMs > builtMs,
  );
}

async function buildAll(): Promise<void> {
  const { build } = await import("vite");
  const startMs = performance.now();
  await build({
    configFile: false,
    root: sources,
    // Wherever a proxy puts it, it finds its files beside it.
    base: "./",
    logLevel: "error",
    build: {
      outDir: target,
      emptyOutDir: true,
      target: "es2023",
      // Everything from files: the policy of the page allows nothing else.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
  const sizes = await compressAll();
  // The last to be new: with it the build is whole.
  await writeFile(page, await readFile(page));
  const kilobytes = (sizes / 1024).toFixed(1);
  const elapsed = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`The dashboard is built, ${kilobytes} KB gzip, in ${elapsed} s.`);
}

/** Bytes of all files as gzip. */
async function compressAll(): Promise<number> {
  const paths = readdirSync(target, { recursive: true, encoding: "utf8" })
    .map((path) => join(target, path))
    .filter((path) => statSync(path).isFile());
  let bytes = 0;
  for (const path of paths) {
    const content = await readFile(path);
    const zipped = await promisify(gzip)(content, { level: 9 });
    bytes += zipped.length;
    if (content.length < compressedFromBytes) continue;
    await writeFile(`${path}.gz`, zipped);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    await writeFile(`${path}.br`, await promisify(brotliCompress)(content, { params }));
  }
  return bytes;
}
