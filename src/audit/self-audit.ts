/**
 * A running service doubts its own numbers: again and again it recounts some final buckets from their raw clicks, those
 * that have just become final and, in turn, all older ones. What differs is told, and looked at again until it is mended.
 */

import type { Clock } from "../clock/clock.ts";
import { pause } from "../clock/clock.ts";
import { formatMinute, minuteMs } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickStoreReader } from "../store/click-store.ts";
import { AuditMismatch } from "./audit-mismatch.ts";
import { BucketWalk } from "./bucket-walk.ts";

export interface SelfAuditOptions {
  readonly clock: Clock;
  readonly store: Pick<ClickStoreReader, "recount" | "extent">;
  /** At most so many, evenly over the minute, and those that differed; 0: never any. */
  readonly bucketsAMinute: number;
  /** See BucketWalk. */
  readonly seed: number;
  /** Every bucket before this epoch minute is final; undefined where none is. */
  readonly finalThroughMinute: () => number | undefined;
  /** Told of each AuditMismatch once, of its end, and of a store that can't be asked once until it can. */
  readonly onProblem: (what: string, error?: unknown) => void;
  /** Told when other buckets differ than before. */
  readonly onChange: () => void;
}

/** Buckets that are known to differ, and looked at again in each round. */
const standingMax = 100;
/** Rows that are named of a bucket. */
const differencesMax = 10;
/** What is kept reaches further back only by imports, and further on by what becomes final. */
const extentMsMax = 600_000;

export class SelfAudit implements AsyncDisposable {
  /** Buckets that were recounted since the start, one as often as it was. */
  checkedBuckets = 0;
  /** Buckets that were found to differ since the start; again once they were mended. */
  mismatchedBuckets = 0;
  /** When the last bucket was recounted, epoch ms. */
  lastRunMs: number | undefined;
  private readonly options: SelfAuditOptions;
  private readonly walk: BucketWalk;
  private readonly standing = new Map<number, AuditMismatch>();
  private readonly stop = new AbortController();
  private extent: { readonly range: MinuteRange; readonly atMs: number } | undefined;
  private isFailing = false;

  constructor(options: SelfAuditOptions) {
    this.options = options;
    this.walk = new BucketWalk(options.seed);
  }

  /** What differs as far as is known: what was found and has not been found mended. */
  get mismatches(): readonly AuditMismatch[] {
    return [...this.standing.values()];
  }

  /** Until stopped; never rejects. */
  async run(): Promise<void> {
    const { clock, bucketsAMinute } = this.options;
    if (bucketsAMinute === 0) return;
    while (!this.stop.signal.aborted) {
      const minutes = (await this.attempt(() => this.chooseMinutes())) ?? [];
      const pauseMs = minuteMs / Math.max(bucketsAMinute, minutes.length);
      if (minutes.length === 0) await pause(clock, pauseMs, this.stop.signal);
      for (const minute of minutes) {
        await pause(clock, pauseMs, this.stop.signal);
        if (this.stop.signal.aborted) return;
        await this.attempt(() => this.check(minute));
      }
    }
  }

  /** At once: a recount that is under way goes on by itself, and nobody waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
  }

  private async chooseMinutes(): Promise<number[]> {
    const { bucketsAMinute, finalThroughMinute } = this.options;
    const finalBefore = finalThroughMinute();
    if (finalBefore === undefined) return [];
    const kept = await this.keptRange();
    const fresh = this.walk.newlyFinal(finalBefore, Math.ceil(bucketsAMinute / 2));
    const older = kept && {
      fromMinute: kept.fromMinute,
      toMinute: Math.min(kept.toMinute, finalBefore),
    };
    const walked = older ? this.walk.next(older, bucketsAMinute - fresh.length) : [];
    return [...new Set([...this.standing.keys(), ...fresh, ...walked])];
  }

  private async keptRange(): Promise<MinuteRange | undefined> {
    const nowMs = this.options.clock.monotonicMs();
    if (!this.extent || nowMs - this.extent.atMs > extentMsMax) {
      const found = await this.options.store.extent();
      const range = found && { fromMinute: found.firstMinute, toMinute: found.lastMinute + 1 };
      this.extent = range && { range, atMs: nowMs };
    }
    return this.extent?.range;
  }

  /** One recount, which is of one snapshot: what is committed meanwhile is in both counts or in neither. */
  private async check(minute: number): Promise<void> {
    const { store, clock } = this.options;
    const recount = await store.recount(minute, minute + 1, differencesMax);
    if (this.stop.signal.aborted) return;
    this.isFailing = false;
    this.checkedBuckets++;
    this.lastRunMs = clock.nowMs();
    if (recount.differingRows > 0) this.found(new AuditMismatch(minute, recount));
    else if (this.standing.delete(minute)) this.mended(minute);
  }

  private found(mismatch: AuditMismatch): void {
    const { minute } = mismatch;
    const before = this.standing.get(minute);
    if (before?.equals(mismatch)) return;
    if (!before) this.mismatchedBuckets++;
    if (before || this.standing.size < standingMax) this.standing.set(minute, mismatch);
    this.options.onProblem("the self-audit has found wrong counts", mismatch);
    this.options.onChange();
  }

  private mended(minute: number): void {
    this.options.onProblem(`the counts of minute ${formatMinute(minute)} are right again`);
    this.options.onChange();
  }

  /** Undefined where it has failed, or the end came before: what was not done has its turn again. */
  private async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await unlessStopped(work(), this.stop.signal);
    } catch (error) {
      if (!this.isFailing)
        this.options.onProblem("the self-audit failed, will be tried again", error);
      this.isFailing = true;
      return undefined;
    }
  }
}

/** Undefined at once when `stop` is given; leaves nothing behind on it. */
async function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T | undefined> {
  let end = (): void => {};
  const stopped = new Promise<undefined>((resolve) => {
    end = () => resolve(undefined);
    stop.addEventListener("abort", end);
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    stop.removeEventListener("abort", end);
  }
}
