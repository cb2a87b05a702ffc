import { createHash } from "node:crypto";
import { after, before, describe } from "node:test";
import { openClickHouseStore } from "../support/clickhouse-store.ts";
import { describeClickStore } from "../contract/click-store.contract.ts";
import type { OpenStore } from "../contract/click-store/harness.ts";
import { describeParts } from "../contract/click-store/parts.ts";
import { ClickHouseCluster } from "../support/clickhouse-cluster.ts";

let cluster: ClickHouseCluster;
before(async () => {
  cluster = await ClickHouseCluster.start(2);
});
after(() => cluster[Symbol.asyncDispose]());

/** A small statement takes two to three times as long as on one server, since each of both analyses it. */
const fewRepetitions = { randomRuns: 4, pageSizes: [3] };

// Two at a time: each has a database of its own, and one server or the other is idle else.
describe("the ClickHouse store over two shards", { concurrency: 2 }, () => {
  const open: OpenStore = (directory) =>
    openClickHouseStore({
      urls: cluster.urls,
      cluster: cluster.name,
      database: `t_${createHash("sha256").update(directory).digest("hex").slice(0, 16)}`,
    });
  describeClickStore("the ClickHouse store over two shards", open, fewRepetitions);
  describeParts("the ClickHouse store over two shards", open);
});
