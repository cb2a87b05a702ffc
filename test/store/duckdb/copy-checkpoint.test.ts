import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const noonMs = 1_772_366_400_000;
const dayMs = 86_400_000;
const hour = { fromMinute: noonMs / 60_000 - 60, toMinute: noonMs / 60_000 + 60 };
const options = { memoryBytesMax: 256e6, threads: 2 };

/** Event ids differ from commit to commit. */
function clicksOf(commit: number, count: number, timeMs = noonMs) {
  return Array.from({ length: count }, (_, i) => ({
    ad_id: `ad-${i % 50}`,
    event_id: `${commit}:${i}`,
    click_timestamp: timeMs + (i % 1_000),
    dimensions: { country: "DE", user_id: `u${i}` },
  }));
}

async function countIn(path: string): Promise<{ asOf: number; clicks: number; differing: number }> {
  await using store = await openDuckDbStore({ ...options, path });
  const { asOf, differingRows } = await store.recount(0, 1e9, 10);
  const query = { ...hour, groupBy: [], order: "count", limit: 1 } as const;
  const [row] = (await store.aggregate({ ...query, source: "raw" })).rows;
  return { asOf, clicks: row?.count ?? 0, differing: differingRows };
}

describe("a copy of the store", () => {
  it("made beside commits opens every time, with the commits before it, each whole", async (t) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const maker = new CommitMaker();
    // Large ones write rows into the file before they are through.
    const sizes = [300, 130_000, 1_000, 20, 5_000];
    const clicksUpTo = [0];
    const copies: { path: string; asOf: number; before: number }[] = [];
    {
      await using store = await openDuckDbStore({ ...options, path });
      const copying = { isOver: false };
      let committed = 0;
      const committing = (async () => {
        for (let i = 0; !copying.isOver; i++) {
          const clicks = clicksOf(i, sizes[i % sizes.length]!);
          await store.commit(maker.next({ clicks }));
          committed++;
          clicksUpTo.push(clicksUpTo[i]! + clicks.length);
          if (i % 7 === 6) await store.compact(hour.toMinute);
          if (i % 3 === 2) await store.checkpoint();
        }
      })();
      while (copies.length < 8) {
        const before = committed;
        const copy = join(directory.path, `copy-${copies.length}.duckdb`);
        const { asOf, progress } = await store.copyTo(copy, new AbortController().signal);
        assert.equal(progress[0]?.nextOffset ?? 0, asOf);
        copies.push({ path: copy, asOf, before });
      }
      copying.isOver = true;
      await committing;
    }
    for (const { path: copy, asOf, before } of copies) {
      const found = await countIn(copy);
      assert.ok(asOf >= before, `commit ${before} was through before the copy of ${asOf}`);
      assert.deepEqual(found, { asOf, clicks: clicksUpTo[asOf], differing: 0 });
    }
    t.diagnostic(`${copies.length} copies, the last of ${clicksUpTo[copies.at(-1)!.asOf]} clicks`);
    assert.equal((await countIn(path)).clicks, clicksUpTo.at(-1));
  });

  it("does not hold up a commit that needs new tables", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const maker = new CommitMaker();
    {
      await using store = await openDuckDbStore({ ...options, path });
      for (let i = 0; i < 2; i++) await store.commit(maker.next({ clicks: clicksOf(i, 130_000) }));
      const copying = store.copyTo(join(directory.path, "copy"), new AbortController().signal);
      const state = { isCopied: false };
      void copying.then(() => (state.isCopied = true));
      let days = 0;
      while (!state.isCopied) {
        days++;
        const clicks = clicksOf(days, 10, noonMs - days * dayMs);
        await store.commit(maker.next({ clicks }));
      }
      assert.ok(days > 1, `${days} days were made meanwhile`);
      await store.checkpoint();
    }
    assert.deepEqual(await countIn(path), {
      asOf: maker.next({ clicks: [] }).sequence - 1,
      clicks: 260_000,
      differing: 0,
    });
  });

  it("is given up where that is asked for, and the store goes on", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const maker = new CommitMaker();
    await using store = await openDuckDbStore({ ...options, path });
    await store.commit(maker.next({ clicks: clicksOf(0, 1_000) }));
    const abort = new AbortController();
    abort.abort(new Error("enough"));
    await assert.rejects(store.copyTo(join(directory.path, "copy"), abort.signal), /enough/);
    await store.commit(maker.next({ clicks: clicksOf(1, 1_000) }));
    assert.deepEqual(
      (await store.checkpoint()).map(({ nextOffset }) => nextOffset),
      [2],
    );
  });

  it("is refused where the file exists, and costs nothing", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await using store = await openDuckDbStore({ ...options, path });
    await assert.rejects(store.copyTo(path, new AbortController().signal), { code: "EEXIST" });
    await store.commit(new CommitMaker().next({ clicks: clicksOf(0, 10) }));
  });
});
