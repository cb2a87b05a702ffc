import assert from "node:assert/strict";
import type { Commit } from "../../src/model/commit.ts";
import type { ClickStore } from "../../src/store/click-store.ts";

/** Offers them at once, and what the store has left for later again; resolves with how many went through at a time. */
export async function commitAll(
  store: Pick<ClickStore, "commit">,
  commits: readonly Commit[],
): Promise<number[]> {
  const counts: number[] = [];
  for (let at = 0; at < commits.length;) {
    const [first, ...more] = commits.slice(at);
    const count = await store.commit(first!, ...more);
    assert.ok(count >= 1 && at + count <= commits.length, `${count} are through`);
    counts.push(count);
    at += count;
  }
  return counts;
}
