import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Random } from "../../src/traffic/random.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { eventually } from "../support/eventually.ts";
import type { SentClick } from "../support/live-clicks.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { booksOf } from "../support/service-books.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";

const clickCount = 100_000;
const batchSize = 500;
const deaths = 9;

const missing = await missingForKafka();

if (missing === undefined)
  describe("a service between Kafka and ClickHouse", () => {
    let cluster: KafkaCluster;
    let server: ClickHouseServer;
    before(async () => {
      [cluster, server] = await Promise.all([KafkaCluster.start(3), ClickHouseServer.start()]);
    });
    after(() => Promise.all([cluster[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]));

    it("counts every click once while brokers, the database and the service itself are killed at random", async (context) => {
      const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1e9);
      context.diagnostic(`seed ${seed}`);
      const random = new Random(seed);
      await using directory = await temporaryDirectory();
      const options = {
        dataDir: directory.path,
        env: {
          CLICKTALLY_QUEUE_KIND: "kafka",
          CLICKTALLY_QUEUE_BROKERS: cluster.brokers.join(","),
          CLICKTALLY_QUEUE_PARTITIONS: "8",
          // While brokers are away it is quiet for long; no click is late for that.
          CLICKTALLY_WATERMARK_ALLOWED_LATENESS: "15m",
          CLICKTALLY_STORE_KIND: "clickhouse",
          CLICKTALLY_STORE_URLS: server.url,
        },
      };
      const endMs = Date.now();
      const spread = { duplicateShare: 0.1, shuffledOverMs: 5_000, endMs, spanMs: 50_000 };
      const sent = liveClicks(seed, { count: clickCount, ...spread });
      const batches = Math.ceil(sent.length / batchSize);
      const deathsAt = new Set(Array.from({ length: deaths }, () => random.below(batches)));
      const kinds = random.shuffle(Array.from({ length: deaths }, (_, i) => i % 3));
      let service = await ServiceProcess.start(options);
      let down: (() => void) | undefined;
      try {
        for (let batch = 0; batch < batches; batch++) {
          if (deathsAt.has(batch)) {
            down?.();
            down = undefined;
            const kind = kinds.pop();
            if (kind === 0) {
              await service.kill();
              service = await ServiceProcess.launch(options);
            } else if (kind === 1) {
              await cluster.allTakePart();
              const broker = 1 + random.below(3);
              await cluster.kill(broker);
              down = () => cluster.startBroker(broker);
            } else {
              await server.kill();
              await server.restart();
            }
          }
          const clicks = sent.slice(batch * batchSize, (batch + 1) * batchSize);
          const lines = clicks.map((click) => JSON.stringify(click)).join("\n");
          // What is refused is sent again, as senders do.
          await eventually(
            "the batch is taken",
            async () =>
              (await service.post("/v1/clicks", lines)).status === 200 ? true : undefined,
            90_000,
          );
        }
        down?.();
        await service.ready();
        const range = `from=${endMs - 600_000}&to=${endMs + 3_600_000}`;
        const books = await booksOf(service, range);
        const distinct = [...new Map(sent.map((click) => [click["event_id"], click])).values()];
        assert.deepEqual(books.ads, countsBy(distinct, "ad_id"));
        assert.equal(books.counted, distinct.length);
        const { rows } = await service.get<{ rows: { country: string | null; count: number }[] }>(
          `/v1/breakdown?by=country&${range}&filter=user_id!=nobody`,
        );
        const found = new Map(
          rows.map(({ country, count }) => [String(country ?? undefined), count]),
        );
        assert.deepEqual(found, countsBy(distinct, "country"));
      } catch (error) {
        context.diagnostic(service.stderr.slice(-3_000));
        context.diagnostic(
          await fetch(`${service.url}/v1/status`).then((answer) => answer.text(), String),
        );
        throw error;
      } finally {
        await service[Symbol.asyncDispose]();
      }
    });
  });

function countsBy(clicks: readonly SentClick[], field: string): Map<string, number> {
  const groups = Map.groupBy(clicks, (click) => String(click[field]));
  return new Map([...groups].map(([value, own]) => [value, own.length]));
}
