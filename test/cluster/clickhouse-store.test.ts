import { createHash } from "node:crypto";
import { after, before } from "node:test";
import { openClickHouseStore } from "../support/clickhouse-store.ts";
import { describeClickStore } from "../contract/click-store.contract.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

describeClickStore("the ClickHouse store", (directory) =>
  openClickHouseStore({
    urls: [server.url],
    database: `t_${createHash("sha256").update(directory).digest("hex").slice(0, 16)}`,
  }),
);
