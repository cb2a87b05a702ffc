import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { CodedError } from "../../src/model/errors.ts";
import { formatMinute, minuteOf } from "../../src/model/time.ts";
import { bucketStarts, checkTimeZone, parseGranularity } from "../../src/query/calendar.ts";
import type { Granularity } from "../../src/query/calendar.ts";

/** Starts as UTC, without the year. */
function starts(granularity: Granularity, timeZone: string, from: string, to: string): string[] {
  const range = {
    fromMinute: minuteOf(Date.parse(`${from}Z`)),
    toMinute: minuteOf(Date.parse(`${to}Z`)),
  };
  return bucketStarts(range, granularity, timeZone).map((minute) =>
    formatMinute(minute).slice(5, 16),
  );
}

describe("bucketStarts", () => {
  it("begins with the range, whole or not", () => {
    assert.deepEqual(starts("minute", "UTC", "2026-01-01T00:00", "2026-01-01T00:02"), [
      "01-01T00:00",
      "01-01T00:01",
    ]);
    assert.deepEqual(starts("hour", "UTC", "2026-01-01T00:30", "2026-01-01T02:00"), [
      "01-01T00:30",
      "01-01T01:00",
    ]);
    assert.deepEqual(starts("hour", "UTC", "2026-01-01T00:00", "2026-01-01T01:01"), [
      "01-01T00:00",
      "01-01T01:00",
    ]);
    assert.deepEqual(starts("day", "UTC", "2026-01-01T23:59", "2026-01-03T00:00"), [
      "01-01T23:59",
      "01-02T00:00",
    ]);
    assert.deepEqual(starts("day", "UTC", "2026-01-01T10:00", "2026-01-01T11:00"), ["01-01T10:00"]);
  });

  it("makes the day on which Berlin goes to summer time 23 hours long", () => {
    assert.deepEqual(starts("day", "Europe/Berlin", "2018-03-24T23:00", "2018-03-26T22:00"), [
      "03-24T23:00",
      "03-25T22:00",
    ]);
  });

  it("makes the day on which Berlin goes back 25 hours long", () => {
    assert.deepEqual(starts("day", "Europe/Berlin", "2018-10-27T22:00", "2018-10-29T23:00"), [
      "10-27T22:00",
      "10-28T23:00",
    ]);
  });

  it("keeps the two hours apart that New York calls 01:00 when it goes back", () => {
    assert.deepEqual(starts("hour", "America/New_York", "2018-11-04T04:00", "2018-11-04T08:00"), [
      "11-04T04:00",
      "11-04T05:00",
      "11-04T06:00",
      "11-04T07:00",
    ]);
    assert.deepEqual(starts("day", "America/New_York", "2018-11-04T04:00", "2018-11-05T05:01"), [
      "11-04T04:00",
      "11-05T05:00",
    ]);
  });

  it("begins the day at 01:00 where Sao Paulo skips midnight", () => {
    assert.deepEqual(starts("day", "America/Sao_Paulo", "2018-11-03T03:00", "2018-11-06T02:00"), [
      "11-03T03:00",
      "11-04T03:00",
      "11-05T02:00",
    ]);
  });

  it("begins the day at its one midnight where Sao Paulo shows the hour before it twice", () => {
    assert.deepEqual(starts("day", "America/Sao_Paulo", "2018-02-17T02:00", "2018-02-19T03:00"), [
      "02-17T02:00",
      "02-18T03:00",
    ]);
  });

  it("begins hours at half past in UTC where the zone is half an hour off", () => {
    assert.deepEqual(starts("hour", "Asia/Kolkata", "2018-06-01T00:00", "2018-06-01T02:00"), [
      "06-01T00:00",
      "06-01T00:30",
      "06-01T01:30",
    ]);
    assert.deepEqual(starts("day", "Asia/Kolkata", "2018-06-01T18:30", "2018-06-02T18:31"), [
      "06-01T18:30",
      "06-02T18:30",
    ]);
  });

  it("begins a bucket when Lord Howe moves its clocks by half an hour", () => {
    // 02:00 becomes 01:30 at 15:00 UTC, and 02:30 at 15:30 UTC.
    assert.deepEqual(
      starts("hour", "Australia/Lord_Howe", "2018-03-31T14:00", "2018-03-31T17:00"),
      ["03-31T14:00", "03-31T15:00", "03-31T15:30", "03-31T16:30"],
    );
    assert.deepEqual(
      starts("hour", "Australia/Lord_Howe", "2018-10-06T14:30", "2018-10-06T17:30"),
      ["10-06T14:30", "10-06T15:30", "10-06T16:00", "10-06T17:00"],
    );
    assert.deepEqual(starts("day", "Australia/Lord_Howe", "2018-03-31T13:00", "2018-04-01T13:31"), [
      "03-31T13:00",
      "04-01T13:30",
    ]);
  });

  it("leaves out a date that Apia skipped", () => {
    assert.deepEqual(starts("day", "Pacific/Apia", "2011-12-29T10:00", "2011-12-31T10:01"), [
      "12-29T10:00",
      "12-30T10:00",
      "12-31T10:00",
    ]);
  });

  it("begins at whole minutes in zones that were seconds off, ascending and within the range", () => {
    // Monrovia was 44 minutes and 30 seconds behind until 1972-01-07.
    const range = {
      fromMinute: minuteOf(Date.parse("1972-01-05T00:00Z")),
      toMinute: minuteOf(Date.parse("1972-01-09T00:00Z")),
    };
    for (const granularity of ["hour", "day"] as const) {
      const found = bucketStarts(range, granularity, "Africa/Monrovia");
      assert.ok(
        found.every((minute, i) => Number.isInteger(minute) && (i === 0 || minute > found[i - 1]!)),
      );
      assert.equal(found[0], range.fromMinute);
      assert.ok(found.at(-1)! < range.toMinute);
    }
  });

  it("cuts a whole year into days that local midnights begin", () => {
    const from = minuteOf(Date.parse("2018-01-01T05:00Z"));
    const found = bucketStarts(
      { fromMinute: from, toMinute: from + 365 * 1440 },
      "day",
      "America/New_York",
    );
    assert.equal(found.length, 365);
    const lengths = found.slice(1).map((start, i) => start - found[i]!);
    assert.equal(lengths.filter((length) => length === 23 * 60).length, 1);
    assert.equal(lengths.filter((length) => length === 25 * 60).length, 1);
    assert.equal(lengths.filter((length) => length === 24 * 60).length, 362);
  });

  it("refuses more than 10,000 points", () => {
    const range = { fromMinute: 0, toMinute: 10_000 };
    assert.equal(bucketStarts(range, "minute", "UTC").length, 10_000);
    for (const [toMinute, granularity] of [
      [10_001, "minute"],
      [576_000, "minute"],
      [10_000 * 60 + 1, "hour"],
    ] as const) {
      assert.throws(
        () => bucketStarts({ fromMinute: 0, toMinute }, granularity, "UTC"),
        (error) =>
          error instanceof CodedError &&
          error.code === "range_too_large" &&
          error.field === "granularity",
      );
    }
  });
});

describe("the parameters of a series", () => {
  it("are granularities that are known", () => {
    assert.equal(parseGranularity("hour"), "hour");
    for (const text of ["week", "", "Hour"]) {
      assert.throws(
        () => parseGranularity(text),
        (error) =>
          error instanceof CodedError &&
          error.code === "invalid_parameter" &&
          error.field === "granularity",
      );
    }
  });

  it("are time zones that exist, by name", () => {
    for (const zone of ["UTC", "Europe/Berlin", "Etc/GMT+5", "Asia/Calcutta"]) checkTimeZone(zone);
    for (const zone of ["", "Mars/Olympus", "+05:30", "Europe/Berlin "]) {
      assert.throws(
        () => checkTimeZone(zone),
        (error) =>
          error instanceof CodedError && error.code === "invalid_parameter" && error.field === "tz",
      );
    }
  });
});
