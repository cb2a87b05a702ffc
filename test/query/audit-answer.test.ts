import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatMinute } from "../../src/model/time.ts";
import { answerAudit } from "../../src/query/audit-answer.ts";
import type { AuditRequest } from "../../src/query/recount.ts";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import { click, noon, withStore } from "../contract/click-store/harness.ts";

const ends = { nowMs: 1_000, finalThroughMinute: undefined };
const open = (directory: string) =>
  openDuckDbStore({ path: `${directory}/store.duckdb`, memoryBytesMax: 256e6, threads: 1 });

describe("an audit by sample", () => {
  it("checks as many minutes as it says, the same ones for the same seed, and finds what is wrong in them", () =>
    withStore(open, async (store, maker) => {
      const clicks = Array.from({ length: 40 }, (_, minute) => click("a", minute));
      await store.commit(maker.next({ clicks }));
      const { minutes } = maker.next({ clicks });
      await store.commit({ ...maker.next({ minutes }), sequence: 2 });
      const audit = (request: AuditRequest) => answerAudit(store, request, ends);
      const first = await audit({ sample: "7", seed: "3" });
      const { checked_minutes, seed, compared_rows, differing_rows, from, to } = first;
      assert.deepEqual([checked_minutes, seed, compared_rows, differing_rows], [7, 3, 7, 7]);
      assert.deepEqual([from, to], [formatMinute(noon), formatMinute(noon + 40)]);
      assert.equal(new Set(first.differences.map(({ minute }) => minute)).size, 7);
      assert.deepEqual(await audit({ sample: "7", seed: "3" }), first);
      const other = await audit({ sample: "7", seed: "4" });
      assert.notDeepEqual(other.differences, first.differences);
      const whole = await audit({});
      assert.deepEqual([whole.checked_minutes, whole.seed], [40, null]);
      const all = await audit({ sample: "10000" });
      assert.deepEqual({ ...all, seed: null }, whole);
      assert.equal(all.seed, 1_000);
      const part = await audit({ sample: "10", from: formatMinute(noon + 38) });
      assert.deepEqual([part.checked_minutes, part.differing_rows], [2, 2]);
    }));

  it("is refused by name where a parameter is wrong, and is empty where nothing is kept", () =>
    withStore(open, async (store) => {
      const wrong: readonly (readonly [AuditRequest, string])[] = [
        [{ sample: "0" }, "sample"],
        [{ sample: "10001" }, "sample"],
        [{ sample: "half" }, "sample"],
        [{ sample: "5", seed: "-1" }, "seed"],
        [{ sample: "5", seed: String(2 ** 32) }, "seed"],
        [{ seed: "5" }, "seed"],
      ];
      for (const [request, field] of wrong)
        await assert.rejects(answerAudit(store, request, ends), {
          code: "invalid_parameter",
          field,
        });
      const empty = await answerAudit(store, { sample: "5", seed: "1" }, ends);
      assert.deepEqual([empty.from, empty.checked_minutes, empty.compared_rows], [null, 0, 0]);
    }));
});
