/** A database on one server, or on the shards of a cluster: who is asked, and where a partition's rows are. */

import { randomInt } from "node:crypto";
import type { ClickHouseOptions } from "./connection.ts";
import { Connection } from "./connection.ts";
import { findShards } from "./shards.ts";
import { Tables } from "./tables.ts";

export interface DatabaseOptions extends ClickHouseOptions {
  /** Of whose shards `urls` has a server each; undefined: one server, whose addresses these are. */
  readonly cluster?: string;
}

export class Database implements AsyncDisposable {
  readonly tables: Tables;
  /** For what reads: of all shards, whichever server is asked. */
  readonly connection: Connection;
  /** In their order. What changes anything is asked of each by itself. */
  readonly shards: readonly Connection[];
  private readonly options: DatabaseOptions;

  private constructor(options: DatabaseOptions, urls: readonly (readonly string[])[]) {
    this.options = options;
    this.tables = new Tables(options.database, options.cluster);
    if (options.cluster === undefined) {
      this.connection = new Connection(options);
      this.shards = [this.connection];
      return;
    }
    // Whom all ask first would have more to do than the others.
    const first = randomInt(options.urls.length);
    const fromFirst = [...options.urls.slice(first), ...options.urls.slice(0, first)];
    this.connection = new Connection({ ...options, urls: fromFirst });
    this.shards = urls.map((own) => new Connection({ ...options, urls: own }));
  }

  /** Rejects with `store_unavailable` where a server is away that has to say which shard it is. */
  static async connect(options: DatabaseOptions): Promise<Database> {
    const { cluster, urls } = options;
    return new Database(
      options,
      cluster === undefined ? [urls] : await findShards(options, cluster),
    );
  }

  get name(): string {
    return this.tables.database;
  }

  /** The same servers, asked of something else or otherwise, over connections of its own. */
  other(changes: Partial<Pick<DatabaseOptions, "database" | "silenceMsMax">>): Database {
    const urls = this.shards.map((shard) => shard.urls);
    return new Database({ ...this.options, ...changes }, urls);
  }

  /** The same for the life of a database, see open.ts. */
  shardOf(partition: number): number {
    return partition % this.shards.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = new Set([this.connection, ...this.shards]);
    await Promise.all([...all].map((own) => own[Symbol.asyncDispose]()));
  }
}
