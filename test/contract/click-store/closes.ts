import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClickStore, JournalSumsQuery } from "../../../src/store/click-store.ts";
import { closedPeriods, visibilityOf } from "../../../src/store/closed-periods.ts";
import type { Visibility } from "../../../src/store/visibility.ts";
import type { CommitParts, DecidedClick } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, hour, noon, noonMs, shown, withClicks } from "./harness.ts";

/** Seals the minutes before `12:10` in a partition. */
const close = (partition: number): CommitParts => ({
  partition,
  closes: [{ id: "c", throughMinute: noon + 10, tz: "UTC", partition, receivedAtMs: noonMs }],
});

/** A late click at `12:01` and its entry in the journal. */
const late = (adId: string, partition: number, revision: number, before: number): CommitParts => ({
  partition,
  clicks: [lateClick(adId)],
  restatements: [
    {
      adId,
      minute: noon + 1,
      before,
      after: before + 1,
      revision,
      reason: "late",
      receivedAtMs: noonMs,
    },
  ],
});

function lateClick(adId: string): DecidedClick {
  return click(adId, 1, {}, { outcome: "restated" });
}

/** Of ad a in partition 0 and ad b in partition 1; a's partition closes two commits before b's. By commit, from 1. */
const commits: readonly CommitParts[] = [
  { clicks: [click("a", 1)], partition: 0 },
  { clicks: [click("b", 1)], partition: 1 },
  late("a", 0, 1, 1),
  close(0),
  late("a", 0, 2, 2),
  late("b", 1, 1, 1),
  close(1),
  late("b", 1, 2, 2),
  { clicks: [click("a", 20)], partition: 0 },
];

async function sealed(store: ClickStore): Promise<Visibility> {
  const { closes } = await store.aggregate({ ...hour, source: "minute", groupBy: [] });
  assert.deepEqual(
    closes.map(({ partition, asOf }) => [partition, asOf]),
    [
      [0, 4],
      [1, 7],
    ],
  );
  return visibilityOf(closedPeriods(closes, 2))!;
}

export function describeCloses(title: string, open: OpenStore): void {
  describe(`${title}: a closed period`, () => {
    it("has of each partition what that had counted when it closed", async () => {
      await withClicks(open, commits, async (store) => {
        const visibility = await sealed(store);
        for (const compacts of [false, true]) {
          if (compacts) await store.compact(noon + 10);
          for (const source of ["minute", "raw"] as const) {
            const query = { ...hour, order: "key", source, groupBy: ["ad_id"] } as const;
            assert.deepEqual(shown((await store.aggregate(query)).rows), ["a 4", "b 3"]);
            const { rows } = await store.aggregate({ ...query, visibility });
            assert.deepEqual(shown(rows), ["a 3", "b 2"], `${source}, compacted: ${compacts}`);
          }
        }
        const page = { fromMinute: noon, toMinute: noon + 10, adId: "a", dimensions: [], limit: 9 };
        assert.equal((await store.clicks({ ...page, visibility })).clicks.length, 2);
        const journal = await store.restatements({ ...page, visibility, limit: 9 });
        assert.deepEqual(
          journal.rows.map(({ adId, revision }) => [adId, revision]),
          [["a", 1]],
        );
      });
    });

    it("has beside it what the journal adds, by bucket and ad", async () => {
      await withClicks(open, [...commits, late("a", 0, 3, 3)], async (store) => {
        const visibility = await sealed(store);
        const ask = async (more: Partial<JournalSumsQuery>): Promise<unknown[]> => {
          const range = { fromMinute: noon, toMinute: noon + 30 };
          const bucketStarts = [noon, noon + 1, noon + 10];
          const query = { ...range, bucketStarts, asOf: 10, limit: 9, visibility, ...more };
          const sums = await store.journalSums(query);
          return sums.map(({ bucketStart, adId, revision, unseenClicks }) => [
            bucketStart - noon,
            adId,
            revision,
            unseenClicks,
          ]);
        };
        assert.deepEqual(await ask({}), [
          [1, "a", 1, 2],
          [1, "b", 1, 1],
        ]);
        assert.deepEqual(await ask({ asOf: 9 }), [
          [1, "a", 1, 1],
          [1, "b", 1, 1],
        ]);
        assert.deepEqual(await ask({ limit: 1 }), [[1, "a", 1, 2]]);
        const after = { bucketStart: noon + 1, adId: "a" };
        assert.deepEqual(await ask({ after }), [[1, "b", 1, 1]]);
        assert.deepEqual(await ask({ adId: "b" }), [[1, "b", 1, 1]]);
        assert.deepEqual(await ask({ bucketStarts: [noon], adId: "a" }), [[0, "a", 1, 2]]);
        assert.deepEqual(await ask({ fromMinute: noon + 10, bucketStarts: [noon + 10] }), []);
      });
    });

    it("is told with the state that a query saw, and with that of an earlier commit", async () => {
      await withClicks(open, commits, async (store) => {
        const past = await store.snapshotAt(6);
        assert.deepEqual(
          past?.closes.map(({ partition, throughMinute, asOf }) => [
            partition,
            throughMinute,
            asOf,
          ]),
          [[0, noon + 10, 4]],
        );
      });
    });
  });
}
