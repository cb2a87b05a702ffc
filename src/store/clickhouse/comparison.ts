/** Counts minute rows again from raw, and puts both side by side. */

import { adDictionary } from "../../model/commit.ts";
import type { MinuteChanges } from "../../model/commit.ts";
import type { LayoutPiece } from "../../model/minute-layout.ts";
import { commonLayoutPieces } from "../../model/minute-layout.ts";
import { Outcome } from "../../model/outcome.ts";
import { minutesADay } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { RecountResult, Snapshot } from "../click-store.ts";
import type { RecomputationQuery } from "../recomputation.ts";
import type { Connection } from "./connection.ts";
import { integer } from "./connection.ts";
import { columnOf } from "./filter-sql.ts";
import { changesOf, ofPartToSql } from "./minutes.ts";
import { daysWithoutRaw } from "./retention.ts";
import { clicksToSql, withinToSql } from "./seen-sql.ts";
import type { DimensionTable } from "./schema.ts";
import type { View } from "./state.ts";

interface Comparison {
  readonly dimensions: readonly string[];
  /** Rows are: minute, ad_id, the dimensions as `v0` and so on, raw_count, minute_count. */
  readonly sql: string;
}

function compare(
  view: View,
  layout: readonly LayoutPiece[],
  range: MinuteRange,
  condition: string,
): Comparison {
  const { tables, state } = view;
  const { columns } = state;
  const kept = layout.flatMap(({ dimensions }) => dimensions);
  const dimensions = [...new Set([...columns.minute_count, ...kept])].toSorted();
  const valueOf = (
    table: DimensionTable,
    name: string,
    isTold: (piece: LayoutPiece) => boolean,
  ): string => {
    const told = layout.filter(isTold);
    if (!columns[table].has(name) || told.length === 0) return "NULL";
    const column = columnOf(name);
    if (told.length === layout.length) return column;
    const pieces = told.map((piece) => `(${withinToSql(piece)})`);
    return `if(${pieces.join(" OR ")}, ${column}, NULL)`;
  };
  const names = dimensions.map((_, i) => `v${i}`);
  const select = (
    table: DimensionTable,
    isTold: (piece: LayoutPiece, name: string) => boolean,
  ): string =>
    dimensions
      .map(
        (name, i) =>
          `CAST(${valueOf(table, name, (p) => isTold(p, name))} AS Nullable(String)) AS v${i}, `,
      )
      .join("");
  const key = ["minute", "ad_id", ...names].join(", ");
  const within = `${withinToSql(range)} AND ${condition}`;
  const both = `SELECT minute, ad_id, ${select("click", (piece, name) => piece.dimensions.includes(name))}
      1 AS raw, toInt64(0) AS counted
    FROM ${clicksToSql(view, undefined, range, condition)}
    WHERE outcome IN (${Outcome.counted}, ${Outcome.restated})
    UNION ALL
    SELECT minute, ad_id, ${select("minute_count", (piece, name) => piece.mixed?.includes(name) !== true)}
      0, clicks
    FROM ${tables.of("minute_count")} WHERE ${within} AND ${view.counting}`;
  return {
    dimensions,
    sql: `SELECT ${key}, sum(raw) AS raw_count, sum(counted) AS minute_count
      FROM ${tables.everywhere(both)} GROUP BY ${key}`,
  };
}

export async function recount(
  connection: Connection,
  view: View,
  range: MinuteRange,
  limit: number,
): Promise<Omit<RecountResult, keyof Snapshot>> {
  const daysLeftOut = daysWithoutRaw(view.state, range);
  const isCompared =
    daysLeftOut.length === 0
      ? "1"
      : `intDiv(minute, ${minutesADay}) NOT IN (${daysLeftOut.join(", ")})`;
  const { sql, dimensions } = compare(view, layoutInForce(view, range), range, isCompared);
  const [sums] = await connection.rows(
    `SELECT count(), sum(raw_count), countIf(raw_count != minute_count) FROM (${sql})`,
  );
  const [comparedRows, comparedClicks, differingRows] = sums as [number, number, number];
  const rows =
    differingRows === 0 || limit === 0
      ? []
      : await connection.rows(
          `SELECT * FROM (${sql}) WHERE raw_count != minute_count ORDER BY minute, ad_id LIMIT ${integer(limit)}`,
        );
  const differences = rows.map((row) => ({
    minute: row[0] as number,
    // A minute row of a key that was never given has no text.
    adId: row[1] === "" ? null : (row[1] as string),
    dimensions: Object.fromEntries(
      dimensions.map((name, i) => [name, row[2 + i] as string | null]),
    ),
    rawCount: row[2 + dimensions.length] as number,
    minuteCount: row[3 + dimensions.length] as number,
  }));
  return { comparedRows, comparedClicks, differingRows, differences, daysLeftOut };
}

/** Before the first configuration every dimension that there is counts. */
function layoutInForce({ state }: View, range: MinuteRange): LayoutPiece[] {
  const { configs, layoutChanges, progress, columns } = state;
  if (configs.length === 0) return [{ ...range, dimensions: [...columns.minute_count] }];
  const known = configs.map(({ config }) => config);
  return commonLayoutPieces(known, layoutChanges, progress.size, range);
}

export async function readRecomputation(
  connection: Connection,
  view: View,
  { layout, ads, partition, rowsMax, ...range }: RecomputationQuery,
): Promise<MinuteChanges | undefined> {
  const { sql, dimensions } = compare(view, layout, range, ofPartToSql(partition));
  const { dictionaries } = view.state;
  const names = dimensions.map((_, i) => `v${i}`);
  const counts = await connection.rows(
    `SELECT ad_id, count() FROM (${sql}) WHERE raw_count != minute_count GROUP BY ad_id`,
  );
  const wanted = counts.filter(([adId]) =>
    ads(dictionaries.keyOf(adDictionary, adId as string), adId as string),
  );
  if (wanted.reduce((sum, [, count]) => sum + (count as number), 0) > rowsMax) return undefined;
  const rows = await connection.rows(
    `SELECT ${["minute", "ad_id", "raw_count - minute_count", ...names].join(", ")}
     FROM (${sql}) WHERE raw_count != minute_count`,
  );
  return changesOf(rows, dimensions, dictionaries, ads);
}
