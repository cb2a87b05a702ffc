import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { dateMsOf, parseTime, TimeParser } from "../../src/model/parse-time.ts";

describe("parseTime", () => {
  const accepted: [text: string, iso: string][] = [
    ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000Z"],
    ["2026-11-23t10:00:00z", "2026-11-23T10:00:00.000Z"],
    ["2026-11-23T10:00:00.1Z", "2026-11-23T10:00:00.100Z"],
    ["2026-11-23T10:00:00.123999999999999999999Z", "2026-11-23T10:00:00.123Z"],
    ["2026-11-23T10:00:00.000000Z", "2026-11-23T10:00:00.000Z"],
    ["2026-11-23T10:00:00+02:00", "2026-11-23T08:00:00.000Z"],
    ["2026-11-23T00:30:00.5-05:30", "2026-11-23T06:00:00.500Z"],
    ["2026-11-23T10:00:00-00:00", "2026-11-23T10:00:00.000Z"],
    ["2026-11-23T10:00:00+23:59", "2026-11-22T10:01:00.000Z"],
    ["2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"],
    ["0099-12-31T00:00:00Z", "0099-12-31T00:00:00.000Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
  ];
  for (const [text, iso] of accepted) {
    it(`reads ${text}`, () => {
      const timeMs = parseTime(text);
      assert.notEqual(timeMs, undefined);
      assert.equal(new Date(timeMs!).toISOString(), iso);
    });
  }

  const refused = [
    "",
    "2026-11-23",
    "2026-11-23T10:00:00",
    "2026-11-23T10:00Z",
    "2026-11-23 10:00:00Z",
    "2026-11-23T10:00:00.Z",
    "2026-11-23T10:00:00,5Z",
    "2026-11-23T10:00:00+0200",
    "2026-11-23T10:00:00+02",
    "2026-11-23T10:00:00+24:00",
    "2026-11-23T10:00:00+02:60",
    "2026-11-23T24:00:00Z",
    "2026-11-23T10:60:00Z",
    "2026-11-23T23:59:60Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-11-00T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-11-23T10:00:00ZZ",
    " 2026-11-23T10:00:00Z",
    "2026-11-23T10:00:00Z ",
    "+2026-11-23T10:00:00Z",
    "2026-11-23T10:00:0٣Z",
    "1700000000000",
  ];
  for (const text of refused) {
    it(`takes ${JSON.stringify(text)} for no time`, () => assert.equal(parseTime(text), undefined));
  }

  it("reads what Date writes, in any offset", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("0000-01-02"), max: new Date("9999-12-30"), noInvalidDate: true }),
        fc.integer({ min: -1439, max: 1439 }),
        (date, offsetMinutes) => {
          const local = new Date(date.getTime() + offsetMinutes * 60_000)
            .toISOString()
            .slice(0, -1);
          const [hours, minutes] = [
            Math.floor(Math.abs(offsetMinutes) / 60),
            Math.abs(offsetMinutes) % 60,
          ];
          const two = (n: number): string => String(n).padStart(2, "0");
          const text = `${local}${offsetMinutes < 0 ? "-" : "+"}${two(hours)}:${two(minutes)}`;
          assert.equal(parseTime(text), date.getTime());
          assert.equal(parseTime(date.toISOString()), date.getTime());
        },
      ),
    );
  });
});

describe("TimeParser", () => {
  it("says where the time ended and looks no further than the limit", () => {
    const bytes = new TextEncoder().encode('x2026-11-23T10:00:00.25+01:00"');
    const times = new TimeParser();
    assert.equal(times.parse(bytes, 1, bytes.length), Date.UTC(2026, 10, 23, 9, 0, 0, 250));
    assert.equal(times.end, bytes.length - 1);
    for (let limit = 0; limit < bytes.length - 1; limit++) {
      assert.equal(times.parse(bytes, 1, limit), Number.NaN, `limit ${limit}`);
    }
  });

  it("is not misled by the date it remembers", () => {
    const times = new TimeParser();
    const parse = (text: string): number =>
      times.parse(new TextEncoder().encode(text), 0, text.length);
    assert.equal(parse("2026-02-28T00:00:00Z"), Date.UTC(2026, 1, 28));
    assert.equal(parse("2026-02-29T00:00:00Z"), Number.NaN);
    assert.equal(parse("2026-02-28T00:00:01Z"), Date.UTC(2026, 1, 28, 0, 0, 1));
    assert.equal(parse("2026-03-01T00:00:00Z"), Date.UTC(2026, 2, 1));
  });
});

describe("dateMsOf", () => {
  it("knows the calendar", () => {
    assert.equal(dateMsOf(2024, 2, 29), Date.UTC(2024, 1, 29));
    assert.equal(dateMsOf(2023, 2, 29), undefined);
    assert.equal(dateMsOf(2023, 13, 1), undefined);
    assert.equal(dateMsOf(2023, 1, 0), undefined);
  });
});
