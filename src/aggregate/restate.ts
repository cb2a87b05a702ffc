import type { Restatement } from "../model/commit.ts";
import type { Bucket } from "./survey.ts";
import { bucketKey } from "./survey.ts";

interface RecordBucket {
  readonly minute: number;
  readonly adKey: number;
  /** Before the record. */
  readonly countBefore: number;
  readonly revisionBefore: number;
  /** Clicks of the record that were counted before any was restated. */
  counted: number;
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

  hadClicks(minute: number, adKey: number): boolean {
    return this.bucket(minute, adKey).countBefore > 0;
  }

  /** Notes a counted click; of buckets that were not asked about nothing needs to be known. */
  count(minute: number, adKey: number): void {
    const bucket = this.buckets.get(bucketKey(minute, adKey));
    if (bucket) bucket.counted++;
  }

  restate(minute: number, adKey: number): void {
    this.bucket(minute, adKey).restated++;
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
