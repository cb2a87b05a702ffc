/** Counts the minute rows again from raw, day by day, and compares. */

import { adDictionary } from "../../model/commit.ts";
import type { LayoutPiece } from "../../model/minute-layout.ts";
import { commonLayoutPieces } from "../../model/minute-layout.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { RecountDifference } from "../click-store.ts";
import type { Catalog } from "./catalog.ts";
import type { Comparison } from "./comparison.ts";
import { comparisonOfDay, daysBetween } from "./comparison.ts";
import type { Connection } from "./connection.ts";
import { daysWithoutRaw } from "./dropped-days.ts";
import { readConfigs, readLayoutChanges, readPartitionCount, readSequence } from "./read.ts";
import { keyColumnsOf } from "./scan.ts";
import { dictionaryTable, dimensionOfKey, keyColumn, quoted, textColumn } from "./schema.ts";

export interface Recount {
  readonly asOf: number;
  readonly comparedRows: number;
  readonly comparedClicks: number;
  readonly differingRows: number;
  readonly differences: readonly RecountDifference[];
  readonly daysLeftOut: readonly number[];
}

/** All days in one transaction, so that they are of one snapshot. */
export async function recount(
  connection: Connection,
  catalog: Catalog,
  range: MinuteRange,
  limit: number,
): Promise<Recount> {
  return await connection.snapshot(async () => {
    const asOf = await readSequence(connection);
    const layout = await layoutInForce(connection, catalog, range);
    const total = { comparedRows: 0, comparedClicks: 0, differingRows: 0 };
    const differences: RecountDifference[] = [];
    const withoutRaw = await daysWithoutRaw(connection, range);
    for (const day of await daysBetween(connection, catalog, range)) {
      if (withoutRaw.includes(day)) continue;
      const comparison = comparisonOfDay(catalog, layout, day, range);
      const [sums] = await connection.rows(`${comparison.sql}
        SELECT count(*), coalesce(SUM(raw_count), 0)::BIGINT,
          count(*) FILTER (WHERE raw_count <> minute_count) FROM compared`);
      const [comparedRows, comparedClicks, differingRows] = sums as [number, number, number];
      total.comparedRows += comparedRows;
      total.comparedClicks += comparedClicks;
      total.differingRows += differingRows;
      const wanted = limit - differences.length;
      if (differingRows > 0 && wanted > 0) {
        differences.push(...(await differencesOf(connection, catalog, comparison, wanted)));
      }
    }
    return { asOf, ...total, differences, daysLeftOut: withoutRaw };
  });
}

/** Before the first configuration every key that there is counts. */
async function layoutInForce(
  connection: Connection,
  catalog: Catalog,
  range: MinuteRange,
): Promise<LayoutPiece[]> {
  const configs = await readConfigs(connection);
  if (configs.length > 0) {
    const changes = await readLayoutChanges(connection);
    return commonLayoutPieces(configs, changes, await readPartitionCount(connection), range);
  }
  const names = keyColumnsOf(catalog.deltas()).map(dimensionOfKey);
  return [{ ...range, dimensions: names }];
}

async function differencesOf(
  connection: Connection,
  catalog: Catalog,
  { sql, dimensions, withTexts }: Comparison,
  limit: number,
): Promise<RecountDifference[]> {
  const known = dimensions.filter((name) => catalog.hasTable(dictionaryTable(name)));
  const joins = known.map(
    (name, i) =>
      `LEFT JOIN ${quoted(dictionaryTable(name))} d${i} ON d${i}."key" = c.${quoted(keyColumn(name).name)}`,
  );
  const values = known.map((name, i) =>
    withTexts.includes(name)
      ? `coalesce(d${i}."value", c.${quoted(textColumn(name).name)})`
      : `d${i}."value"`,
  );
  const rows = await connection.rows(`${sql}
    SELECT ${["c.minute", `a."value" AS ad_id`, "c.raw_count", "c.minute_count", ...values].join(", ")}
    FROM compared c LEFT JOIN ${dictionaryTable(adDictionary)} a ON a."key" = c.ad ${joins.join(" ")}
    WHERE c.raw_count <> c.minute_count ORDER BY c.minute, ad_id LIMIT ${limit}`);
  return rows.map((row) => ({
    minute: row[0] as number,
    adId: row[1] as string,
    dimensions: Object.fromEntries(known.map((name, i) => [name, row[4 + i] as string | null])),
    rawCount: row[2] as number,
    minuteCount: row[3] as number,
  }));
}
