import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { IdentityHasher } from "../../src/aggregate/identity.ts";
import { EventIdKind } from "../../src/model/click-batch.ts";

/** HalfSipHash with 64 bits out, written from its definition, one round at a time. */
function halfSipHash(
  compressionRounds: number,
  finalizationRounds: number,
  key: readonly [number, number],
  words: readonly number[],
  lastWord: number,
): [number, number] {
  const v = [key[0], key[1] ^ 0xee, key[0] ^ 0x6c796765, key[1] ^ 0x74656462];
  const rotate = (x: number, bits: number) => (x << bits) | (x >>> (32 - bits));
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      v[0] = (v[0]! + v[1]!) | 0;
      v[1] = rotate(v[1]!, 5) ^ v[0];
      v[0] = rotate(v[0], 16);
      v[2] = (v[2]! + v[3]!) | 0;
      v[3] = rotate(v[3]!, 8) ^ v[2];
      v[0] = (v[0] + v[3]) | 0;
      v[3] = rotate(v[3], 7) ^ v[0];
      v[2] = (v[2] + v[1]) | 0;
      v[1] = rotate(v[1], 13) ^ v[2];
      v[2] = rotate(v[2], 16);
    }
  };
  for (const word of [...words, lastWord]) {
    v[3]! ^= word;
    rounds(compressionRounds);
    v[0]! ^= word;
  }
  v[2]! ^= 0xee;
  rounds(finalizationRounds);
  const first = (v[1]! ^ v[3]!) >>> 0;
  v[1]! ^= 0xdd;
  rounds(finalizationRounds);
  return [first, (v[1]! ^ v[3]!) >>> 0];
}

/** Little-endian words of the bytes, and the last word with the rest and the length. */
function wordsOf(bytes: Uint8Array): { words: number[]; last: number } {
  const padded = Buffer.concat([bytes, Buffer.alloc(4 - (bytes.length % 4))]);
  const words: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) words.push(padded.readUInt32LE(at));
  return { words, last: padded.readUInt32LE(words.length * 4) | (bytes.length << 24) };
}

const secret = Uint8Array.from({ length: 32 }, (_, i) => i);

/** By the definition in identity.ts: each half under its own key, which the secret gives the ad. */
function expectedHash(adId: string, words: readonly number[], last: number): number[] {
  const view = Buffer.from(secret);
  const ad = wordsOf(Buffer.from(adId));
  const lane = (at: number) =>
    halfSipHash(1, 3, [view.readUInt32LE(at), view.readUInt32LE(at + 4)], ad.words, ad.last);
  // Lane by lane the output words are 0 and 2 (first), 1 and 3 (second).
  const [a0, a1] = lane(0);
  const [b0, b1] = lane(8);
  const adKey = [a0, a1 === 0 ? 1 : a1, b0, b1] as const;
  const [x0, x1] = halfSipHash(1, 3, [adKey[0], adKey[1]], words, last);
  const [y0, y1] = halfSipHash(1, 3, [adKey[2], adKey[3]], words, last);
  return [x0, x1 === 0 ? 1 : x1, y0, y1];
}

function hasherOf(adId: string): IdentityHasher {
  const hasher = new IdentityHasher(secret);
  const bytes = Buffer.from(adId);
  hasher.introduceAd(1, bytes, 0, bytes.length);
  return hasher;
}

describe("the reference HalfSipHash", () => {
  it("gives the published vectors of HalfSipHash-2-4-64", () => {
    const key = wordsOf(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)).words as [number, number];
    const published = [
      "218d1f59b9b83cc8",
      "be552412f8387315",
      "064f39ef7c50eb57",
      "ce0f1a45f7060679",
      "d5e78a175be52ea1",
      "cb9d7c3f2f3db580",
      "ce3e91358aa2bc25",
      "ff202728b07bc684",
      "edfee820bce4858c",
      "5b51cccc13888307",
    ];
    for (const [length, hex] of published.entries()) {
      const { words, last } = wordsOf(Uint8Array.from({ length }, (_, i) => i));
      const out = Buffer.alloc(8);
      const [first, second] = halfSipHash(2, 4, key, words, last);
      out.writeUInt32LE(first, 0);
      out.writeUInt32LE(second, 4);
      assert.equal(out.toString("hex"), hex, `input of ${length} bytes`);
    }
  });
});

describe("an identity", () => {
  it("is HalfSipHash-1-3 of a text event id under the ad's key, twice", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 60 }),
        fc.string({ maxLength: 40 }),
        (adId, eventId) => {
          const out = new Uint32Array(4);
          const bytes = Buffer.from(eventId);
          hasherOf(adId).hashText(1, bytes, 0, bytes.length, out, 0);
          const { words, last } = wordsOf(bytes);
          assert.deepEqual([...out], expectedHash(adId, words, last));
        },
      ),
    );
  });

  it("tells a UUID from a derived id of the same bits and from their text", () => {
    const words = Uint32Array.of(1, 2, 3, 4);
    const hasher = hasherOf("ad-1");
    const [uuid, derived, text] = [new Uint32Array(4), new Uint32Array(4), new Uint32Array(4)];
    hasher.hashWords(1, EventIdKind.uuid, words, 0, uuid, 0);
    hasher.hashWords(1, EventIdKind.derived, words, 0, derived, 0);
    hasher.hashText(1, new Uint8Array(words.buffer), 0, 16, text, 0);
    assert.deepEqual([...uuid], expectedHash("ad-1", [1, 2, 3, 4], 0xf0 << 24));
    assert.deepEqual([...derived], expectedHash("ad-1", [1, 2, 3, 4], 0xf1 << 24));
    assert.equal(new Set([uuid.join(), derived.join(), text.join()]).size, 3);
  });

  it("differs from ad to ad and from secret to secret", () => {
    const hashOf = (hasher: IdentityHasher) => {
      const out = new Uint32Array(4);
      hasher.hashWords(1, EventIdKind.uuid, Uint32Array.of(9, 9, 9, 9), 0, out, 0);
      return out.join();
    };
    const other = new IdentityHasher(Uint8Array.from(secret, (byte) => byte ^ 1));
    other.introduceAd(1, Buffer.from("ad-1"), 0, 4);
    const hashes = [hashOf(hasherOf("ad-1")), hashOf(hasherOf("ad-2")), hashOf(other)];
    assert.equal(new Set(hashes).size, 3);
  });
});
