/**
 * Compaction: minute deltas of final buckets become one row a key in their day's table, in one transaction, so that
 * every query sees a click in exactly one of the two places.
 */

import { outcomeNames } from "../../model/outcome.ts";
import type { Catalog } from "./catalog.ts";
import type { Connection } from "./connection.ts";
import { minutesADay } from "../../model/time.ts";
import { deltaTable, minutesTable, parts, quoted } from "./schema.ts";
import { thinCommitLog } from "./thin-commit-log.ts";

/** Ledger rows that may gather before they are added up. */
const ledgerDeltasMax = 5_000;

/** Days with deltas of minutes before `endMinute`. */
export async function daysToCompact(connection: Connection, endMinute: number): Promise<number[]> {
  const deltas = parts
    .map((part) => `SELECT minute FROM ${deltaTable(part)} WHERE minute < ${endMinute}`)
    .join(" UNION ALL ");
  const rows = await connection.rows(
    `SELECT DISTINCT (minute // ${minutesADay})::INTEGER AS day FROM (${deltas}) ORDER BY day`,
  );
  return rows.map((row) => row[0] as number);
}

/** `days`: from daysToCompact; each has its table with all key columns. */
export async function compactMinutes(
  connection: Connection,
  catalog: Catalog,
  days: readonly number[],
  endMinute: number,
): Promise<void> {
  await transaction(connection, async () => {
    for (const day of days) await connection.run(compactionOfDay(catalog, day, endMinute));
    // Of these days only: a commit may have brought another one since they were looked up.
    const moved = `minute < ${endMinute} AND minute // ${minutesADay} IN (${days.join(", ")})`;
    for (const part of parts)
      await connection.run(`DELETE FROM ${deltaTable(part)} WHERE ${moved}`);
  });
}

/**
 * Rows keep a commit, so that a number can be told as it stood. Restated ones stay apart by theirs. Of the others a key has
 * rows from before its bucket was final, which are told from the last of them on, or those of the one commit that imported
 * into an ad's minute that had none.
 */
function compactionOfDay(catalog: Catalog, day: number, endMinute: number): string {
  const keys = catalog
    .table(deltaTable(0))
    .columns.map((column) => column.name)
    .filter((name) => name.startsWith("k_"))
    .map(quoted);
  const columns = ["minute", "ad", ...keys].join(", ");
  const from = day * minutesADay;
  const to = Math.min(endMinute, from + minutesADay);
  const deltas = parts
    .map(
      (part) =>
        `SELECT ${columns}, clicks, restated, commit_sequence FROM ${deltaTable(part)} ` +
        `WHERE minute >= ${from} AND minute < ${to}`,
    )
    .join(" UNION ALL ");
  // One statement: of two inserts into a table in one transaction, DuckDB does not show the rows of the second until the
  // next checkpoint where the first had none and the second has more than a row group.
  return `INSERT INTO ${minutesTable(day)} BY NAME
    SELECT ${columns}, SUM(clicks)::INTEGER AS clicks, restated, MAX(commit_sequence) AS commit_sequence
    FROM (${deltas})
    GROUP BY ${columns}, restated, CASE WHEN restated = 1 THEN commit_sequence END
    ORDER BY restated, minute, ad`;
}

/** Adds up the ledger and thins out the progress of past commits. */
export async function compactSmallTables(connection: Connection): Promise<void> {
  const [ledgerDeltas] = await connection.rows("SELECT count(*) FROM ledger WHERE compacted = 0");
  if ((ledgerDeltas![0] as number) > ledgerDeltasMax) await compactLedger(connection);
  await thinCommitLog(connection);
}

async function compactLedger(connection: Connection): Promise<void> {
  const sums = ["received", ...outcomeNames]
    .map((name) => `SUM(${name})::BIGINT AS ${name}`)
    .join(", ");
  await transaction(connection, async () => {
    await connection.run(
      `INSERT INTO ledger BY NAME SELECT received_minute, source, ${sums}, 1 AS compacted
       FROM ledger WHERE compacted = 0 GROUP BY received_minute, source`,
    );
    await connection.run("DELETE FROM ledger WHERE compacted = 0");
  });
}

/** Runs on one connection, whose statements nobody else gives. */
export async function transaction(
  connection: Connection,
  work: () => Promise<void>,
): Promise<void> {
  await connection.run("BEGIN");
  try {
    await work();
    await connection.run("COMMIT");
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
