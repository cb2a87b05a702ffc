/** What retention decides by, and how the days that it dropped are deleted. */

import { Outcome } from "../../model/outcome.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import { dayMs, dayOfMinute, minutesADay } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { Connection, SqlRow } from "./connection.ts";
import { integer, literals } from "./connection.ts";
import { firstMovedPartition } from "../../model/partition.ts";
import { isOfBefore } from "./moved-partitions.ts";
import { change } from "./mutations.ts";
import type { Database } from "./database.ts";
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
  // A day with clicks of before goes when all partitions have dropped it, each of which may have some of them.
  const own = `(partition = ${integer(partition)} OR ${isOfBefore}) AND ${keptDaysToSql(view, partition)}`;
  const clicks = `SELECT * FROM ${clicksToSql(view, undefined, range, own)}`;
  const rows = await connection.rows(
    `SELECT intDiv(minute, ${minutesADay}) AS day,
       intDiv(if(countIf(outcome != ${Outcome.expired}) > 0,
         maxIf(received_at, outcome != ${Outcome.expired}), max(received_at)), ${dayMs})
     FROM ${view.tables.everywhere(clicks)} GROUP BY day ORDER BY day`,
  );
  return rows.map(([day, receivedDay]) => ({
    day: day as number,
    receivedDay: receivedDay as number,
  }));
}

/** Of these dropped days. Nobody is told of what goes, so that it may be ended anywhere and begun again. */
export async function purge(
  { connection, shards }: Database,
  view: View,
  droppedDays: readonly RecordedDroppedDay[],
): Promise<void> {
  const days = [...new Set(droppedDays.map(({ day }) => day))];
  const there = await Promise.all(shards.map(readDaysThere));
  const isThere = (day: number): boolean => there.some((own) => own.has(day));
  const toGo = await daysToGo(connection, view, droppedDays, days.filter(isThere));
  await Promise.all(
    shards.map(async (shard, i) => {
      for (const { day, partitions, isOfAll, tables } of toGo)
        for (const table of tables)
          if (there[i]!.get(day)?.has(table))
            await change(shard, {
              table,
              what: `DELETE IN PARTITION ${integer(day)}`,
              where: `partition IN (${[...partitions].map(integer).join(", ")})${isOfAll ? ` OR ${isOfBefore}` : ""}`,
            });
      await carryLedger(shard, droppedDays);
    }),
  );
}

/** What goes of a day. */
interface DayToGo {
  readonly day: number;
  readonly partitions: ReadonlySet<number>;
  /** All partitions have dropped it: what is of before goes too. */
  readonly isOfAll: boolean;
  readonly tables: readonly string[];
}

async function daysToGo(
  connection: Connection,
  view: View,
  droppedDays: readonly RecordedDroppedDay[],
  days: readonly number[],
): Promise<readonly DayToGo[]> {
  if (days.length === 0) return [];
  const partitionsOf = (day: number, wanted: "raw" | "minute"): Set<number> =>
    new Set(
      droppedDays
        .filter(({ what, ...own }) => what === wanted && own.day === day)
        .map(({ partition }) => partition),
    );
  const held = await readPartitionsWithClicks(connection, view, days);
  return days.flatMap((day): DayToGo[] => {
    const raw = partitionsOf(day, "raw");
    const isOfAll = raw.size === view.state.progress.size;
    const left = [...(held.get(day) ?? [])].filter((own) => !raw.has(own));
    if (raw.size === 0 || !left.every((own) => isOfAll && own >= firstMovedPartition)) return [];
    // Minute rows go once all that had clicks of the day have dropped its counts too. Those of other partitions stay: another
    // process may be just bringing some.
    const isMinuteOver = raw.isSubsetOf(partitionsOf(day, "minute"));
    const going = [...tablesOf.raw, ...(isMinuteOver ? tablesOf.minute : [])];
    return [{ day, partitions: raw, isOfAll, tables: going }];
  });
}

const tablesOf: Readonly<Record<"raw" | "minute", readonly string[]>> = {
  raw: ["click", "outcome_change"],
  minute: ["minute_count", "restatement"],
};

/** The tables of a shard that have anything of a day: what went with an earlier purge is not dropped again. */
async function readDaysThere(
  connection: Connection,
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const rows = await connection.rows(
    `SELECT toInt32(partition) AS day, groupUniqArray(table) FROM system.parts
     WHERE database = currentDatabase() AND active AND rows > 0
       AND table IN (${literals([...tablesOf.raw, ...tablesOf.minute])}) GROUP BY day`,
  );
  return setsOf(rows);
}

async function readPartitionsWithClicks(
  connection: Connection,
  { counting, tables }: View,
  days: readonly number[],
): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
  const clicks = `SELECT intDiv(minute, ${minutesADay}) AS day, partition FROM ${tables.of("click")}
    WHERE ${counting} AND day IN (${days.map(integer).join(", ")})`;
  const rows = await connection.rows(
    `SELECT day, groupUniqArray(partition) FROM ${tables.everywhere(clicks)} GROUP BY day`,
  );
  return setsOf(rows);
}

/** Of rows with a key and a list. */
function setsOf<T>(rows: readonly SqlRow[]): ReadonlyMap<number, ReadonlySet<T>> {
  return new Map(
    rows.map(([key, all]) => [key as number, new Set(all as unknown as readonly T[])]),
  );
}

async function carryLedger(
  shard: Connection,
  droppedDays: readonly RecordedDroppedDay[],
): Promise<void> {
  const received = droppedDays
    .filter(({ what }) => what === "minute")
    .map(({ receivedDay }) => receivedDay);
  if (received.length === 0) return;
  const end = (received.reduce((a, b) => Math.max(a, b)) + 1) * minutesADay;
  const old = `received_minute < ${integer(end)} AND received_minute != ${carriedMinute}`;
  const [row] = await shard.rows(`SELECT count() FROM ledger WHERE ${old}`);
  if (row![0] === 0) return;
  // Rows of one source and minute add up: where their minute is changed one by one, none is missed or counted twice.
  await change(shard, {
    table: "ledger",
    what: `UPDATE received_minute = ${carriedMinute}`,
    where: old,
  });
}
