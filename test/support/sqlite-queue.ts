import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import type { QueueUnderTest } from "../contract/click-queue.contract.ts";
import { queueUnderTest } from "./queue-under-test.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface SqliteQueueUnderTest extends QueueUnderTest {
  readonly path: string;
  /** Changes the file behind the queue's back. */
  damage(sql: string): void;
}

/** A SQLite queue in a directory of its own. */
export async function openSqliteQueue(
  partitionCount: number,
  maxBytes = 1 << 30,
): Promise<SqliteQueueUnderTest> {
  const directory = await temporaryDirectory();
  const path = join(directory.path, "queue.sqlite");
  const queue = await queueUnderTest(
    async () => ({
      writer: await openSqliteQueueWriter({ path, partitionCount, maxBytes }),
      reader: await openSqliteQueueReader({ path }),
    }),
    () => directory[Symbol.asyncDispose](),
  );
  return Object.assign(queue, {
    path,
    damage(sql: string) {
      using database = new DatabaseSync(path);
      database.exec(sql);
    },
  });
}
