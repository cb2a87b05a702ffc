import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { describe, it } from "node:test";
import { sequenceEnd } from "../../src/ingest/utf8.ts";

/** Bytes around every border of the rules. */
const thirds = [0x00, 0x22, 0x7f, 0x80, 0xbf, 0xc0, 0xff];

/** What the decoder of Node makes of a sequence that is one character or nothing. */
function expectedEnd(bytes: Uint8Array): number {
  for (let length = 2; length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(0, length))) return length;
  }
  return -1;
}

describe("sequenceEnd", () => {
  it("knows every beginning of a sequence as Node does", () => {
    let found = 0;
    for (let lead = 0x80; lead < 0x100; lead++) {
      for (let second = 0; second < 0x100; second++) {
        for (const third of thirds) {
          for (const fourth of thirds) {
            const bytes = Uint8Array.of(lead, second, third, fourth);
            const end = sequenceEnd(bytes, 0, bytes.length);
            assert.equal(end, expectedEnd(bytes), Buffer.from(bytes).toString("hex"));
            if (end > 0) found++;
          }
        }
      }
    }
    assert.ok(found > 100_000);
  });

  it("looks no further than the limit", () => {
    for (const character of ["é", "€", "😀"]) {
      const bytes = Buffer.from(`x${character}`);
      assert.equal(sequenceEnd(bytes, 1, bytes.length), bytes.length);
      for (let limit = 2; limit < bytes.length; limit++)
        assert.equal(sequenceEnd(bytes, 1, limit), -1);
    }
  });
});
