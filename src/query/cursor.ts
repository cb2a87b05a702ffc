import { createHash } from "node:crypto";

import { CodedError } from "../model/errors.ts";
import type { MinuteRange } from "../model/window.ts";

/**
 * Where a page of a breakdown ended. It carries the range, so that the pages of a window that moves on belong
 * together, and a hash of the query, so that it is refused by any other.
 */
export interface Cursor {
  readonly range: MinuteRange;
  readonly after: { readonly bucketStart: number; readonly group: readonly (string | null)[] };
}

const version = 1;

/** `query` is the canonical text of the query without its range. */
export function formatCursor({ range, after }: Cursor, query: string): string {
  const content = [
    version,
    hashOf(query),
    range.fromMinute,
    range.toMinute,
    after.bucketStart,
    ...after.group,
  ];
  return Buffer.from(JSON.stringify(content)).toString("base64url");
}

/** CodedError `invalid_parameter` where it is no cursor of this query. */
export function parseCursor(text: string, query: string, fieldCount: number): Cursor {
  const content = decode(text);
  if (content?.length !== 5 + fieldCount || content[0] !== version)
    throw refused("is not one that was given out");
  const [, hash, fromMinute, toMinute, bucketStart, ...group] = content;
  if (hash !== hashOf(query)) throw refused("belongs to another query");
  if (
    !isMinute(fromMinute) ||
    !isMinute(toMinute) ||
    !isMinute(bucketStart) ||
    !group.every(isGroupValue)
  ) {
    throw refused("is not one that was given out");
  }
  return { range: { fromMinute, toMinute }, after: { bucketStart, group } };
}

function decode(text: string): unknown[] | undefined {
  try {
    const content: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

function isMinute(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isGroupValue(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function hashOf(query: string): string {
  return createHash("sha256").update(query).digest("base64url").slice(0, 12);
}

function refused(why: string): CodedError {
  return new CodedError("invalid_parameter", `cursor: ${why}`, { field: "cursor" });
}
