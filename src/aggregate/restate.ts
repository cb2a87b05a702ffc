import type { Restatement } from "../model/commit.ts";
import type { Bucket } from "../model/bucket.ts";
import { bucketKey } from "../model/bucket.ts";

interface RecordBucket {
  readonly minute: number;
  readonly adKey: number;
  /** Before the record. */
  readonly countBefore: number;
  readonly revisionBefore: number;
  /** Clicks of the record that were counted before any was restated. */
  counted: number;
  /** Clicks that came in late, less those that were taken out. */
  restated: number;
}

/** The final (or perhaps final) buckets that one record touches, with their state in the store before it. */
export class RecordBuckets {
  private readonly buckets = new Map<number, RecordBucket>();

  constructor(buckets: readonly Bucket[], states: readonly { count: number; revision: number }[]) {
    for (const [i, { minute, adKey }] of buckets.entries()) {
      const { count, revision } = states[i]!;
      this.buckets.set(bucketKey(minute, adKey), {
        minute,
        adKey,
        countBefore: count,
        revisionBefore: revision,
        counted: 0,
        restated: 0,
      });
    }
  }

  /** Also where none is left: a number that was told once changes in the open. */
  hadClicks(minute: number, adKey: number): boolean {
    const { countBefore, revisionBefore } = this.bucket(minute, adKey);
    return countBefore > 0 || revisionBefore > 0;
  }

  /** Notes a counted click; of buckets that were not asked about nothing needs to be known. */
  count(minute: number, adKey: number): void {
    const bucket = this.buckets.get(bucketKey(minute, adKey));
    if (bucket) bucket.counted++;
  }

  /** By a click that comes in, or one that is taken out (-1). */
  restate(minute: number, adKey: number, change = 1): void {
    this.bucket(minute, adKey).restated += change;
  }

  /** One journal entry for each ad's minute that the record restated. */
  restatements(
    cause: Pick<Restatement, "reason" | "partition" | "offset" | "receivedAtMs">,
  ): Restatement[] {
    const entries: Restatement[] = [];
    for (const bucket of this.buckets.values()) {
      if (bucket.restated === 0) continue;
      const before = bucket.countBefore + bucket.counted;
      entries.push({
        minute: bucket.minute,
        adKey: bucket.adKey,
        before,
        after: before + bucket.restated,
        revision: bucket.revisionBefore + 1,
        ...cause,
      });
    }
    return entries;
  }

  private bucket(minute: number, adKey: number): RecordBucket {
    const bucket = this.buckets.get(bucketKey(minute, adKey));
    if (!bucket) throw new Error(`the survey missed minute ${minute} of ad key ${adKey}`);
    return bucket;
  }
}
