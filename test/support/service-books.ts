import assert from "node:assert/strict";
import type { ServiceProcess } from "./service-process.ts";

export interface Books {
  readonly ads: ReadonlyMap<string, number>;
  readonly counted: number;
  readonly duplicates: number;
  readonly received: number;
}

/** Once all that was acked is committed; balanced, and equal to a recount. */
export async function booksOf(service: ServiceProcess, range: string): Promise<Books> {
  await service.caughtUp();
  const top = await service.get<{ ads: { ad_id: string; count: number }[] }>(
    `/v1/top?topN=1000&${range}`,
  );
  const { total, balanced } = await service.get<{
    total: Record<string, number>;
    balanced: boolean;
  }>(`/v1/ledger?${range}`);
  assert.equal(balanced, true);
  const audit = await service.post<{ differing_rows: number }>(
    "/v1/admin/audit",
    "{}",
    "application/json",
  );
  assert.equal(audit.body.differing_rows, 0);
  return {
    ads: new Map(top.ads.map(({ ad_id, count }) => [ad_id, count])),
    counted: total["counted"]! + total["restated"]!,
    duplicates: total["duplicate"]!,
    received: total["received"]!,
  };
}
