import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutcomeName } from "../../../src/model/outcome.ts";
import { outcomeNames } from "../../../src/model/outcome.ts";
import type { ClickStore } from "../../../src/store/click-store.ts";
import type { Visibility } from "../../../src/store/visibility.ts";
import { testConfig } from "../../support/random-clicks.ts";
import type { CommitParts } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, hour, is, noon, noonMs, shown, withClicks } from "./harness.ts";

const upTo = (asOf: number): Visibility => ({ limits: [], asOf });

/** Minute 0 as of commit 2, minutes 1 and 2 as of commit 4, all later ones as they are. */
const sealed: Visibility = {
  limits: [
    { beforeMinute: noon + 1, asOf: 2, earlier: [] },
    { beforeMinute: noon + 3, asOf: 4, earlier: [] },
  ],
};

const campaign = (ad_id: string, name: string) => ({
  ad_id,
  attributes: { campaign: name },
  valid_from_minute: noon - 60,
});

/** By commit, from 1. */
const commits: readonly CommitParts[] = [
  { adAttributes: [campaign("a", "x")] },
  { clicks: [click("a", 0, { country: "US" }), click("b", 1)] },
  { clicks: [click("a", 0, { country: "DE" }), click("a", 1, {}, { outcome: "duplicate" })] },
  { adAttributes: [campaign("a", "y"), campaign("b", "y")] },
  { clicks: [click("a", 0, {}, { outcome: "restated" }), click("b", 5)] },
  { clicks: [click("a", 1, {}, { outcome: "restated" }), click("a", 5)] },
];

/** What a question says before anything is compacted, and after. */
async function eachWay(
  store: ClickStore,
  check: (source: "minute" | "raw") => Promise<void>,
): Promise<void> {
  for (const source of ["minute", "raw"] as const) await check(source);
  await store.compact(noon + 4);
  for (const source of ["minute", "raw"] as const) await check(source);
}

export function describeVisibility(title: string, open: OpenStore): void {
  describe(`${title}: what a query may see`, () => {
    const query = { ...hour, order: "key", groupBy: ["ad_id"] } as const;

    it("is what the commits up to one have brought", async () => {
      // The first compaction merges commits 2 and 3, of which as_of 2 is not asked after it.
      const expected = new Map([
        [1, []],
        [3, ["a 2", "b 1"]],
        [5, ["a 3", "b 2"]],
        [6, ["a 5", "b 2"]],
      ]);
      await withClicks(open, commits, async (store) => {
        await eachWay(store, async (source) => {
          for (const [asOf, rows] of expected) {
            const found = await store.aggregate({ ...query, source, visibility: upTo(asOf) });
            assert.deepEqual(shown(found.rows), rows, `${source} as of ${asOf}`);
            assert.equal(found.asOf, 6);
          }
        });
      });
    });

    it("may end at another commit for each span of minutes", async () => {
      await withClicks(open, commits, async (store) => {
        const minutes = [0, 1, 2, 3, 4, 5].map((minute) => noon + minute);
        for (const source of ["minute", "raw"] as const) {
          const asked = { ...query, source, visibility: sealed, bucketStarts: minutes };
          const { rows } = await store.aggregate({ ...asked, toMinute: noon + 6 });
          assert.deepEqual(
            rows.map((row) => [row.bucketStart - noon, row.group[0], row.count]),
            [
              [0, "a", 1],
              [1, "b", 1],
              [5, "a", 1],
              [5, "b", 1],
            ],
            source,
          );
        }
      });
    });

    it("has the attributes of ads that were known", async () => {
      await withClicks(open, commits, async (store) => {
        await eachWay(store, async (source) => {
          const asked = { ...query, source, groupBy: ["ad.campaign"] };
          const found = async (visibility: Visibility): Promise<string[]> =>
            shown((await store.aggregate({ ...asked, visibility })).rows);
          assert.deepEqual(await found(upTo(3)), ["- 1", "x 2"]);
          assert.deepEqual(await found(upTo(4)), ["y 3"]);
          const late = { limits: [{ beforeMinute: noon + 1, asOf: 3, earlier: [] }] };
          assert.deepEqual(await found(late), ["x 2", "y 4"]);
          const filter = is("ad.campaign", "x");
          const filtered = { ...query, source, filter, visibility: late };
          assert.deepEqual(shown((await store.aggregate(filtered)).rows), ["a 2"]);
        });
      });
    });

    it("is the same of clicks one by one", async () => {
      await withClicks(open, commits, async (store) => {
        const ask = async (adId: string, visibility: Visibility) => {
          const range = { fromMinute: noon, toMinute: noon + 60 };
          const page = { ...range, adId, visibility, dimensions: ["country"], limit: 10 };
          const { clicks, outcomes } = await store.clicks(page);
          const { counted, restated, duplicate } = outcomes;
          const lines = clicks.map(
            ({ clickTimestampMs, offset }) =>
              `${Math.floor((clickTimestampMs - noonMs) / 60_000)}:${offset}`,
          );
          return [counted, duplicate, restated, ...lines];
        };
        assert.deepEqual(await ask("a", upTo(1)), [0, 0, 0]);
        assert.deepEqual(await ask("a", upTo(2)), [1, 0, 0, "0:0"]);
        assert.deepEqual(await ask("a", upTo(4)), [2, 1, 0, "0:0", "0:1", "1:1"]);
        assert.deepEqual(await ask("a", sealed), [2, 1, 0, "0:0", "1:1", "5:3"]);
        assert.deepEqual(await ask("b", sealed), [2, 0, 0, "1:0", "5:2"]);
      });
    });

    it("is the same of minute rows in chunks", async () => {
      await withClicks(open, commits, async (store, maker) => {
        const sums = async (visibility?: Visibility): Promise<Record<string, number>> => {
          const found: Record<string, number> = {};
          for await (const chunk of store.scanMinutes(noon, noon + 60, visibility)) {
            for (let row = 0; row < chunk.rowCount; row++) {
              const ad = chunk.adKeys[row] === maker.keyOf("ad_id", "a") ? "a" : "b";
              const key = `${chunk.minutes[row]! - noon} ${ad}`;
              found[key] = (found[key] ?? 0) + chunk.counts[row]!;
            }
          }
          return found;
        };
        assert.deepEqual(await sums(sealed), { "0 a": 1, "1 b": 1, "5 a": 1, "5 b": 1 });
        assert.deepEqual(await sums(upTo(5)), { "0 a": 3, "1 b": 1, "5 b": 1 });
        assert.deepEqual(await sums(), { "0 a": 3, "1 a": 1, "1 b": 1, "5 a": 1, "5 b": 1 });
      });
    });

    it("has the outcomes of then, whatever was corrected since", async () => {
      const clicks = [
        click("a", 0, {}, { event_id: "one" }),
        click("a", 0, {}, { event_id: "two" }),
        click("a", 0, {}, { event_id: "old", outcome: "expired" }),
      ];
      await withClicks(open, [{ clicks }], async (store, maker) => {
        const correct = async (eventId: string, after: OutcomeName): Promise<void> => {
          const identities = [{ ad_id: "a", event_id: eventId }];
          const named = { partition: 0, outcomes: outcomeNames, identities };
          const [found] = await store.recordedClicks(named);
          const change = { ...found!, before: found!.outcome, after };
          await store.commit(maker.next({ outcomeChanges: [change] }));
        };
        await correct("one", "voided");
        await correct("old", "restated");
        await correct("one", "counted");
        const told = async (visibility: Visibility): Promise<unknown[]> => {
          const range = { fromMinute: noon, toMinute: noon + 1 };
          const asked = { ...query, ...range, source: "raw", visibility } as const;
          const { rows } = await store.aggregate(asked);
          const page = { ...range, adId: "a", visibility, dimensions: [], limit: 9 };
          const listed = await store.clicks(page);
          return [...shown(rows), ...listed.clicks.map(({ outcome }) => outcome)];
        };
        assert.deepEqual(await told(upTo(1)), ["a 2", "counted", "counted", "expired"]);
        assert.deepEqual(await told(upTo(2)), ["a 1", "voided", "counted", "expired"]);
        assert.deepEqual(await told(upTo(3)), ["a 2", "voided", "counted", "restated"]);
        assert.deepEqual(await told(upTo(4)), ["a 3", "counted", "counted", "restated"]);
        const inPart = { limits: [{ beforeMinute: noon + 1, asOf: 2, earlier: [] }] };
        assert.deepEqual(await told(inPart), ["a 1", "voided", "counted", "expired"]);
      });
    });

    it("is dated by the progress and the configurations as of each commit", async () => {
      const config = (generation: number) => ({ ...testConfig, generation });
      const dated: CommitParts[] = [
        { configs: [config(1)], watermarkMs: 100 },
        { partition: 1, watermarkMs: 50 },
        { clicks: [click("a", 0)], watermarkMs: 200 },
        { configs: [config(2)], partition: 1, watermarkMs: 60 },
      ];
      await withClicks(open, dated, async (store) => {
        const at = async (asOf: number) => {
          const found = await store.snapshotAt(asOf);
          return [
            found?.asOf,
            found?.progress.map(({ partition, watermarkMs }) => [partition, watermarkMs]),
            found?.configs.map(({ generation }) => generation),
          ];
        };
        assert.deepEqual(await at(1), [1, [[0, 100]], [1]]);
        assert.deepEqual(await at(2), [
          2,
          [
            [0, 100],
            [1, 50],
          ],
          [1],
        ]);
        assert.deepEqual(await at(3), [
          3,
          [
            [0, 200],
            [1, 50],
          ],
          [1],
        ]);
        assert.deepEqual(await at(4), [
          4,
          [
            [0, 200],
            [1, 60],
          ],
          [1, 2],
        ]);
        assert.equal(await store.snapshotAt(5), undefined);
      });
    });
  });
}
