/**
 * Identities as 128-bit hashes keyed by the data directory's secret, so that nobody outside can construct
 * two clicks that are taken for one.
 *
 * hash = HalfSipHash-1-3 (64 bits out) twice over the event id, each under half of the ad's own 128-bit key,
 * which is the same construction over the ad_id under the secret. HalfSipHash is the 32-bit member of the
 * SipHash family (Aumasson and Bernstein, https://github.com/veorq/SipHash): a keyed pseudo-random function whose
 * words are what JavaScript computes with.
 */

import { EventIdKind } from "../model/click-batch.ts";

/** Words of a hash. The second is never 0, so that a table can mark empty slots with it. */
export const identityWords = 4;

/** The last message word carries the length; real lengths stay below these marks of 128-bit ids. */
const lastWordOfUuid = 0xf0 << 24;
const lastWordOfDerived = 0xf1 << 24;

const encoder = new TextEncoder();

export class IdentityHasher {
  private readonly secret: Uint32Array;
  /** Four words of key material by ad key. */
  private adKeysMaterial = new Uint32Array(4096);
  private adCount = 0;
  private readonly message = new Uint32Array(80);

  /** `secret`: at least 16 bytes. */
  constructor(secret: Uint8Array) {
    const view = new DataView(secret.buffer, secret.byteOffset, secret.byteLength);
    this.secret = Uint32Array.from({ length: identityWords }, (_, i) =>
      view.getUint32(i * 4, true),
    );
  }

  /** Ads must be introduced in the order of their keys, from 1. */
  introduceAd(adKey: number, bytes: Uint8Array, start: number, end: number): void {
    if (adKey !== this.adCount + 1) throw new RangeError(`ad key ${adKey} after ${this.adCount}`);
    this.adCount = adKey;
    if ((adKey + 1) * identityWords > this.adKeysMaterial.length) {
      const grown = new Uint32Array(this.adKeysMaterial.length * 2);
      grown.set(this.adKeysMaterial);
      this.adKeysMaterial = grown;
    }
    const { message, secret } = this;
    const wordCount = packBytes(bytes, start, end, message);
    const last = message[wordCount]!;
    hashInto(secret, 0, message, 0, wordCount, last, this.adKeysMaterial, adKey * identityWords);
  }

  /** Ads introduced so far. */
  get knownAds(): number {
    return this.adCount;
  }

  /** The hash of a 128-bit event id (kind uuid or derived) at `words[at ..]` of this ad, into `out[outAt ..]`. */
  hashWords(
    adKey: number,
    kind: number,
    words: Uint32Array,
    at: number,
    out: Uint32Array,
    outAt: number,
  ): void {
    const last = kind === EventIdKind.uuid ? lastWordOfUuid : lastWordOfDerived;
    hashInto(this.adKeysMaterial, adKey * identityWords, words, at, 4, last, out, outAt);
  }

  /** The hash of a text event id `bytes[start .. end)` of this ad. */
  hashText(
    adKey: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    out: Uint32Array,
    outAt: number,
  ): void {
    const { message } = this;
    const wordCount = packBytes(bytes, start, end, message);
    hashInto(
      this.adKeysMaterial,
      adKey * identityWords,
      message,
      0,
      wordCount,
      message[wordCount]!,
      out,
      outAt,
    );
  }

  /**
   * The hash of an event id that the store kept, into `out`: of its text where the kind is text, else of `words[at ..]`.
   */
  hashRecorded(
    adKey: number,
    kind: number,
    words: Uint32Array,
    at: number,
    text: string | null,
    out: Uint32Array,
  ): void {
    if (kind === EventIdKind.text) {
      const bytes = encoder.encode(text ?? "");
      this.hashText(adKey, bytes, 0, bytes.length, out, 0);
    } else this.hashWords(adKey, kind, words, at, out, 0);
  }
}

/** Little-endian words of the whole four-byte groups; the word after them holds the rest and the length. */
function packBytes(bytes: Uint8Array, start: number, end: number, message: Uint32Array): number {
  const length = end - start;
  const wordCount = length >>> 2;
  let at = start;
  for (let i = 0; i < wordCount; i++, at += 4) {
    message[i] =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }
  let last = (length & 0xff) << 24;
  for (let shift = 0; at < end; at++, shift += 8) last |= bytes[at]! << shift;
  message[wordCount] = last;
  return wordCount;
}

/**
 * HalfSipHash-1-3 with 64 bits out, two lanes side by side: lane v under key words 0 and 1, lane u under 2 and 3.
 * Unrolled by hand and without a call a round: it runs once a click.
 */
function hashInto(
  key: Uint32Array,
  keyAt: number,
  message: Uint32Array,
  messageAt: number,
  wordCount: number,
  lastWord: number,
  out: Uint32Array,
  outAt: number,
): void {
  let v0 = key[keyAt]! | 0;
  let v1 = (key[keyAt + 1]! ^ 0xee) | 0;
  let v2 = (v0 ^ 0x6c796765) | 0;
  let v3 = (key[keyAt + 1]! ^ 0x74656462) | 0;
  let u0 = key[keyAt + 2]! | 0;
  let u1 = (key[keyAt + 3]! ^ 0xee) | 0;
  let u2 = (u0 ^ 0x6c796765) | 0;
  let u3 = (key[keyAt + 3]! ^ 0x74656462) | 0;

  // Rounds: one a message word, then three after 0xee and three after 0xdd for the two words of output.
  const rounds = wordCount + 1 + 6;
  let first0 = 0;
  let first1 = 0;
  for (let i = 0; i < rounds; i++) {
    const word = i < wordCount ? message[messageAt + i]! | 0 : i === wordCount ? lastWord | 0 : 0;
    if (i <= wordCount) {
      v3 ^= word;
      u3 ^= word;
    } else if (i === wordCount + 1) {
      v2 ^= 0xee;
      u2 ^= 0xee;
    } else if (i === wordCount + 4) {
      first0 = v1 ^ v3;
      first1 = u1 ^ u3;
      v1 ^= 0xdd;
      u1 ^= 0xdd;
    }
    v0 = (v0 + v1) | 0;
    u0 = (u0 + u1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    u1 = ((u1 << 5) | (u1 >>> 27)) ^ u0;
    v0 = (v0 << 16) | (v0 >>> 16);
    u0 = (u0 << 16) | (u0 >>> 16);
    v2 = (v2 + v3) | 0;
    u2 = (u2 + u3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    u3 = ((u3 << 8) | (u3 >>> 24)) ^ u2;
    v0 = (v0 + v3) | 0;
    u0 = (u0 + u3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    u3 = ((u3 << 7) | (u3 >>> 25)) ^ u0;
    v2 = (v2 + v1) | 0;
    u2 = (u2 + u1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    u1 = ((u1 << 13) | (u1 >>> 19)) ^ u2;
    v2 = (v2 << 16) | (v2 >>> 16);
    u2 = (u2 << 16) | (u2 >>> 16);
    if (i <= wordCount) {
      v0 ^= word;
      u0 ^= word;
    }
  }
  out[outAt] = first0;
  const second = (v1 ^ v3) >>> 0;
  out[outAt + 1] = second === 0 ? 1 : second;
  out[outAt + 2] = first1;
  out[outAt + 3] = u1 ^ u3;
}
