import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseIpInto } from "../../src/model/ip.ts";
import { parseIpBytesInto } from "../../src/model/parse-ip.ts";

function wordsOf(text: string): number[] | undefined {
  const padded = new TextEncoder().encode(`"${text}"`);
  const words = new Uint32Array(6);
  return parseIpBytesInto(padded, 1, padded.length - 1, words, 1)
    ? [...words.subarray(1, 5)]
    : undefined;
}

function expectedWords(text: string): number[] | undefined {
  const words = new Uint32Array(4);
  return parseIpInto(text, words, 0) ? [...words] : undefined;
}

describe("parseIpBytesInto", () => {
  it("reads both families", () => {
    assert.deepEqual(wordsOf("1.2.3.4"), [0, 0, 0xffff, 0x01020304]);
    assert.deepEqual(wordsOf("255.255.255.255"), [0, 0, 0xffff, 0xffffffff]);
    assert.deepEqual(wordsOf("2001:db8::1"), [0x20010db8, 0, 0, 1]);
    assert.deepEqual(wordsOf("::FFFF:1.2.3.4"), [0, 0, 0xffff, 0x01020304]);
  });

  for (const text of [
    "",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "::1%eth0",
    "12345::",
    "1:2:3:4:5:6:7::8:9",
    "1.2.3.4::",
    "1:",
  ]) {
    it(`takes ${JSON.stringify(text)} for no address`, () =>
      assert.equal(wordsOf(text), undefined));
  }

  it("takes the same texts as parseIpInto, for the same addresses", () => {
    const pieces = fc.constantFrom(
      "0",
      "1",
      "00",
      "9",
      "10",
      "255",
      "256",
      "ffff",
      "Ab",
      "12345",
      ":",
      "::",
      ".",
      "1.2.3.4",
    );
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join("")),
    );
    let addresses = 0;
    fc.assert(
      fc.property(text, (address) => {
        const words = wordsOf(address);
        assert.deepEqual(words, expectedWords(address));
        assert.equal(words !== undefined, isIP(address) !== 0);
        if (words !== undefined) addresses++;
      }),
      { numRuns: 2000 },
    );
    assert.ok(addresses > 500);
  });
});
