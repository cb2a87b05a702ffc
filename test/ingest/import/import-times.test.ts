import assert from "node:assert/strict";
import { test } from "node:test";
import { ImportTimes } from "../../../src/ingest/import/import-times.ts";
import { CodedError } from "../../../src/model/errors.ts";

function parse(text: string, zone = "UTC"): string | number {
  // Other cells lie around it.
  const bytes = new TextEncoder().encode(`2,${text}, 10:30,x`);
  const timeMs = new ImportTimes(zone).parse(bytes, 2, bytes.length - ", 10:30,x".length);
  return Number.isNaN(timeMs) ? timeMs : new Date(timeMs).toISOString();
}

void test("RFC 3339 and epoch milliseconds are points in time, whatever the zone", () => {
  assert.equal(parse("2017-11-07T09:30:00+08:00", "Asia/Shanghai"), "2017-11-07T01:30:00.000Z");
  assert.equal(parse("1510047000123", "Asia/Shanghai"), "2017-11-07T09:30:00.123Z");
});

void test("local times are read in the zone, to the minute, the second or the fraction", () => {
  assert.equal(parse("2017-11-07 9:30"), "2017-11-07T09:30:00.000Z");
  assert.equal(parse("2017-11-07 09:30"), "2017-11-07T09:30:00.000Z");
  assert.equal(parse("2017-11-07 9:30:07", "Asia/Shanghai"), "2017-11-07T01:30:07.000Z");
  assert.equal(parse("2017-11-07T09:30:07.5"), "2017-11-07T09:30:07.500Z");
  assert.equal(parse("2017-11-07 09:30:07.123999"), "2017-11-07T09:30:07.123Z");
  assert.equal(parse("2026-07-01 00:00", "Europe/Berlin"), "2026-06-30T22:00:00.000Z");
});

void test("a local time that came twice is the earlier one, one that never came lies after the jump", () => {
  assert.equal(parse("2026-10-25 02:30", "Europe/Berlin"), "2026-10-25T00:30:00.000Z");
  assert.equal(parse("2026-10-25 03:30", "Europe/Berlin"), "2026-10-25T02:30:00.000Z");
  assert.equal(parse("2026-03-29 02:30", "Europe/Berlin"), "2026-03-29T01:30:00.000Z");
  assert.equal(parse("2026-03-29 01:59:59", "Europe/Berlin"), "2026-03-29T00:59:59.000Z");
  assert.equal(parse("2026-03-30 12:00", "Europe/Berlin"), "2026-03-30T10:00:00.000Z");
});

void test("what is no time is none", () => {
  for (const text of [
    "2017-11-07",
    "2017-11-07 24:00",
    "2017-11-07 9:60",
    "2017-11-07 9:3",
    "2017-11-07 9:30x",
    "2017-11-07 9:30:61",
    "2017-11-07 9:30:",
    "2017-11-07 9:30:00.",
    "2017-11-07 9:30:00.12x",
    "2017-02-29 9:30",
    "7.11.2017 9:30:00",
    "yesterday",
    "15100470001234567",
    "-1",
  ]) {
    assert.equal(parse(text), Number.NaN, text);
  }
});

void test("an unknown zone is refused", () => {
  assert.throws(
    () => new ImportTimes("Mars/Olympus"),
    (error) => error instanceof CodedError && error.code === "invalid_parameter",
  );
});
