import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatBucket,
  formatChange,
  formatCompact,
  formatCount,
  formatDuration,
  formatMinute,
  formatRange,
  formatRate,
  formatShare,
  formatTime,
} from "../../../dashboard/model/format.ts";

/** What comes out for each of what goes in. */
function table<In>(format: (value: In) => string, rows: readonly (readonly [In, string])[]): void {
  assert.deepEqual(
    rows.map(([value]) => format(value)),
    rows.map(([, expected]) => expected),
  );
}

describe("numbers", () => {
  it("are read in groups of three, and shortened where there is no room", () => {
    table(formatCount, [
      [0, "0"],
      [1_234_567, "1,234,567"],
    ]);
    table(formatCompact, [
      [9_999, "9,999"],
      [12_400, "12.4K"],
      [3_000_000, "3M"],
    ]);
    table(formatChange, [
      [3, "+3"],
      [-1_200, "−1,200"],
      [0, "+0"],
    ]);
  });

  it("have the digits that matter", () => {
    table(formatRate, [
      [null, "–"],
      [0, "0"],
      [12.34, "12.3"],
      [1_999.6, "2,000"],
    ]);
    table(formatShare, [
      [0, "0 %"],
      [0.00001, "< 0.01 %"],
      [0.0012, "0.12 %"],
      [0.0186, "1.9 %"],
      [0.5, "50 %"],
    ]);
    table(formatDuration, [
      [0, "0 ms"],
      [0.0125, "13 ms"],
      [2.34, "2.3 s"],
      [75, "75 s"],
      [900, "15 min"],
      [10_800, "3 h"],
      [400_000, "5 days"],
    ]);
  });
});

describe("times", () => {
  const zone = "Europe/Berlin";

  it("are those of the zone, as exactly as they were told", () => {
    assert.equal(formatMinute("2026-11-23T23:30:00Z", zone), "2026-11-24 00:30");
    assert.equal(formatTime("2026-11-23T10:00:05.120Z", zone), "2026-11-23 11:00:05.120");
    assert.equal(formatTime("2026-11-23T10:00:05Z", "UTC"), "2026-11-23 10:00:05");
  });

  it("say the day of a range once where there is one", () => {
    const from = "2026-11-23T22:00:00Z";
    assert.equal(formatRange(from, "2026-11-23T22:30:00Z", zone), "2026-11-23 23:00 – 23:30");
    assert.equal(
      formatRange(from, "2026-11-23T23:30:00Z", zone),
      "2026-11-23 23:00 – 2026-11-24 00:30",
    );
  });

  it("are days where buckets are", () => {
    assert.equal(formatBucket("2026-11-22T23:00:00Z", "day", zone), "2026-11-23");
    assert.equal(formatBucket("2026-11-22T23:00:00Z", "hour", zone), "2026-11-23 00:00");
  });
});
