import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { minuteOf } from "../../../src/model/time.ts";
import type { ChangedCount, ChangePlace, ChangesQuery } from "../../../src/store/changes.ts";
import type { ClickStore } from "../../../src/store/click-store.ts";
import type { CommitMaker, DecidedClick } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, is, isNot, isNull, noon, noonMs, withClicks, withStore } from "./harness.ts";

/** Two days, so that more than one table is asked. */
const whole = { fromMinute: noon, toMinute: noon + 2000, limit: 1000 };

const US = { country: "US", device: "mobile" };
const DE = { country: "DE" };

export function describeChanges(
  title: string,
  open: OpenStore,
  pageSizes: readonly number[],
): void {
  describe(`${title}: changes`, () => {
    it("are absolute counts, with the commit that changed them last", async () => {
      const commits = [
        { clicks: [click("a", 1, US), click("a", 1, US), click("a", 1, DE), click("b", 1440)] },
        { clicks: [click("a", 2, US), click("a", 1, US, { outcome: "duplicate" })] },
        { clicks: [click("a", 1, US, { outcome: "restated" }), click("b", 3, DE)] },
      ];
      await withClicks(open, commits, async (store) => {
        const told = (since: number) => linesOf(store, { ...whole, since });
        assert.deepEqual(await told(0), [
          "1 a US mobile 3 @3",
          "1 a DE - 1 @1",
          "2 a US mobile 1 @2",
          "3 b DE - 1 @3",
          "1440 b - - 1 @1",
        ]);
        assert.deepEqual(await told(1), [
          "1 a US mobile 3 @3",
          "2 a US mobile 1 @2",
          "3 b DE - 1 @3",
        ]);
        assert.deepEqual(await told(2), ["1 a US mobile 3 @3", "3 b DE - 1 @3"]);
        assert.deepEqual(await told(3), []);
      });
    });

    it("keep to their range of minutes", async () => {
      const clicks = [click("a", 1), click("a", 2), click("a", 3), click("a", 1441)];
      await withClicks(open, [{ clicks }], async (store) => {
        const range = { since: 0, limit: 10, fromMinute: noon + 2, toMinute: noon + 3 };
        assert.deepEqual(await linesOf(store, range), ["2 a - - 1 @1"]);
        assert.deepEqual(await linesOf(store, { ...range, toMinute: noon + 2 }), []);
      });
    });

    it("of a count that has come to nothing are told as 0", async () => {
      await withStore(open, async (store, maker) => {
        const gone = click("a", 1, US);
        await store.commit(maker.next({ clicks: [gone, click("a", 2, US)] }));
        await store.commit(maker.next({ minutes: taken(maker, gone) }));
        for (let round = 0; round < 2; round++) {
          assert.deepEqual(await linesOf(store, { ...whole, since: 1 }), ["1 a US mobile 0 @2"]);
          await store.compact(noon + 10);
        }
      });
    });

    it("of minute dimensions are filtered, with missing values", async () => {
      const clicks = [click("a", 1, US), click("b", 1, DE), click("c", 1)];
      await withClicks(open, [{ clicks }], async (store) => {
        const ads = async (filter: NonNullable<ChangesQuery["filter"]>) =>
          (await store.changes({ ...whole, since: 0, filter })).map(({ adId }) => adId);
        assert.deepEqual(await ads(is("country", "US")), ["a"]);
        assert.deepEqual(await ads(isNot("country", "US")), ["b", "c"]);
        assert.deepEqual(await ads(isNull("device", true)), ["b", "c"]);
        assert.deepEqual(await ads(is("ad_id", "b", "c", "nobody")), ["b", "c"]);
        assert.deepEqual(await ads(is("device", "nothing")), []);
        const operands = [is("ad_id", "a"), isNull("country", true)];
        assert.deepEqual(await ads({ kind: "or", operands }), ["a", "c"]);
      });
    });

    for (const limit of pageSizes) {
      it(`come in pages of ${limit} without a gap, also where compactions and commits come between`, async () => {
        await withStore(open, async (store, maker) => {
          for (let commit = 0; commit < 4; commit++)
            await store.commit(maker.next(manyClicks(commit)));
          const told = new Map<string, ChangedCount>();
          let after: ChangePlace | undefined;
          for (let pages = 0; ; pages++) {
            const page = await store.changes({
              ...whole,
              since: 1,
              limit,
              ...(after && { after }),
            });
            for (const change of page) told.set(lineOf(change).replace(/ \d+ @\d+$/, ""), change);
            if (page.length < limit) break;
            after = page.at(-1)!.place;
            if (pages === 1) await store.compact(noon + 3);
            if (pages === 3) await store.commit(maker.next(manyClicks(4)));
          }
          // What a commit in between changed may be told or not; what those before did must be.
          const changedBy4 = await store.changes({ ...whole, since: 1 });
          const places = changedBy4.filter(({ asOf }) => asOf <= 4).map(lineOf);
          const lines = new Set([...told.values()].map(lineOf));
          assert.deepEqual(
            places.filter((line) => !lines.has(line)),
            [],
          );
          assert.ok(places.length > 20);
        });
      });
    }

    it("stay told through compactions, in their order, and through a new opening", async () => {
      await withStore(open, async (store, maker, directory) => {
        const sums = new Map<string, number>();
        for (let commit = 0; commit < 6; commit++) {
          const parts = manyClicks(commit);
          await store.commit(maker.next(parts));
          for (const row of parts.clicks) sums.set(keyOf(row), (sums.get(keyOf(row)) ?? 0) + 1);
          if (commit === 3) await store.compact(noon + 2);
        }
        await store.compact(noon + 4);
        const all = await store.changes({ ...whole, since: 0 });
        assert.deepEqual(
          all.map((change) => `${keyOfChange(change)} ${change.count}`).toSorted(),
          [...sums].map(([key, count]) => `${key} ${count}`).toSorted(),
        );
        const minutes = all.map(({ place }) => place.minute);
        assert.deepEqual(
          minutes,
          minutes.toSorted((a, b) => a - b),
        );
        await store.checkpoint();
        await store[Symbol.asyncDispose]();
        await using again = await open(directory);
        assert.deepEqual(await again.changes({ ...whole, since: 0 }), all);
        const last = await linesOf(again, { ...whole, since: 5 });
        assert.deepEqual(last, all.filter(({ asOf }) => asOf === 6).map(lineOf));
      });
    });
  });

  describe(`${title}: histories`, () => {
    it("begin with the first commit after each opening, under ids of their own", async () => {
      await withStore(open, async (store, maker, directory) => {
        assert.deepEqual(await store.histories(), []);
        await store.commit(maker.next({ clicks: [click("a", 1)] }));
        await store.commit(maker.next({ clicks: [click("a", 2)] }));
        const [first, ...others] = await store.histories();
        assert.deepEqual([first!.firstSequence, others], [1, []]);
        assert.match(first!.id, /^[0-9a-f]{1,32}$/);
        await store[Symbol.asyncDispose]();
        await using again = await open(directory);
        assert.deepEqual(await again.histories(), [first]);
        const third = maker.next({ clicks: [click("a", 3)] });
        await again.commit(third);
        await again.commit(third);
        await again.commit(maker.next({ clicks: [click("a", 4)] }));
        const both = await again.histories();
        assert.deepEqual(
          both.map(({ firstSequence }) => firstSequence),
          [1, 3],
        );
        assert.notEqual(both[1]!.id, first!.id);
      });
    });
  });
}

function manyClicks(commit: number): { readonly clicks: DecidedClick[] } {
  const clicks = Array.from({ length: 24 }, (_, i) =>
    click(
      `ad-${i % 3}`,
      (i * 7 + commit) % 5,
      {
        ...(i % 2 === 0 && { country: i % 4 === 0 ? "US" : "DE" }),
        ...(i % 5 < 2 && { device: "tv" }),
      },
      i % 6 === 0 && commit > 3 ? { outcome: "restated" } : {},
    ),
  );
  return { clicks };
}

/** The minute row of a click, taken away again. */
function taken(maker: CommitMaker, row: DecidedClick) {
  return {
    rowCount: 1,
    minutes: Int32Array.of(minuteOf(row.click_timestamp)),
    adKeys: Int32Array.of(maker.keyOf("ad_id", row.ad_id)),
    dimensionKeys: new Map(
      Object.entries(row.dimensions!).map(([name, value]) => [
        name,
        Int32Array.of(maker.keyOf(name, value)),
      ]),
    ),
    counts: Int32Array.of(-1),
    restated: Uint8Array.of(0),
  };
}

function keyOf({ click_timestamp, ad_id, dimensions = {} }: DecidedClick): string {
  const minute = minuteOf(click_timestamp - noonMs);
  return `${minute} ${ad_id} ${dimensions["country"] ?? "-"} ${dimensions["device"] ?? "-"}`;
}

function keyOfChange({ place, adId, dimensions }: ChangedCount): string {
  const values = [dimensions["country"] ?? "-", dimensions["device"] ?? "-"];
  return [place.minute - noon, adId, ...values].join(" ");
}

function lineOf(change: ChangedCount): string {
  return `${keyOfChange(change)} ${change.count} @${change.asOf}`;
}

async function linesOf(store: ClickStore, query: ChangesQuery): Promise<string[]> {
  return (await store.changes(query)).map(lineOf);
}
