/** The self-audit of the running service: it finds nothing where nothing is wrong, and what is wrong where it is. */

import { isDeepStrictEqual } from "node:util";
import { soundHealth } from "../../model/health.ts";
import { dayOfMinute, formatMinute, minuteMs } from "../../model/time.ts";
import type { SelfAuditNumbers } from "../../query/query-service.ts";
import { isCounted } from "../oracle/oracle-fold.ts";
import type { ServiceUnderTest } from "../service-under-test.ts";
import type { MinuteRow } from "../store/tables.ts";
import type { VirtualTime } from "../world/virtual-time.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";

/** What is known to differ is looked at every minute or two, and what is new only when the extent is asked for again. */
const soonMinutes = 15;
/** It comes by every kept minute, one in a minute or two. */
const minutesABucket = 2;

/**
 * Counts one click more in a row of every bucket that is final: the service has to find one of them by itself, and that
 * it is right again once all are. To be asked last: what it finds is not wrong of the history.
 */
export async function judgeSelfAudit(
  oracle: PartitionedOracle,
  { engine, store, health }: ServiceUnderTest,
  time: VirtualTime,
): Promise<string | undefined> {
  // Answers about the past have moved it back.
  oracle.moveToEnd();
  const { raw: dropped } = oracle.dropped;
  const clicks = oracle.present.clicks.flat();
  const counted = clicks.filter(
    ({ outcome, minute }) => isCounted(outcome) && !dropped.has(dayOfMinute(minute)),
  );
  const final = new Set(
    counted.map(({ minute }) => minute).filter((minute) => oracle.isFinal(minute)),
  );
  if (final.size === 0) return undefined;
  const all = clicks.map(({ minute }) => minute);
  const size = Math.max(...all) - Math.min(...all) + 1;
  const wait = async (
    isDone: (audit: SelfAuditNumbers) => boolean,
    minutesMax: number,
  ): Promise<SelfAuditNumbers | undefined> => {
    for (let minutes = 0; minutes < minutesMax; minutes++) {
      const { audit } = await time.drive(engine.query.status());
      if (audit && isDone(audit)) return audit;
      await time.runUntil(() => false, time.nowMs + minuteMs);
    }
    return undefined;
  };
  const before = await wait((audit) => audit.checked_buckets > 0, soonMinutes);
  if (!before) return "the self-audit has looked at nothing, though minutes are final";
  if (before.mismatched_buckets > 0 || !isDeepStrictEqual(health(), soundHealth))
    return `the self-audit finds ${JSON.stringify(before.mismatches)}, ${JSON.stringify(health())}`;
  const mend = store.damage((rows) => oneMoreIn(rows, final));
  const walkMinutes = soonMinutes + minutesABucket * size;
  const found = await wait((audit) => audit.mismatches.length > 0, walkMinutes);
  if (!found) return "the self-audit has not found that minute rows were changed";
  const wrong = wrongFinding(found, final);
  if (wrong !== undefined) return wrong;
  const told = health().mismatchedMinutes.map(formatMinute);
  if (!isDeepStrictEqual(new Set(told), new Set(found.mismatches.map(({ minute }) => minute))))
    return `health tells of ${JSON.stringify(told)} instead of ${JSON.stringify(found.mismatches)}`;
  mend();
  if (!(await wait((audit) => audit.mismatches.length === 0, soonMinutes)))
    return "the self-audit has not found that minute rows were put right again";
  if (isDeepStrictEqual(health(), soundHealth)) return undefined;
  return "health does not tell that minute rows were put right again";
}

/** Once a bucket and ad: rows of several keys may be one where the layout of their minute has changed. */
function oneMoreIn(rows: readonly MinuteRow[], minutes: ReadonlySet<number>): MinuteRow[] {
  const changed = new Set<string>();
  return rows.map((row) => {
    const key = `${row.minute} ${row.adKey}`;
    if (!minutes.has(row.minute) || changed.has(key)) return row;
    changed.add(key);
    return { ...row, count: row.count + 1 };
  });
}

function wrongFinding(
  { mismatches }: SelfAuditNumbers,
  damaged: ReadonlySet<number>,
): string | undefined {
  const minutes = new Set([...damaged].map(formatMinute));
  const isRight = mismatches.every(
    ({ minute, differing_rows, differences }) =>
      minutes.has(minute) &&
      differing_rows >= differences.length &&
      differences.length > 0 &&
      differences.every(
        ({ minute: where, raw_count, minute_count }) =>
          where === minute && Number(minute_count) - Number(raw_count) === 1,
      ),
  );
  return isRight ? undefined : `the self-audit misjudges: ${JSON.stringify(mismatches)}`;
}
