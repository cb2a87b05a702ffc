/** The client as a page has it: bundled as by whoever builds one. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { build } from "vite";

export async function bundleClient(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    publicDir: false,
    build: {
      write: false,
      minify: true,
      lib: {
        entry: resolve(import.meta.dirname, "../../src/client/client.ts"),
        formats: ["es"],
        fileName: "client",
      },
    },
  });
  const [bundle] = Array.isArray(built) ? built : [built];
  assert.ok(bundle && "output" in bundle);
  const [chunk, ...others] = bundle.output;
  assert.deepEqual(others, []);
  return chunk.code;
}
