import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  Admin,
  ConfigResourceTypes,
  IncrementalAlterConfigOperationTypes,
} from "@platformatic/kafka";
import { openKafkaQueueReader } from "../../../src/queue/kafka/reader.ts";
import { openKafkaQueueWriter } from "../../../src/queue/kafka/writer.ts";
import { eventually } from "../../support/eventually.ts";
import { newRecord } from "../../support/queue-records.ts";
import { ServiceProcess } from "../../support/service-process.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { KafkaCluster, missingForKafka } from "../kafka-cluster.ts";

/** Longer than any try of a read lasts. */
const outageMs = 42_000;
const patienceMs = 60_000;
const all = { clicksMax: 1e9, recordsMax: 1e6 };
const security = {
  protocol: "PLAINTEXT",
  mechanism: "PLAIN",
  username: "",
  password: "",
} as const;
/** As a topic has to be, but for what a test sets. */
const fitting = {
  "cleanup.policy": "delete",
  "retention.ms": "-1",
  "retention.bytes": "-1",
  "message.timestamp.type": "LogAppendTime",
  "max.message.bytes": String(64 << 20),
};

const missing = await missingForKafka();

if (missing === undefined)
  describe("a topic on one broker", () => {
    let cluster: KafkaCluster;
    let admin: Admin;
    before(async () => {
      cluster = await KafkaCluster.start(1);
      admin = new Admin({ clientId: "test", bootstrapBrokers: [...cluster.brokers] });
    });
    after(async () => {
      await admin.close();
      await cluster[Symbol.asyncDispose]();
    });

    const optionsOf = (topic: string, replicas: number) => ({
      brokers: cluster.brokers,
      topic,
      partitionCount: 1,
      spread: 1,
      replicas,
      security,
    });

    async function setOf(topic: string, name: string, value: string): Promise<void> {
      const configs = [{ name, value, configOperation: IncrementalAlterConfigOperationTypes.SET }];
      await admin.incrementalAlterConfigs({
        resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs }],
      });
    }

    it("is refused where one replica is enough for an acknowledgement and three are wanted", async () => {
      const topic = "one-is-enough";
      const configs = Object.entries(fitting).map(([name, value]) => ({ name, value }));
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1, configs });
      await assert.rejects(openKafkaQueueWriter(optionsOf(topic, 3)), {
        code: "invalid_configuration",
        field: "queue.topic",
        message: /min\.insync\.replicas=1, a click queue needs min\.insync\.replicas=2/,
      });
      // Who wants one or two replicas does not ask for more than that.
      for (const replicas of [1, 2]) {
        await using writer = await openKafkaQueueWriter(optionsOf(topic, replicas));
        assert.equal(writer.partitionCount, 1);
      }
      await setOf(topic, "min.insync.replicas", "2");
      await using writer = await openKafkaQueueWriter(optionsOf(topic, 3));
      assert.equal(writer.partitionCount, 1);
    });

    it("takes no record that is larger than it may be, and all that are not", async () => {
      await using directory = await temporaryDirectory();
      const topic = "small-records";
      await using service = await ServiceProcess.start({
        dataDir: directory.path,
        env: {
          CLICKTALLY_QUEUE_KIND: "kafka",
          CLICKTALLY_QUEUE_BROKERS: cluster.brokers.join(","),
          CLICKTALLY_QUEUE_TOPIC: topic,
          CLICKTALLY_QUEUE_PARTITIONS: "1",
          CLICKTALLY_QUEUE_REPLICAS: "1",
        },
      });
      await setOf(topic, "max.message.bytes", "4000");
      let sent = 0;
      const clicks = (count: number): string =>
        Array.from({ length: count }, () =>
          JSON.stringify({
            ad_id: "a",
            click_timestamp: Date.now(),
            event_id: `some-long-name-of-an-event-${++sent}`,
          }),
        ).join("\n");
      const answers = await Promise.all(
        [1, 1_000, 2, 3, 1_000, 4].map((count) =>
          service.post<{ code?: string; accepted?: number }>("/v1/clicks", clicks(count)),
        ),
      );
      assert.deepEqual(
        answers.map(({ status, body }) => [status, body.code ?? body.accepted]),
        [
          [200, 1],
          [413, "record_too_large"],
          [200, 2],
          [200, 3],
          [413, "record_too_large"],
          [200, 4],
        ],
      );
      await service.caughtUp();
      const { totals } = await service.get<{ totals: Record<string, number> }>("/v1/status");
      assert.equal(totals["counted"], 10);
      assert.equal((await service.post("/v1/clicks", clicks(5))).status, 200);
    });

    it("is not asked for a record that no topic of ours takes, and loses nothing of its group", async () => {
      await using writer = await openKafkaQueueWriter(optionsOf("large-records", 1));
      const small = newRecord(0, new Uint8Array(10));
      const large = newRecord(0, new Uint8Array((64 << 20) + 1));
      await assert.rejects(writer.append([small, large]), { code: "record_too_large" });
      assert.deepEqual(await writer.append([small]), [{ partition: 0, offset: 0 }]);
    });

    it("is not read on where it was deleted and made anew", async () => {
      const options = optionsOf("made-anew", 1);
      const texts = ["a", "b"].map((text) => newRecord(0, new TextEncoder().encode(text)));
      await using reader = await openKafkaQueueReader(options);
      {
        await using writer = await openKafkaQueueWriter(options);
        await writer.append(texts);
        assert.equal((await reader.read(0, 0, all)).length, 2);
      }
      await admin.deleteTopics({ topics: [options.topic] });
      await eventually("it is gone", async () => {
        const { length } = await admin
          .listTopics()
          .then((names) => names.filter((name) => name === options.topic));
        return length === 0 || undefined;
      });
      await using writer = await openKafkaQueueWriter(options);
      await writer.append([...texts, ...texts]);
      await eventually(
        "it is noticed",
        async () => {
          try {
            await reader.read(0, 2, all);
          } catch (error) {
            const { code } = error as { code: string };
            assert.ok(["queue_unavailable", "data_corrupt"].includes(code), String(error));
            return code === "data_corrupt" || undefined;
          }
          assert.fail("records of another log were read");
        },
        outageMs + patienceMs,
      );
    });

    it("is read on by the same reader, and written on, after its broker was away for long", async () => {
      const options = optionsOf("away-for-long", 1);
      await using writer = await openKafkaQueueWriter(options);
      await using reader = await openKafkaQueueReader(options);
      const texts = ["a", "b", "c", "d"];
      const records = texts.map((text) => newRecord(0, new TextEncoder().encode(text)));
      await writer.append(records.slice(0, 2));
      const first = await reader.read(0, 0, { ...all, recordsMax: 1 });
      await cluster.kill(1);
      const startMs = performance.now();
      // What the first read has brought along is there; the next one has to ask.
      const read = [...first, ...(await reader.read(0, 1, all))];
      let failures = 0;
      while (performance.now() - startMs < outageMs) {
        await assert.rejects(reader.read(0, 2, all), { code: "queue_unavailable" });
        failures++;
      }
      assert.ok(failures > 0);
      await assert.rejects(writer.append(records.slice(2)), { code: "queue_unavailable" });
      cluster.startBroker(1);
      await cluster.allTakePart();
      await writer.append(records.slice(2));
      while (read.length < texts.length) read.push(...(await reader.read(0, read.length, all)));
      assert.deepEqual(
        read.map(({ offset, bytes }) => [offset, new TextDecoder().decode(bytes)]),
        texts.map((text, offset) => [offset, text]),
      );
      assert.deepEqual(await reader.ends(), [texts.length]);
      assert.equal((await reader.backlog(0, 1)).records, texts.length - 1);
    });
  });
