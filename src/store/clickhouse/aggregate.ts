/** Aggregates: rows of counts by bucket and group. */

import { Outcome } from "../../model/outcome.ts";
import type { AggregateQuery, AggregateRow } from "../click-store.ts";
import { visiblePieces } from "../visibility.ts";
import type { Connection } from "./connection.ts";
import { integer, literal } from "./connection.ts";
import { columnOf, conditionOf, QueryFields } from "./filter-sql.ts";
import {
  attributeJoin,
  attributeToSql,
  clicksToSql,
  pieceToSql,
  seenToSql,
  withinToSql,
} from "./seen-sql.ts";
import type { View } from "./state.ts";

export async function readAggregate(
  connection: Connection,
  view: View,
  query: AggregateQuery,
): Promise<AggregateRow[]> {
  const rows = await connection.rows(aggregateToSql(view, query));
  return rows.map(([bucketStart, count, ...group]) => ({
    bucketStart: bucketStart as number,
    count: count as number,
    group: group as (string | null)[],
  }));
}

/** Rows are: bucket, count, then the value of each field of groupBy. */
function aggregateToSql(view: View, query: AggregateQuery): string {
  const { fromMinute, groupBy, order, limit, after, source } = query;
  const fields = new QueryFields(query, source === "raw" ? "click" : "minute_count", view.state);
  const pieces = visiblePieces(query.visibility, query);
  const versions = fields.attributes.map((name) => attributeToSql(view, name, pieces));
  const bucket = bucketToSql(query) ?? integer(fromMinute);
  const names = groupBy.map((_, i) => `g${i}`);
  const values = groupBy.map(
    (field, i) => `CAST(${fields.toSql(field)} AS Nullable(String)) AS g${i}`,
  );
  const keys = names.map((name) => `${name} ASC NULLS FIRST`);
  const inOrder = order === "count" ? ["n DESC", ...keys, "bucket"] : ["bucket", ...keys];
  const counted = `SELECT ${[`toInt32(${bucket}) AS bucket`, ...values, "c.n AS clicks"].join(", ")}
    FROM (${countedToSql(view, query, fields, pieceToSql(pieces))}) c
    ${versions.map(attributeJoin).join(" ")}
    WHERE ${conditionOf(query, fields)}`;
  return `SELECT ${["bucket", "n", ...names].join(", ")} FROM (
      SELECT ${["bucket", ...names, "sum(clicks) AS n"].join(", ")} FROM ${view.tables.everywhere(counted)}
      GROUP BY ${["bucket", ...names].join(", ")} HAVING n > 0)
    WHERE ${after ? afterToSql(after, names) : "1"}
    ORDER BY ${inOrder.join(", ")} LIMIT ${integer(limit)}`;
}

/** Rows with minute, ad_id, the dimensions asked for, their piece and the number of clicks; for a query on each shard. */
function countedToSql(
  view: View,
  { source, visibility, adId, ...range }: AggregateQuery,
  { dimensions }: QueryFields,
  piece: string,
): string {
  const { fromMinute, toMinute } = range;
  const asked = { fromMinute, toMinute };
  const ofAd = adId === undefined ? "1" : `ad_id = ${literal(adId)}`;
  const own = [
    "c.minute AS minute",
    "c.ad_id AS ad_id",
    ...dimensions.map((name) => `c.${columnOf(name)} AS ${columnOf(name)}`),
  ];
  if (source === "minute") {
    return `SELECT ${[...own, `toUInt8(${piece}) AS piece`, "c.clicks AS n"].join(", ")} FROM ${view.tables.of("minute_count")} c
      WHERE ${withinToSql(asked)} AND ${seenToSql(view, visibility, asked)} AND ${ofAd}`;
  }
  const clicks = clicksToSql(view, visibility, asked, ofAd);
  return `SELECT ${[...own, `toUInt8(${piece}) AS piece`, "1 AS n"].join(", ")} FROM ${clicks} c
    WHERE c.outcome IN (${Outcome.counted}, ${Outcome.restated})`;
}

/** The start of the bucket of a row `c`; none where the range is one bucket. */
export function bucketToSql({
  fromMinute,
  toMinute,
  bucketStarts,
}: Pick<AggregateQuery, "fromMinute" | "toMinute" | "bucketStarts">): string | undefined {
  if (!bucketStarts || bucketStarts.length < 2) return undefined;
  const ends = [...bucketStarts.slice(1), toMinute];
  const lengths = bucketStarts.map((start, i) => ends[i]! - start);
  const from = integer(fromMinute);
  const step = lengths[0]!;
  const last = lengths.length - 1;
  // The last bucket may be cut short.
  if (lengths.every((length, i) => length === step || (i === last && length < step)))
    return `${from} + intDiv(c.minute - ${from}, ${step}) * ${step}`;
  const starts = bucketStarts.map(integer).join(", ");
  return `arrayElement([${starts}], arrayCount(start -> start <= c.minute, [${starts}]))`;
}

function afterToSql(
  { bucketStart, group }: NonNullable<AggregateQuery["after"]>,
  names: readonly string[],
): string {
  const bucket = integer(bucketStart);
  const behind = names.reduceRight((rest, name, i) => {
    const value = group[i] ?? null;
    return value === null
      ? `(${name} IS NOT NULL OR ${rest})`
      : `(${name} > ${literal(value)} OR (${name} = ${literal(value)} AND ${rest}))`;
  }, "0");
  return `(bucket > ${bucket} OR (bucket = ${bucket} AND ifNull(${behind}, 0)))`;
}
