import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Dictionary } from "../../src/aggregate/dictionary.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });

describe("a dictionary", () => {
  it("gives keys from 1 in the order of first use, as a plain map does", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3_000 }), (texts) => {
        const dictionary = new Dictionary("ad_id");
        const keys = new Map<string, number>();
        for (const value of texts) {
          if (!keys.has(value)) keys.set(value, keys.size + 1);
          assert.equal(dictionary.internText(value), keys.get(value));
        }
        assert.equal(dictionary.size, keys.size);
        for (const [value, key] of keys) {
          assert.equal(dictionary.keyOf(value), key);
          assert.equal(dictionary.textOf(key), value);
        }
        assert.deepEqual(dictionary.textsFrom(1), [...keys.keys()]);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps its keys while all of its tables grow", () => {
    const count = 20_000;
    const dictionary = new Dictionary("ad_id");
    for (let i = 1; i <= count; i++) assert.equal(dictionary.internText(`ad-${i}`), i);
    for (let i = 1; i <= count; i++) assert.equal(dictionary.keyOf(`ad-${i}`), i);
    assert.ok(dictionary.bytes < count * 60, `${dictionary.bytes} bytes`);
  });

  it("knows nothing of keys and texts that were never given", () => {
    const dictionary = new Dictionary("ad_id", ["a"]);
    assert.deepEqual(
      [0, 2, -1].map((key) => dictionary.textOf(key)),
      [undefined, undefined, undefined],
    );
    assert.equal(dictionary.keyOf("b"), undefined);
    assert.equal(dictionary.size, 1);
  });

  it("tells a byte order mark and the empty text from others", () => {
    const dictionary = new Dictionary("ad_id", ["", "\uFEFF", "\uFEFFa", "a"]);
    assert.deepEqual(dictionary.textsFrom(1), ["", "\uFEFF", "\uFEFFa", "a"]);
  });

  it("takes a part of a larger buffer", () => {
    const dictionary = new Dictionary("ad_id");
    const bytes = Buffer.from("xxad-1yy");
    assert.equal(dictionary.intern(bytes, 2, 6), dictionary.internText("ad-1"));
    dictionary.withBytes(1, (source, start, end) => {
      assert.equal(Buffer.from(source.subarray(start, end)).toString(), "ad-1");
    });
  });
});
