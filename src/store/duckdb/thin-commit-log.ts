/**
 * Keeps the progress of the newest commits, and of those before them the commits at which finality rose: what was final as
 * of a commit can be told for as long as the store lasts, in about one row a minute and partition. Also kept are the few commits
 * that came while partitions were closing a period, one after the other: whose they are decides whether they belong to it.
 */

import { finalBeforeMinute } from "../../model/finality.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { sealsOf } from "../closed-periods.ts";
import type { Connection } from "./connection.ts";
import { readCloses, readPartitionCount } from "./read.ts";

/** Commits whose progress stays on record, for queries that began while they were the last. */
export const commitsKept = 1_000;

interface LoggedCommit {
  readonly sequence: number;
  readonly partition: number;
  readonly watermarkMs: number;
}

interface DatedConfig {
  /** The commit that brought it. */
  readonly sequence: number;
  readonly config: SemanticConfig;
}

export async function thinCommitLog(connection: Connection): Promise<void> {
  const last = await thinnableTo(connection);
  if (last === undefined) return;
  const before = await thinnedTo(connection, last);
  const commits = await readCommits(connection, before, last);
  const kept = finalityRises(commits, await readDatedConfigs(connection));
  const spans = await closingSpans(connection);
  const inRange = [
    `"sequence" > ${before} AND "sequence" <= ${last}`,
    ...spans.map(([first, end]) => `NOT ("sequence" >= ${first} AND "sequence" <= ${end})`),
  ].join(" AND ");
  await connection.run(
    `DELETE FROM commit_log WHERE ${inRange}
       AND NOT list_contains($1::BIGINT[], "sequence")
       AND "sequence" NOT IN (SELECT max("sequence") FROM commit_log GROUP BY "partition")`,
    [kept],
  );
}

/**
 * Of commits in their order, those that let a bucket of their partition become final. The configurations known at a
 * commit decide, as they did then.
 */
export function finalityRises(
  commits: readonly LoggedCommit[],
  configs: readonly DatedConfig[],
): number[] {
  const reached = new Map<number, number>();
  const rises: number[] = [];
  const known: SemanticConfig[] = [];
  for (const { sequence, partition, watermarkMs } of commits) {
    while (known.length < configs.length && configs[known.length]!.sequence <= sequence)
      known.push(configs[known.length]!.config);
    const finalBefore = known.length > 0 ? finalBeforeMinute(known, watermarkMs) : -Infinity;
    if (finalBefore <= (reached.get(partition) ?? -Infinity)) continue;
    reached.set(partition, finalBefore);
    rises.push(sequence);
  }
  return rises;
}

/** First and last commit of each close, the last endless while a partition has not closed yet. */
async function closingSpans(connection: Connection): Promise<[first: number, last: number][]> {
  const partitionCount = await readPartitionCount(connection);
  const closes = await readCloses(connection);
  const seals = [...new Set(closes.map(({ throughMinute }) => throughMinute))].map((minute) => {
    const sequences = sealsOf(closes, minute).map(({ asOf }) => asOf);
    const isComplete = sequences.length === partitionCount;
    const last = isComplete ? Math.max(...sequences) : Number.MAX_SAFE_INTEGER;
    return [Math.min(...sequences), last] satisfies [number, number];
  });
  return seals.filter(([first, last]) => first < last);
}

/** The last commit that need not be kept; undefined while as many as are kept have not gathered before it. */
async function thinnableTo(connection: Connection): Promise<number | undefined> {
  const [row] = await connection.rows(
    `WITH newest AS (SELECT max("sequence") - ${commitsKept} AS last FROM commit_log)
     SELECT last, count(*) FROM newest JOIN commit_log
       ON "sequence" <= last AND "sequence" > last - ${commitsKept} GROUP BY last`,
  );
  const [last, whole] = (row ?? [0, 0]) as [number, number];
  // Where one of them is missing, they were thinned before.
  return whole === commitsKept ? last : undefined;
}

/** Sequences have no gap but where they were thinned: the last commit before the last gap, 0 where there is none. */
async function thinnedTo(connection: Connection, last: number): Promise<number> {
  const [row] = await connection.rows(
    `SELECT coalesce(max(before), 0) FROM (
       SELECT "sequence", lag("sequence", 1, 0) OVER (ORDER BY "sequence") AS before
       FROM commit_log WHERE "sequence" <= ${last})
     WHERE "sequence" > before + 1`,
  );
  return row![0] as number;
}

/** With the last one of each partition before them. */
async function readCommits(
  connection: Connection,
  before: number,
  last: number,
): Promise<LoggedCommit[]> {
  const rows = await connection.rows(
    `SELECT "sequence", "partition", watermark FROM commit_log WHERE "sequence" <= ${last}
     QUALIFY "sequence" > ${before} OR "sequence" = max("sequence")
       FILTER (WHERE "sequence" <= ${before}) OVER (PARTITION BY "partition")
     ORDER BY "sequence"`,
  );
  return rows.map(([sequence, partition, watermarkMs]) => ({
    sequence: sequence as number,
    partition: partition as number,
    watermarkMs: watermarkMs as number,
  }));
}

async function readDatedConfigs(connection: Connection): Promise<DatedConfig[]> {
  const rows = await connection.rows(
    "SELECT commit_sequence, settings FROM config ORDER BY generation",
  );
  return rows.map(([sequence, settings]) => ({
    sequence: sequence as number,
    config: JSON.parse(settings as string) as SemanticConfig,
  }));
}
