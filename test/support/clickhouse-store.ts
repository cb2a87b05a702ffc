/** Stores of a ClickHouse database for tests, with the order of its commits in an SQLite queue beside. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/clock/system-clock.ts";
import { OrderLogs } from "../../src/order/order-log.ts";
import type { ClickQueueWriter } from "../../src/queue/click-queue.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import type { DatabaseOptions } from "../../src/store/clickhouse/database.ts";
import type { SharedClickHouseOptions } from "../../src/store/clickhouse/shared-database.ts";
import { followClickHouse, shareClickHouse } from "../../src/store/clickhouse/shared-database.ts";
import type { FollowedStore } from "../../src/store/followed-store.ts";

const root = mkdtempSync(join(tmpdir(), "clicktally-orders-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
const writers = new Map<string, Promise<ClickQueueWriter>>();

/** The log of the order in which commits to the database count. */
export function orderLogs(database: string): OrderLogs {
  const path = join(root, `${database}.sqlite`);
  return new OrderLogs(
    async () => {
      await writerOf(database);
      return await openSqliteQueueReader({ path });
    },
    {
      partitionCount: 1,
      spread: 1,
      append: async (records) => await (await writerOf(database)).append(records),
      trim: async (partition, offset) => await (await writerOf(database)).trim(partition, offset),
      sizeBytes: async () => await (await writerOf(database)).sizeBytes(),
      // Others of this process write to it too.
      [Symbol.asyncDispose]: async () => {},
    },
  );
}

function writerOf(database: string): Promise<ClickQueueWriter> {
  const path = join(root, `${database}.sqlite`);
  let writer = writers.get(database);
  if (!writer) {
    writer = openSqliteQueueWriter({ path, partitionCount: 1, maxBytes: 1_000_000_000 });
    writers.set(database, writer);
  }
  return writer;
}

export function sharedOptions(options: DatabaseOptions): SharedClickHouseOptions {
  return { ...options, clock: systemClock, logs: orderLogs(options.database) };
}

export interface TestStoreOptions extends DatabaseOptions {
  /** Default: each opening is another life of the same process, which counts everything. */
  readonly instance?: string;
  readonly partitionCount?: number;
}

/** For all partitions that fall to the process. */
export async function openClickHouseStore(options: TestStoreOptions): Promise<ClickStore> {
  await using resources = new AsyncDisposableStack();
  const shared = resources.use(await shareClickHouse(sharedOptions(options)));
  const { instance = "one", partitionCount = 4 } = options;
  const member = resources.use(
    await shared.enter({ instance, partitionCount, onChange: () => {} }),
  );
  const store = resources.use(await member.open());
  const owned = resources.move();
  const close = store[Symbol.asyncDispose].bind(store);
  let isClosed = false;
  return Object.assign(store, {
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return await close();
      isClosed = true;
      await owned.disposeAsync();
    },
  });
}

export function followClickHouseStore(options: DatabaseOptions): Promise<FollowedStore> {
  return followClickHouse(sharedOptions(options));
}
