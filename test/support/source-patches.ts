/**
 * Patches of the project's own source, applied in memory while a process loads it: the files stay as they are. The
 * planted bugs (test/mutants) and the labelled moments of death (test/crash) are made of these.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

export interface SourcePatch {
  /** From the project's root. */
  readonly file: string;
  /** Must stand in the file exactly once, so that a patch can't go stale without being noticed. */
  readonly find: string;
  readonly replace: string;
}

const root = resolve(import.meta.dirname, "../..");
const preload = pathToFileURL(resolve(import.meta.dirname, "apply-source-patches.ts")).href;

/**
 * Name of the variable that carries the patches to the process that is to have them. Not one of `CLICKTALLY_…`:
 * those are settings, and the service refuses what it does not know.
 */
export const patchesVariable = "TEST_SOURCE_PATCHES";

/** Variables that make a Node process, and its worker threads, run the patched source. Throws where a patch is stale. */
export function patchedEnvironment(patches: readonly SourcePatch[]): Record<string, string> {
  for (const patch of patches) applyPatch(readFileSync(resolve(root, patch.file), "utf8"), patch);
  return { NODE_OPTIONS: `--import=${preload}`, [patchesVariable]: JSON.stringify(patches) };
}

export function applyPatch(source: string, { file, find, replace }: SourcePatch): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(
      `${JSON.stringify(find)} stands in ${file} ${parts.length - 1} times, not once`,
    );
  return parts.join(replace);
}

/** The patches of the file that a module's URL names. */
export function patchesOf(url: string, patches: readonly SourcePatch[]): SourcePatch[] {
  return patches.filter(({ file }) => pathToFileURL(resolve(root, file)).href === url);
}
