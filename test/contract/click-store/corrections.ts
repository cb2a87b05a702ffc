import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventIdKind } from "../../../src/model/click-batch.ts";
import type { OutcomeChange } from "../../../src/model/commit.ts";
import type { OutcomeName } from "../../../src/model/outcome.ts";
import type { RecordedClick } from "../../../src/model/recorded-click.ts";
import { minuteMs, minutesADay } from "../../../src/model/time.ts";
import type { ClickStore, RecordedClicksQuery } from "../../../src/store/click-store.ts";
import type { CommitMaker, DecidedClick } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, hour, is, noon, noonMs, shown, withClicks, withStore } from "./harness.ts";

const everyOutcome: readonly OutcomeName[] = ["counted", "restated", "quarantined", "expired"];
const all: RecordedClicksQuery = { partition: 0, outcomes: everyOutcome };

const named = (...ids: [ad: string, event: string][]): RecordedClicksQuery => ({
  ...all,
  identities: ids.map(([ad_id, event_id]) => ({ ad_id, event_id })),
});

const places = (clicks: readonly RecordedClick[]): string[] =>
  clicks.map(({ offset, row, outcome }) => `${offset}.${row} ${outcome}`);

/** Gives clicks that the store has another outcome; counts are not the subject. */
async function correct(
  store: ClickStore,
  maker: CommitMaker,
  clicks: readonly RecordedClick[],
  after: OutcomeName,
): Promise<void> {
  const outcomeChanges = clicks.map((found): OutcomeChange => ({
    ...found,
    before: found.outcome,
    after,
  }));
  await store.commit(maker.next({ outcomeChanges }));
}

async function raw(store: ClickStore): Promise<string[]> {
  const { rows } = await store.aggregate({ ...hour, source: "raw", groupBy: ["ad_id"] });
  return shown(rows);
}

export function describeCorrections(title: string, open: OpenStore): void {
  describe(`${title}: recorded clicks`, () => {
    const uuid = "0123abcd-0000-4000-8000-00000000ffff";
    const lookalike = `derived:${"0123456789abcdef".repeat(2)}`;

    it("are found by their identities, of one partition and of the outcomes asked for", async () => {
      const clicks: DecidedClick[] = [
        click("a", 2, {}, { event_id: uuid }),
        click("a", 1, {}, { event_id: "one" }),
        click("b", 1, {}, { event_id: "one" }),
        click("a", 3, {}, { event_id: lookalike, outcome: "quarantined" }),
        click("a", 3, {}, { event_id: "one", outcome: "duplicate" }),
        click("a", -2 * minutesADay, {}, { event_id: uuid, outcome: "expired" }),
      ];
      await withClicks(
        open,
        [{ clicks }, { clicks: [click("a", 1, {}, { event_id: "one" })], partition: 1 }],
        async (store) => {
          const found = async (query: RecordedClicksQuery) =>
            places(await store.recordedClicks(query));
          assert.deepEqual(await found(named(["a", uuid])), ["0.5 expired", "0.0 counted"]);
          assert.deepEqual(await found(named(["a", "one"])), ["0.1 counted"]);
          assert.deepEqual(await found({ ...named(["a", "one"]), partition: 1 }), ["0.0 counted"]);
          assert.deepEqual(await found(named(["a", lookalike], ["b", "one"])), [
            "0.2 counted",
            "0.3 quarantined",
          ]);
          assert.deepEqual(await found({ ...named(["a", lookalike]), outcomes: ["counted"] }), []);
          assert.deepEqual(await found(named(["c", "one"], ["a", "two"])), []);
        },
      );
    });

    it("are found by their minutes and ad, the earliest first", async () => {
      const clicks = [3, 1, 2, 1].map((minute, i) =>
        click(i === 3 ? "b" : "a", minute, {}, { outcome: "quarantined" }),
      );
      await withClicks(open, [{ clicks }], async (store) => {
        const range = { fromMinute: noon + 1, toMinute: noon + 3 };
        const found = async (query: Partial<RecordedClicksQuery>) =>
          places(await store.recordedClicks({ ...all, range, ...query }));
        assert.deepEqual(await found({}), [
          "0.1 quarantined",
          "0.3 quarantined",
          "0.2 quarantined",
        ]);
        assert.deepEqual(await found({ adId: "a" }), ["0.1 quarantined", "0.2 quarantined"]);
        assert.deepEqual(await found({ limit: 1 }), ["0.1 quarantined"]);
        assert.deepEqual(await found({ outcomes: ["expired"] }), []);
      });
    });

    it("are told with all that changing them takes", async () => {
      const dimensions = { country: "US", user_id: "u1" };
      const one = click("a", 1, dimensions, { event_id: "one" });
      await withClicks(
        open,
        [{ clicks: [one], receivedAtMs: noonMs + 7, source: "http" }],
        async (store) => {
          const [found] = await store.recordedClicks(all);
          const { dimensionKeys, ...rest } = found!;
          assert.deepEqual(rest, {
            partition: 0,
            offset: 0,
            row: 0,
            clickTimestampMs: noonMs + minuteMs + 1,
            receivedAtMs: noonMs + 7,
            source: "http",
            adKey: 1,
            eventIdKind: EventIdKind.text,
            eventIdWords: [0, 0, 0, 0],
            eventIdText: "one",
            outcome: "counted",
            outcomeBefore: null,
            outcomeDecided: "counted",
            isReleased: false,
            dimensionTexts: {},
          });
          assert.deepEqual([dimensionKeys["country"], dimensionKeys["device"] ?? 0], [1, 0]);
        },
      );
    });
  });

  describe(`${title}: corrections`, () => {
    it("change the outcome that every question meets, and keep what it was", async () => {
      const clicks = [
        click("a", 1, { country: "US" }),
        click("a", 1, { country: "DE" }),
        click("b", 1),
      ];
      await withStore(open, async (store, maker, directory) => {
        await store.commit(maker.next({ clicks }));
        const [first] = await store.recordedClicks(all);
        await correct(store, maker, [first!], "voided");
        assert.deepEqual(await raw(store), ["a 1", "b 1"]);
        const listed = await store.clicks({ ...hour, adId: "a", dimensions: [] });
        assert.deepEqual(
          listed.clicks.map(({ outcome }) => outcome),
          ["voided", "counted"],
        );
        assert.deepEqual([listed.outcomes.counted, listed.outcomes.voided], [1, 1]);
        const filtered = { ...hour, adId: "a", dimensions: [], filter: is("country", "US") };
        assert.equal((await store.clicks(filtered)).outcomes.voided, 1);
        assert.equal((await store.outcomesOf(0, 0, 0, 3))?.voided, 1);
        const voided = await store.recordedClicks({ ...all, outcomes: ["voided"] });
        assert.deepEqual(
          voided.map((found) => found.outcomeBefore),
          ["counted"],
        );
        await store.checkpoint();
        await correct(store, maker, voided, "counted");
        assert.deepEqual(await raw(store), ["a 2", "b 1"]);
        await store[Symbol.asyncDispose]();
        await using reopened = await open(directory);
        assert.deepEqual(await raw(reopened), ["a 2", "b 1"]);
      });
    });

    it("let an expired click in among those of its minute", async () => {
      const expired = click("a", 1, { country: "US" }, { event_id: "one", outcome: "expired" });
      await withStore(open, async (store, maker, directory) => {
        await store.commit(maker.next({ clicks: [expired, click("b", 1)] }));
        assert.deepEqual(await raw(store), ["b 1"]);
        const found = await store.recordedClicks(named(["a", "one"]));
        const probes = {
          rowCount: 1,
          adKeys: Int32Array.of(found[0]!.adKey),
          eventIdKinds: Uint8Array.of(EventIdKind.text),
          eventIdWords: new Uint32Array(4),
          eventIdTexts: ["one"],
          clickTimestamps: Float64Array.of(expired.click_timestamp),
        };
        assert.deepEqual([...(await store.findIdentities(probes))], [0]);
        await correct(store, maker, found, "restated");
        assert.deepEqual([...(await store.findIdentities(probes))], [1]);
        for (let round = 0; round < 2; round++) await store.compact(noon + 60);
        assert.deepEqual(await raw(store), ["a 1", "b 1"]);
        const listed = await store.clicks({ ...hour, adId: "a", dimensions: ["country"] });
        assert.deepEqual(
          listed.clicks.map((c) => [c.outcome, c.dimensions["country"]]),
          [["restated", "US"]],
        );
        await store[Symbol.asyncDispose]();
        await using reopened = await open(directory);
        assert.deepEqual(await raw(reopened), ["a 1", "b 1"]);
      });
    });

    it("are told of by the operation that they belong to, and closes at the next start", async () => {
      const operation = {
        id: "x",
        type: "void",
        reason: "a vendor's verdict",
        partition: 0,
        offset: 3,
        receivedAtMs: noonMs,
        result: { changed: 2, not_found: 1 },
      } as const;
      const close = {
        id: "y",
        throughMinute: noon,
        tz: "Europe/Berlin",
        partition: 0,
        receivedAtMs: noonMs,
      };
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ operations: [operation] }));
        await store.commit(maker.next({ closes: [close] }));
        assert.deepEqual(await store.operation("x"), [{ ...operation, asOf: 1 }]);
        assert.deepEqual(await store.operation("y"), []);
        assert.deepEqual((await store.recover()).closes, [{ ...close, asOf: 2 }]);
      });
    });
  });
}
