/** Opens the click store that the settings name, and keeps a data directory to the one it began with. Only its driver is loaded. */

import { existsSync } from "node:fs";
import { systemClock } from "../clock/system-clock.ts";
import { readLogged } from "../config/config-log.ts";
import type { Settings } from "../config.ts";
import type { ProtectionSettings } from "../ingest/protect-batch.ts";
import { CodedError } from "../model/errors.ts";
import { OrderLogs } from "../order/order-log.ts";
import type { DatabaseOptions } from "../store/clickhouse/database.ts";
import type { ClickStore } from "../store/click-store.ts";
import type { FollowedStore } from "../store/followed-store.ts";
import type { SharedStore } from "../store/shared-store.ts";
import type { StoreCopies } from "../store/store-copies.ts";
import type { StoreExports } from "../store/store-exports.ts";
import type { MovableStore, MovedDimensions, MovePlan, MoveTarget } from "../store/store-moves.ts";
import { settingsNote } from "./settings-note.ts";
import { keepTo, otherKind } from "./kept-identity.ts";
import { openOrderReader, openOrderWriter } from "./open-queue.ts";

/** One in the data directory, which this process alone commits to. */
export interface OwnStore {
  readonly store: ClickStore;
  readonly files: StoreCopies & StoreExports;
  readonly movable: MovableStore;
}

/** More than a process that follows goes on answering where it can't follow. */
const purgeAfterMs = 4_000;

interface OwnStoreOptions {
  readonly path: string;
  /** Of the file that names the database of another kind of store. */
  readonly databasePath: string;
  /** Threads of its own. */
  readonly threads: number;
  readonly warn: (message: string) => void;
}

export async function openOwnStore(
  { memoryBytesMax }: Settings["store"],
  { path, databasePath, threads, warn }: OwnStoreOptions,
): Promise<OwnStore> {
  if (existsSync(databasePath)) throw otherKind("store.kind", "clickhouse");
  const { openDuckDbStore } = await import("../store/duckdb/duckdb-store.ts");
  const opened = await openDuckDbStore({ path, memoryBytesMax, threads, warn });
  return { store: opened, files: opened, movable: opened };
}

interface SharedStoreOptions {
  /** Of the queue in the data directory, or beside which it would be. */
  readonly queuePath: string;
  /** Of the embedded store. */
  readonly storePath: string;
  /** Of the file that names the database. */
  readonly databasePath: string;
}

export async function openSharedStore(
  { queue, store }: Pick<Settings, "queue" | "store">,
  { queuePath, storePath, databasePath }: SharedStoreOptions,
): Promise<SharedStore> {
  if (existsSync(storePath)) throw otherKind("store.kind", "duckdb");
  const { shareClickHouse } = await import("../store/clickhouse/shared-database.ts");
  const { database } = store;
  const shared = await shareClickHouse({
    ...addressOf(store),
    purgeAfterMs,
    clock: systemClock,
    logs: new OrderLogs(
      () => openOrderReader(queue, queuePath),
      await openOrderWriter(queue, queuePath),
    ),
  });
  try {
    const found = { name: database, id: shared.id };
    await keepTo(databasePath, { what: "database", field: "store.database" }, found);
    return shared;
  } catch (error) {
    await shared[Symbol.asyncDispose]();
    throw error;
  }
}

function addressOf({
  urls,
  database,
  cluster,
  username,
  password,
}: Settings["store"]): DatabaseOptions {
  return { urls, database, username, password, ...(cluster !== "" && { cluster }) };
}

/** That other processes commit to. */
export async function followStore({
  queue,
  store,
}: Pick<Settings, "queue" | "store">): Promise<FollowedStore> {
  const { followClickHouse } = await import("../store/clickhouse/shared-database.ts");
  return await followClickHouse({
    ...addressOf(store),
    logs: new OrderLogs(() => openOrderReader(queue, undefined)),
  });
}

/** How clicks are protected that others count. Rejects with `store_unavailable` also where nobody does it with such settings yet. */
export async function readProtection({
  queue,
  store,
}: Pick<Settings, "queue" | "store">): Promise<ProtectionSettings> {
  const { readSharedClickHouse } = await import("../store/clickhouse/shared-database.ts");
  const logs = new OrderLogs(() => openOrderReader(queue, undefined));
  const { secret, text } = await readSharedClickHouse({ ...addressOf(store), logs }, settingsNote);
  const file = { path: "the record of the settings", read: async () => text, write: unwritten };
  const { keyedIdsFromMinute } = (await readLogged(file, true))!.config;
  if (keyedIdsFromMinute !== undefined) return { secret, keyedIdsFromMinute };
  const message = "no process that counts has been given dimensions that are hashed or truncated";
  throw new CodedError("store_unavailable", message);
}

function unwritten(): never {
  throw new TypeError("this process only reads the settings");
}

/** To be moved into. */
export async function openMoveTarget(
  { store }: Pick<Settings, "store">,
  plan: MovePlan,
  dimensions: MovedDimensions,
): Promise<MoveTarget> {
  const target = await import("../store/clickhouse/move-target.ts");
  return await target.openMoveTarget(addressOf(store), plan, dimensions);
}

/** What processes that share a store know each other by: a note. */
export async function foundingNotes(
  databaseId: string,
  secret: Uint8Array,
): Promise<readonly (readonly [name: string, text: string])[]> {
  const { foundingNote } = await import("../store/ordered/share-database.ts");
  return [foundingNote({ database: databaseId, secret: Buffer.from(secret).toString("hex") })];
}
