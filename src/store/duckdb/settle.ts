/** Moves clicks that came scattered over many days to the tables of their days. */

import { dayMs } from "../../model/time.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./compact.ts";
import type { Connection } from "./connection.ts";
import { parts, quoted, rawTable, scatteredTable } from "./schema.ts";

/** More scattered rows than these are moved at the next occasion, fewer once no more have come for a while. */
export const scatteredRowsMax = 1_000_000;

export async function countScattered(connection: Connection): Promise<number> {
  const counts = parts.map((part) => `(SELECT count(*) FROM ${scatteredTable(part)})`);
  const [row] = await connection.rows(`SELECT ${counts.join(" + ")}`);
  return row![0] as number;
}

export async function scatteredDays(connection: Connection): Promise<number[]> {
  const days = parts.map(
    (part) => `SELECT click_timestamp // ${dayMs} AS day FROM ${scatteredTable(part)}`,
  );
  const rows = await connection.rows(
    `SELECT DISTINCT day FROM (${days.join(" UNION ALL ")}) ORDER BY day`,
  );
  return rows.map((row) => row[0] as number);
}

/** `days` have tables with all columns. */
export async function settleDays(
  connection: Connection,
  catalog: Catalog,
  days: readonly number[],
): Promise<void> {
  await transaction(connection, async () => {
    for (const day of days) await connection.run(settlementOfDay(catalog, day));
    const moved = `click_timestamp // ${dayMs} IN (${days.join(", ")})`;
    for (const part of parts) {
      await connection.run(`DELETE FROM ${scatteredTable(part)} WHERE ${moved}`);
    }
  });
}

function settlementOfDay(catalog: Catalog, day: number): string {
  const { columns } = catalog.table(scatteredTable(0));
  const list = columns.map((column) => quoted(column.name)).join(", ");
  const range = `click_timestamp >= ${day * dayMs} AND click_timestamp < ${(day + 1) * dayMs}`;
  const rows = parts
    .map((part) => `SELECT ${list} FROM ${scatteredTable(part)} WHERE ${range}`)
    .join(" UNION ALL ");
  return `INSERT INTO ${rawTable(day, 0)} BY NAME SELECT * FROM (${rows}) ORDER BY "position"`;
}
