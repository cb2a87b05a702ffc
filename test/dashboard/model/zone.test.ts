import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addDays, formatInstant, instantOf, localTime } from "../../../dashboard/model/zone.ts";

const zones = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "America/Santiago",
] as const;

describe("a local time", () => {
  it("is that of a moment: one comes back to the other, but for an hour that occurs twice", () => {
    const moment = fc.integer({ min: 1_200_000_000, max: 2_100_000_000 });
    fc.assert(
      fc.property(moment, fc.constantFrom(...zones), (seconds, zone) => {
        const { date, time } = localTime(seconds * 1000, zone);
        const back = instantOf(date, time, zone);
        assert.deepEqual(localTime(back, zone), { date, time });
        assert.ok(back <= seconds * 1000, "of two the earlier one");
        assert.ok(seconds * 1000 - back <= 3_600_000);
      }),
    );
  });

  for (const [zone, date, time, expected] of [
    ["Europe/Berlin", "2026-11-23", "10:05", "2026-11-23T09:05:00Z"],
    // Twice: the summer's is meant.
    ["Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"],
    // Not at all: the clocks go from 2 to 3.
    ["Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:30:00Z"],
    ["America/New_York", "2026-03-08", "02:00", "2026-03-08T07:00:00Z"],
    // A day that begins at 1 o'clock.
    ["America/Santiago", "2026-09-06", "00:00", "2026-09-06T04:00:00Z"],
    ["Asia/Kolkata", "2026-01-01", "00:00", "2025-12-31T18:30:00Z"],
  ] as const) {
    it(`${date} ${time} of ${zone} is ${expected}`, () => {
      assert.equal(formatInstant(instantOf(date, time, zone)), expected);
    });
  }

  it("is no moment where it is no time", () => {
    assert.ok(Number.isNaN(instantOf("2026-13-45", "10:00", "UTC")));
  });
});

describe("days", () => {
  it("are added over the ends of months and years", () => {
    assert.equal(addDays("2026-12-31", 1), "2027-01-01");
    assert.equal(addDays("2028-03-01", -1), "2028-02-29");
  });
});
