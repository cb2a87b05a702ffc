/**
 * How far the import of a file has come, kept beside the data it was imported into, so that a run that was
 * interrupted goes on where its last durable batch ended. Losing it costs time only: rows that are there
 * already are duplicates.
 */

import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ItemErrorCode } from "../../model/errors.ts";

const version = 1;
const hashedBytes = 1_048_576;

export interface ImportState {
  readonly version: number;
  readonly file: string;
  /** Rows of the file that are decided on: durably appended, or rejected. */
  readonly rowsDone: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<ItemErrorCode, number>>>;
  readonly unknownFields: number;
  /** RFC 3339; absent where the import did not finish. */
  readonly finishedAt?: string;
}

type SavedState = ImportState & {
  /** Over what stands before it. */
  readonly check: string;
};

function checkOf(state: ImportState): string {
  return createHash("sha256").update(JSON.stringify(state)).digest("hex").slice(0, 16);
}

export class ImportStateFile {
  private readonly path: string;
  private readonly directory: string;

  constructor(directory: string, identity: string) {
    this.directory = directory;
    this.path = join(directory, `${identity}.json`);
  }

  /** Undefined where there is none that can be read. */
  async load(): Promise<ImportState | undefined> {
    try {
      const { check, ...state } = JSON.parse(await readFile(this.path, "utf8")) as SavedState;
      // A wrong number of rows would skip rows that were never imported.
      return state.version === version && check === checkOf(state) ? state : undefined;
    } catch {
      return undefined;
    }
  }

  async save(state: Omit<ImportState, "version">): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    const temporary = `${this.path}.new`;
    const saved = { version, ...state };
    await writeFile(temporary, `${JSON.stringify({ ...saved, check: checkOf(saved) })}\n`);
    await rename(temporary, this.path);
  }
}

/** What the same file imported in the same way has in common: 32 hex digits. */
export async function identifyFile(
  path: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const hash = createHash("sha256").update(JSON.stringify({ size, mtimeMs, ...settings }));
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(hashedBytes);
    for (const position of [0, Math.max(0, size - hashedBytes)]) {
      const { bytesRead } = await file.read(bytes, 0, hashedBytes, position);
      hash.update(bytes.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return hash.digest("hex").slice(0, 32);
}
