/** Loaded before everything else (see patchedEnvironment), in worker threads too. */
import { registerHooks } from "node:module";
import type { SourcePatch } from "./source-patches.ts";
import { applyPatch, patchesOf, patchesVariable } from "./source-patches.ts";

const patches = JSON.parse(process.env[patchesVariable] ?? "[]") as SourcePatch[];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const own = patchesOf(url, patches);
    if (own.length === 0) return loaded;
    let source = Buffer.from(loaded.source as Uint8Array).toString("utf8");
    for (const patch of own) source = applyPatch(source, patch);
    return { ...loaded, source };
  },
});
