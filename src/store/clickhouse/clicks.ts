/** The clicks of one ad one by one, with the original of each duplicate; the outcomes of a record. */

import { formatEventId } from "../../model/click-batch.ts";
import { Outcome, outcomeNames } from "../../model/outcome.ts";
import type { OutcomeName } from "../../model/outcome.ts";
import { minuteOf } from "../../model/time.ts";
import type {
  ClickPlace,
  ClicksPage,
  ClicksQuery,
  ListedClick,
  OutcomeCounts,
  StoredClick,
} from "../click-store.ts";
import { visiblePieces } from "../visibility.ts";
import type { Connection, SqlRow } from "./connection.ts";
import { integer, literal } from "./connection.ts";
import { conditionOf, QueryFields } from "./filter-sql.ts";
import { countsForDedup, idColumns, idOf, wordsOfHex } from "./identities.ts";
import { attributeJoin, attributeToSql, clicksToSql, pieceToSql } from "./seen-sql.ts";
import type { View } from "./state.ts";

/** Of a click's place in the order of clicks. */
export const placeColumns = "click_timestamp, partition, log_offset, row";

export function placeOf({ clickTimestampMs, partition, offset, row }: ClickPlace): string {
  return [clickTimestampMs, partition, offset, row].map(integer).join(", ");
}

const storedColumns = `${placeColumns}, received_at, source, outcome`;

/** Columns of a row: those of storedColumns, the commit, those of idColumns, then the dimensions. */
const at = { sequence: 7, kind: 8, dimensions: 11 };

export async function readClicks(
  connection: Connection,
  view: View,
  query: ClicksQuery,
): Promise<Pick<ClicksPage, "clicks" | "outcomes">> {
  const { after, dimensions, limit } = query;
  const matched = view.tables.everywhere(matchedToSql(view, query));
  const counts = await connection.rows(`SELECT outcome, count() FROM ${matched} GROUP BY outcome`);
  const byOutcome = new Map(counts as unknown as [number, number][]);
  const rows = await connection.rows(
    `SELECT ${storedColumns}, sequence, ${idColumns} ${dimensions.map((_, i) => `, v${i}`).join("")}
     FROM ${matched} WHERE ${after ? `(${placeColumns}) > (${placeOf(after)})` : "1"}
     ORDER BY ${placeColumns} LIMIT ${integer(limit)}`,
  );
  const originals = await readOriginals(connection, view, query, rows);
  return {
    outcomes: outcomesFrom((name) => byOutcome.get(Outcome[name]) ?? 0),
    clicks: rows.map((row, i): ListedClick => {
      const [kind, hex, text] = row.slice(at.kind) as [number, string, string];
      const words = Uint32Array.from(wordsOfHex(hex));
      return Object.assign(storedClick(row), {
        eventId: formatEventId(kind, words, 0, text),
        dimensions: Object.fromEntries(
          dimensions.map((name, own) => [name, row[at.dimensions + own] as string | null]),
        ),
        original: originals[i] ?? null,
      });
    }),
  };
}

/** The clicks of the ad and the range that match, with the dimensions asked for as `v0` and so on; for a query on each shard. */
function matchedToSql(view: View, query: ClicksQuery): string {
  const { dimensions, filter, visibility, adId } = query;
  const fields = new QueryFields({ filter, groupBy: dimensions }, "click", view.state);
  const pieces = visiblePieces(visibility, query);
  const clicks = clicksToSql(view, visibility, query, `ad_id = ${literal(adId)}`);
  const versions = fields.attributes.map((name) => attributeToSql(view, name, pieces));
  const values = dimensions.map((name, i) => `, ${fields.toSql(name)} AS v${i}`);
  return `SELECT c.* ${values.join("")}
    FROM (SELECT c.*, toUInt8(${pieceToSql(pieces)}) AS piece FROM ${clicks} c) c
    ${versions.map(attributeJoin).join(" ")} WHERE ${conditionOf({ filter }, fields)}`;
}

function storedClick(row: SqlRow): StoredClick {
  return {
    clickTimestampMs: row[0] as number,
    partition: row[1] as number,
    offset: row[2] as number,
    row: row[3] as number,
    receivedAtMs: row[4] as number,
    source: row[5] as string,
    outcome: outcomeNames[row[6] as number]!,
  };
}

/** Of each row that is a duplicate: what it repeats, see ListedClick. */
async function readOriginals(
  connection: Connection,
  view: View,
  { adId, visibility }: ClicksQuery,
  rows: readonly SqlRow[],
): Promise<(StoredClick | undefined)[]> {
  const idAt = (row: SqlRow): string => idOf(row[at.kind], row[at.kind + 1], row[at.kind + 2]);
  const ids = new Set(rows.filter((row) => row[6] === Outcome.duplicate).map(idAt));
  if (ids.size === 0) return [];
  const everything = { fromMinute: -Infinity, toMinute: Infinity };
  const wanted = `ad_id = ${literal(adId)} AND (event_id_kind, event_id, event_id_text) IN (${[...ids].join(", ")})`;
  const known = `SELECT * FROM ${clicksToSql(view, visibility, everything, wanted)} WHERE ${countsForDedup}`;
  const found = await connection.rows(
    `SELECT ${storedColumns}, sequence, ${idColumns} FROM ${view.tables.everywhere(known)} ORDER BY sequence, log_offset, row`,
  );
  const byId = Map.groupBy(found, idAt);
  return rows.map((row) => {
    if (row[6] !== Outcome.duplicate) return undefined;
    const before = (byId.get(idAt(row)) ?? []).filter((other) => cameBefore(other, row));
    const minute = minuteOf(row[0] as number);
    const original =
      before.findLast((other) => minuteOf(other[0] as number) === minute) ?? before.at(-1);
    return original && storedClick(original);
  });
}

/** A commit is of one partition, whose records come in their order. */
function cameBefore(a: SqlRow, b: SqlRow): boolean {
  const order = (row: SqlRow) => [row[at.sequence], row[2], row[3]] as number[];
  const [one, other] = [order(a), order(b)];
  const i = one.findIndex((value, place) => value !== other[place]);
  return i !== -1 && one[i]! < other[i]!;
}

export async function readOutcomes(
  connection: Connection,
  view: View,
  record: { partition: number; offset: number; fromRow: number; toRow: number },
): Promise<OutcomeCounts | undefined> {
  const { partition, offset, fromRow, toRow } = record;
  if (offset >= (view.state.progress.get(partition)?.nextOffset ?? 0)) return undefined;
  const everything = { fromMinute: -Infinity, toMinute: Infinity };
  const own = `partition = ${integer(partition)} AND log_offset = ${integer(offset)}
    AND row >= ${integer(fromRow)} AND row < ${integer(toRow)}`;
  const clicks = `SELECT outcome FROM ${clicksToSql(view, undefined, everything, own)}`;
  const rows = await connection.rows(
    `SELECT outcome, count() FROM ${view.tables.everywhere(clicks)} GROUP BY outcome`,
  );
  const counts = new Map(rows as unknown as [number, number][]);
  return outcomesFrom((name) => counts.get(Outcome[name]) ?? 0);
}

export function outcomesFrom(countOf: (name: OutcomeName) => number): OutcomeCounts {
  return Object.fromEntries(outcomeNames.map((name) => [name, countOf(name)])) as OutcomeCounts;
}
