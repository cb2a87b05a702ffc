import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { documentedMetrics, exposedMetrics } from "../ops/exposition.ts";
import { missingPrograms } from "../ops/programs.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { eventually } from "../support/eventually.ts";
import { PrometheusServer } from "../ops/prometheus-server.ts";
import type { ServiceProcess } from "../support/service-process.ts";
import { Deployment } from "./deployment.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";

const skip = (await missingForKafka()) ?? missingPrograms("prometheus") ?? false;

/** What a process of a role does not know. */
const ofCounting = [
  "clicktally_commit_seconds",
  "clicktally_commit_clicks",
  "clicktally_freshness_seconds",
  "clicktally_duplicate_conflicts_total",
];
const ofCountingStatus = [
  "clicktally_dedup_ids",
  "clicktally_dedup_bytes",
  "clicktally_queue_bytes",
  "clicktally_audit_checked_buckets_total",
  "clicktally_audit_mismatched_buckets_total",
  "clicktally_audit_standing_buckets",
];
const ofWatching = [
  "clicktally_watch_lag_bytes",
  "clicktally_watch_lag_files",
  "clicktally_watch_lost_bytes",
  "clicktally_watch_waiting",
  "clicktally_watch_lines_total",
  "clicktally_watch_skipped_lines_total",
  "clicktally_watch_bad_lines_total",
];
const ofIngest = [
  ...ofWatching,
  "clicktally_clicks_received_total",
  "clicktally_ack_seconds",
  "clicktally_requests_total",
  "clicktally_tracker_uncounted_total",
];

describe("processes of several roles that a real Prometheus watches", { skip }, () => {
  let brokers: KafkaCluster;
  let store: ClickHouseServer;
  before(async () => {
    [brokers, store] = await Promise.all([KafkaCluster.start(1), ClickHouseServer.start()]);
  });
  after(async () => {
    await store[Symbol.asyncDispose]();
    await brokers[Symbol.asyncDispose]();
  });

  it("each expose what they know; and where the one that counts is stopped in its tracks, lag is what fires", async () => {
    await using all = new Deployment({
      name: "watched",
      brokers: brokers.brokers,
      storeUrls: [store.url],
      partitions: 1,
    });
    const env = { CLICKTALLY_QUEUE_REPLICAS: "1" };
    const [ingest, aggregate, query] = await Promise.all([
      all.start("ingest", "ingest", env),
      all.start("aggregate", "aggregate", env),
      all.start("query", "query", env),
    ]);
    let sent = 0;
    const send = async (): Promise<void> => {
      const click = { ad_id: "a", click_timestamp: Date.now(), event_id: `e${sent++}` };
      await ingest.post("/v1/clicks", JSON.stringify(click), "application/json");
    };
    await send();
    await query.caughtUp();

    const names = async ({ url }: ServiceProcess): Promise<string[]> => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return [...exposedMetrics(text).keys()].toSorted();
    };
    const allNames = Object.keys(documentedMetrics).toSorted();
    const without = (...left: readonly string[]): string[] =>
      allNames.filter((name) => !left.includes(name));
    assert.match(aggregate.stderr, /"msg":"counting begins, of partitions 0"/);
    assert.deepEqual(await names(ingest), ofIngest.toSorted());
    assert.deepEqual(await names(aggregate), allNames);
    assert.deepEqual(
      await names(query),
      without(...ofCounting, ...ofCountingStatus, ...ofWatching),
    );

    await using prometheus = await PrometheusServer.start([ingest.url, query.url]);
    await eventually("lag is known, and nothing fires", async () => {
      const lag = await prometheus.value("clicktally_queue_lag_seconds");
      return lag === 0 && (await prometheus.firing()).length === 0 ? true : undefined;
    });
    process.kill(aggregate.child.pid!, "SIGSTOP");
    try {
      await eventually(
        "lag fires",
        async () => {
          await send();
          const firing = await prometheus.firing();
          return firing.includes("ClicktallyLagBudgetBurnsFast") ? true : undefined;
        },
        60_000,
      );
    } finally {
      process.kill(aggregate.child.pid!, "SIGCONT");
    }
    await eventually("it is made up for", async () =>
      (await prometheus.value("clicktally_queue_lag_seconds")) === 0 ? true : undefined,
    );
    await query.caughtUp();
    const { count } = await query.get<{ count: number }>("/v1/ads/a/aggregated_count?window=10");
    assert.equal(count, sent);
  });
});
