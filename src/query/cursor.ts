import { createHash } from "node:crypto";

import { CodedError } from "../model/errors.ts";
import { isPossibleRange } from "../model/window.ts";
import type { MinuteRange } from "../model/window.ts";

/**
 * Where a page of a list ended. It carries the range, so that the pages of a window that moves on belong together,
 * and a hash of the query, so that it is refused by any other.
 */
export interface Cursor<After> {
  readonly range: MinuteRange;
  /** The last row of the page, as the store takes it. */
  readonly after: After;
}

const version = 1;

/** `after` as plain values; `query` is the canonical text of the query without its range. */
export function formatCursor(
  { fromMinute, toMinute }: MinuteRange,
  after: readonly (string | number | null)[],
  query: string,
): string {
  const content = [version, hashOf(query), fromMinute, toMinute, ...after];
  return Buffer.from(JSON.stringify(content)).toString("base64url");
}

/**
 * `readAfter` gets the plain values back, undefined where they can't be of this query. CodedError `invalid_parameter`
 * where it is no cursor of this query.
 */
export function parseCursor<After>(
  text: string,
  query: string,
  readAfter: (values: readonly unknown[]) => After | undefined,
): Cursor<After> {
  const content = decode(text);
  if (content?.[0] !== version) throw refused("is not one that was given out");
  const [, hash, fromMinute, toMinute, ...values] = content;
  if (hash !== hashOf(query)) throw refused("belongs to another query");
  const after = readAfter(values);
  if (!isWholeNumber(fromMinute) || !isWholeNumber(toMinute) || after === undefined)
    throw refused("is not one that was given out");
  const range = { fromMinute, toMinute };
  // Anyone can write one, and with it must not get what the parameters refuse.
  if (!isPossibleRange(range)) throw refused("is not one that was given out");
  return { range, after };
}

/**
 * The page that begins after a cursor, the first where there is none. A cursor has to be of the same range, or, where that
 * moves on (`isWindow`), of an earlier one as long.
 */
export function pageOf<After>(
  range: MinuteRange,
  cursor: string | undefined,
  query: string,
  readAfter: (values: readonly unknown[]) => After | undefined,
  isWindow = false,
): Cursor<After | undefined> {
  if (cursor === undefined) return { range, after: undefined };
  const page = parseCursor(cursor, query, readAfter);
  const { fromMinute, toMinute } = page.range;
  const isSame = isWindow
    ? toMinute - fromMinute === range.toMinute - range.fromMinute && toMinute <= range.toMinute
    : toMinute === range.toMinute && fromMinute === range.fromMinute;
  if (!isSame) throw refused("belongs to another range");
  return page;
}

function decode(text: string): unknown[] | undefined {
  try {
    const content: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

export function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function hashOf(query: string): string {
  return createHash("sha256").update(query).digest("base64url").slice(0, 12);
}

function refused(why: string): CodedError {
  return new CodedError("invalid_parameter", `cursor: ${why}`, { field: "cursor" });
}
