/** A directory of backups: their names by time, the newest, and which are deleted. */

import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { manifestName, parseManifest } from "./manifest.ts";

/** `2026-01-31T12-00-00Z`; of several of one second the later ones end in `-2`, `-3`. */
const namePattern = /^(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(?:-(\d+))?$/;
/** What is being deleted is no backup any more. */
const deletingPrefix = ".deleting-";

/** For the backup of this time (RFC 3339, UTC), beside those that are there. */
export function backupName(time: string, taken: readonly string[]): string {
  const name = `${time.slice(0, 19).replaceAll(":", "-")}Z`;
  let number = 1;
  const numbered = (): string => (number === 1 ? name : `${name}-${number}`);
  while (taken.includes(numbered())) number++;
  return numbered();
}

/** Names of the whole backups in a directory, the newest first. */
export async function listBackups(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => namePattern.test(name));
  const whole = await Promise.all(names.map((name) => isBackup(join(directory, name))));
  return names.filter((_, i) => whole[i]).toSorted(newestFirst);
}

/** Deletes all but the newest whole backups of a directory, and nothing else. Resolves with their names. */
export async function keepNewest(directory: string, count: number): Promise<string[]> {
  const old = (await listBackups(directory)).slice(count);
  for (const name of old) {
    const aside = join(directory, deletingPrefix + name);
    await rm(aside, { recursive: true, force: true });
    await rename(join(directory, name), aside);
    await rm(aside, { recursive: true, force: true });
  }
  return old;
}

/** Whether a manifest vouches for it; its files are another matter. */
async function isBackup(path: string): Promise<boolean> {
  const manifestPath = join(path, manifestName);
  try {
    parseManifest(await readFile(manifestPath, "utf8"), manifestPath);
    return true;
  } catch {
    return false;
  }
}

function newestFirst(a: string, b: string): number {
  const [, timeA = "", numberA = "1"] = namePattern.exec(a) ?? [];
  const [, timeB = "", numberB = "1"] = namePattern.exec(b) ?? [];
  if (timeA !== timeB) return timeA < timeB ? 1 : -1;
  return Number(numberB) - Number(numberA);
}
