import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { CommitMetrics } from "../../src/metrics/commit-metrics.ts";
import { QueryMetrics } from "../../src/metrics/query-metrics.ts";
import { ServiceMetrics } from "../../src/metrics/service-metrics.ts";
import { statusMetrics } from "../../src/metrics/status-metrics.ts";
import { WeightedHistogram } from "../../src/metrics/weighted-histogram.ts";
import { CodedError } from "../../src/model/errors.ts";
import { QueriedLog } from "../query/engine-fixture.ts";
import { samplesOf } from "../support/metrics-text.ts";
import { CommitMaker } from "../support/store-clicks.ts";
import { click } from "../contract/click-store/harness.ts";

describe("a weighted histogram", () => {
  it("counts each observation as often as it stands for", async () => {
    const register = new Registry();
    const histogram = new WeightedHistogram({ name: "h", help: "x", buckets: [1, 2, 5], register });
    histogram.observe(0.5, 10);
    histogram.observe(1, 1);
    histogram.observe(1.5, 100);
    histogram.observe(9, 1000);
    assert.deepEqual(samplesOf(await register.metrics()), {
      'h_bucket{le="1"}': 11,
      'h_bucket{le="2"}': 111,
      'h_bucket{le="5"}': 111,
      'h_bucket{le="+Inf"}': 1111,
      h_sum: 5 + 1 + 150 + 9000,
      h_count: 1111,
    });
    assert.match(await register.metrics(), /^# HELP h x\n# TYPE h histogram\n/);
  });
});

describe("the engine's metrics", () => {
  it("are of commits, and how fresh each click was", async () => {
    const metrics = new CommitMetrics();
    const maker = new CommitMaker();
    const clicks = [click("a", 0), click("a", 1), click("a", 2)];
    metrics.committed(maker.next({ clicks, receivedAtMs: 10_000 }), 20, 10_300);
    const second = maker.next({ clicks: clicks.slice(1), receivedAtMs: 10_000 });
    metrics.committed({ ...second, duplicateConflicts: 2 }, 3, 9_000);
    const samples = samplesOf(await metrics.text());
    const of = (name: string): unknown => samples[`clicktally_${name}`];
    assert.deepEqual(
      [of("commit_clicks_count"), of("commit_clicks_sum"), of('commit_clicks_bucket{le="1"}')],
      [2, 5, 0],
    );
    assert.equal(of("duplicate_conflicts_total"), 2);
    assert.deepEqual([of("commit_seconds_count"), of("commit_seconds_sum")], [2, 0.023]);
    assert.deepEqual(
      [
        of("freshness_seconds_count"),
        of('freshness_seconds_bucket{le="0.25"}'),
        of('freshness_seconds_bucket{le="0.5"}'),
      ],
      [5, 2, 5],
    );
  });

  it("are of queries that were answered, but not of those that nobody asks for a number", async () => {
    const metrics = new QueryMetrics("duckdb");
    assert.equal(await metrics.timed("top", async () => 7), 7);
    await metrics.timed("status", async () => {});
    await assert.rejects(metrics.timed("count", () => Promise.reject(new Error("no"))));
    const text = await metrics.text();
    const labels = [...text.matchAll(/query_seconds_count\{(.*)\} (\d+)/g)].map((m) => m.slice(1));
    assert.deepEqual(labels, [['query="top",store="duckdb"', "1"]]);
  });
});

describe("the service's metrics", () => {
  it("tell what the status tells", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    const status = await engine.status();
    const samples = samplesOf(
      await statusMetrics({
        ...status,
        ledger_imbalance: 3,
        audit: { ...status.audit!, checked_buckets: 12, mismatched_buckets: 2 },
        totals: { ...status.totals, counted: 5 },
      }),
    );
    const of = (name: string): unknown => samples[`clicktally_${name}`];
    assert.equal(of('clicks_total{outcome="counted"}'), 5);
    assert.equal(of('clicks_total{outcome="duplicate"}'), 0);
    assert.equal(of('queue_lag_clicks{partition="0"}'), 9);
    assert.equal(of('queue_lag_seconds{partition="0"}'), 10);
    assert.equal(of('watermark_delay_seconds{partition="0"}'), undefined);
    assert.deepEqual(
      [of("dedup_ids"), of("dedup_bytes"), of("store_bytes"), of("queue_bytes")],
      [1, 2, 4, 5],
    );
    assert.deepEqual(
      [
        of("ledger_imbalance"),
        of("audit_checked_buckets_total"),
        of("audit_mismatched_buckets_total"),
      ],
      [3, 12, 2],
    );
  });

  it("count what is received by source, files as one, and time its acknowledgement", async () => {
    const metrics = new ServiceMetrics({
      status: () => Promise.reject(new CodedError("not_ready", "recovering")),
      engineText: async () => "from_the_engine 1\n",
    });
    await metrics.acked("http", async () => ({ received: 3 }));
    await metrics.acked("http", async () => ({ received: 4 }));
    metrics.noteReceived("import:a.csv", 10);
    metrics.noteReceived("import:b.csv", 20);
    await assert.rejects(metrics.acked("http", () => Promise.reject(new Error("full"))));
    const samples = samplesOf(await metrics.text());
    assert.equal(samples['clicktally_clicks_received_total{source="http"}'], 7);
    assert.equal(samples['clicktally_clicks_received_total{source="import"}'], 30);
    assert.equal(samples["clicktally_ack_seconds_count"], 2);
    assert.equal(samples["from_the_engine"], 1);
    for (let i = 0; i < 2_000; i++) metrics.noteReceived(`key ${i}`, 1);
    const many = samplesOf(await metrics.text());
    const sources = Object.keys(many).filter((name) => name.includes("received_total{"));
    assert.equal(sources.length, 1_001);
    assert.equal(many['clicktally_clicks_received_total{source="other"}'], 2_002 - 1_000);
  });

  it("fail where the status does, but for a service that still recovers", async () => {
    const status = () => Promise.reject(new CodedError("storage_failed", "away"));
    const metrics = new ServiceMetrics({ status, engineText: async () => "" });
    await assert.rejects(metrics.text(), { code: "storage_failed" });
  });
});
