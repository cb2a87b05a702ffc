/**
 * Values of dimensions that are not kept as they came (docs/decisions/0030-privacy-at-the-door.md). All of it is stored; another
 * form would be another value.
 *
 *   hashed     `h1.` and the first 22 characters (132 bits) of base64url(HMAC-SHA-256(key, name, 0, value)); value as UTF-8, an
 *              address in its canonical form, a country in capitals
 *   truncated  an address' network: `203.0.113.0/24`, `2001:db8:7::/48`
 *   key        HKDF-SHA-256(secret of the data directory, info "clicktally dimension values", 32 bytes)
 *
 * The name of the dimension is in the hash, so that equal values of two dimensions can't be told to be equal.
 */

import { hash, hkdfSync } from "node:crypto";
import type { Dimension } from "./dimensions.ts";
import { formatIp, parseIpInto } from "./ip.ts";

/** How values are kept that are not kept as they came. */
export type Protection = NonNullable<Dimension["store"]>;

const info = "clicktally dimension values";
const mark = "h1.";
const shownCharacters = 22;
const hashedPattern = /^h1\.[\w-]{22}$/;
const networkPattern = /^(.+)\/(24|48)$/;

const encoder = new TextEncoder();
const blockLength = 64;
const digestLength = 32;

/** Protects values under a secret of at least 16 bytes, always alike. */
export class ValueProtector {
  private readonly dimensions = new Map<string, KeyedHash>();
  private readonly key: Uint8Array;

  constructor(secret: Uint8Array) {
    this.key = new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), info, digestLength));
  }

  /** A value in the form that its type gives it, protected. */
  protect(dimension: string, value: string, protection: Protection): string {
    return protection === "hashed"
      ? this.hashOf(dimension).ofText(value)
      : networkOf(addressOf(value), 0);
  }

  /** The hash of one dimension's values. */
  hashOf(dimension: string): KeyedHash {
    const known = this.dimensions.get(dimension);
    if (known) return known;
    const made = new KeyedHash(this.key, dimension);
    this.dimensions.set(dimension, made);
    return made;
  }

  /** Of derived event ids, which hash the fields as they were sent. No dimension has an empty name. */
  hashOfIds(): KeyedHash {
    return this.hashOf("");
  }
}

/**
 * HMAC-SHA-256 by two hashes at a stroke, given as texts: node:crypto's own takes twenty times as long for values as short as
 * these, and a hash that is given as bytes four times.
 */
export class KeyedHash {
  /** A block of the key, the name and 0; the value follows. */
  private inner: Uint8Array;
  private readonly headLength: number;
  private readonly outer = new Uint8Array(blockLength + digestLength);

  /** `key`: 32 bytes. */
  constructor(key: Uint8Array, name: string) {
    const nameBytes = encoder.encode(name);
    this.headLength = blockLength + nameBytes.length + 1;
    this.inner = new Uint8Array(this.headLength + 512);
    for (let i = 0; i < blockLength; i++) {
      const byte = key[i] ?? 0;
      this.inner[i] = byte ^ 0x36;
      this.outer[i] = byte ^ 0x5c;
    }
    this.inner.set(nameBytes, blockLength);
  }

  /** The hashed form of the value `source[start .. end)`. */
  ofBytes(source: Uint8Array, start: number, end: number): string {
    this.hashInner(source, start, end);
    return mark + hash("sha256", this.outer, "base64url").slice(0, shownCharacters);
  }

  ofText(value: string): string {
    const bytes = encoder.encode(value);
    return this.ofBytes(bytes, 0, bytes.length);
  }

  /** The digest of `source`, a character of the result for each of its 32 bytes. */
  digestOf(source: Uint8Array): string {
    this.hashInner(source, 0, source.length);
    return hash("sha256", this.outer, "binary");
  }

  private hashInner(source: Uint8Array, start: number, end: number): void {
    const { headLength, outer } = this;
    const length = headLength + end - start;
    if (length > this.inner.length) {
      const grown = new Uint8Array(length * 2);
      grown.set(this.inner);
      this.inner = grown;
    }
    const { inner } = this;
    for (let from = start, to = headLength; from < end; from++, to++) inner[to] = source[from]!;
    const digest = hash("sha256", inner.subarray(0, length), "binary");
    for (let i = 0; i < digestLength; i++) outer[blockLength + i] = digest.charCodeAt(i);
  }
}

/** The network of the address in four words: of IPv4 its first 24 bits, of IPv6 its first 48. */
export function networkOf(words: Uint32Array, at: number): string {
  const isV4 = words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0xffff;
  const network = isV4
    ? Uint32Array.of(0, 0, 0xffff, words[at + 3]! & 0xffffff00)
    : Uint32Array.of(words[at]!, words[at + 1]! & 0xffff0000, 0, 0);
  return `${formatIp(network, 0)}/${isV4 ? 24 : 48}`;
}

/** True where a value may have been protected: it is no address, and is looked for as it is. */
export function isProtectedForm(value: string): boolean {
  if (hashedPattern.test(value)) return true;
  return isNetwork(value);
}

/** True where a value is of the form that this protection gives. */
export function hasFormOf(value: string, protection: Protection): boolean {
  return protection === "hashed" ? hashedPattern.test(value) : isNetwork(value);
}

/** Exactly as `networkOf` writes it. */
function isNetwork(value: string): boolean {
  const address = networkPattern.exec(value)?.[1];
  const words = new Uint32Array(4);
  return address !== undefined && parseIpInto(address, words, 0) && networkOf(words, 0) === value;
}

function addressOf(value: string): Uint32Array {
  const words = new Uint32Array(4);
  if (!parseIpInto(value, words, 0)) throw new RangeError(`not an IP address: ${value}`);
  return words;
}
