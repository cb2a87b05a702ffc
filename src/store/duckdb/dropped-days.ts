/** What retention has decided, and what it decides by. */

import { Outcome } from "../../model/outcome.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import { dayMs, dayOfMinute } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { RecordedDroppedDay } from "../click-store.ts";
import { droppedDayOfRow } from "../row-shapes.ts";
import type { Catalog } from "./catalog.ts";
import { allTimes, placedToSql, rawWithin, within } from "./clicks-sql.ts";
import type { Connection } from "./connection.ts";
import { integer } from "./queries.ts";
import { expiredTable, quoted } from "./schema.ts";

/** In the order of their commits. */
export async function readDroppedDays(connection: Connection): Promise<RecordedDroppedDay[]> {
  const rows = await connection.rows(
    `SELECT "partition", "day", what, received_day, commit_sequence FROM dropped_day
     ORDER BY commit_sequence, "partition", "day"`,
  );
  return rows.map(droppedDayOfRow);
}

/** Of the range, where any partition has dropped its clicks; ascending. */
export async function daysWithoutRaw(
  connection: Connection,
  { fromMinute, toMinute }: MinuteRange,
): Promise<number[]> {
  const rows = await connection.rows(
    `SELECT DISTINCT "day" FROM dropped_day WHERE what = 'raw' AND "day" BETWEEN $1 AND $2 ORDER BY "day"`,
    [dayOfMinute(fromMinute), dayOfMinute(toMinute - 1)],
  );
  return rows.map((row) => row[0] as number);
}

/** Of rows with a click_timestamp, of one partition; undefined: of none that any has dropped. */
export function notDroppedToSql(partition: number | undefined): string {
  const own = partition === undefined ? "" : `AND "partition" = ${integer(partition)}`;
  return `click_timestamp // ${dayMs} NOT IN (
    SELECT "day" FROM dropped_day WHERE what = 'raw' ${own})`;
}

/** See ClickStore.newestReceipts. */
export async function readNewestReceipts(
  connection: Connection,
  catalog: Catalog,
  partition: number,
  beforeDay: number,
): Promise<DayReceipt[]> {
  if (!Number.isFinite(beforeDay)) return [];
  const times = { ...allTimes, toMs: beforeDay * dayMs };
  const tables = [...rawWithin(catalog, times), catalog.table(expiredTable)];
  const rows = tables.map(
    ({ name }) =>
      `SELECT click_timestamp // ${dayMs} AS "day", "position", outcome = ${Outcome.expired} AS is_expired
       FROM ${quoted(name)} WHERE ${[...within(times), notDroppedToSql(partition)].join(" AND ")}`,
  );
  const found = await connection.rows(
    `WITH placed AS (
        SELECT * FROM (${placedToSql(`(${rows.join(" UNION ALL ")})`, times)})
        WHERE "partition" = ${integer(partition)})
     SELECT "day"::INTEGER,
       (coalesce(max(received_at) FILTER (NOT is_expired), max(received_at)) // ${dayMs})::INTEGER
     FROM placed GROUP BY "day" ORDER BY "day"`,
  );
  return found.map(([day, receivedDay]) => ({
    day: day as number,
    receivedDay: receivedDay as number,
  }));
}
