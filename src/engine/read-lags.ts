import type { Clock } from "../clock/clock.ts";
import type { CommittedRecords } from "../pipeline/committed-records.ts";
import type { ServiceNumbers } from "../query/status-answer.ts";
import type { ClickQueueReader } from "../queue/click-queue.ts";

/** What of each partition is not committed yet. */
export async function readLags(
  clock: Clock,
  queue: ClickQueueReader,
  committed: Pick<CommittedRecords, "nextOffset">,
): Promise<ServiceNumbers["lags"]> {
  const partitions = Array.from({ length: queue.partitionCount }, (_, partition) => partition);
  const nowMs = clock.nowMs();
  return await Promise.all(
    partitions.map(async (partition) => {
      const backlog = await queue.backlog(partition, committed.nextOffset(partition));
      const { records, clicks, oldestReceivedAtMs = nowMs } = backlog;
      const lagSeconds = Math.max(0, nowMs - oldestReceivedAtMs) / 1000;
      return { partition, lag_records: records, lag_clicks: clicks, lag_seconds: lagSeconds };
    }),
  );
}
