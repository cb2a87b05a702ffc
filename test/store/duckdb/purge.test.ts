import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dayMs, minutesADay } from "../../../src/model/time.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { Random } from "../../../src/traffic/random.ts";
import type { DecidedClick } from "../../support/store-clicks.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** 2026-03-01 */
const firstDay = 20_513;
const daysGathered = 6;
const daysRolled = 3;
const clicksADay = 30_000;

function clicksOf(day: number, random: Random): DecidedClick[] {
  return Array.from({ length: clicksADay }, () => ({
    ad_id: `ad-${random.below(500)}`,
    event_id: random.uuid(),
    click_timestamp: day * dayMs + random.below(dayMs),
    dimensions: { country: random.pick(["US", "DE"]), user_id: `user-${random.below(20_000)}` },
  }));
}

describe("a purge", () => {
  it("gives space back: for new days at once, to the disk when the end of the file is free", async (context) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await using store = await openDuckDbStore({ path, memoryBytesMax: 256_000_000, threads: 2 });
    const maker = new CommitMaker();
    const random = new Random(5);
    const fill = async (day: number): Promise<void> => {
      const clicks = clicksOf(day, random);
      await store.commit(maker.next({ clicks, receivedAtMs: day * dayMs }));
      await store.compact((day + 1) * minutesADay);
      await store.checkpoint();
    };
    const drop = async (days: readonly number[]): Promise<void> => {
      const droppedDays = days.flatMap((day) =>
        (["raw", "minute"] as const).map((what) => ({ partition: 0, day, what, receivedDay: day })),
      );
      await store.commit(maker.next({ droppedDays }));
      await store.purge();
      await store.checkpoint();
    };
    for (let i = 0; i < daysGathered; i++) await fill(firstDay + i);
    const before = statSync(path).size;
    // All but the last, as when the limit is lowered; then one comes and one goes, day by day.
    await drop(Array.from({ length: daysGathered - 1 }, (_, i) => firstDay + i));
    let lastDay = firstDay + daysGathered - 1;
    for (let i = 0; i < daysRolled; i++) {
      await fill(lastDay + 1);
      assert.ok(statSync(path).size <= before, "a new day takes the place of an old one");
      await drop([lastDay]);
      lastDay++;
    }
    const after = statSync(path).size;
    context.diagnostic(`${before} bytes with ${daysGathered} days, ${after} with one`);
    assert.ok(after < before * 0.7, `${before} bytes before, ${after} after`);

    const { rows } = await store.aggregate({
      source: "raw",
      fromMinute: firstDay * minutesADay,
      toMinute: (lastDay + 1) * minutesADay,
      groupBy: [],
      order: "key",
      limit: 10,
    });
    assert.deepEqual(
      rows.map(({ count }) => count),
      [clicksADay],
    );
    const audit = await store.recount(lastDay * minutesADay, (lastDay + 1) * minutesADay, 1);
    assert.deepEqual([audit.comparedClicks, audit.differingRows], [clicksADay, 0]);
    assert.ok((await store.extent())!.firstMinute >= lastDay * minutesADay);
  });
});
