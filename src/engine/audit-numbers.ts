import type { SelfAudit } from "../audit/self-audit.ts";
import { formatMinute, formatTime } from "../model/time.ts";
import { auditDifference } from "../query/audit-answer.ts";
import type { SelfAuditNumbers } from "../query/query-service.ts";

/** The self-audit as the status tells it. */
export function auditNumbers(selfAudit: SelfAudit): SelfAuditNumbers {
  const { checkedBuckets, mismatchedBuckets, lastRunMs, mismatches } = selfAudit;
  return {
    checked_buckets: checkedBuckets,
    mismatched_buckets: mismatchedBuckets,
    last_run: lastRunMs === undefined ? null : formatTime(lastRunMs),
    mismatches: mismatches.map(({ minute, differingRows, differences }) => ({
      minute: formatMinute(minute),
      differing_rows: differingRows,
      differences: differences.map(auditDifference),
    })),
  };
}
