import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { booksOf } from "../support/service-books.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";

const clickCount = 12_000;
const batchSize = 300;
const killedAfterBatches: ReadonlySet<number> = new Set([10, 25]);
const brokerKilledAfterBatches = 18;

const missing = await missingForKafka();

if (missing === undefined)
  describe("a service whose queue is a Kafka topic", () => {
    let cluster: KafkaCluster;
    before(async () => {
      cluster = await KafkaCluster.start(3);
    });
    after(() => cluster[Symbol.asyncDispose]());

    const envOf = (topic: string): Record<string, string> => ({
      CLICKTALLY_QUEUE_KIND: "kafka",
      CLICKTALLY_QUEUE_BROKERS: cluster.brokers.join(","),
      CLICKTALLY_QUEUE_TOPIC: topic,
      CLICKTALLY_QUEUE_PARTITIONS: "4",
    });

    it("counts every acknowledged click once, through kill -9 of its own and the death of a broker", async () => {
      await using directory = await temporaryDirectory();
      const dataDir = directory.path;
      const env = envOf("counted-once");
      const endMs = Date.now();
      const range = `from=${endMs - 600_000}&to=${endMs + 3_600_000}`;
      const spread = { duplicateShare: 0.1, shuffledOverMs: 5_000, endMs, spanMs: 30_000 };
      const sent = liveClicks(5, { count: clickCount, ...spread });
      const distinct = new Map(sent.map((click) => [click["event_id"], click]));
      const expected = new Map<string, number>();
      for (const { ad_id } of distinct.values())
        expected.set(String(ad_id), (expected.get(String(ad_id)) ?? 0) + 1);

      let service = await ServiceProcess.start({ dataDir, env });
      try {
        for (let batch = 0; batch * batchSize < sent.length; batch++) {
          if (killedAfterBatches.has(batch)) {
            await service.kill();
            service = await ServiceProcess.start({ dataDir, env });
          }
          if (batch === brokerKilledAfterBatches) await cluster.kill(2);
          const clicks = sent.slice(batch * batchSize, (batch + 1) * batchSize);
          const lines = clicks.map((click) => JSON.stringify(click)).join("\n");
          // What is refused is sent again, as senders do.
          await eventually(
            "the batch is taken",
            async () =>
              (await service.post("/v1/clicks", lines)).status === 200 ? true : undefined,
            60_000,
          );
        }
        cluster.startBroker(2);
        await cluster.allTakePart();
        const books = await booksOf(service, range);
        assert.deepEqual(books.ads, expected);
        assert.equal(books.counted, distinct.size);
        assert.ok(books.received >= sent.length);
        // What a checkpoint covers is deleted from the topic, and the service goes on from there.
        service.terminate();
        await service.ended;
        service = await ServiceProcess.start({ dataDir, env });
        assert.deepEqual(await booksOf(service, range), books);
        await service.post("/v1/clicks?wait=counted", JSON.stringify(sent[0]), "application/json");
        assert.equal((await booksOf(service, range)).counted, distinct.size);
      } finally {
        await service[Symbol.asyncDispose]();
      }
    });

    it("keeps a data directory to its topic", async () => {
      await using directory = await temporaryDirectory();
      const dataDir = directory.path;
      {
        await using _ = await ServiceProcess.start({ dataDir, env: envOf("mine") });
      }
      const refusedWith = async (env: Record<string, string>): Promise<string> => {
        await using service = await ServiceProcess.launch({ dataDir, env });
        const { code } = await service.ended;
        assert.notEqual(code, 0);
        return service.stderr;
      };
      assert.match(await refusedWith(envOf("another")), /the data directory belongs to topic mine/);
      assert.match(await refusedWith({}), /was made with queue\.kind kafka/);
      assert.match(
        await refusedWith({ ...envOf("mine"), CLICKTALLY_QUEUE_PARTITIONS: "5" }),
        /topic mine has 4 partitions, the settings say 5/,
      );
      await writeFile(join(dataDir, "topic.json"), '{"topic":"mi');
      assert.match(
        await refusedWith(envOf("mine")),
        /topic\.json does not name a topic and its id/,
      );
    });
  });
