import assert from "node:assert/strict";
import { test } from "node:test";
import { ClickBatchBuilder } from "../../../src/model/click-batch-builder.ts";
import type { LogRecord } from "../../../src/model/log-record.ts";
import { Oracle } from "../../../src/simulation/oracle/oracle.ts";
import { randomLog, testConfig, testDimensions } from "../../support/random-clicks.ts";

const noonMs = Date.UTC(2026, 0, 15, 12);
const all = { fromMinute: 0, toMinute: 1e8 };
const aSecond = 1_000;
const minute = 60 * aSecond;
const hour = 60 * minute;

type Row = [atMs: number, adId: string, eventId: string, dimensions?: Record<string, string>];

/** A record received at noon + receivedMs; the rows' times are relative to noon as well. */
function clicks(receivedMs: number, rows: readonly Row[], history = false): LogRecord {
  const builder = new ClickBatchBuilder(testDimensions);
  for (const [atMs, ad_id, event_id, dimensions = {}] of rows) {
    builder.add({ ad_id, event_id, click_timestamp: noonMs + atMs, dimensions });
  }
  const source = history ? "import:a" : "http";
  return {
    kind: "clicks",
    receivedAtMs: noonMs + receivedMs,
    source,
    history,
    batch: builder.build(),
  };
}

function outcomes(records: readonly LogRecord[], config = testConfig): string {
  return new Oracle(config, records).clicks.map((click) => click.outcome).join(" ");
}

void test("a click is counted once, under its ad and its event id", () => {
  const log = [
    clicks(0, [
      [0, "a", "1"],
      [0, "a", "1"],
      [0, "b", "1"],
      [0, "a", "2"],
    ]),
    clicks(1, [[0, "a", "1"]]),
  ];
  assert.equal(outcomes(log), "counted duplicate counted counted duplicate");
});

void test("a click for a final bucket is late from the very moment the watermark reaches it", () => {
  // The bucket of 12:00 ends at 12:01; with 15 s of disorder and 1 min of lateness it is final at 12:02:15.
  const before = clicks(2 * minute + 15 * aSecond - 1, [
    [2 * minute + 15 * aSecond - 1, "a", "1"],
    [0, "a", "2"],
  ]);
  const after = clicks(2 * minute + 15 * aSecond, [
    [2 * minute + 15 * aSecond, "a", "3"],
    [0, "a", "4"],
  ]);
  assert.equal(outcomes([before, after]), "counted counted counted restated");
  assert.equal(
    outcomes([before, after], { ...testConfig, late: "quarantine" }),
    "counted counted counted quarantined",
  );
});

void test("a clock ahead moves the watermark no further than its receipt", () => {
  assert.equal(
    outcomes([clicks(0, [[hour, "a", "1"]]), clicks(1, [[0, "a", "2"]])]),
    "counted counted",
  );
});

void test("a tick makes buckets final in silence", () => {
  const tick: LogRecord = { kind: "tick", receivedAtMs: noonMs + 2 * minute + 15 * aSecond };
  assert.equal(
    outcomes([clicks(0, [[0, "a", "1"]]), tick, clicks(3 * minute, [[0, "a", "2"]])]),
    "counted restated",
  );
});

void test("beyond the horizon a click is expired and leaves no identity", () => {
  const log = [
    clicks(0, [
      [0, "a", "1"],
      [-7 * hour, "a", "2"],
      [-7 * hour, "a", "2"],
    ]),
  ];
  assert.equal(outcomes(log), "counted expired expired");
});

void test("a re-stamped click is known while its original is in the recent tier, a resent one always", () => {
  const later = (atMs: number): LogRecord => clicks(atMs, [[atMs, "a", "1"]]);
  assert.equal(outcomes([clicks(0, [[0, "a", "1"]]), later(2 * hour)]), "counted duplicate");
  assert.equal(outcomes([clicks(0, [[0, "a", "1"]]), later(4 * hour)]), "counted counted");
  assert.equal(
    outcomes([clicks(0, [[0, "a", "1"]]), later(4 * hour), clicks(4 * hour, [[0, "a", "1"]])]),
    "counted counted duplicate",
  );
});

void test("history fills an ad's empty minute as counted and changes a known one as restated, in the open", () => {
  const live = clicks(hour, [[hour, "a", "0"]]);
  const first = clicks(
    hour,
    [
      [0, "a", "1"],
      [0, "a", "2"],
    ],
    true,
  );
  const second = clicks(
    hour + 1,
    [
      [0, "a", "3"],
      [0, "a", "4"],
      [0, "b", "1"],
    ],
    true,
  );
  const oracle = new Oracle(testConfig, [live, first, second]);
  assert.equal(
    oracle.clicks.map((click) => click.outcome).join(" "),
    "counted counted counted restated restated counted",
  );
  const journal = oracle.journal.map(({ adId, before, after, revision }) => ({
    adId,
    before,
    after,
    revision,
  }));
  assert.deepEqual(journal, [{ adId: "a", before: 2, after: 4, revision: 1 }]);
});

void test("a missing value matches !=, =out= and =null=true and nothing else", () => {
  const oracle = new Oracle(testConfig, [
    clicks(0, [
      [0, "a", "1"],
      [0, "a", "2", { country: "US" }],
    ]),
  ]);
  const count = (
    operator: "==" | "!=" | "=in=" | "=out=" | "=null=",
    ...values: string[]
  ): number =>
    oracle.count({ ...all, filter: { kind: "comparison", field: "country", operator, values } });
  assert.deepEqual(
    [count("==", "US"), count("!=", "US"), count("=in=", "US", "DE"), count("=out=", "DE")],
    [1, 1, 1, 2],
  );
  assert.deepEqual([count("=null=", "true"), count("=null=", "false")], [1, 1]);
});

void test("top ads are ordered by count, ties by ad id", () => {
  const oracle = new Oracle(testConfig, [
    clicks(0, [
      [0, "c", "1"],
      [0, "b", "1"],
      [0, "a", "1"],
      [0, "c", "2"],
    ]),
  ]);
  const ads = oracle.top(2, all).map(({ group, count }) => [group[0], count]);
  assert.deepEqual(ads, [
    ["c", 2],
    ["a", 1],
  ]);
});

void test("random logs meet every outcome and balance", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const oracle = new Oracle(testConfig, randomLog(seed, { configChanges: true }));
    for (const click of oracle.clicks) seen.add(click.outcome);
    for (const { received, ...byOutcome } of oracle.ledger.values()) {
      assert.equal(
        received,
        Object.values(byOutcome).reduce((sum, n) => sum + n, 0),
      );
    }
  }
  assert.deepEqual([...seen].toSorted(), [
    "counted",
    "duplicate",
    "expired",
    "quarantined",
    "restated",
  ]);
});
