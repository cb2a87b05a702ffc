import { formatDate, minuteMs, minutesADay } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { StatementRow } from "../../query/billing.ts";
import type { QueryService } from "../../query/query-service.ts";
import type { OracleRestatement } from "../oracle/oracle-fold.ts";
import { allRows } from "./all-rows.ts";
import { firstDifference } from "./first-difference.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";
import { compareBytes } from "./sum-groups.ts";

/** No summer time, and no whole hours from UTC: 5 hours and 45 minutes. */
const zone = "Asia/Kathmandu";
const offsetMinutes = 345;
/** Few enough for statements to have several pages. */
const pageRows = "2";

/** What is to be billed, day by day, against the oracle; and that a closed count and its adjustments are what is known now. */
export async function judgeStatement(
  oracle: PartitionedOracle,
  query: QueryService,
  whole: MinuteRange,
): Promise<string | undefined> {
  const keptFrom = Math.max(...[...oracle.dropped.minutes].map(firstWholeDayAfter));
  const range = { ...whole, fromMinute: Math.max(whole.fromMinute, keptFrom) };
  if (range.fromMinute >= range.toMinute) return undefined;
  const found = await readStatement(query, range);
  const wanted = expectedRows(oracle, range);
  return firstDifference("the statement", found, wanted);
}

type Line = Pick<StatementRow, "day" | "ad_id" | "count" | "status" | "adjustments">;

async function readStatement(
  query: QueryService,
  { fromMinute, toMinute }: MinuteRange,
): Promise<Line[]> {
  const request = {
    from: String(fromMinute * minuteMs),
    to: String(toMinute * minuteMs),
    tz: zone,
    limit: pageRows,
  };
  const rows = await allRows((cursor) => query.statement({ ...request, ...cursor }));
  return rows.map(({ day, ad_id, count, status, adjustments }) => ({
    day,
    ad_id,
    count,
    status,
    adjustments,
  }));
}

function expectedRows(oracle: PartitionedOracle, range: MinuteRange): Line[] {
  const sealed = oracle.sealed();
  const { present } = oracle;
  const first = dayOf(range.fromMinute);
  const days = Array.from({ length: dayOf(range.toMinute - 1) - first + 1 }, (_, i) => first + i);
  return days.flatMap((day) => {
    const fromMinute = day * minutesADay - offsetMinutes;
    const ofDay = { fromMinute, toMinute: fromMinute + minutesADay };
    const isOfDay = ({ minute }: OracleRestatement): boolean => dayOf(minute) === day;
    const journal = present.journal.filter(isOfDay);
    const seen = sealed.journal.filter(isOfDay);
    const counts = new Map(
      sealed.breakdown(ofDay, ["ad_id"]).map(({ group, count }) => [group[0]!, count]),
    );
    const ads = new Set([...counts.keys(), ...journal.map(({ adId }) => adId)]);
    return [...ads].toSorted(compareBytes).map((ad_id): Line => {
      const netOf = (entries: readonly OracleRestatement[]): number =>
        entries.reduce((sum, e) => sum + (e.adId === ad_id ? e.after - e.before : 0), 0);
      const count = counts.get(ad_id) ?? 0;
      const adjustments = netOf(journal) - netOf(seen);
      // The oracle's own books: what is known now is what was sealed and what has come since.
      if (present.count({ ...ofDay, adId: ad_id }) !== count + adjustments)
        throw new Error(`the oracle's journal does not explain ${ad_id} on day ${day}`);
      const isRestated = seen.some(({ adId }) => adId === ad_id);
      const isFinal = oracle.isFinal(ofDay.toMinute - 1);
      const open = isFinal ? (isRestated ? "restated" : "final") : "provisional";
      const status = ofDay.toMinute <= sealed.closedThrough ? "closed" : open;
      return { day: formatDate(day), ad_id, count, status, adjustments };
    });
  });
}

/** Of the zone's days the first that begins after this day (UTC); epoch minutes. */
function firstWholeDayAfter(day: number): number {
  const end = (day + 1) * minutesADay;
  return Math.ceil((end + offsetMinutes) / minutesADay) * minutesADay - offsetMinutes;
}

function dayOf(minute: number): number {
  return Math.floor((minute + offsetMinutes) / minutesADay);
}
