import { RecordBuckets } from "../aggregate/restate.ts";
import type { Bucket } from "../model/bucket.ts";
import { bucketKey } from "../model/bucket.ts";
import type { ClickStore } from "../store/click-store.ts";

/** The state of these buckets, each asked for once; `part`: see partOf. All earlier effects must be committed. */
export async function askBuckets(
  store: ClickStore,
  buckets: readonly Bucket[],
  part: number | undefined,
): Promise<RecordBuckets> {
  const byKey = new Map(buckets.map((bucket) => [bucketKey(bucket.minute, bucket.adKey), bucket]));
  const asked = [...byKey.values()];
  return new RecordBuckets(asked, asked.length > 0 ? await store.bucketStates(asked, part) : []);
}
