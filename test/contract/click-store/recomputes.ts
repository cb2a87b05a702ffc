import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MinuteChanges, Operation, OutcomeChange } from "../../../src/model/commit.ts";
import type { OutcomeName } from "../../../src/model/outcome.ts";
import type { RecordedClick } from "../../../src/model/recorded-click.ts";
import type { RecomputationQuery } from "../../../src/store/recomputation.ts";
import type { OpenStore } from "./harness.ts";
import { click, noon, noonMs, withStore } from "./harness.ts";

const range = { fromMinute: noon, toMinute: noon + 60 };
const kept = ["country", "device"];

const query = (parts: Partial<RecomputationQuery> = {}): RecomputationQuery => ({
  ...range,
  layout: [{ ...range, dimensions: kept }],
  ads: () => true,
  rowsMax: 100,
  ...parts,
});

/** A row a line: minutes after noon, ad, keys or texts by dimension, change. */
function shown(changes: MinuteChanges | undefined, names: readonly string[] = kept): string[] {
  if (!changes) return ["too many"];
  const { rowCount, minutes, adKeys, dimensionKeys, dimensionTexts } = changes;
  return Array.from({ length: rowCount }, (_, row) => {
    const values = names.map(
      (name) => dimensionTexts.get(name)?.[row] ?? dimensionKeys.get(name)?.[row] ?? 0,
    );
    return [minutes[row]! - noon, adKeys[row], ...values, changes.changes[row]].join(" ");
  }).toSorted();
}

const operation = (id: string, parts: Partial<Operation> = {}): Operation => ({
  id,
  type: "recompute",
  reason: "",
  partition: 0,
  offset: 7,
  receivedAtMs: noonMs,
  result: { applied: 1 },
  ...parts,
});

const changed = (found: RecordedClick, after: OutcomeName): OutcomeChange => ({
  ...found,
  before: found.outcome,
  after,
});

/** Minute rows as a commit brings them, with country keys. */
const rowsOf = (...rows: [minute: number, ad: number, country: number, n: number][]) => ({
  rowCount: rows.length,
  minutes: Int32Array.from(rows, ([minute]) => noon + minute),
  adKeys: Int32Array.from(rows, ([, ad]) => ad),
  dimensionKeys: new Map([["country", Int32Array.from(rows, ([, , country]) => country)]]),
  counts: Int32Array.from(rows, ([, , , n]) => n),
  restated: Uint8Array.from(rows, () => 1),
});

export function describeRecomputes(title: string, open: OpenStore): void {
  describe(`${title}: a recomputation`, () => {
    const clicks = [
      click("a", 1, { country: "US" }),
      click("a", 1, { country: "US" }),
      click("a", 2, { country: "DE" }),
      click("b", 1, { country: "US", device: "mobile" }),
      click("b", 1, { country: "US" }, { outcome: "quarantined" }),
    ];

    it("is what minute rows lack of raw, row by row, of the ads asked for", async () => {
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ clicks }));
        assert.deepEqual(shown(await store.recomputation(query())), []);
        // Too few of the one, too many of another, and an ad's minute that no click is behind.
        const damage = rowsOf([1, 1, 1, -1], [2, 1, 2, 3], [5, 2, 1, 4]);
        await store.commit(maker.next({ minutes: damage }));
        for (let round = 0; round < 2; round++) {
          const all = await store.recomputation(query());
          assert.deepEqual(shown(all), ["1 1 1 0 1", "2 1 2 0 -3", "5 2 1 0 -4"]);
          const own = await store.recomputation(query({ ads: (key) => key === 2 }));
          assert.deepEqual(shown(own), ["5 2 1 0 -4"]);
          const part = { fromMinute: noon + 2, toMinute: noon + 5 };
          const layout = [{ ...part, dimensions: kept }];
          const some = await store.recomputation(query({ ...part, layout }));
          assert.deepEqual(shown(some), ["2 1 2 0 -3"]);
          await store.compact(noon + 60);
        }
        assert.deepEqual(shown(await store.recomputation(query({ rowsMax: 2 }))), ["too many"]);
        assert.equal((await store.recomputation(query({ rowsMax: 3 })))?.rowCount, 3);
      });
    });

    it("is under the layout asked for, with texts for values that have no key", async () => {
      const withUser = click("c", 3, { country: "US", user_id: "u1" });
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ clicks: [...clicks, withUser] }));
        const dimensions = ["device", "user_id"];
        const layout = [
          { fromMinute: noon, toMinute: noon + 2, dimensions: kept },
          { fromMinute: noon + 2, toMinute: noon + 60, dimensions },
        ];
        const found = await store.recomputation(query({ layout }));
        assert.deepEqual(shown(found, ["country", "user_id"]), [
          "2 1 0 0 1",
          "2 1 2 0 -1",
          "3 3 0 u1 1",
          "3 3 1 0 -1",
        ]);
        assert.equal(found?.dimensionTexts.has("country"), false);
      });
    });

    it("finds nothing once it is applied, through compactions and a restart", async () => {
      const rawOs = [
        { name: "country", in: "minute", type: "country" },
        { name: "os", in: "raw", type: "string" },
      ] as const;
      const withOs = Array.from({ length: 40 }, (_, i) =>
        click(i % 2 ? "a" : "b", i % 7, { country: "US", ...(i % 3 > 0 && { os: `os${i % 3}` }) }),
      );
      const layout = [{ ...range, dimensions: ["country", "os"] }];
      await withStore(open, async (store, maker, directory) => {
        await store.commit(maker.next({ clicks: withOs, layout: rawOs }));
        await store.compact(noon + 60);
        const found = (await store.recomputation(query({ layout })))!;
        for (const value of ["os1", "os2"]) maker.keyOf("os", value);
        const os = Int32Array.from(found.dimensionTexts.get("os")!, (text) =>
          text === null ? 0 : maker.keyOf("os", text),
        );
        const minutes = {
          rowCount: found.rowCount,
          minutes: found.minutes,
          adKeys: found.adKeys,
          dimensionKeys: new Map([...found.dimensionKeys, ["os", os]]),
          counts: found.changes,
          restated: new Uint8Array(found.rowCount).fill(1),
        };
        const commit = maker.next({ minutes });
        const dictionaries = [{ dictionary: "os", firstKey: 1, values: ["os1", "os2"] }];
        await store.commit({ ...commit, dictionaries });
        const names = ["country", "os"];
        assert.deepEqual(shown(await store.recomputation(query({ layout })), names), []);
        await store.checkpoint();
        assert.deepEqual(shown(await store.recomputation(query({ layout })), names), []);
        await store.compact(noon + 60);
        assert.deepEqual(shown(await store.recomputation(query({ layout })), names), []);
        await store.checkpoint();
        assert.deepEqual(shown(await store.recomputation(query({ layout })), names), []);
        await store[Symbol.asyncDispose]();
        await using reopened = await open(directory);
        assert.deepEqual(shown(await reopened.recomputation(query({ layout })), names), []);
        await reopened.compact(noon + 60);
        assert.deepEqual(shown(await reopened.recomputation(query({ layout })), names), []);
      });
    });

    it("is told of a commit alone, after a compaction too", async () => {
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ clicks }));
        await store.commit(maker.next({ minutes: rowsOf([1, 1, 1, 5], [2, 1, 2, -1]) }));
        await store.commit(maker.next({ minutes: rowsOf([1, 1, 1, 7]) }));
        for (let round = 0; round < 2; round++) {
          const rows = await store.restatedRows({ ...range, commitSequence: 2 });
          assert.deepEqual(shown(rows), ["1 1 1 0 5", "2 1 2 0 -1"]);
          assert.deepEqual(shown(await store.restatedRows({ ...range, commitSequence: 1 })), []);
          await store.compact(noon + 60);
        }
      });
    });
  });

  describe(`${title}: the last recompute`, () => {
    it("is the last that was applied, or its rollback, of a partition or of all", async () => {
      await withStore(open, async (store, maker) => {
        const last = async (partition?: number) => (await store.lastRecompute(partition))?.id;
        assert.equal(await last(), undefined);
        const refused = { result: { applied: 0, not_final: 1 } };
        for (const [id, parts] of [
          ["one", {}],
          ["two", refused],
          ["void", { type: "void" }],
          ["three", { partition: 1 }],
        ] as const)
          await store.commit(maker.next({ operations: [operation(id, parts)] }));
        assert.deepEqual([await last(0), await last(1), await last()], ["one", "three", "three"]);
        await store.commit(maker.next({ operations: [operation("four", { type: "rollback" })] }));
        assert.equal((await store.lastRecompute(0))?.type, "rollback");
      });
    });

    it("has its clicks told of with what they were before it, when they came, and since", async () => {
      const late = click("a", 1, {}, { outcome: "quarantined" });
      await withStore(open, async (store, maker) => {
        await store.commit(maker.next({ clicks: [late, click("b", 2)] }));
        const all = {
          partition: 0,
          outcomes: ["counted", "restated", "quarantined", "voided"],
        } as const;
        for (const [after, type] of [
          ["restated", "recompute"],
          ["voided", "void"],
          ["quarantined", "void"],
          ["restated", "release"],
        ] as const) {
          const [first] = await store.recordedClicks(all);
          assert.equal(first!.isReleased, false);
          const outcomeChanges = [changed(first!, after)];
          const operations = [operation(type, { type })];
          await store.commit(maker.next({ outcomeChanges, operations }));
        }
        const found = await store.recordedClicks(all);
        assert.deepEqual(
          found.map((c) => [c.outcome, c.outcomeBefore, c.outcomeDecided, c.isReleased]),
          [
            ["restated", "quarantined", "quarantined", true],
            ["counted", null, "counted", false],
          ],
        );
        const [byFirst, ...others] = await store.recordedClicks({ ...all, changedBy: 2 });
        assert.deepEqual([byFirst!.outcome, byFirst!.outcomeBefore], ["restated", "quarantined"]);
        const [bySecond] = await store.recordedClicks({ ...all, changedBy: 3 });
        assert.equal(bySecond!.outcomeBefore, "restated");
        assert.equal(others.length, 0);
      });
    });
  });
}
