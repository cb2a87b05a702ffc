/** Commits to a ClickHouse that dies on the way, and what must have come of them. */
import assert from "node:assert/strict";
import { CodedError } from "../../src/model/errors.ts";
import type { Commit } from "../../src/model/commit.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { hour, noon, shown } from "../contract/click-store/harness.ts";
import { commitAll } from "../support/commit-all.ts";
import { eventually } from "../support/eventually.ts";

/** A server that is about to die says so, as an error of its own. */
const awayCodes: ReadonlySet<string> = new Set(["store_unavailable", "storage_failed"]);

async function counts(store: ClickStore, source: "raw" | "minute"): Promise<string[]> {
  return shown((await store.aggregate({ ...hour, source, groupBy: ["ad_id"], order: "key" })).rows);
}

export async function isCounted(
  store: ClickStore,
  expected: ReadonlyMap<string, number>,
): Promise<void> {
  const lines = [...expected].toSorted().map(([ad, count]) => `${ad} ${count}`);
  for (const source of ["raw", "minute"] as const)
    assert.deepEqual(await counts(store, source), lines, source);
  assert.equal((await store.recount(noon, noon + 60, 10)).differingRows, 0);
  const ledger = await store.ledger(0, noon);
  const received = ledger.reduce((sum, row) => sum + row.received, 0);
  assert.equal(
    received,
    [...expected.values()].reduce((a, b) => a + b, 0),
  );
}

/** Resolves with how often it failed. */
export async function untilCommitted(
  store: ClickStore,
  commits: readonly Commit[],
  mend: () => Promise<void>,
): Promise<number> {
  let failures = 0;
  await eventually(
    `commit ${commits[0]!.sequence}`,
    async () => {
      try {
        await commitAll(store, commits);
        return true;
      } catch (error) {
        assert.ok(error instanceof CodedError && awayCodes.has(error.code), String(error));
        failures++;
        await mend();
        return undefined;
      }
    },
    60_000,
  );
  return failures;
}
