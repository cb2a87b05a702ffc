/** Rows of the small tables as the port has them: every adapter that keeps tables asks for these columns in this order. */

import type { RestatementReason } from "../model/commit.ts";
import type {
  AdAttributes,
  RecordedClose,
  RecordedDroppedDay,
  RecordedLayoutChange,
  RecordedOperation,
  RestatementRow,
} from "./click-store.ts";

type Row = readonly unknown[];

/** id, minute, zone, partition, receipt, commit. */
export function closeOfRow(row: Row): RecordedClose {
  return {
    id: row[0] as string,
    throughMinute: row[1] as number,
    tz: row[2] as string,
    partition: row[3] as number,
    receivedAtMs: row[4] as number,
    asOf: row[5] as number,
  };
}

/** id, partition, first minute, end, dimensions as JSON, commit. */
export function layoutChangeOfRow(row: Row): RecordedLayoutChange {
  return {
    id: row[0] as string,
    partition: row[1] as number,
    fromMinute: row[2] as number,
    toMinute: row[3] as number,
    dimensions: JSON.parse(row[4] as string) as string[],
    asOf: row[5] as number,
  };
}

/** partition, day, what, day of receipt, commit. */
export function droppedDayOfRow(row: Row): RecordedDroppedDay {
  return {
    partition: row[0] as number,
    day: row[1] as number,
    what: row[2] as RecordedDroppedDay["what"],
    receivedDay: row[3] as number,
    asOf: row[4] as number,
  };
}

/** id, type, reason, partition, offset, receipt, result as JSON, commit. */
export function operationOfRow(row: Row): RecordedOperation {
  return {
    id: row[0] as string,
    type: row[1] as RecordedOperation["type"],
    reason: row[2] as string,
    partition: row[3] as number,
    offset: row[4] as number,
    receivedAtMs: row[5] as number,
    result: JSON.parse(row[6] as string) as Record<string, number>,
    asOf: row[7] as number,
  };
}

/** minute, ad, count before and after, revision, reason, receipt, commit. */
export function restatementOfRow(row: Row): RestatementRow {
  return {
    minute: row[0] as number,
    adId: row[1] as string,
    before: row[2] as number,
    after: row[3] as number,
    revision: row[4] as number,
    reason: row[5] as RestatementReason,
    receivedAtMs: row[6] as number,
    asOf: row[7] as number,
  };
}

/** name, value (null where it was removed), minute it holds from: of one ad, in the order in which they hold and came. */
export function attributesOfRows(adId: string, rows: readonly Row[]): AdAttributes | undefined {
  const attributes = new Map<string, string>();
  for (const [name, value] of rows) {
    if (value === null) attributes.delete(name as string);
    else attributes.set(name as string, value as string);
  }
  if (attributes.size === 0) return undefined;
  return {
    ad_id: adId,
    attributes: Object.fromEntries(attributes),
    valid_from_minute: rows.at(-1)![2] as number,
  };
}
