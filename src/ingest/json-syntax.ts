/**
 * Walks over one JSON value by the grammar of RFC 8259, without building it: where it ends, how deep it nests, or where
 * it is wrong and what should be there. Bytes of 0x80 and above count as text; whether they are UTF-8 is another
 * question. It takes exactly what JSON.parse takes.
 */

import { numberEnd } from "./scan-item.ts";

const quote = 0x22;
const inObject = 1;
const inArray = 2;

export class JsonSyntax {
  /** Of the last `valueEnd`: levels of arrays and objects. */
  depth = 0;
  /** Where the last `valueEnd` that failed did, and what it expected there. */
  errorAt = 0;
  expected = "";
  private levels = new Uint8Array(64);

  /** The position after the value that starts at `start` (no white space before it), or -1. */
  valueEnd(source: Uint8Array, start: number, limit: number): number {
    let level = 0;
    this.depth = 0;
    let at = start;
    for (;;) {
      const first = at < limit ? source[at]! : 0;
      if (first === 0x7b || first === 0x5b) {
        level = this.enter(level, first === 0x7b ? inObject : inArray);
        at = afterSpace(source, at + 1, limit);
        const empty = at < limit && source[at] === first + 2;
        if (!empty) {
          if (first === 0x7b) at = this.nameEnd(source, at, limit);
          if (at < 0) return -1;
          continue;
        }
        level--;
        at++;
      } else {
        at = this.scalarEnd(source, at, limit, first);
        if (at < 0) return -1;
      }

      // After a value: close what it ends, and stop at the next one.
      for (;;) {
        if (level === 0) return at;
        const kind = this.levels[level - 1]!;
        at = afterSpace(source, at, limit);
        const byte = at < limit ? source[at]! : 0;
        if (byte === 0x2c) {
          at = afterSpace(source, at + 1, limit);
          if (kind === inObject) at = this.nameEnd(source, at, limit);
          if (at < 0) return -1;
          break;
        }
        if (byte !== (kind === inObject ? 0x7d : 0x5d)) {
          return this.fail(at, kind === inObject ? "',' or '}'" : "',' or ']'");
        }
        level--;
        at++;
      }
    }
  }

  private enter(level: number, kind: number): number {
    if (level === this.levels.length) {
      const grown = new Uint8Array(level * 2);
      grown.set(this.levels);
      this.levels = grown;
    }
    this.levels[level] = kind;
    if (level + 1 > this.depth) this.depth = level + 1;
    return level + 1;
  }

  /** The position of the value after a name and its colon, or -1. */
  private nameEnd(source: Uint8Array, start: number, limit: number): number {
    if (start >= limit || source[start] !== quote)
      return this.fail(start, "a field name in double quotes");
    let at = this.stringEnd(source, start, limit);
    if (at < 0) return -1;
    at = afterSpace(source, at, limit);
    if (at >= limit || source[at] !== 0x3a) return this.fail(at, "':'");
    return afterSpace(source, at + 1, limit);
  }

  private scalarEnd(source: Uint8Array, start: number, limit: number, first: number): number {
    if (first === quote) return this.stringEnd(source, start, limit);
    if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
      const end = numberEnd(source, start, limit);
      return end < 0 ? this.fail(start, "a number") : end;
    }
    for (const word of words) {
      if (first === word[0]) {
        for (let i = 0; i < word.length; i++) {
          if (start + i >= limit || source[start + i] !== word[i])
            return this.fail(start, "a value");
        }
        return start + word.length;
      }
    }
    return this.fail(start, "a value");
  }

  private stringEnd(source: Uint8Array, start: number, limit: number): number {
    let at = start + 1;
    while (at < limit) {
      const byte = source[at]!;
      if (byte === quote) return at + 1;
      if (byte < 0x20) return this.fail(at, "no control character in a string");
      if (byte !== 0x5c) at++;
      else {
        const escape = at + 1 < limit ? source[at + 1]! : 0;
        if (escape === 0x75) {
          for (let i = at + 2; i < at + 6; i++) {
            if (i >= limit || !isHexDigit(source[i]!))
              return this.fail(at, "four hex digits after \\u");
          }
          at += 6;
        } else {
          if (escapes.indexOf(escape) < 0) return this.fail(at, "a known escape");
          at += 2;
        }
      }
    }
    return this.fail(at, "the end of a string");
  }

  private fail(at: number, expected: string): -1 {
    this.errorAt = at;
    this.expected = expected;
    return -1;
  }
}

const words = ["true", "false", "null"].map((word) => new TextEncoder().encode(word));
const escapes = new TextEncoder().encode('"\\/bfnrt');

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

/** The position of the next byte that is no white space. */
export function afterSpace(source: Uint8Array, start: number, limit: number): number {
  let at = start;
  while (at < limit) {
    const byte = source[at]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  return at;
}
