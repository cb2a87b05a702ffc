import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** What every start writes or drops, whatever becomes of it: the owner's number, locks, the index of the queue's WAL. */
const passing = /^lock\.|\.lock$|\.lock-journal$|-shm$/;

/** Name and content of every lasting file below a directory, to tell whether anything was changed. */
export async function fingerprints(directory: string, wanted = /^/): Promise<Map<string, string>> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const prints = new Map<string, string>();
  for (const file of files) {
    if (!file.isFile() || passing.test(file.name) || !wanted.test(file.name)) continue;
    const path = join(file.parentPath, file.name);
    prints.set(
      path,
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    );
  }
  return prints;
}
