/** What retention decides by, and how the days that it dropped are deleted. */

import { Outcome } from "../../model/outcome.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import { dayMs, dayOfMinute, minutesADay } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { Connection } from "./connection.ts";
import { integer } from "./connection.ts";
import { clicksToSql } from "./seen-sql.ts";
import type { RecordedDroppedDay } from "../click-store.ts";
import type { StoreState, View } from "./state.ts";

/** Where the ledger of long ago is added up, a row a source. */
const carriedMinute = 0;

/** Of clicks: that their day was not dropped by this partition; undefined: by any. */
export function keptDaysToSql({ state }: View, partition: number | undefined): string {
  const days = state.droppedDays
    .filter(({ what, ...own }) => what === "raw" && own.partition === (partition ?? own.partition))
    .map(({ day }) => integer(day));
  if (days.length === 0) return "1";
  return `intDiv(minute, ${minutesADay}) NOT IN (${[...new Set(days)].join(", ")})`;
}

/** Of the range, where any partition has dropped its clicks; ascending. */
export function daysWithoutRaw(
  { droppedDays }: StoreState,
  { fromMinute, toMinute }: MinuteRange,
): number[] {
  const [first, last] = [dayOfMinute(fromMinute), dayOfMinute(toMinute - 1)];
  const days = droppedDays.filter(({ what, day }) => what === "raw" && day >= first && day <= last);
  return [...new Set(days.map(({ day }) => day))].toSorted((a, b) => a - b);
}

export async function readNewestReceipts(
  connection: Connection,
  view: View,
  partition: number,
  beforeDay: number,
): Promise<DayReceipt[]> {
  if (!Number.isFinite(beforeDay)) return [];
  const range = { fromMinute: -Infinity, toMinute: beforeDay * minutesADay };
  const own = `partition = ${integer(partition)} AND ${keptDaysToSql(view, partition)}`;
  const rows = await connection.rows(
    `SELECT intDiv(minute, ${minutesADay}) AS day,
       intDiv(if(countIf(outcome != ${Outcome.expired}) > 0,
         maxIf(received_at, outcome != ${Outcome.expired}), max(received_at)), ${dayMs})
     FROM ${clicksToSql(view, undefined, range, own)} GROUP BY day ORDER BY day`,
  );
  return rows.map(([day, receivedDay]) => ({
    day: day as number,
    receivedDay: receivedDay as number,
  }));
}

/** Of these dropped days. Nobody is told of what goes, so that it may be ended anywhere and begun again. */
export async function purge(
  connection: Connection,
  view: View,
  droppedDays: readonly RecordedDroppedDay[],
): Promise<void> {
  const partitionsOf = (day: number, wanted: "raw" | "minute"): Set<number> =>
    new Set(
      droppedDays
        .filter(({ what, ...own }) => what === wanted && own.day === day)
        .map(({ partition }) => partition),
    );
  const days = [...new Set(droppedDays.map(({ day }) => day))];
  if (days.length === 0) return;
  const holding = await connection.rows(
    `SELECT intDiv(minute, ${minutesADay}) AS day, groupUniqArray(partition) FROM click
     WHERE ${view.counting} AND day IN (${days.map(integer).join(", ")}) GROUP BY day`,
  );
  const held = new Map(
    holding.map(([day, partitions]) => [
      day as number,
      new Set(partitions as unknown as readonly number[]),
    ]),
  );
  for (const day of days) {
    const raw = partitionsOf(day, "raw");
    if (raw.size === 0 || held.get(day)?.isSubsetOf(raw) === false) continue;
    await dropDay(connection, ["click", "outcome_change"], day);
    // Minute rows go once all that had clicks of the day have dropped its counts too.
    if (raw.isSubsetOf(partitionsOf(day, "minute")))
      await dropDay(connection, ["minute_count", "restatement"], day);
  }
  await carryLedger(connection, droppedDays);
}

async function dropDay(
  connection: Connection,
  tables: readonly string[],
  day: number,
): Promise<void> {
  for (const table of tables)
    await connection.run(`ALTER TABLE ${table} DROP PARTITION ${integer(day)}`);
}

async function carryLedger(
  connection: Connection,
  droppedDays: readonly RecordedDroppedDay[],
): Promise<void> {
  const received = droppedDays
    .filter(({ what }) => what === "minute")
    .map(({ receivedDay }) => receivedDay);
  if (received.length === 0) return;
  const end = (received.reduce((a, b) => Math.max(a, b)) + 1) * minutesADay;
  const old = `received_minute < ${integer(end)} AND received_minute != ${carriedMinute}`;
  const [row] = await connection.rows(`SELECT count() FROM ledger WHERE ${old}`);
  if (row![0] === 0) return;
  // Rows of one source and minute add up: where their minute is changed one by one, none is missed or counted twice.
  await connection.run(
    `ALTER TABLE ledger UPDATE received_minute = ${carriedMinute} WHERE ${old}`,
    {
      mutations_sync: "2",
    },
  );
}
