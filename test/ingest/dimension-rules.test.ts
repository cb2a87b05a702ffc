import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeBody, goodRow } from "./decoding.ts";
import { accepted, clickJson, refused, textOf, ways, without } from "./rule-tables.ts";

describe("a dimension", () => {
  accepted(
    "may have 256 bytes",
    { device: textOf(256) },
    { dimensions: { ...goodRow.dimensions, device: "x".repeat(256) } },
  );
  accepted(
    "takes a number as its JSON text",
    { device: "1" },
    { dimensions: { ...goodRow.dimensions, device: "1" } },
  );
  accepted(
    "keeps all digits of a long number",
    { user_id: "12345678901234567890" },
    { dimensions: { ...goodRow.dimensions, user_id: "12345678901234567890" } },
  );
  accepted(
    "keeps a number as it was written",
    { device: "-1.50E+2" },
    { dimensions: { ...goodRow.dimensions, device: "-1.50E+2" } },
  );
  accepted(
    "takes a boolean as its JSON text",
    { device: "false" },
    { dimensions: { ...goodRow.dimensions, device: "false" } },
  );
  accepted("may be absent", { device: undefined }, { dimensions: without("device") });
  accepted(
    "may be null",
    { device: "null", ip: "null", country: "null" },
    { dimensions: without("device", "ip", "country") },
  );
  accepted(
    "is missing where it is empty",
    { device: '""', ip: '""', country: '""' },
    { dimensions: without("device", "ip", "country") },
  );
  refused("must not have 257 bytes", { user_id: textOf(257) }, [
    "user_id",
    "field_too_long",
    "257 bytes",
    "at most 256",
  ]);
  refused("is no object", { device: '{"os":"ios"}' }, ["device", "invalid_type"]);
  refused("is no array", { ip: '["1.2.3.4"]' }, ["ip", "invalid_type"]);
  refused("is no empty array", { country: "[]" }, ["country", "invalid_type", "[]"]);
});

describe("a dimension of type country", () => {
  accepted(
    "is upper-cased",
    { country: '"dE"' },
    { dimensions: { ...goodRow.dimensions, country: "DE" } },
  );
  for (const value of ['"USA"', '"U"', '"U1"', '"U["', '"é"', '"Ué"', "12", "true"]) {
    refused(`is not ${value}`, { country: value }, [
      "country",
      "invalid_country",
      value,
      "two letters",
    ]);
  }
});

describe("a dimension of type ip", () => {
  accepted(
    "may be IPv6",
    { ip: '"2001:DB8::0:1"' },
    { dimensions: { ...goodRow.dimensions, ip: "2001:db8::1" } },
  );
  accepted("is IPv4 where it is mapped", { ip: '"::ffff:1.2.3.4"' }, {});
  for (const value of [
    '"1.2.3"',
    '"1.2.3.256"',
    '"01.2.3.4"',
    '" 1.2.3.4"',
    '"1.2.3.4:80"',
    '"::1%lo"',
    '"localhost"',
    "16909060",
    "1.2",
  ]) {
    refused(`is not ${value}`, { ip: value }, ["ip", "invalid_ip", value, "IPv4 or IPv6"]);
  }
});

describe("an undeclared field", () => {
  for (const value of ['"x"', "1", "null", "true", '{"a":[1]}', '"\\u0041"']) {
    accepted(`is ignored (${value})`, { extra: value }, {});
  }
  refused(
    "is refused where the rules say so",
    { extra: "1" },
    ["extra", "unknown_field", '"extra"', "ad_id, click_timestamp, event_id, country"],
    { unknownFields: "reject" },
  );
  refused(
    "is refused by the first name of several",
    { zz: "1", aa: "2", "7": "1" },
    ["7", "unknown_field"],
    { unknownFields: "reject" },
  );
  refused(
    "is named in short",
    { ["n".repeat(500)]: "1" },
    [`${"n".repeat(64)}…`, "unknown_field"],
    { unknownFields: "reject" },
  );

  for (const [way, scanner] of ways) {
    it(`is counted, once a name (${way})`, () => {
      const body = `${clickJson({ a: "1", b: "2" })}\n{"ad_id":1,"c":3}\n${clickJson({ a: "1" })}\n${clickJson({}).replace("{", '{"a":1,"a":2,')}`;
      assert.equal(decodeBody(body, { contentType: "ndjson", scanner }).decoded.unknownFields, 4);
    });
  }
});

describe("fields under other names", () => {
  for (const [way, scanner] of ways) {
    it(`are read and named in errors (${way})`, () => {
      const body = '{"channel":"213","click_time":1000,"event_id":"e","ad_id":"no"}\n{"channel":7}';
      const fieldNames = { ad_id: "channel", click_timestamp: "click_time" };
      const { decoded, rows } = decodeBody(body, { contentType: "ndjson", fieldNames, scanner });
      assert.deepEqual(rows, [{ ad_id: "213", time: 1000, event_id: "e", dimensions: {} }]);
      assert.deepEqual(
        decoded.errors.map(({ field, code }) => ({ field, code })),
        [{ field: "channel", code: "invalid_type" }],
      );
      assert.equal(decoded.unknownFields, 1);
    });

    it(`may need escapes in JSON (${way})`, () => {
      const body = '{"a\\"d":"213","click_timestamp":1000,"event_id":"e"}';
      assert.equal(
        decodeBody(body, { fieldNames: { ad_id: 'a"d' }, scanner }).rows[0]?.ad_id,
        "213",
      );
    });
  }
});
