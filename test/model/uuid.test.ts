import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { EventIdKind, formatEventId } from "../../src/model/click-batch.ts";
import { parseUuidInto } from "../../src/model/uuid.ts";

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Any 128 bits, not only those that carry a version. */
const uuid = fc
  .array(fc.nat(255), { minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString("hex"))
  .map((hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"));

/** The text as it comes back, or undefined where it is refused. */
function parsed(text: string): string | undefined {
  const words = new Uint32Array(6);
  const source = new TextEncoder().encode(`"${text}"`);
  if (!parseUuidInto(source, 1, words, 1)) return undefined;
  assert.equal(words[0], 0);
  assert.equal(words[5], 0);
  return formatEventId(EventIdKind.uuid, words, 1, undefined);
}

describe("UUIDs", () => {
  it("come back from their four words as they were written", () => {
    fc.assert(fc.property(uuid, (text) => assert.equal(parsed(text), text)));
  });

  it("keep the most significant word first", () => {
    const words = new Uint32Array(4);
    const text = "00112233-4455-6677-8899-aabbccddeeff";
    assert.ok(parseUuidInto(new TextEncoder().encode(text), 0, words, 0));
    assert.deepEqual([...words], [0x00112233, 0x44556677, 0x8899aabb, 0xccddeeff]);
  });

  it("are refused in any other spelling", () => {
    const odd = fc.oneof(
      uuid.map((text) => text.toUpperCase()),
      fc
        .tuple(uuid, fc.nat(35), fc.constantFrom(..."-/:`gG @\u0000~"))
        .map(([text, at, char]) => text.slice(0, at) + char + text.slice(at + 1)),
      fc.string({ minLength: 36, maxLength: 36, unit: fc.constantFrom(..."0123456789abcdef-ABF") }),
    );
    fc.assert(
      fc.property(odd, (text) =>
        assert.equal(parsed(text), canonical.test(text) ? text : undefined),
      ),
      { numRuns: 2_000 },
    );
  });

  it("are refused where the bytes end before them", () => {
    const source = new TextEncoder().encode("00112233-4455-6677-8899-aabbccddeeff");
    for (let length = 0; length < 36; length++) {
      assert.equal(parseUuidInto(source.subarray(0, length), 0, new Uint32Array(4), 0), false);
    }
    assert.equal(parseUuidInto(source, 1, new Uint32Array(4), 0), false);
  });
});
