/**
 * IP addresses as four 32-bit words, the most significant first, IPv4 mapped into `::ffff:0:0/96`
 * (RFC 4291, section 2.5.5.2), so that an address has one form however it was written.
 */

/** Parses an IPv4 or IPv6 address (no zone, no prefix length). False where the text is none. */
export function parseIpInto(text: string, words: Uint32Array, at: number): boolean {
  if (text.includes(":")) return parseV6Into(text, words, at);
  const v4 = parseV4(text);
  if (v4 === undefined) return false;
  words[at] = 0;
  words[at + 1] = 0;
  words[at + 2] = 0xffff;
  words[at + 3] = v4;
  return true;
}

/** Dotted decimal, no leading zeros, as an unsigned 32-bit number. */
function parseV4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let address = 0;
  for (let i = 1; i <= 4; i++) {
    const part = match[i]!;
    if (part.length > 1 && part.startsWith("0")) return undefined;
    const value = Number(part);
    if (value > 255) return undefined;
    address = address * 256 + value;
  }
  return address;
}

function parseV6Into(text: string, words: Uint32Array, at: number): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (!head || !tail) return false;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return false;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  for (let i = 0; i < 4; i++) words[at + i] = groups[2 * i]! * 65_536 + groups[2 * i + 1]!;
  return true;
}

/** The 16-bit groups of one side of `::`; `mayEndInV4` where dotted decimal may stand last. */
function parseGroups(text: string, mayEndInV4: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.includes(".")) {
      const v4 = mayEndInV4 && index === parts.length - 1 ? parseV4(part) : undefined;
      if (v4 === undefined) return undefined;
      groups.push(v4 >>> 16, v4 & 0xffff);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** Dotted decimal for a mapped IPv4 address, else the canonical form of RFC 5952. */
export function formatIp(words: Uint32Array, at: number): string {
  const low = words[at + 3]!;
  if (words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0xffff) {
    return `${low >>> 24}.${(low >>> 16) & 255}.${(low >>> 8) & 255}.${low & 255}`;
  }
  const groups: number[] = [];
  for (let i = 0; i < 4; i++) groups.push(words[at + i]! >>> 16, words[at + i]! & 0xffff);
  const run = longestZeroRun(groups);
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  if (run.length < 2) return hex(0, 8);
  return `${hex(0, run.start)}::${hex(run.start + run.length, 8)}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
