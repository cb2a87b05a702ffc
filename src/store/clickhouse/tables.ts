/**
 * How statements name what they read. The rows of a database lie on one server, or spread over the shards of a cluster, where
 * a statement that any server is asked reads all of them.
 */

import { literal, quoted } from "./connection.ts";

export class Tables {
  readonly database: string;
  readonly cluster: string | undefined;

  constructor(database: string, cluster: string | undefined) {
    this.database = database;
    this.cluster = cluster;
  }

  /** A table on whichever server comes to it. */
  of(table: string): string {
    return `${quoted(this.database)}.${quoted(table)}`;
  }

  /** Its rows on all shards. */
  rows(table: string, condition = "1"): string {
    return this.everywhere(`SELECT * FROM ${this.of(table)} WHERE ${condition}`);
  }

  /**
   * The rows that a query has on each shard, as one table. Each answers it by itself: what it joins has to lie together, as all
   * rows of a partition do, or be read by `everywhere` again. Asked of this table alone, sums and orders are prepared on the
   * shards; where it is joined it has to be within a query of its own, for else the join is sent to each of them.
   */
  everywhere(query: string): string {
    if (this.cluster === undefined) return `(${query})`;
    return `cluster(${literal(this.cluster)}, view(${query}))`;
  }
}
