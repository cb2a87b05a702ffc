import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { eventually } from "../support/eventually.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { booksOf } from "../support/service-books.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const clickCount = 12_000;
const batchSize = 300;

describe("a service whose store is a ClickHouse database", () => {
  let server: ClickHouseServer;
  before(async () => {
    server = await ClickHouseServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  const envOf = (database: string): Record<string, string> => ({
    CLICKTALLY_STORE_KIND: "clickhouse",
    // Nobody is at the first.
    CLICKTALLY_STORE_URLS: `http://127.0.0.1:1,${server.url}`,
    CLICKTALLY_STORE_DATABASE: database,
    CLICKTALLY_QUEUE_PARTITIONS: "2",
  });

  it("takes clicks while its store is away, also through a restart of its own, and counts each once afterwards", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const env = envOf("away");
    const endMs = Date.now();
    const range = `from=${endMs - 600_000}&to=${endMs + 3_600_000}`;
    const spread = { duplicateShare: 0.1, shuffledOverMs: 5_000, endMs, spanMs: 30_000 };
    const sent = liveClicks(7, { count: clickCount, ...spread });
    const distinct = new Map(sent.map((click) => [click["event_id"], click]));
    const expected = new Map<string, number>();
    for (const { ad_id } of distinct.values())
      expected.set(String(ad_id), (expected.get(String(ad_id)) ?? 0) + 1);
    const send = async (to: ServiceProcess, from: number, end: number): Promise<void> => {
      for (let at = from; at < end; at += batchSize) {
        const lines = sent.slice(at, at + batchSize).map((click) => JSON.stringify(click));
        assert.equal((await to.post("/v1/clicks", lines.join("\n"))).status, 200);
      }
    };
    let service = await ServiceProcess.start({ dataDir, env });
    try {
      await send(service, 0, 3_000);
      await server.kill();
      await send(service, 3_000, 6_000);
      const answer = await fetch(
        `${service.url}/v1/breakdown?by=user_id&${range}&filter=user_id!=x`,
      );
      const problem = (await answer.json()) as { code: string };
      assert.deepEqual([answer.status, problem.code], [503, "store_unavailable"]);
      assert.ok(answer.headers.has("retry-after"));
      await service.kill();
      service = await ServiceProcess.launch({ dataDir, env });
      await eventually("it takes clicks", async () =>
        (await fetch(`${service.url}/readyz`)).status === 503 ? true : undefined,
      );
      await send(service, 6_000, 9_000);
      assert.match(service.stderr, /the start waits: ClickHouse can't be reached/);
      await server.restart();
      await service.ready();
      await send(service, 9_000, sent.length);
      const books = await booksOf(service, range);
      assert.deepEqual(books.ads, expected);
      assert.equal(books.counted, distinct.size);
      assert.equal(books.received, sent.length);
      service.terminate();
      await service.ended;
      service = await ServiceProcess.start({ dataDir, env });
      assert.deepEqual(await booksOf(service, range), books);
    } finally {
      await service[Symbol.asyncDispose]();
    }
  });

  it("keeps a data directory to its database, and tells of what its store can't do", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    {
      await using service = await ServiceProcess.start({ dataDir, env: envOf("mine") });
      for (const path of ["/v1/admin/backup", "/v1/admin/export"]) {
        const body = JSON.stringify({
          dir: join(dataDir, "files"),
          ...(path.endsWith("export") && { what: "minutes", format: "csv", from: "1d" }),
        });
        const answer = await service.post<{ detail: string }>(path, body, "application/json");
        assert.equal(answer.status, 400, JSON.stringify(answer.body));
      }
    }
    const refusedWith = async (env: Record<string, string>): Promise<string> => {
      await using service = await ServiceProcess.launch({ dataDir, env });
      assert.notEqual((await service.endedByItself()).code, 0);
      return service.stderr;
    };
    assert.match(await refusedWith(envOf("another")), /of another database than another is/);
    assert.match(
      await refusedWith({ CLICKTALLY_QUEUE_PARTITIONS: "2" }),
      /was made with store\.kind clickhouse/,
    );
    await server.query("DROP DATABASE mine SYNC");
    assert.match(await refusedWith(envOf("mine")), /of another database than mine is by now/);
  });

  it("does not begin where its log lacks what the database has counted", async () => {
    await using one = await temporaryDirectory();
    await using other = await temporaryDirectory();
    const env = envOf("contested");
    await using service = await ServiceProcess.start({ dataDir: one.path, env });
    const click = (ad_id: string) =>
      JSON.stringify({ ad_id, event_id: ad_id, click_timestamp: Date.now() });
    await service.post("/v1/clicks?wait=counted", click("a"));
    await using refused = await ServiceProcess.launch({ dataDir: other.path, env });
    assert.equal((await refused.endedByItself()).code, 3);
    assert.match(
      refused.stderr,
      /the order of commits ends with commit 0, the database contested has/,
    );
    const { status, body } = await service.post<{ counted: number }>(
      "/v1/clicks?wait=counted",
      click("b"),
    );
    assert.deepEqual([status, body.counted], [200, 1]);
  });
});
