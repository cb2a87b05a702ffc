/** Visibility as SQL, without I/O. What is not limited is read as it stands, at no cost. */

import { minuteMs } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { SeenCommits, Visibility, VisiblePiece } from "../visibility.ts";
import { visiblePieces } from "../visibility.ts";
import { quoted } from "./schema.ts";

const everything = "TRUE";

/** True for rows of the range with `minute` and `commit_sequence` that may be seen. */
export function minuteRowsToSql(visibility: Visibility | undefined, range: MinuteRange): string {
  return piecewise(visiblePieces(visibility, range), minutesOf, commitsToSql);
}

/** True for rows of the table `ad_attribute` that the minutes of a piece see. */
export function attributeRowsToSql(piece: VisiblePiece): string {
  return commitsToSql(piece);
}

/**
 * A table of raw clicks as it stood, to be selected from, for clicks of the range (which may be endless): without the clicks
 * that came later, and with the outcomes that have been corrected since.
 */
export function rawTableToSql(
  table: string,
  visibility: Visibility | undefined,
  range: MinuteRange,
): string {
  const pieces = visiblePieces(visibility, range);
  const seen = piecewise(pieces, timesOf, positionsToSql);
  if (seen === everything) return quoted(table);
  const corrected = piecewise(pieces, minutesOf, (piece) => `NOT (${commitsToSql(piece)})`);
  return `(
    SELECT r.* REPLACE (coalesce(c.outcome, r.outcome) AS outcome)
    FROM ${quoted(table)} r LEFT JOIN (
      SELECT "position", arg_min(outcome_before, commit_sequence) AS outcome
      FROM outcome_change WHERE ${corrected} GROUP BY "position") c ON c."position" = r."position"
    WHERE ${seen})`;
}

function commitsToSql({ asOf, earlier }: SeenCommits): string {
  if (asOf === Infinity) return everything;
  const upTo = `commit_sequence <= ${asOf}`;
  if (earlier.length === 0) return upTo;
  // Commits of these spans stay on record, see thin-commit-log.ts.
  const late = earlier.map(
    (limit) => `("partition" = ${limit.partition} AND "sequence" > ${limit.asOf})`,
  );
  return `${upTo} AND commit_sequence NOT IN (
    SELECT "sequence" FROM commit_log WHERE "sequence" <= ${asOf} AND (${late.join(" OR ")}))`;
}

/** Positions rise with the commits, of which some have no click. */
function positionsToSql({ asOf, earlier }: SeenCommits): string {
  if (asOf === Infinity) return everything;
  const upTo = `r."position" < (
    SELECT coalesce(min(first_position), ${Number.MAX_SAFE_INTEGER})
    FROM log_record WHERE commit_sequence > ${asOf} AND row_count > 0)`;
  if (earlier.length === 0) return upTo;
  const late = earlier.map(
    (limit) => `(l."partition" = ${limit.partition} AND l.commit_sequence > ${limit.asOf})`,
  );
  return `${upTo} AND NOT EXISTS (
    SELECT 1 FROM log_record l WHERE l.commit_sequence <= ${asOf} AND (${late.join(" OR ")})
      AND r."position" >= l.first_position AND r."position" < l.first_position + l.row_count)`;
}

function minutesOf({ fromMinute, toMinute }: MinuteRange): string {
  return between("minute", fromMinute, toMinute);
}

function timesOf({ fromMinute, toMinute }: MinuteRange): string {
  return between("r.click_timestamp", fromMinute * minuteMs, toMinute * minuteMs);
}

function between(column: string, from: number, to: number): string {
  const conditions = [
    ...(Number.isFinite(from) ? [`${column} >= ${from}`] : []),
    ...(Number.isFinite(to) ? [`${column} < ${to}`] : []),
  ];
  return conditions.length === 0 ? everything : conditions.join(" AND ");
}

/** The condition of the piece that a row lies in. */
function piecewise(
  pieces: readonly VisiblePiece[],
  within: (piece: VisiblePiece) => string,
  condition: (piece: VisiblePiece) => string,
): string {
  const conditions = pieces.map(condition);
  if (conditions.every((other) => other === conditions[0])) return conditions[0]!;
  return `(${pieces.map((piece, i) => `(${within(piece)} AND ${conditions[i]})`).join(" OR ")})`;
}
