import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { deriveEventId, deriveOccurrenceId } from "../../src/ingest/derived-event-id.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import { decodeBody, receivedAtMs } from "./decoding.ts";

function hex(words: readonly number[]): string {
  return words.map((word) => word.toString(16).padStart(8, "0")).join("");
}

function derivedIdOf(json: string, options: Parameters<typeof decodeBody>[1] = {}): string {
  const { rows } = decodeBody(json, options);
  assert.equal(rows.length, 1);
  return rows[0]!.event_id.replace("derived:", "");
}

/** The encoding as it is documented, written again. */
function expectedId(fields: readonly (readonly [string, string])[]): string {
  const sized = (text: string): Buffer => {
    const bytes = Buffer.from(text);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(bytes.length);
    return Buffer.concat([size, bytes]);
  };
  const sorted = fields.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const parts = sorted.flatMap(([name, text]) => [sized(name), sized(text)]);
  return createHash("sha256")
    .update(Buffer.concat([Buffer.from([1, 0, 0, 0]), ...parts]))
    .digest("hex")
    .slice(0, 32);
}

const click = { ad_id: "ad-1", click_timestamp: "2026-11-23T09:00:00Z", country: "US" };

describe("a derived event id", () => {
  it("never changes: clicks are known by it", () => {
    assert.equal(hex(deriveEventId(Object.entries(click))), "775fe3e5553baba5fb59c4e1bbf89083");
    assert.equal(
      hex(deriveOccurrenceId(deriveEventId(Object.entries(click)), 2)),
      "c042876c95159c047a0fa9a8ce146879",
    );
    assert.equal(derivedIdOf(JSON.stringify(click)), "775fe3e5553baba5fb59c4e1bbf89083");
  });

  it("is the documented hash of all fields, however the click came", () => {
    const name = fc
      .string({ unit: "grapheme", maxLength: 6 })
      .filter((text) => !(text in click) && text !== "event_id");
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(fc.dictionary(name, text, { maxKeys: 40 }), fc.boolean(), (extra, scanner) => {
        const fields = [...Object.entries(click), ...Object.entries(extra)];
        assert.equal(hex(deriveEventId(fields)), expectedId(fields));
        assert.equal(hex(deriveEventId(fields.toReversed())), expectedId(fields));
        const entries = fields.map(([n, t]) => `${JSON.stringify(n)}:${JSON.stringify(t)}`);
        assert.equal(derivedIdOf(`{${entries.join(",")}}`, { scanner }), expectedId(fields));
        assert.equal(
          derivedIdOf(`{${entries.toReversed().join(" , ")}}`, { scanner }),
          expectedId(fields),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("does not depend on the configuration", () => {
    const json = JSON.stringify({ ...click, device: "tv", extra: "1" });
    const layouts: DimensionLayout[] = [
      [],
      [{ name: "extra", in: "raw", type: "string" }],
      [{ name: "device", in: "minute", type: "string" }],
    ];
    const ids = layouts.map((layout) => derivedIdOf(json, { layout }));
    assert.deepEqual(new Set(ids).size, 1);
    assert.equal(ids[0], derivedIdOf(json));
    const elsewhere = json.replace('"ad_id"', '"channel"');
    assert.equal(derivedIdOf(elsewhere, { fieldNames: { ad_id: "channel" } }), ids[0]);
  });

  it("takes a number or boolean for its JSON text, as a CSV row holds it", () => {
    const json = `{"ad_id":"a","click_timestamp":${receivedAtMs},"device":1.50,"app":12345678901234567890,"ok":true}`;
    const row = [
      ["ad_id", "a"],
      ["click_timestamp", String(receivedAtMs)],
      ["device", "1.50"],
      ["app", "12345678901234567890"],
      ["ok", "true"],
    ] as const;
    for (const scanner of [true, false])
      assert.equal(derivedIdOf(json, { scanner }), hex(deriveEventId(row)));
  });

  it("leaves out what is absent, null or empty", () => {
    const id = derivedIdOf(JSON.stringify(click));
    for (const scanner of [true, false]) {
      assert.equal(
        derivedIdOf(
          JSON.stringify({ ...click, device: null, extra: "", event_id: null, other: null }),
          { scanner },
        ),
        id,
      );
    }
    assert.equal(hex(deriveEventId([...Object.entries(click), ["device", ""]])), id);
  });

  it("takes nested values whatever the order of their names", () => {
    const withNested = (nested: string): string =>
      derivedIdOf(`${JSON.stringify(click).slice(0, -1)},"x":${nested}}`);
    assert.equal(
      withNested('{"b":[1, 2.0],"a":"é"}'),
      withNested('{ "a" : "\\u00e9", "b":[1,2.0] }'),
    );
    assert.notEqual(withNested('{"b":[1,2]}'), withNested('{"b":[2,1]}'));
    assert.equal(withNested("{}"), hex(deriveEventId([...Object.entries(click), ["x", "{}"]])));
  });

  it("is another one for any other content", () => {
    const ids = [
      click,
      { ...click, country: "DE" },
      { ...click, click_timestamp: "2026-11-23T09:00:00.000Z" },
      { ...click, country: "us" },
      { ...click, b: "c" },
      { ...click, bc: " " },
      { ...click, "": "bc" },
      { ...click, countr: "y" },
    ].map((content) => derivedIdOf(JSON.stringify(content)));
    assert.equal(new Set(ids).size, ids.length);
    // Where a name ends and its value begins matters.
    assert.notDeepEqual(deriveEventId([["ab", "c"]]), deriveEventId([["a", "bc"]]));
    assert.notDeepEqual(
      deriveEventId([
        ["a", "b"],
        ["c", "d"],
      ]),
      deriveEventId([["a", "b\u0001\0\0\0c\u0001\0\0\0d"]]),
    );
  });

  it("has another one for each further occurrence", () => {
    const id = deriveEventId(Object.entries(click));
    const ids = [id, ...[2, 3, 4, 5_000_000_000].map((n) => deriveOccurrenceId(id, n))].map(hex);
    assert.equal(new Set(ids).size, ids.length);
    for (const n of [0, 1, 1.5, Number.NaN, -2])
      assert.throws(() => deriveOccurrenceId(id, n), RangeError);
  });
});
