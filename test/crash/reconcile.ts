/** What a client that kept books asks of the service in the end. */
import assert from "node:assert/strict";
import type { ServiceProcess } from "../support/service-process.ts";

/** Clicks that were acked, by ad and by batch (their `user_id`). */
export interface Books {
  readonly sentByAd: ReadonlyMap<string, number>;
  readonly sentByBatch: ReadonlyMap<string, number>;
  /** Of clicks that were acked once more. */
  readonly ackedAgainClicks: number;
  readonly earliestMs: number;
}

interface Ledger {
  readonly balanced: boolean;
  readonly total: Readonly<Record<string, number>>;
}

/** Every acked click is counted once, everything else that was received is accounted for, and a recount agrees. */
export async function reconcile(service: ServiceProcess, books: Books): Promise<void> {
  await service.caughtUp();
  const range = `from=${books.earliestMs - 3_600_000}&to=${Date.now() + 60_000}`;
  assert.deepEqual(await countsBy(service, "user_id", range), books.sentByBatch);
  assert.deepEqual(await countsBy(service, "ad_id", range), books.sentByAd);

  const sent = [...books.sentByAd.values()].reduce((sum, clicks) => sum + clicks, 0);
  const { balanced, total } = await service.get<Ledger>(`/v1/ledger?${range}`);
  assert.ok(balanced, `the ledger does not balance: ${JSON.stringify(total)}`);
  assert.equal(total["counted"]! + total["restated"]!, sent);
  assert.ok(
    total["duplicate"]! >= books.ackedAgainClicks,
    `${books.ackedAgainClicks} clicks were acked again, ${total["duplicate"]} are duplicates`,
  );
  assert.equal(total["received"], sent + total["duplicate"]!);

  const audit = await service.post<{ differing_rows: number; balanced: boolean }>(
    "/v1/admin/audit",
    "{}",
    "application/json",
  );
  assert.equal(audit.status, 200, JSON.stringify(audit.body));
  assert.equal(audit.body.differing_rows, 0);
}

async function countsBy(
  service: ServiceProcess,
  field: string,
  range: string,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let cursor: string | null = null;
  do {
    const page: {
      rows: Record<string, string | number>[];
      next_cursor: string | null;
    } = await service.get(
      `/v1/breakdown?by=${field}&${range}&limit=10000${cursor === null ? "" : `&cursor=${cursor}`}`,
    );
    for (const row of page.rows) counts.set(String(row[field]), Number(row["count"]));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return counts;
}
