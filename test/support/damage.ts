import assert from "node:assert/strict";
import fc from "fast-check";

/** Some bytes of an encoding to be overwritten: places as shares of its length, and what is put there. */
export const damage = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(255)),
  { minLength: 1, maxLength: 6 },
);

export function damaged(
  bytes: Uint8Array,
  changes: readonly (readonly [number, number])[],
): Uint8Array {
  const copy = new Uint8Array(bytes);
  for (const [share, value] of changes) copy[Math.floor(share * copy.length)] = value;
  return copy;
}

/**
 * Decodes bytes that may be anything. The only way to fail is a RangeError of the decoder's own: one that memory or
 * a typed array throws would mean that a length was believed unchecked.
 */
export function decodeOrRefuse<Decoded>(
  decode: () => Decoded,
  ownMessage: RegExp,
): Decoded | undefined {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    assert.match(error.message, ownMessage);
    return undefined;
  }
}
