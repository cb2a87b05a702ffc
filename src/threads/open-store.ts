/** Opens the click store that the settings name, and keeps a data directory to the one it began with. Only its driver is loaded. */

import { existsSync } from "node:fs";
import type { Settings } from "../config.ts";
import type { ClickStore } from "../store/click-store.ts";
import type { FollowedStore } from "../store/followed-store.ts";
import type { StoreCopies } from "../store/store-copies.ts";
import type { StoreExports } from "../store/store-exports.ts";
import { keepTo, otherKind } from "./kept-identity.ts";

type StoreSettings = Settings["store"];

export interface OpenedStore {
  readonly store: ClickStore;
  /** Of a store that is in the data directory. */
  readonly files?: StoreCopies & StoreExports;
}

/** More than a process that follows goes on answering where it can't follow. */
const purgeAfterMs = 4_000;

interface OpenOptions {
  /** Of the embedded store. */
  readonly path: string;
  /** Of the file that names the database, else. */
  readonly databasePath: string;
  /** Threads of the embedded store's own. */
  readonly threads: number;
  readonly warn: (message: string) => void;
}

export async function openStore(store: StoreSettings, options: OpenOptions): Promise<OpenedStore> {
  const { path, databasePath, threads, warn } = options;
  if (store.kind === "clickhouse") return { store: await openClickHouse(store, options) };
  if (existsSync(databasePath)) throw otherKind("store.kind", "clickhouse");
  const { memoryBytesMax } = store;
  const { openDuckDbStore } = await import("../store/duckdb/duckdb-store.ts");
  const opened = await openDuckDbStore({ path, memoryBytesMax, threads, warn });
  return { store: opened, files: opened };
}

async function openClickHouse(
  { urls, database, username, password }: StoreSettings,
  { path, databasePath }: OpenOptions,
): Promise<ClickStore> {
  if (existsSync(path)) throw otherKind("store.kind", "duckdb");
  const { openClickHouseStore } = await import("../store/clickhouse/clickhouse-store.ts");
  const options = { urls, database, username, password, purgeAfterMs };
  const opened = await openClickHouseStore(options);
  try {
    const found = { name: database, id: opened.databaseId };
    await keepTo(databasePath, { what: "database", field: "store.database" }, found);
    return opened;
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** That another process commits to. */
export async function followStore({
  urls,
  database,
  username,
  password,
}: StoreSettings): Promise<FollowedStore> {
  const { followClickHouseStore } = await import("../store/clickhouse/followed-store.ts");
  return await followClickHouseStore({ urls, database, username, password });
}
