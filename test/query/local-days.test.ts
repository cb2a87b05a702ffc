import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { CodedError } from "../../src/model/errors.ts";
import { minuteMs } from "../../src/model/time.ts";
import { localDate, parseLocalMinute, wholeDays } from "../../src/query/local-days.ts";

const minute = (text: string): number => Date.parse(text) / minuteMs;

describe("days of a time zone", () => {
  it("begin where the zone's clocks show midnight, or as soon as there is one", () => {
    const cases: readonly (readonly [string, string, string])[] = [
      ["2026-11-01", "UTC", "2026-11-01T00:00Z"],
      ["2026-11-01", "Europe/Berlin", "2026-10-31T23:00Z"],
      ["2026-07-01", "Europe/Berlin", "2026-06-30T22:00Z"],
      // Clocks went from 00:00 to 01:00.
      ["2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00Z"],
      ["2026-11-01T05:30:00+02:00", "Asia/Kathmandu", "2026-11-01T03:30Z"],
      [String(Date.parse("2026-11-01T05:30Z")), "Asia/Kathmandu", "2026-11-01T05:30Z"],
    ];
    for (const [text, zone, expected] of cases)
      assert.equal(parseLocalMinute("through", text, zone), minute(expected), `${text} ${zone}`);
  });

  it("are whole where clocks change, of 23 or 25 hours", () => {
    const zone = "Europe/Berlin";
    const shortDay = {
      fromMinute: minute("2026-03-29T10:00Z"),
      toMinute: minute("2026-03-29T11:00Z"),
    };
    const long = { fromMinute: minute("2026-10-24T22:00Z"), toMinute: minute("2026-10-24T22:01Z") };
    const hours = [shortDay, long].map((range) => {
      const { fromMinute, toMinute } = wholeDays(range, zone);
      return [localDate(fromMinute, zone), localDate(toMinute, zone), (toMinute - fromMinute) / 60];
    });
    assert.deepEqual(hours, [
      ["2026-03-29", "2026-03-30", 23],
      ["2026-10-25", "2026-10-26", 25],
    ]);
    const whole = {
      fromMinute: minute("2026-10-24T22:00Z"),
      toMinute: minute("2026-10-25T23:00Z"),
    };
    assert.deepEqual(wholeDays(whole, zone), whole);
  });

  it("are refused by the parameter's name where they are none", () => {
    const wrong: readonly (readonly [string, string, string])[] = [
      ["2026-02-30", "UTC", "through"],
      ["2026-2-3", "UTC", "through"],
      ["today", "UTC", "through"],
      ["2026-02-03T00:00:00.001Z", "UTC", "through"],
      ["1969-12-31", "UTC", "through"],
      ["2200-01-02", "UTC", "through"],
      ["2026-02-03", "Nowhere", "tz"],
    ];
    for (const [text, zone, field] of wrong) {
      assert.throws(
        () => parseLocalMinute("through", text, zone),
        (error) => error instanceof CodedError && error.field === field,
        text,
      );
    }
  });
});
