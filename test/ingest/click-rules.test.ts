import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeBody, goodRow, receivedAtMs } from "./decoding.ts";
import { accepted, clickJson, refused, textOf, time, ways } from "./rule-tables.ts";

describe("ad_id", () => {
  accepted("may have 256 bytes", { ad_id: textOf(256) }, { ad_id: "x".repeat(256) });
  accepted(
    "is counted in bytes",
    { ad_id: JSON.stringify("é".repeat(128)) },
    { ad_id: "é".repeat(128) },
  );
  accepted("keeps white space", { ad_id: '" a "' }, { ad_id: " a " });
  accepted("may hold any character", { ad_id: '"😀\\u0000\\n\\"\\\\"' }, { ad_id: '😀\0\n"\\' });
  refused("is required", { ad_id: undefined }, [
    "ad_id",
    "missing_field",
    "string of 1 to 256 bytes",
  ]);
  refused("must not be null", { ad_id: "null" }, ["ad_id", "missing_field"]);
  refused("must not be empty", { ad_id: '""' }, ["ad_id", "empty_field"]);
  refused("must not have 257 bytes", { ad_id: textOf(257) }, [
    "ad_id",
    "field_too_long",
    "257 bytes",
    "at most 256",
    "xxx…",
  ]);
  refused(
    "must not have 257 bytes of fewer characters",
    { ad_id: JSON.stringify(`${"é".repeat(128)}x`) },
    ["ad_id", "field_too_long"],
  );
  refused("is no number", { ad_id: "12345" }, [
    "ad_id",
    "invalid_type",
    "12345",
    "a string is expected",
  ]);
  refused("is no boolean", { ad_id: "true" }, ["ad_id", "invalid_type"]);
  refused("is no object", { ad_id: '{"b":1,"a":[2, 3.0]}' }, [
    "ad_id",
    "invalid_type",
    '{"a":[2,3.0],"b":1}',
  ]);
});

describe("click_timestamp", () => {
  accepted(
    "may have an offset",
    { click_timestamp: '"2026-11-23T12:00:00+02:00"' },
    { time: receivedAtMs },
  );
  accepted(
    "may be lower-case",
    { click_timestamp: '"2026-11-23t10:00:00z"' },
    { time: receivedAtMs },
  );
  accepted(
    "is cut off to milliseconds",
    { click_timestamp: '"2026-11-23T09:59:59.9999999Z"' },
    { time: receivedAtMs - 1 },
  );
  accepted("may be epoch ms", { click_timestamp: time(0) }, { time: receivedAtMs });
  accepted(
    "may be epoch ms with an exponent",
    { click_timestamp: "1.795428e12" },
    { time: receivedAtMs },
  );
  accepted(
    "may be epoch ms with an empty fraction",
    { click_timestamp: `${time(0)}.0` },
    { time: receivedAtMs },
  );
  accepted("may be the epoch", { click_timestamp: "0" }, { time: 0 });
  accepted("may be the epoch with a sign", { click_timestamp: "-0" }, { time: 0 });
  accepted(
    "may be ahead as far as is allowed",
    { click_timestamp: time(60_000) },
    { time: receivedAtMs + 60_000 },
  );
  refused("must not be ahead further", { click_timestamp: time(60_001) }, [
    "click_timestamp",
    "future_timestamp",
    "60001 ms after",
    "at most 60000 ms",
  ]);
  refused(
    "must not be ahead further as a text",
    { click_timestamp: '"2026-11-23T10:01:00.001Z"' },
    ["click_timestamp", "future_timestamp"],
  );
  refused("is required", { click_timestamp: undefined }, [
    "click_timestamp",
    "missing_field",
    "RFC 3339",
  ]);
  refused("must not be null", { click_timestamp: "null" }, ["click_timestamp", "missing_field"]);
  refused("must not be empty", { click_timestamp: '""' }, ["click_timestamp", "empty_field"]);
  refused("needs an offset", { click_timestamp: '"2026-11-23T10:00:00"' }, [
    "click_timestamp",
    "invalid_timestamp",
    '"2026-11-23T10:00:00"',
    "RFC 3339",
  ]);
  refused("is no text of digits", { click_timestamp: JSON.stringify(time(0)) }, [
    "click_timestamp",
    "invalid_timestamp",
  ]);
  refused("is no date that does not exist", { click_timestamp: '"2026-02-29T10:00:00Z"' }, [
    "click_timestamp",
    "invalid_timestamp",
  ]);
  refused("is no leap second", { click_timestamp: '"2016-12-31T23:59:60Z"' }, [
    "click_timestamp",
    "invalid_timestamp",
  ]);
  refused("is no fraction of a ms", { click_timestamp: `${time(0)}.5` }, [
    "click_timestamp",
    "invalid_timestamp",
    ".5",
  ]);
  refused("is not before 1970", { click_timestamp: "-1" }, [
    "click_timestamp",
    "invalid_timestamp",
    "1970-01-01",
  ]);
  refused("is not before 1970 by its offset", { click_timestamp: '"1970-01-01T00:00:00+00:01"' }, [
    "click_timestamp",
    "invalid_timestamp",
  ]);
  refused("is not in 2200", { click_timestamp: "7258118400000" }, [
    "click_timestamp",
    "invalid_timestamp",
    "2200-01-01",
  ]);
  refused("is not in microseconds", { click_timestamp: `${time(0)}000` }, [
    "click_timestamp",
    "invalid_timestamp",
  ]);
  refused("is no number beyond all bounds", { click_timestamp: "1e400" }, [
    "click_timestamp",
    "invalid_timestamp",
  ]);
  refused("is no boolean", { click_timestamp: "true" }, ["click_timestamp", "invalid_type"]);
  refused("is no array", { click_timestamp: "[1]" }, ["click_timestamp", "invalid_type"]);
});

describe("event_id", () => {
  accepted("may be any text", { event_id: '"click 1"' }, { event_id: "click 1" });
  accepted("may have 128 bytes", { event_id: textOf(128) }, { event_id: "x".repeat(128) });
  accepted(
    "is another one in capitals",
    { event_id: '"7D444840-9DC0-11D1-B245-5FFDCE74FAD2"' },
    { event_id: "7D444840-9DC0-11D1-B245-5FFDCE74FAD2" },
  );
  refused("must not be empty", { event_id: '""' }, ["event_id", "empty_field"]);
  refused("must not have 129 bytes", { event_id: textOf(129) }, [
    "event_id",
    "field_too_long",
    "129 bytes",
  ]);
  refused("is no number", { event_id: "1" }, ["event_id", "invalid_type"]);
  refused("is no array", { event_id: '["a"]' }, ["event_id", "invalid_type"]);
  refused(
    "is required where it is not derived",
    { event_id: undefined },
    ["event_id", "missing_field"],
    { missingEventId: "reject" },
  );
  refused(
    "must not be null where it is not derived",
    { event_id: "null" },
    ["event_id", "missing_field"],
    { missingEventId: "reject" },
  );

  for (const [way, scanner] of ways) {
    it(`is derived where it is absent or null (${way})`, () => {
      const [absent, nothing] = [undefined, "null"].map((event_id) =>
        decodeBody(clickJson({ event_id }), { scanner }),
      );
      assert.equal(absent!.decoded.derivedIds, 1);
      assert.match(absent!.rows[0]!.event_id, /^derived:[0-9a-f]{32}$/);
      assert.deepEqual(nothing!.rows, absent!.rows);
    });
  }
});

describe("text that is no text", () => {
  refused("is refused in a value", { device: '"\\ud800"' }, [
    "device",
    "invalid_utf8",
    "surrogate",
  ]);
  refused("is refused in the wrong order", { device: '"\\udc00\\ud800"' }, [
    "device",
    "invalid_utf8",
  ]);
  refused("is refused in an undeclared field", { extra: '{"a":["\\udfff"]}' }, [
    "extra",
    "invalid_utf8",
  ]);
  refused("is refused in the name of a nested field", { extra: '{"\\ud83d":1}' }, [
    "extra",
    "invalid_utf8",
  ]);
  accepted(
    "is none where both halves are there",
    { device: '"\\ud83d\\ude00"' },
    { dimensions: { ...goodRow.dimensions, device: "😀" } },
  );

  for (const bytes of [
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
    [0x80],
  ]) {
    for (const [way, scanner] of ways) {
      it(`is refused as the bytes ${Buffer.from(bytes).toString("hex")} (${way})`, () => {
        const body = Buffer.from(clickJson({ device: '"@@@@"' }));
        const at = body.indexOf("@@@@");
        const broken = Buffer.concat([
          body.subarray(0, at),
          Uint8Array.from(bytes),
          body.subarray(at + 4),
        ]);
        const { decoded, rows } = decodeBody(broken, { scanner });
        assert.deepEqual(rows, []);
        assert.deepEqual(
          decoded.errors.map(({ field, code }) => ({ field, code })),
          [{ field: "device", code: "invalid_utf8" }],
        );
      });
    }
  }
});

describe("several things wrong with one item", () => {
  refused("are told by the first", { ad_id: "1", click_timestamp: "null", device: "[]" }, [
    "ad_id",
    "invalid_type",
  ]);
});
