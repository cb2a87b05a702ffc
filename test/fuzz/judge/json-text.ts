/**
 * JSON read in the plainest way: JSON.parse says what is JSON, and reads texts. It is not asked for the names of objects,
 * which V8 gets wrong after certain others (src/ingest/parse-json.ts).
 */

import { isUtf8 } from "node:buffer";

/** A number as it was written. */
export class Written {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Value =
  | null
  | string
  | boolean
  | Written
  | readonly Value[]
  | ReadonlyMap<string, Value>;

export interface ParsedText {
  readonly depth: number;
  readonly isUtf8: boolean;
  /** Undefined where it is no UTF-8 or nests deeper than anything that is taken. */
  readonly value: Value | undefined;
}

const depthMax = 64;

/** Undefined where the bytes are no JSON text. */
export function parseText(bytes: Uint8Array): ParsedText | undefined {
  // A character a byte: whether they are UTF-8 is another question than whether they are JSON.
  const characters = Buffer.from(bytes).toString("latin1");
  try {
    JSON.parse(characters);
  } catch {
    return undefined;
  }
  const depth = depthOf(characters);
  const wellEncoded = isUtf8(bytes);
  if (!wellEncoded || depth > depthMax) return { depth, isUtf8: wellEncoded, value: undefined };
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return { depth, isUtf8: true, value: valueOf(tokensOf(text)) };
}

/** The tokens of a text that is JSON, the last one first, without what only separates them. */
function tokensOf(text: string): string[] {
  const tokens = text.match(/"(?:[^"\\]|\\[^])*"|[[\]{}]|[^\s,:[\]{}"]+/g) ?? [];
  return tokens.toReversed();
}

/** Takes the tokens of the next value. */
function valueOf(tokens: string[]): Value {
  const token = tokens.pop()!;
  if (token === "[") {
    const elements: Value[] = [];
    while (tokens.at(-1) !== "]") elements.push(valueOf(tokens));
    tokens.pop();
    return elements;
  }
  if (token === "{") {
    const members = new Map<string, Value>();
    while (tokens.at(-1) !== "}") {
      const name = JSON.parse(tokens.pop()!) as string;
      members.set(name, valueOf(tokens));
    }
    tokens.pop();
    return members;
  }
  const scalar = JSON.parse(token) as null | string | boolean | number;
  return typeof scalar === "number" ? new Written(token) : scalar;
}

export function isObject(value: Value | undefined): value is ReadonlyMap<string, Value> {
  return value instanceof Map;
}

/** True where a name or a text in the value holds half a surrogate pair. */
export function holdsLoneSurrogate(value: Value): boolean {
  if (typeof value === "string") return !value.isWellFormed();
  if (Array.isArray(value)) return value.some((part: Value) => holdsLoneSurrogate(part));
  if (!isObject(value)) return false;
  return [...value].some(([name, part]) => !name.isWellFormed() || holdsLoneSurrogate(part));
}

/** Without white space, names sorted, numbers as they were written. */
export function canonical(value: Value): string {
  if (value instanceof Written) return value.text;
  if (Array.isArray(value)) return `[${value.map((part: Value) => canonical(part)).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = [...value].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(",")}}`;
}

/** The levels of arrays and objects of a text that is JSON. */
function depthOf(characters: string): number {
  let [level, depth] = [0, 0];
  for (const { 0: bracket } of outsideStrings(characters).matchAll(/[[\]{}]/g)) {
    level += bracket === "[" || bracket === "{" ? 1 : -1;
    depth = Math.max(depth, level);
  }
  return depth;
}

/** The byte ranges of the elements of an array whose text is JSON. */
export function elementsOf(bytes: Uint8Array): Uint8Array[] {
  const plain = outsideStrings(Buffer.from(bytes).toString("latin1"));
  const start = plain.indexOf("[") + 1;
  const end = plain.lastIndexOf("]");
  if (plain.slice(start, end).trim() === "") return [];
  const elements: Uint8Array[] = [];
  let [level, from] = [0, start];
  for (let at = start; at <= end; at++) {
    const character = plain[at]!;
    if (level === 0 && (character === "," || at === end)) {
      elements.push(trimmed(bytes.subarray(from, at)));
      from = at + 1;
    }
    if (character === "[" || character === "{") level++;
    else if (character === "]" || character === "}") level--;
  }
  return elements;
}

const spaces: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

export function trimmed(bytes: Uint8Array): Uint8Array {
  let [start, end] = [0, bytes.length];
  while (start < end && spaces.has(bytes[start]!)) start++;
  while (end > start && spaces.has(bytes[end - 1]!)) end--;
  return bytes.subarray(start, end);
}

/** The same text with the content of its strings blanked out. */
function outsideStrings(characters: string): string {
  return characters.replaceAll(/"(?:[^"\\]|\\[^])*"/g, (text) => '"'.padEnd(text.length, "-"));
}
