/** `?wait=counted`: the answer waits for the commit and says what became of the clicks. */

import type { CommittedRows, QueryService } from "../query/query-service.ts";

export const waitMsMax = 5_000;

export interface CountedOutcomes {
  readonly counted: number;
  readonly duplicates: number;
  readonly restated: number;
  readonly quarantined: number;
  readonly expired: number;
}

/** Undefined where they are still undecided after waitMsMax. */
export async function waitCounted(
  query: QueryService,
  ranges: readonly CommittedRows[],
): Promise<CountedOutcomes | undefined> {
  if (!(await query.committed(ranges, waitMsMax))) return undefined;
  const { counted, duplicate, restated, quarantined, expired } = await query.outcomes(ranges);
  return { counted, duplicates: duplicate, restated, quarantined, expired };
}
