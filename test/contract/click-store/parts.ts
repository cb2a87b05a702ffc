/** Of a store that several processes share: what lies in one partition where an ad's clicks lie in several (partOf). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Erasure } from "../../../src/model/commit.ts";
import type { ClickStore } from "../../../src/store/click-store.ts";
import type { CommitMaker, CommitParts } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, hour, noon, noonMs, shown, withStore } from "./harness.ts";

const range = { fromMinute: noon, toMinute: noon + 60 };

/** Two of the ad's clicks in partition 0, one in partition 1; a fourth there comes late. */
async function fill(store: ClickStore, maker: CommitMaker): Promise<void> {
  const us = { country: "US", user_id: "u1" };
  const late: CommitParts = {
    partition: 1,
    clicks: [click("a", 1, us, { outcome: "restated" })],
    restatements: [
      {
        minute: noon + 1,
        adId: "a",
        before: 1,
        after: 2,
        revision: 1,
        reason: "late",
        receivedAtMs: noonMs,
      },
    ],
  };
  for (const parts of [
    { partition: 0, clicks: [click("a", 1, us), click("a", 1, us)] },
    { partition: 1, clicks: [click("a", 1, us)] },
    late,
  ])
    await store.commit(maker.next(parts));
}

export function describeParts(title: string, open: OpenStore): void {
  describe(`${title}: an ad in several partitions`, () => {
    it("has a count and revisions in each of them, and together", async () => {
      await withStore(open, async (store, maker) => {
        await fill(store, maker);
        const bucket = [{ minute: noon + 1, adKey: maker.keyOf("ad_id", "a") }];
        assert.deepEqual(await store.bucketStates(bucket, 0), [{ count: 2, revision: 0 }]);
        assert.deepEqual(await store.bucketStates(bucket, 1), [{ count: 2, revision: 1 }]);
        assert.deepEqual(await store.bucketStates(bucket), [{ count: 4, revision: 1 }]);
        const { rows } = await store.aggregate({ ...hour, source: "minute", groupBy: ["ad_id"] });
        assert.deepEqual(shown(rows), ["a 4"]);
      });
    });

    it("is counted anew in each of them by its own clicks", async () => {
      await withStore(open, async (store, maker) => {
        await fill(store, maker);
        // What one lacks the other has too much: together nothing is amiss.
        for (const [partition, change] of [-1, 1].entries()) {
          const minutes = {
            rowCount: 1,
            minutes: Int32Array.of(noon + 1),
            adKeys: Int32Array.of(maker.keyOf("ad_id", "a")),
            dimensionKeys: new Map([["country", Int32Array.of(maker.keyOf("country", "US"))]]),
            counts: Int32Array.of(change),
            restated: Uint8Array.of(1),
          };
          await store.commit(maker.next({ partition, minutes }));
        }
        const layout = [{ ...range, dimensions: ["country", "device"] }];
        const changesOf = async (partition?: number): Promise<number[]> => {
          const asked = { ...range, layout, ads: () => true, rowsMax: 100 };
          const own = partition === undefined ? asked : { ...asked, partition };
          return [...(await store.recomputation(own))!.changes];
        };
        assert.deepEqual(await changesOf(0), [1]);
        assert.deepEqual(await changesOf(1), [-1]);
        assert.deepEqual(await changesOf(), []);
      });
    });

    it("loses values in the partition that erases them", async () => {
      await withStore(open, async (store, maker) => {
        await fill(store, maker);
        const values = { field: "user_id", values: ["u1"] };
        const held = async (partition: number, isPart: boolean): Promise<number[]> =>
          (await store.holders({ partition, isPart, ...values })).map(({ clicks }) => clicks);
        assert.deepEqual(await held(0, true), [2]);
        assert.deepEqual(await held(0, false), [4]);
        const erasure: Erasure = {
          ...values,
          adKeys: [maker.keyOf("ad_id", "a")],
          inMinutes: false,
          partition: 1,
        };
        await store.commit(maker.next({ partition: 1, erasures: [erasure] }));
        assert.deepEqual(await held(1, true), []);
        assert.deepEqual(await held(0, true), [2]);
      });
    });
  });
}
