import { createHash } from "node:crypto";
import { after, before, describe } from "node:test";
import { openClickHouseStore } from "../support/clickhouse-store.ts";
import { describeClickStore } from "../contract/click-store.contract.ts";
import type { OpenStore } from "../contract/click-store/harness.ts";
import { describeParts } from "../contract/click-store/parts.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

// Two at a time: each has a database of its own, and one server or the other is idle else.
describe("the ClickHouse store", { concurrency: 2 }, () => {
  const open: OpenStore = (directory) =>
    openClickHouseStore({
      urls: [server.url],
      database: `t_${createHash("sha256").update(directory).digest("hex").slice(0, 16)}`,
    });
  describeClickStore("the ClickHouse store", open);
  describeParts("the ClickHouse store", open);
});
