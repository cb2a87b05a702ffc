/** Value of a lower-case hex digit by its byte, 255 elsewhere. */
const digitValues = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) digitValues[i.toString(16).charCodeAt(0)] = i;

const dash = 0x2d;

/**
 * Parses the 36 bytes `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` at `start` into four words, the most significant
 * first. Only lower-case hex: any other spelling is a different string and so a different event id. False,
 * with the words undefined, where it is no such UUID.
 */
export function parseUuidInto(
  source: Uint8Array,
  start: number,
  words: Uint32Array,
  at: number,
): boolean {
  if (
    start + 36 > source.length ||
    source[start + 8] !== dash ||
    source[start + 13] !== dash ||
    source[start + 18] !== dash ||
    source[start + 23] !== dash
  ) {
    return false;
  }
  const a = fourDigits(source, start);
  const b = fourDigits(source, start + 4);
  const c = fourDigits(source, start + 9);
  const d = fourDigits(source, start + 14);
  const e = fourDigits(source, start + 19);
  const f = fourDigits(source, start + 24);
  const g = fourDigits(source, start + 28);
  const h = fourDigits(source, start + 32);
  if ((a | b | c | d | e | f | g | h) > 0xffff) return false;
  words[at] = (a << 16) | b;
  words[at + 1] = (c << 16) | d;
  words[at + 2] = (e << 16) | f;
  words[at + 3] = (g << 16) | h;
  return true;
}

/** 16 bits, or something above 0xffff where a byte is no lower-case hex digit. */
function fourDigits(source: Uint8Array, start: number): number {
  const a = digitValues[source[start]!]!;
  const b = digitValues[source[start + 1]!]!;
  const c = digitValues[source[start + 2]!]!;
  const d = digitValues[source[start + 3]!]!;
  if ((a | b | c | d) > 15) return 0x10000;
  return (a << 12) | (b << 8) | (c << 4) | d;
}
