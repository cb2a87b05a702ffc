import type { Commit } from "../model/commit.ts";
import { DroppedDays } from "../model/dropped-days.ts";
import { CodedError } from "../model/errors.ts";
import { filterFields } from "../model/filter.ts";
import type { Filter } from "../model/filter.ts";
import { parseFilter } from "../model/parse-filter.ts";
import { allRawKept } from "../model/recompute.ts";
import { dayMs, dayOfMinute, formatMinute, minuteMs, minutesADay } from "../model/time.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickStoreReader, RecordedDroppedDay } from "../store/click-store.ts";
import type { ConfigHistory } from "./config-history.ts";
import { chooseSource } from "./plan.ts";

/** What of an answer tells which data it came from. */
export interface AnsweredRange {
  readonly from: string;
  readonly to: string;
  readonly filter?: string | null;
  readonly as_of: number;
  readonly by?: readonly string[];
  /** Of an answer that lists clicks. */
  readonly clicks?: unknown;
}

/**
 * Which days any partition has dropped by retention: no answer may come from them, for what is gone would be taken for 0.
 * Answers are checked once they are made, so that what was dropped meanwhile is found as well.
 */
export class KeptData {
  private readonly store: ClickStoreReader;
  private readonly configs: ConfigHistory;
  private readonly dropped: DroppedDays;
  /** Of the last commit whose dropped days are known. */
  private asOf: number;

  constructor(
    store: ClickStoreReader,
    configs: ConfigHistory,
    dropped: readonly RecordedDroppedDay[],
    asOf: number,
  ) {
    this.store = store;
    this.configs = configs;
    this.dropped = new DroppedDays(dropped);
    this.asOf = asOf;
  }

  apply({ sequence, droppedDays }: Pick<Commit, "sequence" | "droppedDays">): void {
    this.asOf = Math.max(this.asOf, sequence);
    for (const day of droppedDays) this.dropped.add(day);
  }

  /**
   * The answer; rejects with `outside_retention` where a day that it was made of is kept no more. `layouts`: of the rows
   * that it could see, for those decide whether it needed the clicks themselves.
   */
  async checked<Answer extends AnsweredRange>(
    answer: Answer,
    layouts: (range: MinuteRange) => readonly DimensionLayout[],
  ): Promise<Answer> {
    // The store may be a commit ahead of what was applied.
    if (answer.as_of > this.asOf) {
      for (const day of await this.store.droppedDays()) this.dropped.add(day);
      this.asOf = Math.max(this.asOf, answer.as_of);
    }
    const range = {
      fromMinute: Date.parse(answer.from) / minuteMs,
      toMinute: Date.parse(answer.to) / minuteMs,
    };
    this.checkCounts(range);
    const filter = answer.filter ? parseFilter(answer.filter) : undefined;
    if (answer.clicks !== undefined) this.checkClicks(range);
    else this.checkFields(range, layouts(range), filter, answer.by ?? []);
    return answer;
  }

  /** Counts by minute, and the journal of their changes. */
  checkCounts(range: MinuteRange): void {
    const firstKept = this.firstKeptAfter("minute", range);
    if (firstKept !== undefined) this.refuse("counts are kept", firstKept);
  }

  /** The ledger, by minute of receipt: it is kept as long as the counts of what was received. */
  checkLedger({ fromMinute }: MinuteRange): void {
    const { firstLedgerDay } = this.dropped;
    if (dayOfMinute(fromMinute) < firstLedgerDay)
      this.refuse("the ledger is kept", firstLedgerDay * minutesADay);
  }

  /** The minute of the range from which on all its clicks are kept. */
  clicksKeptFrom(range: MinuteRange): number {
    return this.firstKeptAfter("raw", range) ?? allRawKept;
  }

  /** The minute of the range from which on all its counts are. */
  countsKeptFrom(range: MinuteRange): number {
    return this.firstKeptAfter("minute", range) ?? -Infinity;
  }

  /** Whether the counts of this minute are. */
  keepsCounts(minute: number): boolean {
    return !this.dropped.minutes.has(dayOfMinute(minute));
  }

  /** Whether the clicks of this time are kept. */
  keepsClickAt(time: string): boolean {
    return !this.dropped.hasTime(Date.parse(time));
  }

  private checkFields(
    range: MinuteRange,
    layouts: readonly DimensionLayout[],
    filter: Filter | undefined,
    by: readonly string[],
  ): void {
    if (chooseSource(filter, by, layouts) === "minute") return;
    const usable = [...this.configs.knownFields.keys()].filter(
      (field) => chooseSource(undefined, [field], layouts) === "minute",
    );
    const asked = [...new Set([...filterFields(filter), ...by])];
    const needing = asked.filter((field) => !usable.includes(field)).join(", ");
    this.checkClicks(
      range,
      `${needing}: needs the clicks themselves, which are kept`,
      `; before that there are counts by ${usable.join(", ")}`,
    );
  }

  /** Clicks one by one. */
  checkClicks(range: MinuteRange, what = "the clicks one by one are kept", more = ""): void {
    const firstKept = this.firstKeptAfter("raw", range);
    if (firstKept !== undefined) this.refuse(what, firstKept, more);
  }

  private firstKeptAfter(
    what: "raw" | "minute",
    { fromMinute, toMinute }: MinuteRange,
  ): number | undefined {
    const days = [dayOfMinute(fromMinute), dayOfMinute(toMinute - 1)] as const;
    const day = this.dropped.firstKeptAfter(what, ...days);
    return day === undefined ? undefined : (day * dayMs) / minuteMs;
  }

  private refuse(what: string, firstKeptMinute: number, more = ""): never {
    const firstKept = formatMinute(firstKeptMinute);
    throw new CodedError("outside_retention", `${what} from ${firstKept} on${more}`, {
      field: "from",
      details: { first_kept: firstKept, as_of: this.asOf },
    });
  }
}
