import { DatabaseSync } from "node:sqlite";
import { SqliteCode, sqliteCodeOf } from "./sqlite-code.ts";

/**
 * Locks that are held. A lock nobody refers to any more would be collected, its connection closed and
 * the lock silently dropped.
 */
const held = new Set<DatabaseSync>();

/**
 * Takes an exclusive lock on a file, made where it is missing and left empty. The operating system drops
 * it when the process ends, however it ends. Undefined where somebody holds it, this process included.
 * Throws what SQLite throws where the file can't be made or written.
 *
 * Node has no flock, so SQLite's lock on a database file serves: `BEGIN EXCLUSIVE` with nothing written.
 * These are POSIX locks, which go when *any* descriptor of the file is closed in the process: never open
 * a locked file by other means than SQLite.
 */
export function lockFile(path: string): Disposable | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (sqliteCodeOf(error) === SqliteCode.busy) return undefined;
    throw error;
  }
  held.add(database);
  return {
    [Symbol.dispose]() {
      if (held.delete(database)) database.close();
    },
  };
}
