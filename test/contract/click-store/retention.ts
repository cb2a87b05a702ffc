import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DroppedDay } from "../../../src/model/commit.ts";
import { dayMs, dayOfMinute, minutesADay } from "../../../src/model/time.ts";
import type { ClickStore } from "../../../src/store/click-store.ts";
import type { DecidedClick } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, noon, noonMs, shown, withStore } from "./harness.ts";

const today = dayOfMinute(noon);
const dayAgo = (ad: string, days: number, more: Partial<DecidedClick> = {}): DecidedClick =>
  click(ad, -days * minutesADay, { country: "US", user_id: "u1" }, more);

const dropped = (
  day: number,
  what: DroppedDay["what"],
  partition = 0,
  receivedDay = day,
): DroppedDay => ({ partition, day, what, receivedDay });

async function counts(store: ClickStore, source: "raw" | "minute"): Promise<string[]> {
  const range = { fromMinute: noon - 100 * minutesADay, toMinute: noon + minutesADay };
  const query = { ...range, source, groupBy: ["ad_id"], order: "key", limit: 100 } as const;
  return shown((await store.aggregate(query)).rows);
}

export function describeRetention(title: string, open: OpenStore): void {
  describe(`${title}: days that are dropped`, () => {
    it("are decided by the newest receipt of each partition's clicks that had not expired", async () => {
      await withStore(open, async (store, maker) => {
        const commit = (receivedDay: number, clicks: DecidedClick[], partition = 0) =>
          store.commit(maker.next({ clicks, partition, receivedAtMs: receivedDay * dayMs + 5 }));
        await commit(today - 9, [dayAgo("a", 9), dayAgo("a", 9, { outcome: "duplicate" })]);
        await commit(today - 3, [dayAgo("a", 8)]);
        await commit(today - 2, [dayAgo("b", 7), dayAgo("b", 6)], 1);
        await commit(today - 1, [
          dayAgo("a", 9, { outcome: "expired" }),
          dayAgo("a", 5, { outcome: "expired" }),
          dayAgo("a", 4),
        ]);
        const receipts = async (partition: number, beforeDay: number) =>
          (await store.newestReceipts(partition, beforeDay)).map((receipt) => [
            today - receipt.day,
            today - receipt.receivedDay,
          ]);
        const sorted = async (partition: number, beforeDay: number) =>
          (await receipts(partition, beforeDay)).toSorted((a, b) => b[0]! - a[0]!);
        assert.deepEqual(await sorted(0, today), [
          [9, 9],
          [8, 3],
          [5, 1],
          [4, 1],
        ]);
        assert.deepEqual(await sorted(0, today - 5), [
          [9, 9],
          [8, 3],
        ]);
        assert.deepEqual(await sorted(1, today), [
          [7, 2],
          [6, 2],
        ]);
        assert.deepEqual(await sorted(0, -Infinity), []);
        await store.commit(maker.next({ droppedDays: [dropped(today - 9, "raw")] }));
        assert.deepEqual(await sorted(0, today - 5), [[8, 3]]);
      });
    });

    it("are deleted, clicks before counts, and only these, also after a restart", async () => {
      await withStore(open, async (store, maker, directory) => {
        await store.commit(
          maker.next({ clicks: [dayAgo("a", 9), dayAgo("b", 8), dayAgo("c", 0)] }),
        );
        await store.compact(noon - minutesADay);
        const entry = dropped(today - 9, "raw");
        await store.commit(maker.next({ droppedDays: [entry, dropped(today - 8, "raw")] }));
        assert.deepEqual(await counts(store, "raw"), ["a 1", "b 1", "c 1"], "before the purge");
        await store.purge();
        assert.deepEqual(await counts(store, "raw"), ["c 1"]);
        assert.deepEqual(await counts(store, "minute"), ["a 1", "b 1", "c 1"]);
        await store.commit(maker.next({ droppedDays: [dropped(today - 9, "minute")] }));
        await store.purge();
        await store.purge();
        assert.deepEqual(await counts(store, "minute"), ["b 1", "c 1"]);
        await store.checkpoint();
        await store[Symbol.asyncDispose]();
        await using reopened = await open(directory);
        assert.deepEqual(await counts(reopened, "raw"), ["c 1"]);
        assert.deepEqual(await counts(reopened, "minute"), ["b 1", "c 1"]);
        const { droppedDays, sequence } = await reopened.recover();
        assert.equal(sequence, 3);
        assert.deepEqual(droppedDays[0], { ...entry, asOf: 2 });
        assert.deepEqual(droppedDays, await reopened.droppedDays());
        // Positions go on where they were, though their records are gone.
        await reopened.commit(maker.next({ clicks: [dayAgo("d", 0)] }));
        const { clicks } = await reopened.clicks({
          fromMinute: noon,
          toMinute: noon + 1,
          adId: "d",
          dimensions: [],
          limit: 9,
        });
        assert.deepEqual(
          clicks.map(({ offset, row }) => [offset, row]),
          [[1, 0]],
        );
      });
    });

    it("stay while another partition keeps clicks of them", async () => {
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ clicks: [dayAgo("a", 9)] }));
        await store.commit(maker.next({ clicks: [dayAgo("b", 9)], partition: 1 }));
        const both = [dropped(today - 9, "raw"), dropped(today - 9, "minute")];
        await store.commit(maker.next({ droppedDays: both }));
        await store.purge();
        assert.deepEqual(await counts(store, "raw"), ["a 1", "b 1"]);
        assert.deepEqual(await counts(store, "minute"), ["a 1", "b 1"]);
        const others = both.map((entry) => Object.assign({}, entry, { partition: 1 }));
        await store.commit(maker.next({ droppedDays: others, partition: 1 }));
        await store.purge();
        assert.deepEqual(await counts(store, "raw"), []);
        assert.deepEqual(await counts(store, "minute"), []);
      });
    });

    it("are no more to be corrected, nor recounted", async () => {
      await withStore(open, async (store, maker) => {
        const clicks = [dayAgo("a", 9, { event_id: "x" }), dayAgo("a", 0, { event_id: "x" })];
        await store.commit(maker.next({ clicks }));
        await store.commit(maker.next({ droppedDays: [dropped(today - 9, "raw")] }));
        for (const purge of [false, true]) {
          if (purge) await store.purge();
          const identities = [{ ad_id: "a", event_id: "x" }];
          const found = await store.recordedClicks({
            partition: 0,
            outcomes: ["counted"],
            identities,
          });
          assert.deepEqual(
            found.map(({ clickTimestampMs }) => clickTimestampMs),
            [clicks[1]!.click_timestamp],
          );
          const audit = await store.recount(noon - 20 * minutesADay, noon + 1, 10);
          assert.deepEqual(
            [audit.comparedClicks, audit.differingRows, audit.daysLeftOut],
            [1, 0, [today - 9]],
          );
        }
      });
    });

    it("take their ledger along, whose sums stay", async () => {
      await withStore(open, async (store, maker) => {
        for (const days of [9, 8, 1]) {
          const receivedAtMs = noonMs - days * dayMs;
          const source = days === 1 ? "late" : "http";
          await store.commit(maker.next({ clicks: [dayAgo("a", days)], receivedAtMs, source }));
        }
        const rows = async () =>
          (await store.ledger(0, noon)).map(({ receivedMinute, source, received, outcomes }) => [
            receivedMinute === 0 ? "carried" : (noon - receivedMinute) / minutesADay,
            source,
            received,
            outcomes.counted,
          ]);
        for (const days of [9, 8]) {
          const entries = (["raw", "minute"] as const).map((what) => dropped(today - days, what));
          await store.commit(maker.next({ droppedDays: entries }));
          await store.purge();
          assert.deepEqual(await rows(), [
            ["carried", "http", 10 - days, 10 - days],
            ...(days === 9 ? [[8, "http", 1, 1]] : []),
            [1, "late", 1, 1],
          ]);
        }
      });
    });
  });
}
