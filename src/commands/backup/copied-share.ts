import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StatusAnswer } from "../../query/query-service.ts";

/** How the backup that is being written is called. */
const partialPrefix = ".partial-";

/**
 * How much of a backup is written: what lies in the directory against the size of what is copied, asked for once. Undefined where
 * the directory is on another machine, or the sizes are not known.
 */
export function copiedShare(
  dir: string,
  askStatus: () => Promise<StatusAnswer>,
): () => Promise<number | undefined> {
  let whole: Promise<number> | undefined;
  return async () => {
    const names = await readdir(dir);
    const partial = names.find((name) => name.startsWith(partialPrefix));
    if (partial === undefined) return undefined;
    whole ??= askStatus().then((status) => status.store_bytes + (status.queue_bytes ?? 0));
    const bytes = await bytesIn(join(dir, partial));
    return Math.min(1, bytes / Math.max(1, await whole));
  };
}

async function bytesIn(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
