import { createHash } from "node:crypto";
import { after, before, describe } from "node:test";
import { openClickHouseStore } from "../support/clickhouse-store.ts";
import { describeClickStore } from "../contract/click-store.contract.ts";
import { ClickHouseCluster } from "../support/clickhouse-cluster.ts";

let cluster: ClickHouseCluster;
before(async () => {
  cluster = await ClickHouseCluster.start(2);
});
after(() => cluster[Symbol.asyncDispose]());

// Most of it is waiting for one server or another: two at a time take little more than half as long.
describe("the ClickHouse store over two shards", { concurrency: 2 }, () =>
  describeClickStore("the ClickHouse store over two shards", (directory) =>
    openClickHouseStore({
      urls: cluster.urls,
      cluster: cluster.name,
      database: `t_${createHash("sha256").update(directory).digest("hex").slice(0, 16)}`,
    }),
  ),
);
