/** What the journal of restatements comes to, by bucket and ad. */

import { adDictionary } from "../../model/commit.ts";
import type { JournalSums, JournalSumsQuery } from "../click-store.ts";
import type { Connection } from "./connection.ts";
import { Bindings } from "./filter-sql.ts";
import { bucketToSql, integer } from "./queries.ts";
import { dictionaryTable } from "./schema.ts";
import { minuteRowsToSql } from "./visibility-sql.ts";

export async function readJournalSums(
  connection: Connection,
  query: JournalSumsQuery,
): Promise<JournalSums[]> {
  const { fromMinute, toMinute, adId, asOf, after, visibility, limit } = query;
  const bindings = new Bindings();
  const [bucket = String(integer(fromMinute))] = bucketToSql(query, bindings);
  const seen = minuteRowsToSql(visibility, query);
  const conditions = [
    ...(adId === undefined ? [] : [`ad_id = ${bindings.add(adId)}`]),
    ...(after
      ? [`(bucket, ad_id) > (${integer(after.bucketStart)}, ${bindings.add(after.adId)})`]
      : []),
  ];
  const rows = await connection.rows(
    `WITH entries AS (
       SELECT minute, ad, count_after - count_before AS clicks, ${seen} AS seen
       FROM restatement
       WHERE minute >= ${integer(fromMinute)} AND minute < ${integer(toMinute)}
         AND commit_sequence <= ${integer(asOf)}),
     sums AS (
       SELECT (${bucket})::INTEGER AS bucket, d."value" AS ad_id, count(*) FILTER (WHERE c.seen) AS revision,
         coalesce(SUM(c.clicks) FILTER (WHERE NOT c.seen), 0)::BIGINT AS unseen
       FROM entries c JOIN ${dictionaryTable(adDictionary)} d ON d."key" = c.ad
       GROUP BY ALL)
     SELECT bucket, ad_id, revision, unseen FROM sums
     WHERE ${conditions.length === 0 ? "TRUE" : conditions.join(" AND ")}
     ORDER BY bucket, ad_id LIMIT ${integer(limit)}`,
    bindings.values,
  );
  return rows.map((row) => ({
    bucketStart: row[0] as number,
    adId: row[1] as string,
    revision: row[2] as number,
    unseenClicks: row[3] as number,
  }));
}
