/** Writes what a correction makes of recorded clicks: the outcome in their raw row, and what it was before. */

import type { Commit, OutcomeChange } from "../../model/commit.ts";
import { Outcome } from "../../model/outcome.ts";
import { minuteOf } from "../../model/time.ts";
import { appendFixed } from "./append-facts.ts";
import type { TableAppenders } from "./append-columns.ts";
import type { Catalog } from "./catalog.ts";
import type { Connection } from "./connection.ts";
import { dayOf } from "./clicks-sql.ts";
import type { Part } from "./schema.ts";
import { expiredTable, quoted, scatteredTable } from "./schema.ts";

/** Within the commit's transaction, while no maintenance runs: its tables are changed in place. */
export async function writeOutcomeChanges(
  writer: Connection,
  appenders: TableAppenders,
  catalog: Catalog,
  part: Part,
  { sequence, outcomeChanges }: Commit,
): Promise<void> {
  if (outcomeChanges.length === 0) return;
  const positions = await positionsOf(writer, outcomeChanges);
  appendFixed(
    appenders,
    "outcome_change",
    outcomeChanges.map(({ clickTimestampMs, adKey, before, after }, i) => [
      positions[i]!,
      minuteOf(clickTimestampMs),
      adKey,
      Outcome[before],
      Outcome[after],
      sequence,
    ]),
  );
  const changes = `(SELECT "position", outcome_after FROM outcome_change WHERE commit_sequence = ${sequence})`;
  const days = new Set(outcomeChanges.map((change) => dayOf(change.clickTimestampMs)));
  const tables = [
    ...catalog.scattered(),
    ...[...days].flatMap((day) => catalog.rawOfDays(day, day)),
  ];
  for (const { name } of tables) {
    await writer.run(
      `UPDATE ${quoted(name)} r SET outcome = c.outcome_after FROM ${changes} c WHERE c."position" = r."position"`,
    );
  }
  if (!outcomeChanges.some(({ before }) => before === "expired")) return;
  // What was expired lies apart from all that counts; from now on it is a click of its day.
  await writer.run(
    `INSERT INTO ${scatteredTable(part)} BY NAME
     SELECT e.* REPLACE (c.outcome_after AS outcome) FROM ${expiredTable} e JOIN ${changes} c USING ("position")`,
  );
  await writer.run(
    `DELETE FROM ${expiredTable} WHERE "position" IN (SELECT "position" FROM ${changes})`,
  );
}

/** Of the raw rows, in the order of the changes. */
async function positionsOf(
  writer: Connection,
  changes: readonly OutcomeChange[],
): Promise<number[]> {
  const first = new Map<string, number>();
  for (const [partition, own] of Map.groupBy(changes, (change) => change.partition)) {
    const offsets = [...new Set(own.map(({ offset }) => offset))].join(", ");
    const rows = await writer.rows(
      `SELECT log_offset, first_position FROM log_record
       WHERE "partition" = ${partition} AND log_offset IN (${offsets})`,
    );
    for (const [offset, position] of rows) first.set(`${partition}:${offset}`, position as number);
  }
  return changes.map(({ partition, offset, row }) => {
    const position = first.get(`${partition}:${offset}`);
    if (position === undefined)
      throw new Error(`record ${offset} of partition ${partition} is not in the store`);
    return position + row;
  });
}
