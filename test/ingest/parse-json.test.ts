import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NumberText, canonicalJson, isObject, parseJson } from "../../src/ingest/parse-json.ts";
import type { JsonValue } from "../../src/ingest/parse-json.ts";
import { decodeBody } from "./decoding.ts";

/** As JSON.parse would have it. */
function plain(value: JsonValue): unknown {
  if (value instanceof NumberText) return Number(value.text);
  if (Array.isArray(value)) return value.map((part: JsonValue) => plain(part));
  if (!isObject(value)) return value;
  return Object.fromEntries(Array.from(value, ([name, part]) => [name, plain(part)]));
}

describe("values of JSON", () => {
  it("are those of JSON.parse, whatever the white space", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("", " ", "\n\t", "\r"), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        assert.deepEqual(plain(parseJson(text)), JSON.parse(text));
        assert.deepEqual(JSON.parse(canonicalJson(parseJson(text))), JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  it("keep numbers as they were written, and of members of one name the last", () => {
    const text = '{ "b" : [ 1.50 , -0, 1E400 ] , "a" : 1 , "a" : { } , "" : [ ] }';
    assert.equal(canonicalJson(parseJson(text)), '{"":[],"a":{},"b":[1.50,-0,1E400]}');
  });

  it("have the names that were sent, whatever names other senders sent before", () => {
    const derivedIdOf = (fields: string): string =>
      decodeBody(`{"ad_id":"a","click_timestamp":1,${fields}}`).rows[0]!.event_id;
    const { rows } = decodeBody('{"ad_id":"a","click_timestamp":1,"\\u0069p":"1.2.3.4"}');
    const before = derivedIdOf('"\\n":1');
    // Names of backslashes, which are what the next ones begin with as they are written.
    derivedIdOf('"\\\\":1');
    derivedIdOf('"\\\\u":1');
    assert.equal(derivedIdOf('"\\n":1'), before);
    assert.deepEqual(
      decodeBody('{"ad_id":"a","click_timestamp":1,"\\u0069p":"1.2.3.4"}').rows,
      rows,
    );
    assert.deepEqual(rows[0]!.dimensions, { ip: "1.2.3.4" });
  });
});
