import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Preset } from "../../../dashboard/model/period.ts";
import {
  bucketEnd,
  granularityFor,
  periodOfRange,
  presetPeriod,
  presets,
  rangeBefore,
  rangeMinutes,
  rangeOfPeriod,
  refreshEveryMs,
  wholeHours,
} from "../../../dashboard/model/period.ts";

const zone = "Europe/Berlin";
/** Half past midnight of the 1st of March in Berlin; in UTC it is still February. */
const nowMs = Date.parse("2026-02-28T23:30:00Z");

describe("the periods that are offered", () => {
  const expected: Readonly<Record<Preset, readonly [first: string, last: string]>> = {
    today: ["2026-03-01", "2026-03-01"],
    yesterday: ["2026-02-28", "2026-02-28"],
    "last 7 days": ["2026-02-22", "2026-02-28"],
    "this month": ["2026-03-01", "2026-03-01"],
    "last month": ["2026-02-01", "2026-02-28"],
  };
  for (const preset of presets) {
    it(`are days of the zone: ${preset}`, () => {
      const { first, last } = presetPeriod(preset, nowMs, zone);
      assert.deepEqual([first, last], expected[preset]);
    });
  }
});

describe("a period", () => {
  it("is the time of its days, one of 23 hours among them, and comes back from it", () => {
    const period = { first: "2026-03-28", last: "2026-03-29" };
    const range = rangeOfPeriod(period, zone);
    assert.deepEqual(range, { from: "2026-03-27T23:00:00Z", to: "2026-03-29T22:00:00Z" });
    assert.equal(rangeMinutes(range), 47 * 60);
    assert.deepEqual(periodOfRange(range, nowMs, zone), period);
  });

  it("of a window has the days that it reaches into", () => {
    assert.deepEqual(periodOfRange({ window: "60m" }, nowMs, zone), {
      first: "2026-02-28",
      last: "2026-03-01",
    });
  });
});

describe("a range", () => {
  for (const [window, minutes] of [
    ["15", 15],
    ["15m", 15],
    ["2h", 120],
    ["7d", 10_080],
    ["1w", 10_080],
  ] as const)
    it(`of ${window} has ${minutes} minutes`, () =>
      assert.equal(rangeMinutes({ window }), minutes));

  it("is drawn as finely as its bars can be told apart", () => {
    assert.deepEqual([60, 360, 361, 20_160, 20_161].map(granularityFor), [
      "minute",
      "minute",
      "hour",
      "hour",
      "day",
    ]);
  });

  it("has one of the same length before it", () => {
    assert.deepEqual(rangeBefore("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"), {
      from: "2026-03-01T09:00:00Z",
      to: "2026-03-01T10:00:00Z",
    });
    // Of a day that before moves on every 24 minutes.
    assert.deepEqual(rangeBefore("2026-03-01T10:35:00Z", "2026-03-02T10:35:00Z"), {
      from: "2026-02-28T10:24:00Z",
      to: "2026-03-01T10:24:00Z",
    });
  });

  it("is asked for more rarely where it is long", () => {
    assert.deepEqual(
      [15, 360, 361, 1440, 1441].map(refreshEveryMs),
      [5_000, 5_000, 20_000, 20_000, 60_000],
    );
  });

  it("is widened to whole hours", () => {
    assert.deepEqual(wholeHours("2026-03-01T10:01:00Z", "2026-03-02T10:00:00Z"), {
      from: "2026-03-01T10:00:00Z",
      to: "2026-03-02T10:00:00Z",
    });
  });
});

describe("a bucket", () => {
  const end = "2026-03-30T00:00:00Z";
  for (const [start, granularity, expected] of [
    ["2026-03-29T10:05:00Z", "minute", "2026-03-29T10:06:00Z"],
    ["2026-03-29T10:05:00Z", "hour", "2026-03-29T11:00:00Z"],
    // The day on which the clocks go forward.
    ["2026-03-28T23:00:00Z", "day", "2026-03-29T22:00:00Z"],
    // The last one ends with the range.
    ["2026-03-29T22:00:00Z", "day", end],
  ] as const) {
    it(`of a ${granularity} that begins ${start} ends ${expected}`, () => {
      assert.equal(bucketEnd(start, granularity, zone, end), expected);
    });
  }
});
