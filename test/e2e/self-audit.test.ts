import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SelfAuditNumbers, StatusAnswer } from "../../src/query/query-service.ts";
import { problemOf } from "../api/harness.ts";
import { eventually } from "../support/eventually.ts";
import { samplesOf } from "../support/metrics-text.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { addToMinuteCounts, changeStore } from "../support/store-sql.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const env = {
  CLICKTALLY_WATERMARK_IDLE_LAG: "1s",
  CLICKTALLY_WATERMARK_ALLOWED_LATENESS: "0s",
  CLICKTALLY_AUDIT_BUCKETS_A_MINUTE: "6000",
};
const minutesAgo = 5;

async function metricsOf({ url }: ServiceProcess): Promise<(name: string) => number | undefined> {
  const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
  return (name) => samples[`clicktally_${name}`];
}

const auditOf = async (service: ServiceProcess): Promise<SelfAuditNumbers> =>
  (await service.get<StatusAnswer>("/v1/status")).audit!;

/** Runs on a data directory until it is stopped in good order. */
async function whileRunning(
  dataDir: string,
  look: (service: ServiceProcess) => Promise<void>,
): Promise<void> {
  const service = await ServiceProcess.start({ dataDir, env });
  await using _ = service;
  await look(service);
}

async function findsNothing(service: ServiceProcess): Promise<void> {
  await eventually("it has looked at enough", async () => {
    const { checked_buckets } = await auditOf(service);
    return checked_buckets >= 30 ? true : undefined;
  });
  const metric = await metricsOf(service);
  assert.ok(metric("audit_checked_buckets_total")! >= 30);
  assert.deepEqual([metric("audit_mismatched_buckets_total"), metric("ledger_imbalance")], [0, 0]);
  assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
}

describe("a service whose numbers somebody has changed", () => {
  it("finds it by itself, tells by log, status, metrics and health, and is well once it is mended", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const store = join(dataDir, "store.duckdb");
    const minute = Math.floor(Date.now() / 60_000) - minutesAgo;
    await whileRunning(dataDir, async (service) => {
      const clicks = [0, 1, 2].map((i) => ({
        ad_id: "ad-1",
        click_timestamp: minute * 60_000 + i,
        event_id: `e${i}`,
      }));
      await service.post("/v1/clicks?wait=counted", JSON.stringify(clicks), "application/json");
      const metric = await metricsOf(service);
      assert.equal(metric('clicks_received_total{source="http"}'), 3);
      // A tick may have made their minute final.
      const [counted, restated] = ["counted", "restated"].map((outcome) =>
        metric(`clicks_total{outcome="${outcome}"}`),
      );
      assert.equal(counted! + restated!, 3);
      for (const histogram of ["ack_seconds", "commit_seconds", "freshness_seconds"])
        assert.ok(metric(`${histogram}_count`)! > 0, histogram);
      await findsNothing(service);
    });

    await addToMinuteCounts(store, 1);
    const start = `${new Date(minute * 60_000).toISOString().slice(0, 16)}:00Z`;
    await whileRunning(dataDir, async (service) => {
      const response = await eventually("it is not healthy", async () => {
        const answer = await fetch(`${service.url}/healthz`);
        return answer.status === 503 ? answer : undefined;
      });
      const problem = await problemOf(response);
      assert.deepEqual([problem.code, problem["mismatched_minutes"]], ["unhealthy", [start]]);
      assert.match(
        service.stderr,
        new RegExp(
          `self-audit has found wrong counts: .*${start} 1 rows differ: .*ad_id.*ad-1.* 3 raw clicks`,
        ),
      );
      const { mismatches, mismatched_buckets } = await auditOf(service);
      const [row] = mismatches[0]!.differences;
      assert.deepEqual(
        [mismatched_buckets, mismatches.length, row!["raw_count"], row!["minute_count"]],
        [1, 1, 3, 4],
      );
      const metric = await metricsOf(service);
      assert.equal(metric("audit_mismatched_buckets_total"), 1);
      assert.equal((await fetch(`${service.url}/readyz`)).status, 200);
    });

    await addToMinuteCounts(store, -1);
    await whileRunning(dataDir, findsNothing);
  });

  it("is not healthy while its ledger does not balance", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const store = join(dataDir, "store.duckdb");
    await whileRunning(dataDir, async (service) => {
      const click = { ad_id: "a", click_timestamp: Date.now(), event_id: "e" };
      await service.post("/v1/clicks?wait=counted", JSON.stringify(click), "application/json");
    });
    await changeStore(store, ["UPDATE ledger SET received = received + 2"]);
    await whileRunning(dataDir, async (service) => {
      const problem = await problemOf(await fetch(`${service.url}/healthz`));
      assert.deepEqual([problem.code, problem["ledger_imbalance"]], ["unhealthy", 2]);
      assert.match(problem.detail, /the ledger does not balance by 2 clicks/);
      assert.equal((await metricsOf(service))("ledger_imbalance"), 2);
      assert.match(service.stderr, /the ledger does not balance by 2 clicks/);
    });
    await changeStore(store, ["UPDATE ledger SET received = received - 2"]);
    await whileRunning(dataDir, findsNothing);
  });
});
