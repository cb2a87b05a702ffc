/**
 * How a tracked link is signed. What is signed is this text, in UTF-8:
 *
 *   clicktally-link-1 LF AD LF PAIR & PAIR & …
 *
 * AD is the ad id, a PAIR is NAME=VALUE of each parameter but `sig`, all percent-encoded (RFC 3986: everything but
 * A-Z a-z 0-9 - . _ ~, hex digits in upper case), the pairs in the order of their bytes. The signature is the HMAC-SHA-256
 * of it by a secret, in base64url without padding. What a link is encoded like on its way does not matter, nor its host.
 */

import { createHmac, timingSafeEqual } from "node:crypto";

export type LinkParameters = ReadonlyMap<string, string>;

const form = "clicktally-link-1";

/** Tells which secret has signed, and nothing of it: the first eight hex digits of the HMAC of a fixed text. */
export function keyIdOf(secret: string): string {
  return createHmac("sha256", secret).update(`${form} key`).digest("hex").slice(0, 8);
}

/** `parameters`: all but `sig`, `kid` among them. */
export function signatureOf(secret: string, adId: string, parameters: LinkParameters): string {
  return createHmac("sha256", secret).update(signedText(adId, parameters)).digest("base64url");
}

/** Compared as texts: base64url has several spellings of the same bytes. Takes as long whatever differs. */
export function isSignature(expected: string, given: string): boolean {
  const [own, other] = [Buffer.from(expected), Buffer.from(given)];
  return own.length === other.length && timingSafeEqual(own, other);
}

function signedText(adId: string, parameters: LinkParameters): string {
  const pairs = [...parameters].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return `${form}\n${encode(adId)}\n${pairs.toSorted().join("&")}`;
}

/** Percent-encodes everything but the unreserved characters of RFC 3986. */
export function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
