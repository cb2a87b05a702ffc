/** Addresses in place: takes exactly the bytes whose text `parseIpInto` (ip.ts) takes, with the same words. */

/** Parses the IPv4 or IPv6 address `source[start .. end)` into four words. False, with the words undefined, if none. */
export function parseIpBytesInto(
  source: Uint8Array,
  start: number,
  end: number,
  words: Uint32Array,
  at: number,
): boolean {
  const v4 = parseV4(source, start, end);
  if (v4 >= 0) {
    words[at] = 0;
    words[at + 1] = 0;
    words[at + 2] = 0xffff;
    words[at + 3] = v4;
    return true;
  }
  return parseV6Into(source, start, end, words, at);
}

/** Dotted decimal without leading zeros, as an unsigned 32-bit number; -1 where it is none. */
function parseV4(source: Uint8Array, start: number, end: number): number {
  let address = 0;
  let at = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0) {
      if (at >= end || source[at] !== 0x2e) return -1;
      at++;
    }
    if (at >= end) return -1;
    let value = source[at]! - 0x30;
    if (value < 0 || value > 9) return -1;
    at++;
    // A zero stands alone.
    while (value > 0 && at < end) {
      const digit = source[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > 255) return -1;
      at++;
    }
    address = address * 256 + value;
  }
  return at === end ? address : -1;
}

/** The eight 16-bit groups of the address that is being parsed. */
const groups = new Uint16Array(8);

function parseV6Into(
  source: Uint8Array,
  start: number,
  end: number,
  words: Uint32Array,
  at: number,
): boolean {
  let count = 0;
  /** Groups before `::`, or -1. */
  let gap = -1;
  let position = start;
  if (position + 1 < end && source[position] === 0x3a && source[position + 1] === 0x3a) {
    gap = 0;
    position += 2;
  }
  while (position < end) {
    if (count === 8) return false;
    const groupStart = position;
    let value = 0;
    while (position < end) {
      const digit = hexValue(source[position]!);
      if (digit < 0) break;
      value = value * 16 + digit;
      if (++position - groupStart > 4) return false;
    }
    if (position < end && source[position] === 0x2e) {
      const v4 = parseV4(source, groupStart, end);
      if (v4 < 0 || count > 6) return false;
      groups[count] = v4 >>> 16;
      groups[count + 1] = v4 & 0xffff;
      count += 2;
      position = end;
      break;
    }
    if (position === groupStart) return false;
    groups[count++] = value;
    if (position === end) break;
    if (source[position] !== 0x3a) return false;
    position++;
    if (position < end && source[position] === 0x3a) {
      if (gap >= 0) return false;
      gap = count;
      position++;
    } else if (position === end) {
      return false;
    }
  }
  if (gap < 0 ? count !== 8 : count > 7) return false;
  const missing = 8 - count;
  for (let i = 0; i < 4; i++) {
    words[at + i] = groupAt(2 * i, gap, missing) * 65_536 + groupAt(2 * i + 1, gap, missing);
  }
  return true;
}

/** The n-th group of the whole address, with zeros in the gap. */
function groupAt(n: number, gap: number, missing: number): number {
  if (gap < 0 || n < gap) return groups[n]!;
  return n < gap + missing ? 0 : groups[n - missing]!;
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
