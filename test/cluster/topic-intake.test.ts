import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Admin, ProduceAcks, Producer } from "@platformatic/kafka";
import { eventually } from "../support/eventually.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { booksOf } from "../support/service-books.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";

/** More than the client fetches at a time. */
const clickCount = 120_000;
const partitionCount = 6;
/** An item each. */
const noClicks = ["nonsense", "[{]", '{\n"ad_id":\n', '{"ad_id":"x"}', "[1]"];

const missing = await missingForKafka();

if (missing === undefined)
  describe("topics of JSON clicks that others fill", () => {
    let cluster: KafkaCluster;
    before(async () => {
      cluster = await KafkaCluster.start(3);
    });
    after(() => cluster[Symbol.asyncDispose]());

    const produce = async (topic: string, texts: readonly string[]): Promise<void> => {
      const options = { clientId: "others", bootstrapBrokers: [...cluster.brokers] };
      const admin = new Admin(options);
      await admin.createTopics({ topics: [topic], partitions: partitionCount, replicas: 3 });
      await admin.close();
      const producer = new Producer({ ...options, acks: ProduceAcks.ALL, idempotent: true });
      const messages = texts.map((text, i) => ({
        topic,
        partition: i % partitionCount,
        value: Buffer.from(text),
      }));
      for (let i = 0; i < messages.length; i += 2_000)
        await producer.send({ messages: messages.slice(i, i + 2_000) });
      await producer.close();
    };

    /** One at times an array of two, or written as people do. */
    const textsOf = (clicks: readonly object[]): string[] =>
      clicks.flatMap((click, i) => {
        if (i % 50 === 0) return [JSON.stringify([click, clicks[i + 1]])];
        if (i % 50 === 1) return [];
        return [JSON.stringify(click, undefined, i % 50 === 2 ? 2 : 0)];
      });

    const envOf = (more: Record<string, string>): Record<string, string> => ({
      CLICKTALLY_QUEUE_KIND: "kafka",
      CLICKTALLY_QUEUE_BROKERS: cluster.brokers.join(","),
      CLICKTALLY_QUEUE_TOPIC: "log",
      CLICKTALLY_QUEUE_PARTITIONS: "4",
      ...more,
    });

    it("are counted once each, through kill -9 of the processes that share them and the death of a broker", async () => {
      const endMs = Date.now();
      const range = `from=${endMs - 600_000}&to=${endMs + 3_600_000}`;
      const spread = { duplicateShare: 0.05, shuffledOverMs: 5_000, endMs, spanMs: 30_000 };
      const sent = liveClicks(3, { count: clickCount, ...spread });
      const distinct = new Map(sent.map((click) => [click["event_id"], click]));
      const expected = new Map<string, number>();
      for (const { ad_id } of distinct.values())
        expected.set(String(ad_id), (expected.get(String(ad_id)) ?? 0) + 1);
      const half = Math.floor(sent.length / 100) * 50;
      await produce("web", [...textsOf(sent.slice(0, half)), ...noClicks]);
      await produce("app", ["", ...textsOf(sent.slice(half))]);

      await using directory = await temporaryDirectory();
      const dataDir = directory.path;
      await using counting = await ServiceProcess.start({ dataDir, env: envOf({}) });
      const env = envOf({
        CLICKTALLY_ROLE: "ingest",
        CLICKTALLY_INTAKE_TOPICS: "web,app",
      });
      const received = async (): Promise<number> =>
        (await counting.get<{ totals: { received: number } }>("/v1/status")).totals.received;
      await using steady = await ServiceProcess.start({ dataDir, env });
      for (const share of [0.1, 0.4]) {
        const killed = await ServiceProcess.start({ dataDir, env });
        await eventually(
          "some have come",
          async () => ((await received()) >= share * sent.length ? true : undefined),
          90_000,
        );
        await killed.kill();
        if (share === 0.1) await cluster.kill(2);
      }
      cluster.startBroker(2);
      const all = sent.length + noClicks.length;
      await eventually(
        "all have come",
        async () => ((await received()) >= all ? true : undefined),
        90_000,
      );
      const isComplete = async (): Promise<true | undefined> =>
        (await booksOf(counting, range)).counted >= distinct.size ? true : undefined;
      await eventually("all are counted", isComplete, 60_000);
      const books = await booksOf(counting, range);
      assert.deepEqual(books.ads, expected);
      assert.equal(books.counted, distinct.size);
      const { total, rows } = await counting.get<{
        total: { invalid: number };
        rows: { source: string }[];
      }>(`/v1/ledger?${range}`);
      assert.ok(total.invalid >= noClicks.length, `${total.invalid} were refused`);
      assert.deepEqual(new Set(rows.map(({ source }) => source)), new Set(["web", "app"]));
      assert.doesNotMatch(steady.stderr, /nothing came for/);
      assert.match(steady.stderr, /topic web, partition \d, offset \d+ is no click: /);
    });

    it("are read again from the start by a group that nobody knows, and count no more for it", async () => {
      const clicks = Array.from({ length: 500 }, (_, i) => ({
        ad_id: `ad-${i % 7}`,
        click_timestamp: Date.now(),
        // Without an event_id a click is known by its content.
        user_id: `user-${i}`,
      }));
      await produce("small", textsOf(clicks));
      await using directory = await temporaryDirectory();
      for (const [i, group] of ["one", "one", "another"].entries()) {
        await using service = await ServiceProcess.start({
          dataDir: directory.path,
          env: {
            CLICKTALLY_INTAKE_TOPICS: "small",
            CLICKTALLY_INTAKE_BROKERS: cluster.brokers.join(","),
            CLICKTALLY_INTAKE_GROUP: group,
          },
        });
        const wanted = i < 2 ? 500 : 1_000;
        await eventually("they have come", async () => {
          const { totals } = await service.get<{ totals: Record<string, number> }>("/v1/status");
          assert.ok(totals["received"]! <= wanted, `${totals["received"]} were received`);
          return totals["received"] === wanted ? true : undefined;
        });
        await service.caughtUp();
        const { totals } = await service.get<{ totals: Record<string, number> }>("/v1/status");
        assert.deepEqual([totals["counted"], totals["duplicate"]], [500, wanted - 500]);
      }
    });
  });
