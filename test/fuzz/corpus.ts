/** The inputs that are kept in the repository, by decoder: those that once broke something among them. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface CorpusEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function readCorpus(decoder: string): CorpusEntry[] {
  const directory = join(import.meta.dirname, "corpus", decoder);
  return readdirSync(directory)
    .toSorted()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(directory, name))) }));
}
