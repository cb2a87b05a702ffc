/** A ClickHouse database that several processes write to, and those that only read. */

import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock/clock.ts";
import type { OrderLogs } from "../../order/order-log.ts";
import type { OrderSnapshot } from "../../order/order-reader.ts";
import type { FollowedStore } from "../followed-store.ts";
import type {
  CountingStore,
  OpenCountingOptions,
  OpenFollowedOptions,
  OrderedDatabase,
} from "../ordered/ordered-database.ts";
import { followDatabase, readShared, shareDatabase } from "../ordered/share-database.ts";
import type { SharedStore } from "../shared-store.ts";
import { ClickHouseStore } from "./clickhouse-store.ts";
import type { Database, DatabaseOptions } from "./database.ts";
import { forgetErasedValues } from "./erase.ts";
import { FollowedClickHouseStore } from "./followed-store.ts";
import { findDatabase, openDatabase, readIds } from "./open.ts";
import { readOrderSnapshot } from "./order-snapshot.ts";
import { loadState } from "./state.ts";

export interface SharedClickHouseOptions extends DatabaseOptions {
  readonly clock: Clock;
  /** Its own from here on, also where it can't be opened. */
  readonly logs: OrderLogs;
  /** See CountingOptions. */
  readonly purgeAfterMs?: number;
}

/** What asks for newer commits all the time has small answers to wait for. */
const lookSilenceMsMax = 5_000;
const secretBytes = 32;

/** Makes the database where there is none. Rejects with `data_format_newer`, `data_corrupt` or `store_unavailable`. */
export async function shareClickHouse(options: SharedClickHouseOptions): Promise<SharedStore> {
  const { logs, clock } = options;
  await using resources = new AsyncDisposableStack();
  resources.use(logs);
  const database = new ClickHouseDatabase(await openDatabase(options), options.purgeAfterMs);
  resources.move();
  return await shareDatabase(database, logs, clock, randomBytes(secretBytes));
}

/** For who only reads. Rejects with `store_unavailable` where it is away, or not made yet. */
export async function followClickHouse(
  options: Omit<SharedClickHouseOptions, "clock" | "purgeAfterMs">,
): Promise<FollowedStore> {
  await using database = new ClickHouseDatabase(await findDatabase(options));
  return await followDatabase(database, options.logs);
}

/** See readShared. */
export async function readSharedClickHouse(
  options: Omit<SharedClickHouseOptions, "clock" | "purgeAfterMs">,
  noteName: string,
): Promise<{ readonly secret: Uint8Array; readonly text: string }> {
  await using logs = options.logs;
  await using database = new ClickHouseDatabase(await findDatabase(options));
  return await readShared(database, logs, noteName);
}

class ClickHouseDatabase implements OrderedDatabase {
  readonly name: string;
  private readonly database: Database;
  private readonly purgeAfterMs: number;

  /** `database`: its own from here on. */
  constructor(database: Database, purgeAfterMs = 0) {
    this.name = database.name;
    this.database = database;
    this.purgeAfterMs = purgeAfterMs;
  }

  readIds(): Promise<readonly string[]> {
    return readIds(this.database);
  }

  readOrderSnapshot(): Promise<OrderSnapshot | undefined> {
    return readOrderSnapshot(this.database);
  }

  async lastWritten(): Promise<number> {
    const { connection, tables } = this.database;
    const [row] = await connection.rows(`SELECT max(sequence) FROM ${tables.rows("commit_log")}`);
    return row![0] as number;
  }

  async openCounting({ isAlone, ...own }: OpenCountingOptions): Promise<CountingStore> {
    const { purgeAfterMs } = this;
    await using resources = new AsyncDisposableStack();
    const database = resources.use(this.database.other({}));
    if (isAlone) await forgetErasedValues(database);
    const state = await loadState(database, own.member.reader.order);
    resources.move();
    return new ClickHouseStore({ ...own, database, state, purgeAfterMs });
  }

  async openFollowed(own: OpenFollowedOptions): Promise<FollowedStore> {
    await using resources = new AsyncDisposableStack();
    const database = resources.use(this.database.other({}));
    const looking = resources.use(database.other({ silenceMsMax: lookSilenceMsMax }));
    const state = await loadState(database, own.reader.order);
    resources.move();
    return new FollowedClickHouseStore({ ...own, database, looking, state });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]();
  }
}
