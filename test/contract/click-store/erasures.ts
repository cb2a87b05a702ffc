import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Erasure } from "../../../src/model/commit.ts";
import { dayOfMinute, minutesADay } from "../../../src/model/time.ts";
import type { ClickStore } from "../../../src/store/click-store.ts";
import type { DecidedClick } from "../../support/store-clicks.ts";
import type { CommitMaker } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, hour, is, isNull, noon, shown, withStore } from "./harness.ts";

const u1 = { country: "US", user_id: "u1", ip: "2001:db8::1" };
const u2 = { country: "DE", user_id: "u2", ip: "10.0.0.2" };

async function holders(store: ClickStore, field: string, ...values: string[]): Promise<string[]> {
  const found = await store.holders({ partition: 0, isPart: false, field, values });
  const inOrder = found.toSorted((a, b) => a.adKey - b.adKey);
  return inOrder.map(
    (held) => `${held.adKey} ${held.clicks}${held.hasMinuteRows ? " minutes" : ""}`,
  );
}

async function by(store: ClickStore, field: string, source: "raw" | "minute"): Promise<string[]> {
  const { rows } = await store.aggregate({ ...hour, source, groupBy: ["ad_id", field] });
  return shown(rows).toSorted();
}

const erasing = (
  maker: CommitMaker,
  field: string,
  value: string,
  ads: readonly string[],
  inMinutes = false,
): Erasure => ({
  field,
  values: [value],
  adKeys: ads.map((ad) => maker.keyOf("ad_id", ad)),
  inMinutes,
});

export function describeErasures(title: string, open: OpenStore): void {
  describe(`${title}: erasures`, () => {
    it("are about clicks of every outcome and day, and about minute rows", async () => {
      await withStore(open, async (store, maker) => {
        const expired = { outcome: "expired" } as const;
        await store.commit(
          maker.next({
            clicks: [
              click("a", 1, u1),
              click("a", 2, u1, { outcome: "duplicate" }),
              click("a", -2 * minutesADay, u1, expired),
              click("a", 1, u2),
              click("b", 1, u1),
              click("c", 1, {}),
            ],
          }),
        );
        assert.deepEqual(await holders(store, "user_id", "u1"), ["1 3", "2 1"]);
        assert.deepEqual(await holders(store, "user_id", "u2", "u1"), ["1 4", "2 1"]);
        assert.deepEqual(await holders(store, "ip", "2001:db8::1"), ["1 3", "2 1"]);
        assert.deepEqual(await holders(store, "country", "DE"), ["1 1 minutes"]);
        assert.deepEqual(await holders(store, "user_id", "nobody"), []);
        assert.deepEqual(await holders(store, "never_sent", "u1"), []);
        const day = dayOfMinute(noon - 2 * minutesADay);
        const dropped = (partition: number) =>
          ({ partition, day, what: "raw", receivedDay: day }) as const;
        await store.commit(maker.next({ droppedDays: [dropped(1)], partition: 1 }));
        assert.deepEqual(await holders(store, "user_id", "u1"), ["1 3", "2 1"], "another's days");
        await store.commit(maker.next({ droppedDays: [dropped(0)] }));
        assert.deepEqual(await holders(store, "user_id", "u1"), ["1 2", "2 1"], "kept ones alone");
      });
    });

    it("may name a thousand values of every kind, over many days", async () => {
      await withStore(open, async (store, maker) => {
        const named = Array.from({ length: 1_000 }, (_, i) => `v${i}`);
        const clicks = Array.from({ length: 20 }, (_, day) =>
          click(`ad-${day}`, -day * minutesADay, {
            country: `v${day}`,
            user_id: `v${990 + day}`,
            ip: `10.0.0.${day}`,
          }),
        );
        await store.commit(maker.next({ clicks }));
        const ads = async (field: string, values: readonly string[]): Promise<number> =>
          (await store.holders({ partition: 0, isPart: false, field, values })).length;
        const addresses = Array.from({ length: 1_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
        const fields = { country: named, user_id: named, ip: addresses };
        for (const [field, values] of Object.entries(fields)) {
          const expected = field === "user_id" ? 10 : 20;
          assert.equal(await ads(field, values), expected);
          const adKeys = clicks.map(({ ad_id }) => maker.keyOf("ad_id", ad_id));
          const erasures = [{ field, values, adKeys, inMinutes: field === "country" }];
          await store.commit(maker.next({ erasures }));
          assert.equal(await ads(field, values), 0);
        }
        const { rows } = await store.aggregate({
          ...hour,
          fromMinute: noon - 30 * minutesADay,
          source: "raw",
          groupBy: ["user_id"],
        });
        assert.equal(rows.length, 11, "and the others are as they were");
        assert.equal(
          (await store.recount(noon - 30 * minutesADay, noon + 60, 10)).differingRows,
          0,
        );
      });
    });

    it("empty a field of the clicks of their ads alone, through compactions and a restart", async () => {
      await withStore(open, async (store, maker, directory) => {
        const clicks: DecidedClick[] = [click("a", 1, u1), click("b", 1, u1), click("a", 2, u2)];
        await store.commit(maker.next({ clicks }));
        const erasures = [
          erasing(maker, "user_id", "u1", ["a"]),
          erasing(maker, "ip", "10.0.0.2", ["a"]),
        ];
        await store.commit(maker.next({ erasures }));
        const look = async (asked: ClickStore): Promise<void> => {
          assert.deepEqual(await by(asked, "user_id", "raw"), ["a - 1", "a u2 1", "b u1 1"]);
          assert.deepEqual(await by(asked, "ip", "raw"), [
            "a - 1",
            "a 2001:db8::1 1",
            "b 2001:db8::1 1",
          ]);
          assert.deepEqual(await holders(asked, "user_id", "u1"), ["2 1"]);
          const { rows } = await asked.aggregate({
            ...hour,
            source: "raw",
            groupBy: ["ad_id"],
            filter: isNull("user_id", true),
          });
          assert.deepEqual(shown(rows), ["a 1"]);
          const listed = await asked.clicks({ ...hour, adId: "a", dimensions: ["user_id", "ip"] });
          assert.deepEqual(
            listed.clicks.map(({ dimensions }) => dimensions),
            [
              { user_id: null, ip: "2001:db8::1" },
              { user_id: "u2", ip: null },
            ],
          );
        };
        await look(store);
        await store.compact(noon + 60);
        await store.checkpoint();
        // What comes later is not touched.
        await store.commit(maker.next({ clicks: [click("c", 1, u1)] }));
        await store[Symbol.asyncDispose]();
        await using reopened = await open(directory);
        assert.deepEqual(await holders(reopened, "user_id", "u1"), ["2 1", "3 1"]);
        await reopened.commit(maker.next({ erasures: [erasing(maker, "user_id", "u1", ["c"])] }));
        const { rows } = await reopened.aggregate({
          ...hour,
          source: "raw",
          groupBy: ["ad_id"],
          filter: is("user_id", "u1"),
        });
        assert.deepEqual(shown(rows), ["b 1"]);
      });
    });

    it("empty it in minute rows too, and in what is told of earlier commits", async () => {
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ clicks: [click("a", 1, u1), click("b", 1, u1)] }));
        await store.compact(noon + 60);
        await store.commit(maker.next({ clicks: [click("a", 2, u1), click("a", 1, u2)] }));
        const erasures = [erasing(maker, "country", "US", ["a"], true)];
        await store.commit(maker.next({ erasures }));
        for (const source of ["minute", "raw"] as const)
          assert.deepEqual(await by(store, "country", source), ["a - 2", "a DE 1", "b US 1"]);
        for (const source of ["minute", "raw"] as const) {
          const visibility = { limits: [], asOf: 1 };
          const query = { ...hour, source, visibility, groupBy: ["ad_id", "country"] };
          assert.deepEqual(shown((await store.aggregate(query)).rows).toSorted(), [
            "a - 1",
            "b US 1",
          ]);
        }
        assert.equal((await store.recount(noon, noon + 60, 10)).differingRows, 0);
        await store.compact(noon + 60);
        assert.deepEqual(await by(store, "country", "minute"), ["a - 2", "a DE 1", "b US 1"]);
        assert.equal((await store.recount(noon, noon + 60, 10)).differingRows, 0);
      });
    });

    it("in minute rows begin a history that nobody goes on into", async () => {
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ clicks: [click("a", 1, u1)] }));
        await store.commit(maker.next({ erasures: [erasing(maker, "user_id", "u1", ["a"])] }));
        assert.deepEqual(
          (await store.histories()).map(({ firstSequence, startsOver }) => [
            firstSequence,
            startsOver,
          ]),
          [[1, false]],
        );
        const erasures = [erasing(maker, "country", "US", ["a"], true)];
        await store.commit(maker.next({ erasures }));
        const [first, second] = await store.histories();
        assert.deepEqual([second!.firstSequence, second!.startsOver], [3, true]);
        assert.notEqual(first!.id, second!.id);
      });
    });
  });
}
