/**
 * The end of a well-formed UTF-8 sequence of two to four bytes that starts at `at` (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF); -1 where there is none before `limit`.
 */
export function sequenceEnd(source: Uint8Array, at: number, limit: number): number {
  const lead = source[at]!;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const end = at + (lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
  if (end > limit) return -1;
  const second = source[at + 1]!;
  let low = 0x80;
  let high = 0xbf;
  if (lead === 0xe0) low = 0xa0;
  else if (lead === 0xed) high = 0x9f;
  else if (lead === 0xf0) low = 0x90;
  else if (lead === 0xf4) high = 0x8f;
  if (second < low || second > high) return -1;
  for (let i = at + 2; i < end; i++) if ((source[i]! & 0xc0) !== 0x80) return -1;
  return end;
}
