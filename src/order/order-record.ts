/**
 * The records of the order of commits (commit-order.ts), as JSON: `{"v":1,"kind":…}`. A record of a later version is refused,
 * for who passes over one would come to another order than the others.
 */

import { CodedError } from "../model/errors.ts";

/** Records of a partition's log that a commit has applied: `[fromOffset, nextOffset)`. */
export interface CommitRange {
  readonly partition: number;
  readonly fromOffset: number;
  readonly nextOffset: number;
}

/** `number`: of the member's own records, from 0, its entry; one that comes twice is taken once. */
interface MemberRecord {
  readonly member: string;
  readonly number: number;
}

/**
 * A process begins to count, under a name that nobody had before. `instance`: those before it that have the same are the
 * same process in an earlier life.
 */
export interface EnterRecord extends MemberRecord {
  readonly kind: "enter";
  readonly instance: string;
  /** Of the click queue. */
  readonly partitionCount: number;
}

export type OrderRecord =
  | EnterRecord
  | (MemberRecord & { readonly kind: "reserve"; readonly ranges: readonly CommitRange[] })
  /** All that it has reserved up to this sequence, and still has. */
  | (MemberRecord & { readonly kind: "done"; readonly through: number })
  /** Nobody knows what of its rows is there: it gives up all that it has reserved, and may reserve the same ranges anew. */
  | (MemberRecord & { readonly kind: "abandon" })
  | (MemberRecord & { readonly kind: "alive" })
  | (MemberRecord & { readonly kind: "leave" })
  /** By anybody. */
  | { readonly kind: "expel"; readonly member: string }
  /** A text that all share; taken where `revision` is the next one of its name, from 1. */
  | {
      readonly kind: "note";
      readonly name: string;
      readonly revision: number;
      readonly text: string;
    };

const version = 1;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeOrderRecord(record: OrderRecord): Uint8Array {
  return encoder.encode(JSON.stringify({ v: version, ...record }));
}

/** Throws `data_format_newer` or `data_corrupt`. */
export function decodeOrderRecord(bytes: Uint8Array): OrderRecord {
  let parsed: { readonly v?: unknown; readonly kind?: unknown };
  try {
    parsed = JSON.parse(decoder.decode(bytes)) as typeof parsed;
  } catch (cause) {
    throw corrupt(cause);
  }
  const { v, ...record } = parsed;
  if (typeof v === "number" && v > version)
    throw new CodedError(
      "data_format_newer",
      `the order of commits has records of format ${v}, this release knows up to ${version}: use a newer release`,
    );
  if (v !== version || typeof record.kind !== "string") throw corrupt();
  return record as OrderRecord;
}

function corrupt(cause?: unknown): CodedError {
  return new CodedError("data_corrupt", "the order of commits has a record that is none of its", {
    cause,
  });
}
