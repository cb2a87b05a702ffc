import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Writes a file so that after a crash at any moment it has either its old content or all of the new,
 * and survives power loss once this has resolved. Only its user may read it unless `mode` says more.
 */
export async function writeFileDurably(
  path: string,
  content: Uint8Array | string,
  mode = 0o600,
): Promise<void> {
  const temporaryPath = `${path}.tmp`;
  await rm(temporaryPath, { force: true });
  const file = await open(temporaryPath, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporaryPath, path);
  await syncDirectory(dirname(path));
}

/** A small file that is read and written as a whole, durably. */
export function durableTextFile(path: string): {
  readonly path: string;
  read: () => Promise<string | undefined>;
  write: (content: string) => Promise<void>;
} {
  return {
    path,
    read: async () => (existsSync(path) ? await readFile(path, "utf8") : undefined),
    write: (content) => writeFileDurably(path, content),
  };
}

/** Makes a directory and its missing parents; their entries survive power loss once this has resolved. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const firstMade = await mkdir(path, { recursive: true, mode });
  if (firstMade === undefined) return;
  const top = dirname(resolve(firstMade));
  for (let parent = dirname(resolve(path)); ; parent = dirname(parent)) {
    await syncDirectory(parent);
    if (parent === top || parent === dirname(parent)) return;
  }
}

/** Makes the entries of a directory survive power loss. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
