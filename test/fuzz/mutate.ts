/**
 * Turns the inputs of a corpus into hostile ones: bytes flipped, cut off, doubled, spliced, nested, replaced by what
 * the format finds hard. The same random numbers give the same inputs.
 */

import type { Random } from "../../src/traffic/random.ts";

/** Inputs stay small, so that many can be tried; large ones are a matter of linear-time.test.ts. */
const inputBytesMax = 16_384;
const editsMax = 4;

export interface MutatorOptions {
  readonly random: Random;
  readonly corpus: readonly Uint8Array[];
  /** What means something in the format. */
  readonly dictionary: readonly string[];
}

/** What is hard in any format: ends of ranges, nesting, texts that are none. */
const hardTexts: readonly string[] = [
  "0",
  "-0",
  "-1",
  "1e999",
  "-1e-999",
  "9007199254740993",
  "18446744073709551616",
  "00000000000000000001",
  "99999999999999999999999999999999999999",
  "0x10",
  "NaN",
  "Infinity",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "\u0000",
  "\ufeff",
  "\u2028",
  "\u00a0",
  "\r",
  "\n",
  "\r\n",
  "\t",
  "\\",
  '"',
  "'",
  "é",
  "😀",
  "\ud800\\ud800",
  "\\ud83d",
  "\\udc00\\ud800",
  "%00",
  "%",
  "' OR 1=1; --",
  "$(id)",
  "../../etc/passwd",
];

/** What UTF-8 does not allow: stray, cut off, overlong, half a pair, too high. */
const brokenUtf8: readonly (readonly number[])[] = [
  [0x80],
  [0xff],
  [0xc3],
  [0xc0, 0x80],
  [0xe0, 0x80, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
  [0xfe, 0xff],
  [0xff, 0xfe],
];

const interestingBytes = [0x00, 0x01, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x5b, 0x7b, 0x7f, 0x80, 0xff];

type Edit = (bytes: Uint8Array) => Uint8Array;

export class Mutator {
  private readonly random: Random;
  private readonly corpus: readonly Uint8Array[];
  private readonly tokens: readonly Uint8Array[];
  private readonly editsInPlace: readonly Edit[];
  private readonly edits: readonly Edit[];

  constructor({ random, corpus, dictionary }: MutatorOptions) {
    this.random = random;
    this.corpus = corpus;
    this.tokens = [
      ...[...dictionary, ...hardTexts].map((text) => Buffer.from(text)),
      ...brokenUtf8.map((bytes) => Uint8Array.from(bytes)),
    ];
    this.editsInPlace = [
      (bytes) => this.flipBits(bytes),
      (bytes) => this.setByte(bytes),
      (bytes) => this.setWord(bytes),
    ];
    this.edits = [
      ...this.editsInPlace,
      (bytes) => this.insertToken(bytes),
      (bytes) => this.insertToken(bytes),
      (bytes) => this.overwriteByToken(bytes),
      (bytes) => this.truncate(bytes),
      (bytes) => this.cut(bytes),
      (bytes) => this.repeatBlock(bytes),
      (bytes) => this.moveBlock(bytes),
      (bytes) => this.splice(bytes),
      (bytes) => this.changeDigits(bytes),
      (bytes) => this.nest(bytes),
    ];
  }

  /** An input of the corpus with one to editsMax edits. */
  next(): Uint8Array {
    const { random } = this;
    return this.edit(random.pick(this.corpus));
  }

  edit(input: Uint8Array): Uint8Array {
    const { random } = this;
    let bytes: Uint8Array = input;
    const edits = 1 + Math.floor(random.unit() ** 2 * editsMax);
    for (let i = 0; i < edits; i++) bytes = random.pick(this.edits)(bytes);
    return Uint8Array.from(bytes.subarray(0, inputBytesMax));
  }

  /** An input of the corpus of the same length, with a few bits, bytes or words changed. */
  nextInPlace(): Uint8Array {
    const { random } = this;
    let bytes = random.pick(this.corpus);
    const edits = random.between(1, 3);
    for (let i = 0; i < edits; i++) bytes = random.pick(this.editsInPlace)(bytes);
    return bytes;
  }

  /** A text of the dictionary or a hard one; never broken UTF-8. */
  token(): string {
    const whole = this.tokens.length - brokenUtf8.length;
    return Buffer.from(this.tokens[this.random.below(whole)]!).toString();
  }

  private flipBits(bytes: Uint8Array): Uint8Array {
    const changed = Uint8Array.from(bytes);
    const flips = 1 + this.random.below(3);
    for (let i = 0; i < flips && changed.length > 0; i++)
      changed[this.random.below(changed.length)]! ^= 1 << this.random.below(8);
    return changed;
  }

  private setByte(bytes: Uint8Array): Uint8Array {
    const changed = Uint8Array.from(bytes);
    if (changed.length > 0)
      changed[this.random.below(changed.length)] = this.random.pick(interestingBytes);
    return changed;
  }

  /** Lengths and counts of binary forms. */
  private setWord(bytes: Uint8Array): Uint8Array {
    if (bytes.length < 4) return bytes;
    const changed = Uint8Array.from(bytes);
    const at = this.random.below(Math.floor(changed.length / 4)) * 4;
    const view = new DataView(changed.buffer);
    const value = view.getUint32(at, true);
    const word = this.random.pick([0, 1, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, value + 1]);
    view.setUint32(at, word, true);
    return changed;
  }

  private insertToken(bytes: Uint8Array): Uint8Array {
    const at = this.random.below(bytes.length + 1);
    const times = this.random.chance(0.1) ? this.random.between(2, 300) : 1;
    const token = this.random.pick(this.tokens);
    return joined(bytes.subarray(0, at), ...repeated(token, times), bytes.subarray(at));
  }

  private overwriteByToken(bytes: Uint8Array): Uint8Array {
    const token = this.random.pick(this.tokens);
    const at = this.random.below(bytes.length + 1);
    return joined(bytes.subarray(0, at), token, bytes.subarray(at + token.length));
  }

  private truncate(bytes: Uint8Array): Uint8Array {
    return bytes.subarray(0, this.random.below(bytes.length + 1));
  }

  private cut(bytes: Uint8Array): Uint8Array {
    const [from, to] = this.range(bytes);
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  }

  private repeatBlock(bytes: Uint8Array): Uint8Array {
    const [from, to] = this.range(bytes);
    const times = this.random.chance(0.2) ? this.random.between(2, 100) : 2;
    return joined(
      bytes.subarray(0, from),
      ...repeated(bytes.subarray(from, to), times),
      bytes.subarray(to),
    );
  }

  private moveBlock(bytes: Uint8Array): Uint8Array {
    const [from, to] = this.range(bytes);
    const rest = joined(bytes.subarray(0, from), bytes.subarray(to));
    const at = this.random.below(rest.length + 1);
    return joined(rest.subarray(0, at), bytes.subarray(from, to), rest.subarray(at));
  }

  /** The start of one input and the end of another. */
  private splice(bytes: Uint8Array): Uint8Array {
    const other = this.random.pick(this.corpus);
    return joined(
      bytes.subarray(0, this.random.below(bytes.length + 1)),
      other.subarray(this.random.below(other.length + 1)),
    );
  }

  private changeDigits(bytes: Uint8Array): Uint8Array {
    const at = bytes.findIndex(
      (byte, index) => isDigit(byte) && (index === bytes.length - 1 || this.random.chance(0.1)),
    );
    if (at < 0) return bytes;
    let end = at;
    while (end < bytes.length && isDigit(bytes[end]!)) end++;
    const digits = this.random.pick(["", "0", "1", "-5", "1e3", "9".repeat(25), "4294967296"]);
    return joined(bytes.subarray(0, at), Buffer.from(digits), bytes.subarray(end));
  }

  /** Wraps a part in brackets, a few levels or very many; they close or not. */
  private nest(bytes: Uint8Array): Uint8Array {
    const [from, to] = this.range(bytes);
    const [open, close] = this.random.pick([
      ["[", "]"],
      ["(", ")"],
      ['{"a":', "}"],
      ['"', '"'],
    ] as const);
    const depth = this.random.chance(0.3)
      ? this.random.between(30, 300)
      : this.random.between(1, 3);
    return joined(
      bytes.subarray(0, from),
      Buffer.from(open.repeat(depth)),
      bytes.subarray(from, to),
      Buffer.from(this.random.chance(0.8) ? close.repeat(depth) : ""),
      bytes.subarray(to),
    );
  }

  private range(bytes: Uint8Array): [from: number, to: number] {
    const from = this.random.below(bytes.length + 1);
    return [from, Math.min(bytes.length, from + this.random.below(64))];
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function repeated(bytes: Uint8Array, times: number): Uint8Array[] {
  const most = bytes.length === 0 ? 0 : Math.ceil(inputBytesMax / bytes.length);
  return Array.from({ length: Math.min(times, most) }, () => bytes);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
