import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hourMs, minuteMs, minutesADay } from "../../../src/model/time.ts";
import type {
  ClickPlace,
  ClicksQuery,
  ClickStore,
  ListedClick,
} from "../../../src/store/click-store.ts";
import type { DecidedClick } from "../../support/store-clicks.ts";
import { outcomeCounts } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, is, isNot, isNull, noon, noonMs, withClicks, withStore } from "./harness.ts";

const names = ["country", "device", "user_id", "ip"];

const ofHour: ClicksQuery = {
  adId: "a",
  fromMinute: noon,
  toMinute: noon + 60,
  dimensions: names,
  limit: 1000,
};

const ids = (clicks: readonly ListedClick[]): string[] => clicks.map(({ eventId }) => eventId);

/** All pages, put together. */
async function pages(store: ClickStore, query: ClicksQuery): Promise<ListedClick[]> {
  const all: ListedClick[] = [];
  for (let after: ClickPlace | undefined; ;) {
    const { clicks } = await store.clicks({ ...query, ...(after && { after }) });
    assert.ok(clicks.length <= query.limit);
    all.push(...clicks);
    if (clicks.length < query.limit) return all;
    after = clicks.at(-1)!;
  }
}

export function describeClicks(title: string, open: OpenStore): void {
  describe(`${title}: clicks`, () => {
    it("are told with everything that is known of them", async () => {
      const dimensions = { country: "US", user_id: "u1", ip: "::ffff:10.0.0.1" };
      const event_id = "0123abcd-0000-4000-8000-00000000ffff";
      const clicks = [click("b", 1), click("a", 1, dimensions, { event_id, outcome: "restated" })];
      const before = { receivedAtMs: noonMs, source: "http", clicks: [click("a", 9)] };
      const commit = { receivedAtMs: noonMs + 5, source: "import:x", partition: 1, clicks };
      await withClicks(open, [before, commit], async (store) => {
        const page = await store.clicks({ ...ofHour, limit: 1 });
        assert.deepEqual(page, {
          asOf: 2,
          closes: [],
          progress: [
            { partition: 0, nextOffset: 1, watermarkMs: -Infinity },
            { partition: 1, nextOffset: 1, watermarkMs: -Infinity },
          ],
          outcomes: outcomeCounts({ counted: 1, restated: 1 }),
          clicks: [
            {
              clickTimestampMs: noonMs + minuteMs + 1,
              partition: 1,
              offset: 0,
              row: 1,
              receivedAtMs: noonMs + 5,
              source: "import:x",
              outcome: "restated",
              eventId: event_id,
              dimensions: { country: "US", device: null, user_id: "u1", ip: "10.0.0.1" },
              original: null,
            },
          ],
        });
      });
    });

    it("are of every outcome, by event time, partition, offset and row, in pages that join up", async () => {
      const at = (minute: number, outcome: NonNullable<DecidedClick["outcome"]>) =>
        click("a", minute, {}, { outcome, event_id: `${minute} ${outcome}` });
      const record = [at(5, "counted"), at(3, "duplicate"), at(5, "voided"), click("b", 5)];
      const commits = [
        { partition: 1, records: [record, [], [at(5, "quarantined"), at(59, "restated")]] },
        { partition: 0, clicks: [at(5, "duplicate"), at(4, "expired"), at(5, "restated")] },
        { clicks: [at(60, "counted"), at(-1, "counted"), at(-1, "expired"), at(60, "expired")] },
      ];
      const expected = [
        "3 duplicate",
        "4 expired",
        "5 duplicate",
        "5 restated",
        "5 counted",
        "5 voided",
        "5 quarantined",
        "59 restated",
      ];
      await withClicks(open, commits, async (store) => {
        for (let round = 0; round < 2; round++) {
          for (const limit of [1, 2, 3, 4, 8, 9]) {
            const clicks = await pages(store, { ...ofHour, limit });
            assert.deepEqual(ids(clicks), expected, `limit ${limit}`);
            for (const { eventId, outcome } of clicks) assert.ok(eventId.endsWith(` ${outcome}`));
          }
          const after = (await store.clicks(ofHour)).clicks[4]!;
          const rest = await store.clicks({ ...ofHour, after, limit: 2 });
          assert.deepEqual(ids(rest.clicks), expected.slice(5, 7));
          const counts = { counted: 1, restated: 2, duplicate: 2, quarantined: 1, voided: 1 };
          assert.deepEqual(rest.outcomes, outcomeCounts({ ...counts, expired: 1 }));
          await store.compact(noon + 60);
          await store.checkpoint();
        }
      });
    });

    it("are found in commits that span many days", async () => {
      const clicks = Array.from({ length: 12 }, (_, day) => click("a", day * minutesADay));
      const rest = [click("a", 1), click("a", 3 * minutesADay)];
      await withClicks(open, [{ clicks }, { clicks: rest }], async (store, maker) => {
        const whole = { ...ofHour, toMinute: noon + 11 * minutesADay, limit: 5 };
        const sorted = maker.clicks
          .filter((row) => row.click_timestamp < whole.toMinute * minuteMs)
          .toSorted((a, b) => a.click_timestamp - b.click_timestamp);
        for (let round = 0; round < 2; round++) {
          assert.deepEqual(
            ids(await pages(store, whole)),
            sorted.map((row) => row.event_id),
          );
          const { clicks: found } = await store.clicks({
            ...whole,
            fromMinute: noon + 3 * minutesADay,
            toMinute: noon + 4 * minutesADay,
          });
          assert.deepEqual(ids(found), [clicks[3]!.event_id, rest[1]!.event_id]);
          await store.checkpoint();
        }
      });
    });

    it("match the filter as counts do, on every kind of field", async () => {
      const clicks = [
        click("a", 0, { country: "US", device: "tv" }),
        click("a", 1, { country: "US", user_id: "u1" }, { outcome: "restated" }),
        click("a", 2, { country: "DE", ip: "10.0.0.1" }),
        click("a", 3, { user_id: "u2" }, { outcome: "duplicate" }),
        click("a", 4, { country: "US", user_id: "u1" }, { outcome: "expired" }),
      ];
      const owner = (name: string, valid_from_minute: number) => ({
        ad_id: "a",
        attributes: { owner: name },
        valid_from_minute,
      });
      const adAttributes = [owner("x", noon), owner("y", noon + 2)];
      const filters = [
        [is("country", "US"), [0, 1, 4]],
        [isNot("country", "US"), [2, 3]],
        [isNull("country", true), [3]],
        [is("country", "nowhere"), []],
        [is("user_id", "u1", "u2"), [1, 3, 4]],
        [is("ip", "::ffff:10.0.0.1"), [2]],
        [is("ad.owner", "x"), [0, 1]],
        [is("ad_id", "a"), [0, 1, 2, 3, 4]],
        [is("ad_id", "b"), []],
        [is("never_declared", "x"), []],
      ] as const;
      await withClicks(open, [{ clicks, adAttributes }], async (store) => {
        for (const [filter, expected] of filters) {
          const query = { ...ofHour, filter };
          const { outcomes, ...page } = await store.clicks({ ...query, limit: 10 });
          assert.deepEqual(
            ids(page.clicks),
            expected.map((i) => clicks[i]!.event_id),
            JSON.stringify(filter),
          );
          const sum = Object.values(outcomes).reduce((total, count) => total + count, 0);
          assert.equal(sum, expected.length);
          const { fromMinute, toMinute, adId } = ofHour;
          const counted = await store.aggregate({
            source: "raw",
            fromMinute,
            toMinute,
            adId,
            filter,
            groupBy: [],
            order: "key",
            limit: 1,
          });
          assert.equal(outcomes.counted + outcomes.restated, counted.rows[0]?.count ?? 0);
        }
      });
    });

    it("of an ad or a range that has none are an empty list", async () => {
      await withStore(open, async (store, maker) => {
        const empty = { clicks: [], outcomes: outcomeCounts({}) };
        assert.deepEqual(await store.clicks(ofHour), {
          ...empty,
          asOf: 0,
          progress: [],
          closes: [],
        });
        await store.commit(maker.next({ clicks: [click("a", 0)] }));
        for (const query of [
          { ...ofHour, adId: "unheard of" },
          { ...ofHour, fromMinute: noon + 1 },
        ]) {
          const { asOf, clicks, outcomes } = await store.clicks(query);
          assert.deepEqual({ asOf, clicks, outcomes }, { ...empty, asOf: 1 });
        }
      });
    });
  });

  describe(`${title}: originals`, () => {
    const again = { outcome: "duplicate" } as const;

    /** The duplicates of ad a with the offset of their original, in a store of one partition. */
    async function originals(
      store: ClickStore,
      fromMinute = noon,
      toMinute = noon + 60,
    ): Promise<string[]> {
      const clicks = await pages(store, { ...ofHour, fromMinute, toMinute, limit: 2 });
      return clicks
        .filter(({ outcome }) => outcome === "duplicate")
        .map(({ eventId, offset, original }) => {
          const where = original ? `${original.offset}/${original.row}` : "-";
          return `${offset} ${eventId} of ${where}`;
        });
    }

    it("are the click with the same ad and event id, of every form", async () => {
      const long = "a text id that is longer than what fits in place";
      const uuid = "0123abcd-0000-4000-8000-00000000ffff";
      const first = ["short", long, uuid].map((event_id) => click("a", 59, {}, { event_id }));
      const repeated = first.map((row, i) => ({ ...row, ...again, click_timestamp: noonMs + i }));
      const commits = [
        { clicks: [click("b", 0, {}, { event_id: uuid }), ...first, click("a", 59)] },
        { clicks: repeated },
        { clicks: [{ ...first[2]!, ...again }] },
      ];
      await withClicks(open, commits, async (store) => {
        for (let round = 0; round < 2; round++) {
          assert.deepEqual(await originals(store), [
            "1 short of 0/1",
            `1 ${long} of 0/2`,
            `1 ${uuid} of 0/3`,
            `2 ${uuid} of 0/3`,
          ]);
          // Also where the original lies beyond the range.
          assert.deepEqual(await originals(store, noon, noon + 1), [
            "1 short of 0/1",
            `1 ${long} of 0/2`,
            `1 ${uuid} of 0/3`,
          ]);
          const { clicks } = await store.clicks({ ...ofHour, limit: 1 });
          assert.deepEqual(clicks[0]!.original, {
            clickTimestampMs: first[0]!.click_timestamp,
            partition: 0,
            offset: 0,
            row: 1,
            receivedAtMs: 1_000_000,
            source: "test",
            outcome: "counted",
          });
          await store.checkpoint();
        }
      });
    });

    it("are clicks that count for dedup, were recorded before, and of those the nearest", async () => {
      const e = (minute: number, outcome: NonNullable<DecidedClick["outcome"]>) =>
        click("a", minute, {}, { outcome, event_id: "e" });
      const at = (minute: number, outcome: NonNullable<DecidedClick["outcome"]>) => ({
        clicks: [e(minute, outcome)],
      });
      const commits = [
        at(0, "expired"),
        at(1, "duplicate"),
        at(-70, "quarantined"),
        at(2, "duplicate"),
        at(-150, "restated"),
        at(3, "duplicate"),
        at(70, "voided"),
        at(4, "duplicate"),
        at(7, "counted"),
        { records: [[e(5, "duplicate"), e(6, "duplicate")]] },
        at(-130, "counted"),
        at(7, "duplicate"),
      ];
      await withClicks(open, commits, async (store) => {
        const expected = [
          "1 e of -",
          "3 e of 2/0",
          "5 e of 4/0",
          "7 e of 6/0",
          "9 e of 8/0",
          "9 e of 8/0",
          "11 e of 8/0",
        ];
        assert.deepEqual(await originals(store), expected);
        assert.deepEqual(await originals(store, noon - 180, noon + 180), expected);
      });
    });

    it("are found on any day, however far from the duplicate's and from its receipt", async () => {
      const at = (minute: number, event_id: string, receivedAtMs: number, more = {}) => ({
        receivedAtMs,
        clicks: [click("a", minute, {}, { event_id, ...more })],
      });
      const yearMinutes = 365 * minutesADay;
      const commits = [
        at(-yearMinutes, "old", noonMs),
        at(yearMinutes, "new", noonMs),
        at(-minutesADay, "near", noonMs),
        at(0, "old", noonMs + hourMs, again),
        at(0, "new", noonMs + hourMs, again),
        at(0, "near", noonMs + hourMs, again),
        at(0, "gone", noonMs + hourMs, again),
      ];
      await withClicks(open, commits, async (store) => {
        for (let round = 0; round < 2; round++) {
          assert.deepEqual(await originals(store), [
            "3 old of 0/0",
            "4 new of 1/0",
            "5 near of 2/0",
            "6 gone of -",
          ]);
          await store.checkpoint();
        }
      });
    });
  });
}
