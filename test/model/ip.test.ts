import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatIp, parseIpInto } from "../../src/model/ip.ts";

function wordsOf(text: string): number[] | undefined {
  const words = new Uint32Array(6);
  if (!parseIpInto(text, words, 1)) return undefined;
  assert.equal(words[0], 0);
  assert.equal(words[5], 0);
  return [...words.subarray(1, 5)];
}

function format(words: readonly number[]): string {
  return formatIp(Uint32Array.from([7, ...words]), 1);
}

const hexGroup = fc.oneof(
  fc.constantFrom("0", "00", "0000", "1", "ffff", "FFFF", "0db8", "12345", "g", ""),
  fc.nat(0xffff).map((group) => group.toString(16)),
);
const decimalPart = fc.oneof(
  fc.constantFrom(
    "0",
    "00",
    "01",
    "010",
    "1",
    "9",
    "10",
    "99",
    "100",
    "255",
    "256",
    "1000",
    "-1",
    "",
  ),
  fc.nat(300).map(String),
);
const v4 = fc.array(decimalPart, { minLength: 3, maxLength: 5 }).map((parts) => parts.join("."));
const goodV4 = fc
  .array(fc.nat(255), { minLength: 4, maxLength: 4 })
  .map((parts) => parts.join("."));
const groups = (maxLength: number) =>
  fc.array(hexGroup, { maxLength }).map((list) => list.join(":"));
const v6 = fc.oneof(
  groups(9),
  fc.tuple(groups(8), groups(8)).map(([head, tail]) => `${head}::${tail}`),
  fc.tuple(groups(4), groups(4), goodV4).map(([head, tail, end]) => `${head}::${tail}:${end}`),
  fc.tuple(groups(7), fc.oneof(v4, goodV4)).map(([head, end]) => `${head}:${end}`),
  fc.tuple(groups(3), groups(3), groups(3)).map((parts) => parts.join("::")),
);
const noise = fc.string({ unit: fc.constantFrom(..."0123456789abcdefF:.x +-\n١"), maxLength: 20 });
const word = fc.oneof(fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffffffff), fc.nat(0xffffffff));
const address = fc.array(word, { minLength: 4, maxLength: 4 });

describe("IP addresses", () => {
  it("are taken exactly where Node takes them", () => {
    const valid = { 4: 0, 6: 0 };
    fc.assert(
      fc.property(fc.oneof(v4, goodV4, v6, noise), (text) => {
        const version = isIP(text);
        assert.equal(wordsOf(text) !== undefined, version !== 0, JSON.stringify(text));
        if (version !== 0) valid[version as 4 | 6]++;
      }),
      { numRuns: 10_000 },
    );
    assert.ok(valid[4] > 300 && valid[6] > 300, JSON.stringify(valid));
  });

  it("are refused with a zone or a prefix length", () => {
    for (const text of [
      "fe80::1%eth0",
      "fe80::1%1",
      "10.0.0.0/8",
      "::/0",
      "[::1]",
      " 1.2.3.4",
      "1.2.3.4\n",
    ]) {
      assert.equal(wordsOf(text), undefined, JSON.stringify(text));
    }
  });

  it("come back from their words and have one form", () => {
    fc.assert(
      fc.property(address, (words) => {
        const text = format(words);
        assert.notEqual(isIP(text), 0, text);
        assert.deepEqual(wordsOf(text), words);
        assert.deepEqual(wordsOf(text.toUpperCase()), words);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are written as the URL standard writes them", () => {
    fc.assert(
      fc.property(address, ([a, b, c, d]) => {
        const words = [a!, b!, c!, d!];
        const text = format(words);
        if (isIP(text) === 6) assert.equal(`[${text}]`, new URL(`http://[${text}]/`).hostname);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are the same address in IPv4 and mapped into IPv6", () => {
    assert.deepEqual(wordsOf("192.0.2.255"), [0, 0, 0xffff, 0xc00002ff]);
    assert.deepEqual(wordsOf("::ffff:192.0.2.255"), wordsOf("192.0.2.255"));
    assert.deepEqual(wordsOf("::FFFF:c000:2ff"), wordsOf("192.0.2.255"));
    assert.notDeepEqual(wordsOf("::192.0.2.255"), wordsOf("192.0.2.255"));
    assert.equal(format(wordsOf("::ffff:c000:2ff")!), "192.0.2.255");
  });

  for (const [given, canonical] of [
    ["2001:0DB8:0:0:0:0:0:0001", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["::1.2.3.4", "::102:304"],
  ] as const) {
    it(`writes ${given} as RFC 5952 has it`, () => {
      assert.equal(format(wordsOf(given)!), canonical);
    });
  }
});
