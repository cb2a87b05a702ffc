import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { writeLink } from "../../src/tracker/write-link.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { eventually } from "../support/eventually.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { booksOf } from "../support/service-books.ts";
import type { ServiceProcess } from "../support/service-process.ts";
import type { DeploymentOptions } from "./deployment.ts";
import { Deployment } from "./deployment.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";

const clickCount = 12_000;
const protectedDimensions =
  "{ country: { in: minute }, device: { in: minute }, user_id: { in: raw, store: hashed }, ip: { in: raw, store: truncated } }";
const batchSize = 300;
const trackerSecret = "a-secret-of-tests-that-is-long-enough";
const tracker = { CLICKTALLY_TRACKER_SECRETS: trackerSecret };

const missing = await missingForKafka();

if (missing === undefined)
  describe("processes of several roles over Kafka and ClickHouse", () => {
    let brokers: KafkaCluster;
    let store: ClickHouseServer;
    before(async () => {
      [brokers, store] = await Promise.all([KafkaCluster.start(3), ClickHouseServer.start()]);
    });
    after(async () => {
      await store[Symbol.asyncDispose]();
      await brokers[Symbol.asyncDispose]();
    });

    const deployed = (name: string, own: Partial<DeploymentOptions> = {}): Deployment =>
      new Deployment({
        ...own,
        name,
        brokers: brokers.brokers,
        storeUrls: [store.url],
        partitions: 4,
      });

    const send = async (to: ServiceProcess, clicks: readonly object[]): Promise<void> => {
      const lines = clicks.map((click) => JSON.stringify(click)).join("\n");
      // What is refused, or not answered, is sent again, as senders do.
      await eventually(
        "the batch is taken",
        async () => ((await to.post("/v1/clicks", lines)).status === 200 ? true : undefined),
        60_000,
      );
    };

    it("count each click once, whoever takes it in, and tell the same, through kill -9 of each and a store that is away", async () => {
      await using all = deployed("several", { dimensions: protectedDimensions });
      const endMs = Date.now();
      const range = `from=${endMs - 600_000}&to=${endMs + 3_600_000}`;
      const spread = { duplicateShare: 0.1, shuffledOverMs: 5_000, endMs, spanMs: 30_000 };
      const sent = liveClicks(11, { count: clickCount, ...spread });
      const distinct = new Map(sent.map((click) => [click["event_id"], click]));
      const expected = new Map<string, number>();
      for (const { ad_id } of distinct.values())
        expected.set(String(ad_id), (expected.get(String(ad_id)) ?? 0) + 1);

      // Nothing is made yet: all but the one that makes it wait for it.
      const query1 = await all.launch("query 1", "query");
      await eventually("it waits for the store", () =>
        query1.stderr.includes("is not made yet") ? true : undefined,
      );
      let [ingest1, aggregate, query2] = await Promise.all([
        all.start("ingest 1", "ingest"),
        all.start("aggregate", "aggregate"),
        all.start("query 2", "query"),
      ]);
      const ingest2 = await all.start("ingest 2", "ingest");
      await query1.ready();
      const batches = Array.from({ length: Math.ceil(sent.length / batchSize) }, (_, i) =>
        sent.slice(i * batchSize, (i + 1) * batchSize),
      );
      for (const [i, clicks] of batches.entries()) {
        if (i === 8) {
          await ingest1.kill();
          ingest1 = await all.start("ingest 1", "ingest");
        }
        if (i === 14) {
          await aggregate.kill();
          await store.revive();
          aggregate = await all.start("aggregate", "aggregate");
        }
        if (i === 20) {
          await query2.kill();
          await store.revive();
          query2 = await all.start("query 2", "query");
        }
        if (i === 26) {
          await store.kill();
          await isAway(query1);
        }
        if (i === 34) {
          await store.restart();
          await Promise.all([query1.ready(), query2.ready()]);
        }
        await send(i % 2 === 0 ? ingest1 : ingest2, clicks);
        // One that the other has taken in before.
        if (i > 0) await send(i % 2 === 0 ? ingest1 : ingest2, batches[i - 1]!.slice(0, 20));
      }
      const books = await booksOf(query1, range);
      assert.deepEqual(books.ads, expected);
      assert.equal(books.counted, distinct.size);
      assert.ok(books.received >= sent.length + 20 * (batches.length - 1));
      assert.deepEqual(await booksOf(query2, range), books);
      assert.deepEqual(await booksOf(aggregate, range), books);
      // Whoever hashes and whoever asks have the secret that the first has founded.
      const [user, clicks] = mostOf(distinct.values(), "user_id");
      for (const told of [query1, query2, aggregate]) {
        const byUser = await told.get<{ rows: { count: number }[] }>(
          `/v1/breakdown?${range}&filter=user_id==${user}`,
        );
        assert.deepEqual(
          byUser.rows.map(({ count }) => count),
          [clicks],
        );
      }
      const { rows } = await query1.get<{ rows: { user_id: string }[] }>(
        `/v1/breakdown?${range}&by=user_id&filter=user_id==${user}`,
      );
      assert.match(rows[0]!.user_id, /^h1\./);
      for (const id of ["ingest 1", "ingest 2", "query 1", "query 2"])
        assert.deepEqual(all.filesOf(id), []);
    });

    /** Neither ready nor answering, with the reason. */
    async function isAway(query: ServiceProcess): Promise<void> {
      await eventually("it is not ready", async () =>
        (await fetch(`${query.url}/readyz`)).status === 503 ? true : undefined,
      );
      const answer = await fetch(`${query.url}/v1/top?window=60`);
      const { code } = (await answer.json()) as { code: string };
      assert.deepEqual([answer.status, code], [503, "store_unavailable"]);
      assert.ok(answer.headers.has("retry-after"));
    }

    it("refuse what is another's to do, and say whose", async () => {
      await using all = deployed("refusing");
      const [ingest, aggregate, query] = await Promise.all([
        all.start("ingest", "ingest", tracker),
        all.start("aggregate", "aggregate", tracker),
        all.start("query", "query"),
      ]);
      const click = JSON.stringify({ ad_id: "a", event_id: "1", click_timestamp: Date.now() });
      const refusedTo = async (answer: Response): Promise<unknown> => {
        const { code, role } = (await answer.json()) as { code: string; role: string };
        assert.deepEqual([answer.status, code], [421, "other_role"]);
        return role;
      };
      const post = (to: ServiceProcess, path: string, body: string): Promise<Response> =>
        fetch(to.url + path, {
          method: "POST",
          body,
          headers: { "content-type": "application/json" },
        });
      assert.equal(await refusedTo(await post(aggregate, "/v1/clicks", click)), "ingest");
      assert.equal(await refusedTo(await post(query, "/v1/clicks", click)), "ingest");
      assert.equal(await refusedTo(await fetch(`${ingest.url}/v1/top?window=5`)), "query");
      assert.equal(await refusedTo(await fetch(`${ingest.url}/v1/status`)), "query");
      const attributes = JSON.stringify([{ ad_id: "a", campaign_id: "c" }]);
      assert.equal(await refusedTo(await post(query, "/v1/ads", attributes)), "aggregate");
      assert.equal(await refusedTo(await post(ingest, "/v1/ads", attributes)), "aggregate");
      const link = (to: ServiceProcess): string =>
        writeLink({ adId: "b", to: "https://shop.example/", fields: {} }, to.url, trackerSecret);
      const follow = (to: ServiceProcess) => fetch(link(to), { redirect: "manual" });
      assert.equal(await refusedTo(await follow(aggregate)), "ingest");
      assert.equal((await follow(ingest)).status, 302);
      // Not known here yet, and never.
      assert.equal((await post(ingest, "/v1/clicks?wait=counted", click)).status, 202);
      for (const own of [ingest, aggregate, query]) {
        assert.equal((await fetch(`${own.url}/healthz`)).status, 200);
        const metrics = await (await fetch(`${own.url}/metrics`)).text();
        assert.equal(metrics.includes("clicktally_queue_lag_clicks"), own !== ingest);
      }
      await query.caughtUp();
      const { ads } = await query.get<{ ads: unknown[] }>("/v1/top?window=5");
      assert.deepEqual(ads, [
        { rank: 1, ad_id: "a", count: 1 },
        { rank: 2, ad_id: "b", count: 1 },
      ]);
    });

    it("know of each commit what another one has told, and notice a store that hangs", async () => {
      await using all = deployed("telling");
      const [ingest, aggregate, query] = await Promise.all([
        all.start("ingest", "ingest"),
        all.start("aggregate", "aggregate"),
        all.start("query", "query"),
      ]);
      const asOf = async (): Promise<number> =>
        (await aggregate.get<{ as_of: number }>("/v1/status")).as_of;
      for (let i = 0; i < 10; i++) {
        const known = await asOf();
        await send(ingest, [{ ad_id: "a", event_id: `${i}`, click_timestamp: Date.now() }]);
        const told = await eventually("a commit", async () => {
          const now = await asOf();
          return now > known ? now : undefined;
        });
        for (const path of ["changes?follow=false&since", "top?window=5&as_of"]) {
          const asked = await fetch(`${query.url}/v1/${path}=${told}`);
          const body = await asked.text();
          // Its minutes are not final yet, which is another answer than that there is no such commit.
          assert.ok([200, 410].includes(asked.status), `${path}=${told}: ${asked.status} ${body}`);
        }
      }
      const answer = await fetch(`${query.url}/v1/top?window=5&as_of=${(await asOf()) + 1_000}`);
      assert.equal(answer.status, 400);

      process.kill(store.pid, "SIGSTOP");
      await isAway(query);
      process.kill(store.pid, "SIGCONT");
      await store.revive();
      await query.ready();
    });

    it("must know the partitions that there are", async () => {
      await using all = deployed("parted");
      await all.start("aggregate", "aggregate");
      const refused = await all.launch("query", "query", { CLICKTALLY_QUEUE_PARTITIONS: "3" });
      assert.notEqual((await refused.endedByItself()).code, 0);
      assert.match(refused.stderr, /topic parted has 4 partitions, the settings say 3/);
    });

    it("must know over how many partitions an ad's clicks are dealt", async () => {
      await using all = deployed("dealt");
      await all.start("aggregate", "aggregate", { CLICKTALLY_QUEUE_SPREAD: "2" });
      const refused = await all.launch("ingest", "ingest");
      assert.notEqual((await refused.endedByItself()).code, 0);
      assert.match(refused.stderr, /dealt with a spread of 2, the settings say 1/);
    });

    it("make time go on in silence, but not past clicks that another process takes in", async () => {
      await using all = deployed("silent");
      const [ingest, , query] = await Promise.all([
        all.start("ingest", "ingest"),
        all.start("aggregate", "aggregate"),
        all.start("query", "query"),
      ]);
      // A stream that is half a minute behind: a tick would make it late.
      const behindMs = 30_000;
      const startMs = Date.now();
      const endMs = performance.now() + 12_000;
      for (let i = 0; performance.now() < endMs; i++) {
        const lines = Array.from({ length: 40 }, (_, ad) => ({
          ad_id: `ad-${ad}`,
          event_id: `${i}`,
          click_timestamp: Date.now() - behindMs,
        }));
        await send(ingest, lines);
      }
      await query.caughtUp();
      const { watermark } = await query.get<{ watermark: string }>("/v1/status");
      // Before the stream there was silence.
      assert.ok(Date.parse(watermark) <= startMs, `${watermark}, ${startMs}`);
      // Now it falls silent.
      await eventually("the watermark goes on", async () => {
        const status = await query.get<{ watermark: string }>("/v1/status");
        return Date.now() - Date.parse(status.watermark) < behindMs - 5_000 ? true : undefined;
      });
    });
  });

/** The value of a field that most clicks have, and how many. */
function mostOf(
  clicks: Iterable<Readonly<Record<string, unknown>>>,
  field: string,
): readonly [value: string, count: number] {
  const groups = Map.groupBy(clicks, (click) => String(click[field]));
  const counts = Array.from(groups, ([value, own]) => [value, own.length] as const);
  return counts.toSorted((a, b) => b[1] - a[1])[0]!;
}
