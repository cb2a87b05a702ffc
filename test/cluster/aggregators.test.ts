import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { OrderLog } from "../../src/order/order-log.ts";
import { OrderReader } from "../../src/order/order-reader.ts";
import { openKafkaQueueReader } from "../../src/queue/kafka/reader.ts";
import { Random } from "../../src/traffic/random.ts";
import { ClickHouseCluster } from "../support/clickhouse-cluster.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { HoldingProxy } from "../support/holding-proxy.ts";
import type { ServiceProcess } from "../support/service-process.ts";
import { CountedStream } from "./counted-stream.ts";
import { Deployment } from "./deployment.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";
import { noSecurity } from "./kafka-queue.ts";

const clickCount = 1_000_000;
/** Beside what dies, sleeps and is cut off each takes three times as long. */
const faultyClickCount = 400_000;
const partitions = 8;
const drainedWithinMs = 240_000;
/** Of ClickHouse, in docs/operations.md: two cores have two servers, three brokers and five processes to carry. */
const asAdvised = { CLICKTALLY_COMMIT_MAX_DELAY: "1s" };
const rangeOf = (startMs: number): string => `from=${startMs - 600_000}&to=${startMs + 3_600_000}`;

const missing = await missingForKafka();

/** Each answer of the service against the plain count. */
async function isCountedOnce(
  query: ServiceProcess,
  stream: CountedStream,
  range: string,
): Promise<void> {
  await eventually(
    "all is counted",
    async () => {
      const { partitions: all } = await query.get<{ partitions: { lag_clicks: number }[] }>(
        "/v1/status",
      );
      return all.every(({ lag_clicks }) => lag_clicks === 0) ? true : undefined;
    },
    drainedWithinMs,
  );
  // A process that follows says that the store is away where it has heard nothing of it for seconds, as on a busy machine.
  const told = <T>(path: string): Promise<T> => eventually(path, () => query.get<T>(path));
  interface Rows {
    readonly rows: readonly Record<string, string & number>[];
  }
  const countsBy = async (path: string, key: string): Promise<Map<string, number>> => {
    const { rows } = await told<Rows>(`/v1/breakdown?by=${path}&limit=1000&${range}`);
    return new Map(rows.map((row) => [row[key]!, row["count"]!]));
  };
  const { total, balanced } = await told<{
    total: Record<string, number>;
    balanced: boolean;
  }>(`/v1/ledger?${range}`);
  assert.equal(total["counted"]! + total["restated"]!, stream.distinct);
  assert.equal(balanced, true);
  assert.deepEqual(await countsBy("ad_id", "ad_id"), stream.byAd);
  assert.deepEqual(
    await countsBy("country&filter=device==mobile", "country"),
    stream.mobileByCountry,
  );
  const [user, count] = [...stream.byUser].reduce((a, b) => (b[1] > a[1] ? b : a));
  const ofUser = await countsBy(`user_id&filter=user_id==${user}`, "user_id");
  assert.deepEqual([...ofUser], [[user, count]]);
  const { ads } = await told<{ ads: { ad_id: string; count: number }[] }>(
    `/v1/top?topN=10&${range}`,
  );
  const best = [...stream.byAd].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  assert.deepEqual(
    ads.map(({ ad_id, count: n }) => [ad_id, n]),
    best.slice(0, 10),
  );
  const audit = await query.post<{ differing_rows: number; compared_rows: number }>(
    "/v1/admin/audit",
    "{}",
    "application/json",
  );
  assert.equal(audit.body.differing_rows, 0);
}

if (missing === undefined)
  describe("several processes that count over Kafka and ClickHouse", () => {
    let brokers: KafkaCluster;
    let store: ClickHouseCluster;
    before(async () => {
      [brokers, store] = await Promise.all([KafkaCluster.start(3), ClickHouseCluster.start(2)]);
    });
    after(async () => {
      await store[Symbol.asyncDispose]();
      await brokers[Symbol.asyncDispose]();
    });

    const deployed = (name: string, spread = 1): Deployment =>
      new Deployment({
        name,
        brokers: brokers.brokers,
        storeUrls: store.urls,
        storeCluster: store.name,
        partitions,
        spread,
      });

    /** As of all that is in its log. */
    async function orderOf(name: string): Promise<OrderReader> {
      const options = { brokers: brokers.brokers, replicas: 3, security: noSecurity };
      const topic = { ...options, topic: `${name}.order`, partitionCount: 1, spread: 1 };
      return await OrderReader.open(new OrderLog(await openKafkaQueueReader(topic)), undefined);
    }

    it("count each click of a million once, and share the partitions", async () => {
      await using all = deployed("shared");
      const [ingest, , , , query] = await Promise.all([
        all.start("ingest", "ingest"),
        ...["a", "b", "c"].map((id) => all.start(`aggregate ${id}`, "aggregate", asAdvised)),
        all.start("query", "query"),
      ]);
      const startMs = Date.now();
      const stream = new CountedStream(new Random(21));
      await stream.send(clickCount, ingest, async () => {});
      await isCountedOnce(query!, stream, rangeOf(startMs));
      const reader = await orderOf("shared");
      await using _ = reader.log;
      const { order } = reader;
      const shares = order.memberNames.map((name) => order.termsOf(name).size);
      assert.deepEqual(shares.toSorted(), [2, 3, 3]);
    });

    it("count each click once through deaths, sleep and cuts of anything at any moment", async (context) => {
      const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1e9);
      context.diagnostic(`TEST_SEED=${seed} makes the same choices again`);
      const random = new Random(seed);
      // Every ad lies in half of the partitions.
      await using all = deployed("faulty", partitions / 2);
      await using resources = new AsyncDisposableStack();
      const proxies: CuttingProxy[] = [];
      const late: HoldingProxy[] = [];
      for (const { port } of store.shards) {
        const cutAfter = () => random.below(random.pick([1_000_000, 500_000_000]));
        proxies.push(resources.use(await CuttingProxy.start(port, cutAfter)));
        late.push(resources.use(await HoldingProxy.start(port)));
      }
      const over = (own: readonly { readonly url: string }[]) => ({
        CLICKTALLY_STORE_URLS: own.map(({ url }) => url).join(","),
      });
      const ingest = await all.start("ingest", "ingest");
      let killed = await all.start("aggregate killed", "aggregate");
      const sleeper = await all.start("aggregate that sleeps", "aggregate", over(late));
      await all.start("aggregate that is cut off", "aggregate", over(proxies));
      const query = await all.start("query", "query");
      const reader = await orderOf("faulty");
      await using _ = reader.log;

      /** Rows that count for nothing, whoever wrote them. */
      const voidRows = async (): Promise<number> => {
        await reader.readAll();
        const voids = reader.order.voids.map(([from, to]) => `sequence BETWEEN ${from} AND ${to}`);
        if (voids.length === 0) return 0;
        return Number(
          await store.query(
            `SELECT count() FROM cluster('${store.name}', faulty.click) WHERE ${voids.join(" OR ")}`,
          ),
        );
      };
      const secret = readFileSync(join(all.directoryOf("aggregate that sleeps"), "secret"));
      const instance = createHash("sha256").update(secret).digest("hex");
      /** What it has begun to commit; undefined while it is out. */
      const begunBySleeper = async (): Promise<readonly number[] | undefined> => {
        await reader.readAll();
        const own = reader.order.state.members.find((member) => member.instance === instance);
        return own?.reserved.map(({ sequence }) => sequence);
      };
      const until = (
        what: string,
        isSo: (begun: readonly number[] | undefined) => boolean,
        deadlineMs = 60_000,
      ): Promise<true> =>
        eventually(what, async () => (isSo(await begunBySleeper()) ? true : undefined), deadlineMs);
      /** Nothing that it says arrives any more; where that meets it between two commits it is let go on. */
      const holdAmidCommit = async (): Promise<void> => {
        for (let tries = 1; ; tries++) {
          await until("it commits", (begun) => begun !== undefined && begun.length > 0);
          for (const own of late) own.hold();
          let stuck = { sequence: 0, sinceMs: 0 };
          const isStuck = until(
            "a commit of its does not get on",
            (begun) => {
              const [sequence = 0] = begun ?? [];
              if (sequence !== stuck.sequence) stuck = { sequence, sinceMs: performance.now() };
              return sequence > 0 && performance.now() - stuck.sinceMs > 1_000;
            },
            5_000,
          );
          if (await isStuck.catch(() => tries === 20)) return;
          for (const own of late) own.release();
        }
      };
      /** Amid a commit, past the time after which it is taken for dead, and awake again. */
      const fallAsleep = async (): Promise<void> => {
        await holdAmidCommit();
        process.kill(-sleeper.child.pid!, "SIGSTOP");
        await until("it is expelled", (begun) => begun === undefined);
        const known = await voidRows();
        process.kill(-sleeper.child.pid!, "SIGCONT");
        for (const own of late) own.release();
        await until("it is back", (begun) => begun !== undefined);
        await eventually("it writes what it had in hand", async () =>
          (await voidRows()) > known ? true : undefined,
        );
      };
      const faults: [what: string, act: () => Promise<unknown>][] = [
        ["one sleeps", fallAsleep],
        [
          "one is killed and comes back",
          async () => {
            await killed.kill();
            killed = await all.launch("aggregate killed", "aggregate");
          },
        ],
        ["one joins", () => all.launch("aggregate that joins", "aggregate")],
        [
          "a broker dies and comes back",
          async () => {
            const id = 1 + random.below(3);
            await brokers.kill(id);
            brokers.startBroker(id);
          },
        ],
        [
          "a shard of the store dies and comes back",
          async () => {
            const shard = random.pick(store.shards);
            await shard.kill();
            await shard.restart();
          },
        ],
        ["one sleeps again", fallAsleep],
      ];
      const startMs = Date.now();
      const stream = new CountedStream(random);
      const between = faultyClickCount / 2_000 / (faults.length + 1);
      let batches = 0;
      let acting: Promise<unknown> | undefined;
      await stream.send(faultyClickCount, ingest, async () => {
        if (++batches < between || faults.length === 0) {
          if (!acting) await store.revive();
          return;
        }
        batches = 0;
        await acting;
        const [[what, act]] = faults.splice(random.below(faults.length), 1) as [(typeof faults)[0]];
        context.diagnostic(`after ${stream.distinct} clicks ${what}`);
        // While clicks come.
        acting = act().finally(() => (acting = undefined));
      });
      await acting;
      const reviving = setInterval(() => void store.revive(), 1_000);
      try {
        await isCountedOnce(query, stream, rangeOf(startMs));
      } finally {
        clearInterval(reviving);
      }
      const cuts = proxies.reduce((sum, own) => sum + own.cuts, 0);
      context.diagnostic(`${cuts} cuts, ${await voidRows()} void rows`);
      assert.ok(cuts > 0);
      for (const shard of store.shards) {
        const own = await shard.query("SELECT uniqExact(partition) FROM faulty.click");
        assert.equal(own, String(partitions / 2), `partitions at ${shard.url}`);
      }
    });
  });
