import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HealthInput } from "../../src/health/health-items.ts";
import { healthItems } from "../../src/health/health-items.ts";
import type { LedgerNumbers, StatusAnswer } from "../../src/query/query-service.ts";

const nowMs = Date.parse("2026-11-23T10:00:00Z");
const none: LedgerNumbers = {
  received: 0,
  counted: 0,
  duplicate: 0,
  restated: 0,
  quarantined: 0,
  expired: 0,
  invalid: 0,
  voided: 0,
};
const partition = {
  partition: 0,
  next_offset: 9,
  lag_records: 0,
  lag_clicks: 0,
  lag_seconds: 0,
  watermark: "2026-11-23T09:59:45Z",
  watermark_delay_seconds: 15,
};
const audit = {
  checked_buckets: 12,
  mismatched_buckets: 0,
  last_run: "2026-11-23T09:59:57Z",
  mismatches: [],
};
const status: StatusAnswer = {
  status: "ready",
  as_of: 7,
  watermark: null,
  final_through: null,
  partitions: [partition],
  store_bytes: 0,
  totals: none,
  ledger_balanced: true,
  ledger_imbalance: 0,
  audit,
  resident_bytes: 0,
  uptime_seconds: 0,
};
const sound: HealthInput = {
  status,
  ledger: { ...none, received: 1_000, counted: 979, duplicate: 20, restated: 1 },
  freshnessSeconds: 0.25,
  nowMs,
};

const shown = (change: Partial<HealthInput>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    healthItems({ ...sound, ...change }).map(({ name, value, tone }) => [
      name,
      `${tone}: ${value}`,
    ]),
  );

describe("the health strip", () => {
  it("says in numbers that all is well", () => {
    assert.deepEqual(shown({}), {
      Freshness: "good: ≤ 250 ms",
      Lag: "good: none",
      Watermark: "good: 15 s behind",
      Duplicates: "good: 2.0 %",
      Late: "good: 0.10 %",
      Ledger: "good: balanced",
      Audit: "good: clean, 3 s ago",
    });
  });

  it("says what it does not know", () => {
    const unknown = shown({ status: undefined, ledger: undefined, freshnessSeconds: undefined });
    for (const text of Object.values(unknown)) assert.equal(text, "unknown: –");
    assert.equal(
      shown({ status: { ...status, audit: { ...audit, last_run: null } } })["Audit"],
      "unknown: none yet",
    );
    assert.equal(shown({ ledger: none })["Late"], "unknown: –");
    const silent = { ...partition, lag_records: null, lag_clicks: null, lag_seconds: null };
    const away = shown({ status: { ...status, partitions: [partition, silent] } });
    assert.equal(away["Lag"], "unknown: –");
  });

  it("is of the partition that is furthest behind", () => {
    const behind = { ...partition, lag_clicks: 500, lag_seconds: 40, watermark_delay_seconds: 700 };
    const strip = shown({ status: { ...status, partitions: [partition, behind] } });
    assert.deepEqual([strip["Lag"], strip["Watermark"]], ["bad: 500 · 40 s", "bad: 12 min behind"]);
  });

  it("calls numbers wrong that are", () => {
    const mismatches = [{ minute: "2026-11-23T09:00:00Z", differing_rows: 1, differences: [] }];
    const strip = shown({
      status: { ...status, ledger_imbalance: 3, audit: { ...audit, mismatches } },
      freshnessSeconds: Infinity,
      ledger: { ...none, received: 100, counted: 70, duplicate: 24, expired: 6 },
    });
    assert.deepEqual(strip, {
      ...shown({}),
      Freshness: "bad: > 1 min",
      Duplicates: "watch: 24 %",
      Late: "bad: 6.0 %",
      Ledger: "bad: off by 3",
      Audit: "bad: 1 differ",
    });
  });
});
