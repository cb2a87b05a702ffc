/**
 * What the partitions of a new log begin with, where a store of another log moves under them. Without I/O.
 *
 * - A period is closed for all of them as of the commit at which the last partition of before sealed it. Which commits it
 *   shows of each partition of before goes with the rows, which bear those partitions still.
 * - A day that any partition of before has dropped is dropped for all, as everybody has been told already.
 * - They begin at the highest watermark of before: nothing that was final is provisional again, and nobody's click that would
 *   have been late is on time.
 */

import { CodedError } from "../model/errors.ts";
import { movedPartition } from "../model/partition.ts";
import type {
  RecordedClose,
  RecordedDroppedDay,
  RecordedLayoutChange,
  RecoveredState,
} from "../store/click-store.ts";
import { closedPeriods } from "../store/closed-periods.ts";
import type { MovedFacts, MovedProgress, MovedRows, MovePlan } from "../store/store-moves.ts";

type Partitions = Pick<MovePlan, "partitionsBefore" | "partitions">;

/** Throws `invalid_configuration` where so few partitions can't tell of minutes that were laid out in so many ways. */
export function factsAfterMove(
  { closes, layoutChanges, droppedDays }: RecoveredState,
  plan: Partitions,
): Omit<MovedFacts, "progress"> {
  return {
    closes: closesAfter(closes, plan),
    layoutChanges: layoutChangesAfter(layoutChanges, plan),
    droppedDays: droppedDaysAfter(droppedDays, plan),
  };
}

function numbersBelow(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function closesAfter(
  closes: readonly RecordedClose[],
  { partitionsBefore, partitions }: Partitions,
): RecordedClose[] {
  const rows: RecordedClose[] = [];
  for (const { seals, asOf, ...period } of closedPeriods(closes, partitionsBefore)) {
    for (const seal of seals)
      rows.push({ ...period, partition: movedPartition(seal.partition), asOf: seal.asOf });
    for (const partition of numbersBelow(partitions)) rows.push({ ...period, partition, asOf });
  }
  return rows.toSorted((a, b) => a.asOf - b.asOf);
}

function layoutChangesAfter(
  changes: readonly RecordedLayoutChange[],
  { partitionsBefore, partitions }: Partitions,
): RecordedLayoutChange[] {
  if (changes.length === 0) return [];
  const histories = numbersBelow(partitionsBefore).map((own) =>
    changes.filter(({ partition }) => partition === own),
  );
  const isCommon = new Set(histories.map(textOf)).size === 1;
  // Where they differ, as many of now have each of them: so it stays told which dimensions are not those of all rows.
  if (!isCommon && partitions < partitionsBefore)
    throw new CodedError(
      "invalid_configuration",
      `a recompute has given minutes other dimensions in some of the ${partitionsBefore} partitions only: ` +
        `recompute them, or set queue.partitions to ${partitionsBefore} or more`,
      { field: "queue.partitions" },
    );
  const after: RecordedLayoutChange[] = [];
  for (const partition of numbersBelow(partitions)) {
    for (const [i, change] of histories[partition % partitionsBefore]!.entries()) {
      const asOf = isCommon ? Math.max(...histories.map((own) => own[i]!.asOf)) : change.asOf;
      after.push({ ...change, partition, asOf });
    }
  }
  return after;
}

/** But for the partition and the commit. */
function textOf(history: readonly RecordedLayoutChange[]): string {
  return JSON.stringify(
    history.map(({ id, fromMinute, toMinute, dimensions }) => [
      id,
      fromMinute,
      toMinute,
      dimensions,
    ]),
  );
}

function droppedDaysAfter(
  days: readonly RecordedDroppedDay[],
  { partitions }: Partitions,
): RecordedDroppedDay[] {
  const after: RecordedDroppedDay[] = [];
  for (const own of Map.groupBy(days, ({ day, what }) => `${what} ${day}`).values()) {
    const { day, what } = own[0]!;
    const receivedDay = Math.max(...own.map((other) => other.receivedDay));
    const asOf = Math.max(...own.map((other) => other.asOf));
    for (const partition of numbersBelow(partitions))
      after.push({ partition, day, what, receivedDay, asOf });
  }
  return after;
}

/**
 * `commits`: rows of `commit_log` (store-moves.ts). As of a commit of before all partitions of now are where the last of before
 * was; the move itself, which comes behind, brings them to where the first was.
 */
export async function* progressAfterMove(
  commits: MovedRows,
  { sequence: last, partitionsBefore, partitions }: MovePlan,
): AsyncGenerator<readonly MovedProgress[]> {
  const reached = new Map<number, number>();
  let lowest = -Infinity;
  let committedAtMs = 0;
  const all = (sequence: number, watermarkMs: number): MovedProgress[] =>
    numbersBelow(partitions).map((partition) => ({
      sequence,
      committedAtMs,
      partition,
      watermarkMs,
    }));
  for await (const rows of commits) {
    for (const [sequence, partition, atMs, watermarkMs] of rows as readonly number[][]) {
      committedAtMs = atMs!;
      reached.set(partition!, watermarkMs!);
      const now = reached.size < partitionsBefore ? -Infinity : Math.min(...reached.values());
      if (now <= lowest) continue;
      lowest = now;
      yield all(sequence!, lowest);
    }
  }
  yield all(last + 1, Math.max(...reached.values()));
}
