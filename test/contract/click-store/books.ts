import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SemanticConfig } from "../../../src/model/semantic-config.ts";
import { EventIdKind } from "../../../src/model/click-batch.ts";
import { dayMs, hourMs, minuteMs } from "../../../src/model/time.ts";
import type { IdentityChunk } from "../../../src/store/click-store.ts";
import type { CommitParts, DecidedClick } from "../../support/store-clicks.ts";
import { CommitMaker, outcomeCounts, storeLayout } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, noon, noonMs, withClicks, withStore } from "./harness.ts";

export function describeBooks(title: string, open: OpenStore): void {
  describe(`${title}: identities`, () => {
    const text = (ad: string, event_id: string, more: Partial<DecidedClick> = {}) =>
      click(ad, 0, {}, { event_id, ...more });
    const long = "a text id that is longer than what fits in place";

    it("are scanned by event time, with every form of id, but for outcomes that do not count", async () => {
      const clicks = [
        text("a", "short"),
        text("b", long),
        click("a", 30, {}, { event_id: "0123abcd-0000-4000-8000-00000000ffff" }),
        click("a", 59, {}, { outcome: "restated" }),
        click("a", 10, {}, { outcome: "quarantined" }),
        click("a", 10, {}, { outcome: "duplicate" }),
        click("a", -100, {}, { outcome: "expired" }),
        click("a", 60),
        click("a", -1),
        click("a", 1440),
      ];
      await withClicks(open, [{ clicks }], async (store, maker) => {
        const found = await collect(store.scanIdentities(noonMs, noonMs + hourMs));
        const expected = clicks.slice(0, 5).map((row) => idOf(maker, row));
        assert.deepEqual(found.sort(), expected.sort());
        assert.equal((await collect(store.scanIdentities(0, noonMs * 2))).length, 8);
        assert.deepEqual(await collect(store.scanIdentities(0, 60_000)), []);
      });
    });

    it("are found by ad, id and minute", async () => {
      const clicks = [
        text("a", "short"),
        text("a", long),
        click("a", 30, {}, { event_id: "0123abcd-0000-4000-8000-00000000ffff" }),
        click(
          "a",
          10,
          {},
          { outcome: "duplicate", event_id: "ffffffff-0000-4000-8000-00000000ffff" },
        ),
        click("b", 1440, {}, { event_id: "0123abcd-0000-4000-8000-00000000ffff" }),
      ];
      const probes: [DecidedClick, 0 | 1][] = [
        [clicks[0]!, 1],
        [clicks[1]!, 1],
        [clicks[2]!, 1],
        [{ ...clicks[2]!, click_timestamp: noonMs + 31 * minuteMs - 1 }, 1],
        [{ ...clicks[2]!, click_timestamp: noonMs + 31 * minuteMs }, 0],
        [{ ...clicks[2]!, click_timestamp: noonMs + 30 * minuteMs - 1 }, 0],
        [{ ...clicks[2]!, ad_id: "b" }, 0],
        [clicks[3]!, 0],
        [clicks[4]!, 1],
        [{ ...clicks[0]!, event_id: "shor" }, 0],
        [{ ...clicks[1]!, event_id: `${long}!` }, 0],
        [{ ...clicks[0]!, click_timestamp: noonMs + 400 * dayMs }, 0],
        [clicks[0]!, 1],
      ];
      await withClicks(open, [{ clicks }], async (store, maker) => {
        for (let round = 0; round < 2; round++) {
          const found = await store.findIdentities(
            probesOf(
              maker,
              probes.map(([row]) => row),
            ),
          );
          assert.deepEqual(
            [...found],
            probes.map(([, expected]) => expected),
          );
          await store.checkpoint();
        }
        assert.deepEqual([...(await store.findIdentities(probesOf(maker, [])))], []);
      });
    });

    function probesOf(maker: CommitMaker, rows: readonly DecidedClick[]): IdentityChunk {
      const commit = new CommitMaker().next({ clicks: rows });
      const { batch } = commit.clicks[0]!;
      const { kinds, words } = batch.eventIds;
      return {
        rowCount: rows.length,
        adKeys: Int32Array.from(rows, (row) => maker.keyOf("ad_id", row.ad_id)),
        eventIdKinds: kinds,
        eventIdWords: words.map((word, i) => (kinds[i >> 2] === EventIdKind.text ? 0 : word)),
        eventIdTexts: rows.map((row, i) => (kinds[i] === EventIdKind.text ? row.event_id : null)),
        clickTimestamps: batch.clickTimestamps,
      };
    }

    function idOf(maker: CommitMaker, row: DecidedClick): string {
      return lines(probesOf(maker, [row]))[0]!;
    }

    function lines(chunk: IdentityChunk): string[] {
      return Array.from({ length: chunk.rowCount }, (_, row) =>
        [
          chunk.adKeys[row],
          chunk.eventIdKinds[row],
          chunk.eventIdWords.subarray(row * 4, row * 4 + 4).join("-"),
          chunk.eventIdTexts[row],
          chunk.clickTimestamps[row],
        ].join(" "),
      );
    }

    async function collect(chunks: AsyncIterable<IdentityChunk>): Promise<string[]> {
      const all: string[] = [];
      for await (const chunk of chunks) all.push(...lines(chunk));
      return all;
    }
  });

  describe(`${title}: books`, () => {
    it("the ledger adds up by minute of receipt and source", async () => {
      const at = (minute: number, source: string, ...outcomes: DecidedClick["outcome"][]) => ({
        source,
        receivedAtMs: (noon + minute) * minuteMs + 5,
        clicks: outcomes.map((outcome) => click("a", 0, {}, outcome ? { outcome } : {})),
      });
      const commits = [
        at(0, "http", "counted", "duplicate", "expired"),
        at(0, "http", "counted"),
        at(0, "file", "quarantined"),
        at(1, "http", "restated"),
        at(2, "http", "counted"),
      ];
      await withClicks(open, commits, async (store) => {
        const counts = outcomeCounts({ counted: 2, duplicate: 1, expired: 1 });
        for (let round = 0; round < 2; round++) {
          assert.deepEqual(await store.ledger(noon, noon + 2), [
            {
              receivedMinute: noon,
              source: "file",
              received: 1,
              outcomes: outcomeCounts({ quarantined: 1 }),
            },
            { receivedMinute: noon, source: "http", received: 4, outcomes: counts },
            {
              receivedMinute: noon + 1,
              source: "http",
              received: 1,
              outcomes: outcomeCounts({ restated: 1 }),
            },
          ]);
          await store.compact(noon + 100);
        }
      });
    });

    it("the ledger keeps what was received apart from what became of it", async () => {
      await withClicks(open, [{ clicks: [click("a", 0)] }], async (store, maker) => {
        const commit = maker.next({ clicks: [click("a", 1)] });
        const ledger = commit.ledger.map((delta) => ({ ...delta, received: 7 }));
        await store.commit({ ...commit, ledger });
        for (let round = 0; round < 2; round++) {
          const rows = await store.ledger(0, noon * 2);
          const sums = rows.map(({ received, outcomes }) => [received, outcomes.counted]);
          assert.deepEqual(
            sums.reduce((a, b) => a.map((n, i) => n + b[i]!)),
            [8, 2],
          );
          await store.compact(noon + 100);
        }
      });
    });

    it("the journal lists restatements, and buckets know their count and revision", async () => {
      const restated = (
        ad: string,
        minute: number,
        revision: number,
        more: Partial<DecidedClick> = {},
      ) => ({
        clicks: [click(ad, minute, {}, { outcome: "restated", ...more })],
        restatements: [
          {
            adId: ad,
            minute: noon + minute,
            before: revision,
            after: revision + 1,
            revision,
            reason: "late" as const,
            receivedAtMs: noonMs + revision,
          },
        ],
      });
      const commits: CommitParts[] = [
        { clicks: [click("a", 0), click("b", 0)] },
        restated("a", 0, 1),
        restated("a", 0, 2),
        restated("b", 3, 1),
      ];
      await withClicks(open, commits, async (store, maker) => {
        const range = { fromMinute: noon, toMinute: noon + 10 };
        const { asOf, rows: all } = await store.restatements(range);
        assert.equal(asOf, 4);
        assert.deepEqual(
          all.map((row) => [
            row.minute - noon,
            row.adId,
            row.before,
            row.after,
            row.revision,
            row.asOf,
          ]),
          [
            [0, "a", 1, 2, 1, 2],
            [0, "a", 2, 3, 2, 3],
            [3, "b", 1, 2, 1, 4],
          ],
        );
        assert.equal(all[0]?.reason, "late");
        assert.equal(all[0]?.receivedAtMs, noonMs + 1);
        const part = async (more: object) => (await store.restatements({ ...range, ...more })).rows;
        assert.deepEqual(await part({ adId: "b" }), all.slice(2));
        assert.deepEqual(await part({ fromMinute: noon + 1, toMinute: noon + 3 }), []);
        assert.deepEqual(await part({ asOf: 3 }), all.slice(0, 2));
        for (const [i, after] of all.entries()) {
          assert.deepEqual(await part({ after }), all.slice(i + 1));
          assert.deepEqual(await part({ after, limit: 1 }), all.slice(i + 1, i + 2));
        }
        const buckets = (["a", "b"] as const).flatMap((ad) =>
          [0, 3, 4].map((minute) => ({ minute: noon + minute, adKey: maker.keyOf("ad_id", ad) })),
        );
        assert.deepEqual(await store.bucketStates(buckets), [
          { count: 3, revision: 2 },
          { count: 0, revision: 0 },
          { count: 0, revision: 0 },
          { count: 1, revision: 0 },
          { count: 1, revision: 1 },
          { count: 0, revision: 0 },
        ]);
        assert.deepEqual(await store.bucketStates([]), []);
      });
    });

    it("outcomes of a record's rows are told, also of expired ones and over midnight", async () => {
      const first = [
        click("a", 0),
        click("a", 800, {}, { outcome: "duplicate" }),
        click("a", 0, {}, { outcome: "quarantined" }),
        click("a", -9000, {}, { outcome: "expired" }),
      ];
      await withClicks(open, [{ records: [first, [click("a", 0)]] }], async (store) => {
        const all = { counted: 1, duplicate: 1, quarantined: 1, expired: 1 };
        assert.deepEqual(await store.outcomesOf(0, 0, 0, 4), outcomeCounts(all));
        assert.deepEqual(await store.outcomesOf(0, 0, 1, 2), outcomeCounts({ duplicate: 1 }));
        assert.deepEqual(await store.outcomesOf(0, 0, 3, 4), outcomeCounts({ expired: 1 }));
        assert.deepEqual(await store.outcomesOf(0, 1, 0, 1), outcomeCounts({ counted: 1 }));
        assert.equal(await store.outcomesOf(0, 2, 0, 1), undefined);
        assert.equal(await store.outcomesOf(1, 0, 0, 1), undefined);
      });
    });

    it("a recount finds every row where the minute store and raw differ", async () => {
      await withStore(open, async (store, maker) => {
        const clicks = [click("a", 0, { country: "US" }), click("b", 1), click("b", 1)];
        const commit = maker.next({ clicks });
        await store.commit(commit);
        assert.deepEqual(await store.recount(noon, noon + 60, 10), {
          asOf: 1,
          progress: [commit.progress],
          closes: [],
          comparedRows: 2,
          comparedClicks: 3,
          differingRows: 0,
          differences: [],
          daysLeftOut: [],
        });
        const { minutes } = maker.next({
          clicks: [click("a", 0, { country: "US" }), click("c", 2)],
        });
        await store.commit({ ...maker.next({ minutes }), sequence: 2 });
        const result = await store.recount(noon, noon + 60, 10);
        assert.equal(result.differingRows, 2);
        assert.deepEqual(
          result.differences.map((row) => [
            row.minute - noon,
            row.adId,
            row.rawCount,
            row.minuteCount,
          ]),
          [
            [0, "a", 1, 2],
            [2, null, 0, 1],
          ],
        );
        assert.deepEqual(result.differences[0]?.dimensions, { country: "US", device: null });
        assert.equal((await store.recount(noon, noon + 60, 1)).differences.length, 1);
        assert.equal((await store.recount(noon + 1, noon + 2, 10)).differingRows, 0);
      });
    });

    it("a recount knows that a minute has no dimension that was declared only later", async () => {
      await withStore(open, async (store, maker) => {
        const base = {
          generation: 1,
          fromMinute: 0,
          adAttributes: [],
          outOfOrdernessMs: 0,
          allowedLatenessMs: 0,
          idleLagMs: 0,
          dedupHorizonMs: dayMs,
          dedupRecentMs: hourMs,
          late: "restate",
        } as const;
        const withoutDevice = storeLayout.filter((dimension) => dimension.name !== "device");
        const configs: SemanticConfig[] = [
          { ...base, dimensions: withoutDevice },
          { ...base, generation: 2, fromMinute: noon + 5, dimensions: storeLayout },
        ];
        const clicks = [click("a", 0, { device: "tv" }), click("a", 5, { device: "tv" })];
        const commit = maker.next({ configs, clicks });
        const device = Int32Array.from([0, 1]);
        const dimensionKeys = new Map([...commit.minutes.dimensionKeys, ["device", device]]);
        await store.commit({ ...commit, minutes: { ...commit.minutes, dimensionKeys } });
        assert.equal((await store.recount(noon, noon + 60, 10)).differingRows, 0);
      });
    });

    it("the extent reaches from the first to the last minute with clicks", async () => {
      await withStore(open, async (store, maker) => {
        assert.equal(await store.extent(), undefined);
        await store.commit(maker.next({ clicks: [click("a", 5)] }));
        assert.deepEqual(await store.extent(), { firstMinute: noon + 5, lastMinute: noon + 5 });
        const more = [click("a", -3000), click("a", 4000, {}, { outcome: "duplicate" })];
        await store.commit(maker.next({ clicks: more }));
        await store.compact(noon + 100);
        assert.deepEqual(await store.extent(), {
          firstMinute: noon - 3000,
          lastMinute: noon + 4000,
        });
      });
    });
  });
}
