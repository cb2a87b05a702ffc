import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { SentClick } from "../../support/live-clicks.ts";
import { liveClicks } from "../../support/live-clicks.ts";
import { eventually } from "../../support/eventually.ts";
import { samplesOf } from "../../support/metrics-text.ts";
import { booksOf } from "../../support/service-books.ts";
import { ServiceProcess } from "../../support/service-process.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { KafkaCluster, missingForKafka } from "../kafka-cluster.ts";

/** Longer than any try of the service lasts. */
const outageMs = 45_000;
const answerMsMax = 2_500;
/** A stop finishes what is in hand, which is told within 30 s that the brokers are away. */
const stopMsMax = 40_000;
const patienceMs = 60_000;

interface Status {
  readonly partitions: readonly { readonly lag_records: number | null }[];
}

const missing = await missingForKafka();

if (missing === undefined)
  describe("a service whose only broker goes away", () => {
    let cluster: KafkaCluster;
    before(async () => {
      cluster = await KafkaCluster.start(1);
    });
    after(() => cluster[Symbol.asyncDispose]());

    const envOf = (topic: string): Record<string, string> => ({
      CLICKTALLY_QUEUE_KIND: "kafka",
      CLICKTALLY_QUEUE_BROKERS: cluster.brokers.join(","),
      CLICKTALLY_QUEUE_TOPIC: topic,
      CLICKTALLY_QUEUE_PARTITIONS: "4",
      CLICKTALLY_QUEUE_REPLICAS: "1",
    });

    /** Away for so long, in which the service has to be of use. */
    async function lastOutage(service: ServiceProcess): Promise<void> {
      const endMs = performance.now() + outageMs;
      let [answers, untold] = [0, 0];
      await eventually(
        "the outage is over",
        async () => {
          const startMs = performance.now();
          const { partitions } = await service.get<Status>("/v1/status");
          const metrics = samplesOf(await (await fetch(`${service.url}/metrics`)).text());
          const tookMs = performance.now() - startMs;
          assert.ok(tookMs < 2 * answerMsMax, `status and metrics took ${tookMs} ms`);
          answers++;
          const isTold = partitions.every(({ lag_records: lag }) => lag !== null);
          if (!isTold) untold++;
          assert.equal(metrics['clicktally_clicks_total{outcome="counted"}']! > 0, true);
          return performance.now() > endMs ? true : undefined;
        },
        outageMs + patienceMs,
      );
      assert.ok(untold > 0 && untold >= answers - 1, `${untold} of ${answers} without lag`);
      const metrics = await (await fetch(`${service.url}/metrics`)).text();
      assert.equal(metrics.includes("clicktally_queue_lag_clicks{"), false);
      assert.match(service.stderr, /the click queue is out of reach, counting waits for it/);
    }

    async function sendAll(service: ServiceProcess, clicks: readonly SentClick[]): Promise<void> {
      const lines = clicks.map((click) => JSON.stringify(click)).join("\n");
      const send = async (): Promise<true | undefined> =>
        (await service.post("/v1/clicks", lines)).status === 200 ? true : undefined;
      await eventually("the clicks are taken", send, outageMs + patienceMs);
    }

    for (const [how, leave, comeBack] of [
      ["dies", () => cluster.kill(1), () => cluster.startBroker(1)],
      ["hangs", async () => cluster.suspend(1), () => cluster.resume(1)],
    ] as const) {
      it(`goes on when the broker that ${how} is back, and counts every click once`, async () => {
        await using directory = await temporaryDirectory();
        const endMs = Date.now();
        const range = `from=${endMs - 600_000}&to=${endMs + 3_600_000}`;
        const spread = { duplicateShare: 0.1, shuffledOverMs: 5_000, endMs, spanMs: 30_000 };
        const sent = liveClicks(7, { count: 3_000, ...spread });
        const distinct = new Set(sent.map((click) => click["event_id"]));
        await using service = await ServiceProcess.start({
          dataDir: directory.path,
          env: envOf(`away-${how}`),
        });
        await sendAll(service, sent.slice(0, 1_500));
        await service.caughtUp();
        await leave();
        try {
          const refused = service.post<{ code: string }>("/v1/clicks", JSON.stringify(sent[1_500]));
          await lastOutage(service);
          const { status, body } = await refused;
          assert.deepEqual([status, body.code], [503, "queue_unavailable"]);
        } finally {
          comeBack();
          await cluster.allTakePart();
        }
        await sendAll(service, sent.slice(1_500));
        const books = await booksOf(service, range);
        assert.equal(books.counted, distinct.size);
        assert.ok(books.received >= sent.length);
        const outages = service.stderr.match(/the click queue is out of reach/g);
        assert.equal(outages?.length, 1, service.stderr);
        const ends = service.stderr.match(/the click queue is in reach again/g);
        assert.equal(ends?.length, 1, service.stderr);
      });
    }

    it("stops while the broker hangs", async () => {
      await using directory = await temporaryDirectory();
      const service = await ServiceProcess.start({ dataDir: directory.path, env: envOf("stop") });
      await sendAll(
        service,
        liveClicks(8, {
          count: 100,
          duplicateShare: 0,
          shuffledOverMs: 0,
          endMs: Date.now(),
          spanMs: 1_000,
        }),
      );
      await service.caughtUp();
      cluster.suspend(1);
      try {
        const unknown = async (): Promise<true | undefined> => {
          const { partitions } = await service.get<Status>("/v1/status");
          return partitions.every(({ lag_records: lag }) => lag === null) || undefined;
        };
        await eventually("the outage is noticed", unknown);
        service.terminate();
        assert.equal((await service.endedByItself(stopMsMax)).code, 0, service.stderr);
      } finally {
        cluster.resume(1);
        await service[Symbol.asyncDispose]();
      }
      await cluster.allTakePart();
    });
  });
