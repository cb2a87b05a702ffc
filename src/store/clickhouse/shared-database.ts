/** A ClickHouse database that several processes write to, and those that only read. */

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
import { followDatabase, shareDatabase } from "../ordered/share-database.ts";
import type { SharedStore } from "../shared-store.ts";
import { ClickHouseStore } from "./clickhouse-store.ts";
import type { ClickHouseOptions } from "./connection.ts";
import { Connection } from "./connection.ts";
import { forgetErasedValues } from "./erase.ts";
import { FollowedClickHouseStore } from "./followed-store.ts";
import { findDatabase, openDatabase, readIds } from "./open.ts";
import { readOrderSnapshot } from "./order-snapshot.ts";
import { loadState } from "./state.ts";

export interface SharedClickHouseOptions extends ClickHouseOptions {
  readonly clock: Clock;
  /** Its own from here on, also where it can't be opened. */
  readonly logs: OrderLogs;
  /** See CountingOptions. */
  readonly purgeAfterMs?: number;
}

/** What asks for newer commits all the time has small answers to wait for. */
const lookSilenceMsMax = 5_000;

/** Makes the database where there is none. Rejects with `data_format_newer`, `data_corrupt` or `store_unavailable`. */
export async function shareClickHouse(options: SharedClickHouseOptions): Promise<SharedStore> {
  const { logs, clock } = options;
  await using resources = new AsyncDisposableStack();
  resources.use(logs);
  const database = new ClickHouseDatabase(await openDatabase(options), options);
  resources.move();
  return await shareDatabase(database, logs, clock);
}

/** For who only reads. Rejects with `store_unavailable` where it is away, or not made yet. */
export async function followClickHouse(
  options: Omit<SharedClickHouseOptions, "clock" | "purgeAfterMs">,
): Promise<FollowedStore> {
  await using database = new ClickHouseDatabase(await findDatabase(options), options);
  return await followDatabase(database, options.logs);
}

class ClickHouseDatabase implements OrderedDatabase {
  readonly name: string;
  private readonly connection: Connection;
  private readonly options: ClickHouseOptions & { readonly purgeAfterMs?: number };

  /** `connection`: its own from here on. */
  constructor(
    connection: Connection,
    options: ClickHouseOptions & { readonly purgeAfterMs?: number },
  ) {
    this.name = options.database;
    this.connection = connection;
    this.options = options;
  }

  readIds(): Promise<readonly string[]> {
    return readIds(this.connection);
  }

  readOrderSnapshot(): Promise<OrderSnapshot | undefined> {
    return readOrderSnapshot(this.connection);
  }

  async lastWritten(): Promise<number> {
    const [row] = await this.connection.rows("SELECT max(sequence) FROM commit_log");
    return row![0] as number;
  }

  async openCounting({ isAlone, ...own }: OpenCountingOptions): Promise<CountingStore> {
    const { options } = this;
    await using resources = new AsyncDisposableStack();
    const connection = resources.use(new Connection(options));
    if (isAlone) await forgetErasedValues(connection);
    const state = await loadState(connection, own.member.reader.order);
    resources.move();
    const purgeAfterMs = options.purgeAfterMs ?? 0;
    return new ClickHouseStore({ ...own, connection, state, purgeAfterMs });
  }

  async openFollowed(own: OpenFollowedOptions): Promise<FollowedStore> {
    const { options } = this;
    await using resources = new AsyncDisposableStack();
    const connection = resources.use(new Connection(options));
    const looking = resources.use(new Connection({ ...options, silenceMsMax: lookSilenceMsMax }));
    const state = await loadState(connection, own.reader.order);
    resources.move();
    return new FollowedClickHouseStore({ ...own, connection, looking, state });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]();
  }
}
