/**
 * Deletes what retention has dropped. Nobody is told of these rows any more, so that it may be done in pieces, and ended
 * between any two of them: what is left is found again by the next purge.
 */

import { outcomeNames } from "../../model/outcome.ts";
import { dayMs, minutesADay } from "../../model/time.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./compact.ts";
import { allTimes, placedToSql } from "./clicks-sql.ts";
import type { Connection } from "./connection.ts";
import { readDroppedDays } from "./dropped-days.ts";
import { expiredTable, minutesTable, parts, quoted, rawTable } from "./schema.ts";

/** Days (epoch days) whose rows can be deleted. */
export interface PurgePlan {
  readonly rawDays: readonly number[];
  readonly minuteDays: readonly number[];
}

/** Where the ledger of long ago is added up, a row a source. */
const carriedMinute = 0;

/**
 * A day's tables are of all partitions: they go once every partition with clicks of the day has dropped it. Minute rows
 * don't tell whose they are, so that they stay while any clicks of the day do.
 */
export async function planPurge(connection: Connection, catalog: Catalog): Promise<PurgePlan> {
  const dropped = await readDroppedDays(connection);
  const partitionsOf = (wanted: "raw" | "minute"): Map<number, Set<number>> => {
    const of = Map.groupBy(
      dropped.filter(({ what }) => what === wanted),
      ({ day }) => day,
    );
    return new Map(
      [...of].map(([day, rows]) => [day, new Set(rows.map(({ partition }) => partition))]),
    );
  };
  const raw = partitionsOf("raw");
  const minute = partitionsOf("minute");
  const held = await partitionsWithRows(connection, catalog, [...raw.keys()]);
  const rawDays = [...held.keys()].filter((day) => held.get(day)!.isSubsetOf(raw.get(day)!));
  const minutesHeld = await daysWithMinutes(connection, catalog, [...minute.keys()]);
  const minuteDays = minutesHeld.filter(
    (day) =>
      raw.get(day)!.isSubsetOf(minute.get(day)!) && (!held.has(day) || rawDays.includes(day)),
  );
  return { rawDays, minuteDays };
}

/** Of these days, those that have any clicks, with the partitions that these are of. */
async function partitionsWithRows(
  connection: Connection,
  catalog: Catalog,
  days: readonly number[],
): Promise<Map<number, Set<number>>> {
  const held = new Map<number, Set<number>>();
  if (days.length === 0) return held;
  const shared = [...catalog.scattered(), catalog.table(expiredTable)];
  const tables = [...days.flatMap((day) => catalog.rawOfDays(day, day)), ...shared];
  const rows = tables.map(
    ({ name }) =>
      `SELECT (click_timestamp // ${dayMs})::INTEGER AS "day", "position" FROM ${quoted(name)}
       WHERE click_timestamp // ${dayMs} IN (${days.join(", ")})`,
  );
  const found = await connection.rows(
    `SELECT DISTINCT "day", "partition" FROM (${placedToSql(`(${rows.join(" UNION ALL ")})`, allTimes)})`,
  );
  for (const [day, partition] of found as [number, number][])
    held.set(day, (held.get(day) ?? new Set()).add(partition));
  // Tables without rows go too.
  for (const day of days)
    if (!held.has(day) && catalog.rawOfDays(day, day).length > 0) held.set(day, new Set());
  return held;
}

/** Of these days, those that have any counts. */
async function daysWithMinutes(
  connection: Connection,
  catalog: Catalog,
  days: readonly number[],
): Promise<number[]> {
  if (days.length === 0) return [];
  const rows = [...catalog.deltas().map(({ name }) => name), "restatement"].map(
    (name) => `SELECT minute // ${minutesADay} AS "day" FROM ${name}`,
  );
  const found = await connection.rows(
    `SELECT DISTINCT "day"::INTEGER FROM (${rows.join(" UNION ALL ")}) WHERE "day" IN (${days.join(", ")})`,
  );
  const inDeltas = new Set(found.map(([day]) => day as number));
  return days.filter((day) => inDeltas.has(day) || catalog.hasTable(minutesTable(day)));
}

/** Those that lie in tables of many days; the tables of single days are dropped after. */
export async function deleteRows(
  connection: Connection,
  catalog: Catalog,
  { rawDays, minuteDays }: PurgePlan,
): Promise<void> {
  const clicks = `click_timestamp // ${dayMs} IN (${rawDays.join(", ")})`;
  if (rawDays.length > 0) {
    for (const { name } of [...catalog.scattered(), catalog.table(expiredTable)])
      await connection.run(`DELETE FROM ${name} WHERE ${clicks}`);
    await connection.run(
      `DELETE FROM outcome_change WHERE minute // ${minutesADay} IN (${rawDays.join(", ")})`,
    );
  }
  if (minuteDays.length === 0) return;
  for (const name of [...catalog.deltas().map((table) => table.name), "restatement"])
    await connection.run(
      `DELETE FROM ${name} WHERE minute // ${minutesADay} IN (${minuteDays.join(", ")})`,
    );
}

export function tablesToDrop(catalog: Catalog, { rawDays, minuteDays }: PurgePlan): string[] {
  const names = [
    ...rawDays.flatMap((day) => parts.map((part) => rawTable(day, part))),
    ...minuteDays.map(minutesTable),
  ];
  return names.filter((name) => catalog.hasTable(name)).map((name) => `DROP TABLE ${quoted(name)}`);
}

/** Records of the log without a click that is kept; the ledger of receipts before those of dropped counts. */
export async function deleteBooks(connection: Connection, catalog: Catalog): Promise<void> {
  await deleteLogRecords(connection, catalog);
  await carryLedger(connection);
}

/** The last record stays: it tells which position comes next. */
async function deleteLogRecords(connection: Connection, catalog: Catalog): Promise<void> {
  const [bounds] = await connection.rows(
    `SELECT max(first_position), max("day") FROM log_record, (SELECT "day" FROM dropped_day WHERE what = 'raw')`,
  );
  const [lastPosition, lastDay] = bounds as [number | null, number | null];
  if (lastPosition === null || lastDay === null) return;
  // Of days before, whatever there is of them: dropped, kept for a newer receipt, or never dropped by its partition.
  const tables = [...catalog.raw(-Infinity, lastDay), catalog.table(expiredTable)];
  const rows = tables
    .map(({ name }) => `SELECT "position" FROM ${quoted(name)}`)
    .join(" UNION ALL ");
  const candidates = `last_day <= ${lastDay} AND first_position < ${lastPosition}`;
  await connection.run(
    `DELETE FROM log_record WHERE ${candidates} AND first_position NOT IN (
       SELECT l.first_position FROM (${rows}) r
       ASOF JOIN (SELECT first_position FROM log_record WHERE row_count > 0) l
         ON r."position" >= l.first_position)`,
  );
}

async function carryLedger(connection: Connection): Promise<void> {
  const [row] = await connection.rows(
    `SELECT max(received_day) FROM dropped_day WHERE what = 'minute'`,
  );
  const lastDay = row![0] as number | null;
  if (lastDay === null) return;
  const old = `received_minute < ${(lastDay + 1) * minutesADay}`;
  const [left] = await connection.rows(
    `SELECT count(*) FROM ledger WHERE ${old} AND received_minute <> ${carriedMinute}`,
  );
  if (left![0] === 0) return;
  const sums = ["received", ...outcomeNames].map((name) => `SUM(${name})::BIGINT AS ${name}`);
  await transaction(connection, async () => {
    await connection.run("CREATE OR REPLACE TEMP TABLE carried AS SELECT * FROM ledger LIMIT 0");
    await connection.run(
      `INSERT INTO carried BY NAME
       SELECT ${carriedMinute} AS received_minute, source, ${sums.join(", ")}, 1 AS compacted
       FROM ledger WHERE ${old} GROUP BY source`,
    );
    await connection.run(`DELETE FROM ledger WHERE ${old}`);
    await connection.run("INSERT INTO ledger BY NAME SELECT * FROM carried");
  });
}
