import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dayMs, minuteOf } from "../../../src/model/time.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** 2026-03-01T12:00Z */
const noonMs = 1_772_366_400_000;

const days = 12;

describe("queries while commits bring clicks of days that have no tables yet", () => {
  it("are answered, each as of some commit", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await using store = await openDuckDbStore({ path, memoryBytesMax: 256_000_000, threads: 2 });
    const maker = new CommitMaker();
    const commitDay = (day: number) => {
      const click = { ad_id: "a", event_id: `e${day}`, click_timestamp: noonMs - day * dayMs };
      // A duplicate lets its original be looked for in the tables of all days.
      return store.commit(maker.next({ clicks: [click, { ...click, outcome: "duplicate" }] }));
    };
    await commitDay(0);
    const query = {
      adId: "a",
      fromMinute: minuteOf(noonMs) - days * 1440,
      toMinute: minuteOf(noonMs) + 1,
      dimensions: [],
      limit: 1000,
    };
    const commits = { areComing: true };
    let answers = 0;
    const ask = async (): Promise<void> => {
      while (commits.areComing) {
        const { asOf, outcomes } = await store.clicks(query);
        assert.deepEqual([outcomes.counted, outcomes.duplicate], [asOf, asOf]);
        answers++;
      }
    };
    const asking = [ask(), ask()];
    try {
      for (let day = 1; day < days; day++) await commitDay(day);
    } finally {
      commits.areComing = false;
      await Promise.all(asking);
    }
    assert.ok(answers > days / 2, `only ${answers} answers`);
  });
});
