import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SemanticConfig } from "../../../src/model/semantic-config.ts";
import { dayMs, hourMs } from "../../../src/model/time.ts";
import type { ClickStore } from "../../../src/store/click-store.ts";
import { commitAll } from "../../support/commit-all.ts";
import type { CommitParts, DecidedClick } from "../../support/store-clicks.ts";
import { outcomeCounts, storeLayout } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, hour, isNull, noon, shown, withClicks, withStore } from "./harness.ts";

export function describeCommits(title: string, open: OpenStore): void {
  describe(`${title}: commits`, () => {
    it("are seen whole, with the sequence and the progress they were made at", async () => {
      await withStore(open, async (store, maker) => {
        const empty = await store.aggregate({ ...hour, source: "minute", groupBy: ["ad_id"] });
        assert.deepEqual(empty, { rows: [], asOf: 0, progress: [], closes: [] });
        await store.commit(maker.next({ clicks: [click("a", 0)], partition: 1, watermarkMs: 5 }));
        await store.commit(maker.next({ clicks: [click("b", 0)], partition: 0 }));
        const { asOf, progress } = await store.aggregate({ ...hour, source: "raw", groupBy: [] });
        assert.equal(asOf, 2);
        assert.deepEqual(progress, [
          { partition: 0, nextOffset: 1, watermarkMs: -Infinity },
          { partition: 1, nextOffset: 1, watermarkMs: 5 },
        ]);
      });
    });

    it("tell queries that run beside them a state between two commits, never one within", async () => {
      await withStore(open, async (store, maker) => {
        const commits = { areRunning: true };
        const watch = async (): Promise<void> => {
          while (commits.areRunning) {
            const query = { ...hour, toMinute: noon + 2 * 1440, groupBy: ["ad_id"] } as const;
            for (const source of ["minute", "raw"] as const) {
              const { rows, asOf, progress } = await store.aggregate({ ...query, source });
              const counts = new Set(rows.map((row) => row.count));
              assert.ok(counts.size <= 1, `${source}: ${shown(rows).join()}`);
              assert.equal(rows[0]?.count ?? 0, asOf, source);
              assert.equal(progress[0]?.nextOffset ?? 0, asOf);
            }
          }
        };
        const watching = watch();
        try {
          // Every commit brings one click of each of two ads; some bring a new day.
          for (let i = 0; i < 30; i++) {
            const minute = i === 10 ? 1440 : i;
            await store.commit(maker.next({ clicks: [click("a", minute), click("b", minute)] }));
            if (i % 10 === 7) await store.compact(noon + i - 3);
            if (i % 10 === 9) await store.checkpoint();
          }
        } finally {
          commits.areRunning = false;
          await watching;
        }
      });
    });

    it("are applied once, however often they are given", async () => {
      await withStore(open, async (store, maker, directory) => {
        const first = maker.next({ clicks: [click("a", 0)] });
        const second = maker.next({ clicks: [click("a", 0)] });
        for (const commit of [first, first, second, first, second]) await store.commit(commit);
        const { rows } = await store.aggregate({ ...hour, source: "minute", groupBy: ["ad_id"] });
        assert.deepEqual(shown(rows), ["a 2"]);
        await store[Symbol.asyncDispose]();
        await using reopened = await open(directory);
        await reopened.commit(second);
        const after = await reopened.aggregate({ ...hour, source: "raw", groupBy: ["ad_id"] });
        assert.deepEqual(shown(after.rows), ["a 2"]);
        assert.equal(after.asOf, 2);
      });
    });

    it("go through in their order where several are offered at once, each as if it were alone", async () => {
      await withStore(open, async (store, maker, directory) => {
        const user = { user_id: "u1" };
        const commits = [
          { partition: 1, clicks: [click("a", 0, user), click("b", 0, { country: "US" })] },
          { partition: 0, clicks: [click("c", 0, { country: "US" })], watermarkMs: 7 },
          { partition: 2, clicks: [click("b", 1, { country: "DE", device: "tv" }), click("d", 1)] },
          { erasures: [{ field: "user_id", values: ["u1"], adKeys: [1], inMinutes: false }] },
          { partition: 1, clicks: [click("a", 2, user)], watermarkMs: 9 },
          { partition: 0, clicks: [click("c", 5000)] },
          { partition: 2 },
        ].map((parts) => maker.next(parts));
        assert.equal(await store.commit(commits[0]!), 1);
        await commitAll(store, commits.slice(0, 3));
        await commitAll(store, commits);
        await assert.rejects(
          store.commit({ ...commits[6]!, sequence: 9 }, { ...commits[6]!, sequence: 10 }),
          { code: "data_corrupt" },
        );
        const ask = async (from: ClickStore): Promise<unknown> => {
          const byAd = { ...hour, source: "minute", groupBy: ["ad_id"], order: "key" } as const;
          const byUser = { ...hour, source: "raw", groupBy: ["user_id", "ad_id"] } as const;
          const { rows, asOf, progress } = await from.aggregate(byAd);
          const users = await from.aggregate({
            ...byUser,
            order: "key",
            filter: isNull("user_id", false),
          });
          const first = await from.snapshotAt(2);
          return [shown(rows), asOf, progress, shown(users.rows), first?.progress];
        };
        const told = [
          ["a 2", "b 2", "c 1", "d 1"],
          7,
          [
            { partition: 0, nextOffset: 2, watermarkMs: -Infinity },
            { partition: 1, nextOffset: 2, watermarkMs: 9 },
            { partition: 2, nextOffset: 1, watermarkMs: -Infinity },
          ],
          // Of the two that this user clicked, the one that came before the erasure has none now.
          ["u1 a 1"],
          [
            { partition: 0, nextOffset: 1, watermarkMs: 7 },
            { partition: 1, nextOffset: 1, watermarkMs: -Infinity },
          ],
        ];
        assert.deepEqual(await ask(store), told);
        await store[Symbol.asyncDispose]();
        await using reopened = await open(directory);
        assert.deepEqual(await ask(reopened), told);
      });
    });

    it("that cannot be made leave nothing behind and do not stand in the way of the next", async () => {
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ clicks: [click("a", 0)] }));
        const good = maker.next({ clicks: [click("b", 0, { country: "US" })] });
        const bad = { ...good, ledger: undefined as unknown as typeof good.ledger };
        await assert.rejects(store.commit(bad));
        const before = await store.aggregate({ ...hour, source: "raw", groupBy: ["ad_id"] });
        assert.deepEqual(shown(before.rows), ["a 1"]);
        assert.equal(before.asOf, 1);
        await store.commit(good);
        const after = await store.aggregate({ ...hour, source: "raw", groupBy: ["ad_id"] });
        assert.deepEqual(shown(after.rows), ["a 1", "b 1"]);
      });
    });

    it("may hold no clicks, and rows of no record", async () => {
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ watermarkMs: 77 }));
        await store.commit(maker.next({ records: [[], [click("a", 0)], []] }));
        const { sequence, progress } = await store.recover();
        assert.equal(sequence, 2);
        assert.equal(progress[0]?.nextOffset, 3);
        assert.deepEqual(await store.outcomesOf(0, 0, 0, 0), outcomeCounts({}));
      });
    });

    it("may span many days", async () => {
      await withStore(open, async (store, maker) => {
        const rows = Array.from({ length: 200 }, (_, i) => click(`a${i % 3}`, (i % 40) * 1440));
        await store.commit(maker.next({ records: [rows.slice(0, 90), rows.slice(90)] }));
        const range = { fromMinute: noon + 1440, toMinute: noon + 11 * 1440 };
        for (const source of ["minute", "raw"] as const) {
          const query = { ...hour, ...range, source, groupBy: [] } as const;
          assert.equal((await store.aggregate(query)).rows[0]?.count, 50);
        }
        const { comparedClicks, differingRows } = await store.recount(noon, noon + 60 * 1440, 10);
        assert.deepEqual([comparedClicks, differingRows], [200, 0]);
      });
    });
  });

  describe(`${title}: recovery`, () => {
    const config = (generation: number): SemanticConfig => ({
      generation,
      fromMinute: generation,
      dimensions: storeLayout,
      adAttributes: ["campaign_id"],
      outOfOrdernessMs: 15_000,
      allowedLatenessMs: 60_000,
      idleLagMs: 15_000,
      dedupHorizonMs: dayMs,
      dedupRecentMs: hourMs,
      late: "restate",
    });

    it("gives back dictionaries, configurations and progress as they were committed", async () => {
      await withStore(open, async (store, maker, directory) => {
        const fresh = await store.recover();
        assert.deepEqual([fresh.sequence, fresh.progress, fresh.configs], [0, [], []]);
        await store.commit(
          maker.next({ configs: [config(1)], clicks: [click("b", 0, { country: "US" })] }),
        );
        await store.commit(maker.next({ clicks: [click("a", 0, { country: "DE", device: "é" })] }));
        await store.commit(maker.next({ configs: [config(2), config(3)], watermarkMs: 123 }));
        for (let round = 0; round < 2; round++) {
          await using reopened = round === 0 ? undefined : await reopen(store, directory);
          const state = await (reopened ?? store).recover();
          assert.equal(state.sequence, 3);
          assert.deepEqual(state.progress, [{ partition: 0, nextOffset: 2, watermarkMs: 123 }]);
          assert.deepEqual(state.configs, [config(1), config(2), config(3)]);
          assert.deepEqual(state.dictionaries.get("ad_id"), ["b", "a"]);
          assert.deepEqual(state.dictionaries.get("country"), ["US", "DE"]);
          assert.deepEqual(state.dictionaries.get("device"), ["é"]);
        }
      });
    });

    it("remembers the progress of every partition through many commits and compactions", async () => {
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ partition: 3, clicks: [click("a", 0)], watermarkMs: 9 }));
        for (let i = 0; i < 20; i++) await store.commit(maker.next({ watermarkMs: i }));
        await store.compact(noon + 10);
        const { progress } = await store.recover();
        assert.deepEqual(progress, [
          { partition: 0, nextOffset: 0, watermarkMs: 19 },
          { partition: 3, nextOffset: 1, watermarkMs: 9 },
        ]);
      });
    });

    it("checkpoints resolve with the progress of the commits before them", async () => {
      await withStore(open, async (store, maker) => {
        assert.deepEqual(await store.checkpoint(), []);
        await store.commit(maker.next({ clicks: [click("a", 0)], watermarkMs: 5 }));
        const covered = await store.checkpoint();
        assert.deepEqual(covered, [{ partition: 0, nextOffset: 1, watermarkMs: 5 }]);
        assert.ok((await store.sizeBytes()) > 0);
      });
    });

    async function reopen(store: ClickStore, directory: string): Promise<ClickStore> {
      await store[Symbol.asyncDispose]();
      return await open(directory);
    }
  });

  describe(`${title}: compaction`, () => {
    it("changes no answer, and keeps apart what was restated", async () => {
      const key = (minute: number, more: Partial<DecidedClick> = {}) =>
        click("a", minute, { country: "US" }, more);
      const commits: CommitParts[] = [
        { clicks: [key(0), key(0), key(1), click("b", 0, { device: "tv" })] },
        { clicks: [key(0), key(1), key(5), key(-1440)] },
        { clicks: [key(0, { outcome: "restated" })] },
        { clicks: [key(0, { outcome: "restated" }), key(2, { outcome: "duplicate" })] },
      ];
      await withClicks(open, commits, async (store, maker) => {
        const ask = async () => ({
          day: (
            await store.aggregate({
              ...hour,
              fromMinute: noon - 2000,
              source: "minute",
              groupBy: ["ad_id", "country", "device"],
              bucketStarts: [noon - 2000, noon, noon + 1, noon + 2],
              order: "key",
            })
          ).rows,
          states: await store.bucketStates([{ minute: noon, adKey: maker.keyOf("ad_id", "a") }]),
          extent: await store.extent(),
          differing: (await store.recount(noon - 3000, noon + 60, 10)).differingRows,
        });
        const before = await ask();
        assert.equal(before.states[0]?.count, 5);
        assert.equal(before.differing, 0);
        for (const end of [noon - 100, noon + 1, noon + 1, noon + 3, noon + 100]) {
          await store.compact(end);
          assert.deepEqual(await ask(), before);
        }
        const rows = await collectMinutes(store, noon, noon + 60);
        assert.deepEqual(rows.sort(), [
          "0 a US - 1",
          "0 a US - 1",
          "0 a US - 3",
          "0 b - tv 1",
          "1 a US - 2",
          "5 a US - 1",
        ]);
        await store.commit(maker.next({ clicks: [key(0), key(7)] }));
        await store.checkpoint();
        await store.compact(noon + 100);
        assert.equal(
          (await store.aggregate({ ...hour, source: "minute", groupBy: [] })).rows[0]?.count,
          11,
        );

        async function collectMinutes(
          from: ClickStore,
          start: number,
          end: number,
        ): Promise<string[]> {
          const { dictionaries } = await from.recover();
          const text = (dictionary: string, value: number) =>
            dictionaries.get(dictionary)?.[value - 1] ?? "-";
          const lines: string[] = [];
          for await (const chunk of from.scanMinutes(start, end)) {
            for (let row = 0; row < chunk.rowCount; row++) {
              const dimension = (name: string) => text(name, chunk.dimensionKeys.get(name)![row]!);
              lines.push(
                [
                  chunk.minutes[row]! - noon,
                  text("ad_id", chunk.adKeys[row]!),
                  dimension("country"),
                  dimension("device"),
                  chunk.counts[row],
                ].join(" "),
              );
            }
          }
          return lines;
        }
      });
    });
  });
}
