/** What a query may see of the commits, as SQL over rows with sequence, partition and minute; without I/O. */

import type { MinuteRange } from "../../model/window.ts";
import type { SeenCommits, Visibility, VisiblePiece } from "../visibility.ts";
import { visiblePieces } from "../visibility.ts";
import { columnOf } from "./filter-sql.ts";
import { integer, literal } from "./connection.ts";
import { isOfToSql } from "./moved-partitions.ts";
import type { View } from "./state.ts";

/** True for rows of a partition. */
type IsOf = (partition: number) => string;

const bearsPartition: IsOf = (partition) => `partition = ${partition}`;

/** True for rows of the range that count and may be seen. */
export function seenToSql(
  { counting }: View,
  visibility: Visibility | undefined,
  range: MinuteRange,
  isOf = bearsPartition,
): string {
  const pieces = visiblePieces(visibility, range);
  const conditions = pieces.map((piece) => commitsToSql(piece, isOf));
  if (conditions.every((other) => other === conditions[0])) {
    return conditions[0] === "1" ? counting : `${counting} AND ${conditions[0]}`;
  }
  const cases = pieces.map((piece, i) => `(${withinToSql(piece)} AND ${conditions[i]})`);
  return `${counting} AND (${cases.join(" OR ")})`;
}

export function commitsToSql({ asOf, earlier }: SeenCommits, isOf = bearsPartition): string {
  if (asOf === Infinity) return "1";
  const late = earlier.map(
    (limit) => ` AND NOT (${isOf(limit.partition)} AND sequence > ${limit.asOf})`,
  );
  return `(sequence <= ${asOf}${late.join("")})`;
}

/** On the minute of a row; either end may be open. */
export function withinToSql({ fromMinute, toMinute }: MinuteRange, column = "minute"): string {
  const conditions = [
    ...(Number.isFinite(fromMinute) ? [`${column} >= ${integer(fromMinute)}`] : []),
    ...(Number.isFinite(toMinute) ? [`${column} < ${integer(toMinute)}`] : []),
  ];
  return conditions.length === 0 ? "1" : conditions.join(" AND ");
}

/**
 * Clicks as they may be seen: with the outcomes that corrections up to then have made of them, which lie on the shard of the
 * click. For a query on each shard.
 */
export function clicksToSql(
  view: View,
  visibility: Visibility | undefined,
  range: MinuteRange,
  condition = "1",
): string {
  const seen = `${seenToSql(view, visibility, range)} AND ${withinToSql(range)}`;
  const { tables } = view;
  // They bear the partition of the click, which may be one of before.
  const isOf: IsOf = (partition) => isOfToSql(view, partition);
  const changes = `${seenToSql(view, visibility, range, isOf)} AND ${withinToSql(range)}`;
  const rows = `SELECT * FROM ${tables.of("click")} WHERE ${seen} AND ${condition}`;
  if (!view.state.hasOutcomeChanges) return `(${rows})`;
  return `(
    SELECT r.* REPLACE (if(o.is_changed = 1, o.outcome, r.outcome) AS outcome)
    FROM (${rows}) r LEFT JOIN (
      SELECT partition, log_offset, row, argMax(outcome_after, sequence) AS outcome, 1 AS is_changed
      FROM ${tables.of("outcome_change")} WHERE ${changes} GROUP BY partition, log_offset, row
    ) o ON o.partition = r.partition AND o.log_offset = r.log_offset AND o.row = r.row)`;
}

/** Which of the pieces a row `c` lies in. */
export function pieceToSql(pieces: readonly VisiblePiece[]): string {
  const cases = pieces
    .slice(0, -1)
    .map((piece, i) => `c.minute < ${integer(piece.toMinute)}, ${i}`);
  return cases.length === 0 ? "0" : `multiIf(${cases.join(", ")}, ${pieces.length - 1})`;
}

/**
 * Versions of an attribute as the minutes of each piece see them: the last one that began before a minute holds; of two
 * from the same minute the later change counts.
 */
export function attributeToSql(
  { counting, tables }: View,
  name: string,
  pieces: readonly VisiblePiece[],
): string {
  const selects = pieces.map((piece, i) => {
    const own = `name = ${literal(name)} AND ${counting} AND ${commitsToSql(piece)}`;
    return `SELECT toUInt8(${i}) AS piece, ad_id, valid_from_minute AS from_minute,
        argMax(tuple(value), (sequence, ordinal)).1 AS value
      FROM ${tables.rows("ad_attribute", own)}
      GROUP BY ad_id, valid_from_minute`;
  });
  return `(${selects.join(" UNION ALL ")})`;
}

/** Joins the versions to rows `c` with a piece. */
export function attributeJoin(versions: string, i: number): string {
  return `ASOF LEFT JOIN ${versions} a${i}
    ON a${i}.ad_id = c.ad_id AND a${i}.piece = c.piece AND c.minute >= a${i}.from_minute`;
}

/** The keys of a dictionary's texts (see dictionaries.ts), as a table of `value` and `key` to be joined. */
export function keysToSql({ counting, tables }: View, dictionary: string): string {
  const own = `dictionary = ${literal(dictionary)} AND ${counting}`;
  return `(
    SELECT value, toUInt32(row_number() OVER (ORDER BY min((sequence, ordinal)))) AS key
    FROM ${tables.rows("dictionary", own)} GROUP BY value)`;
}

export function columnsOf(dimensions: readonly string[]): string[] {
  return dimensions.map(columnOf);
}
