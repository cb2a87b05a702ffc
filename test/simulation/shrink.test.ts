import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Action, History } from "../../src/simulation/history.ts";
import { planHistory } from "../../src/simulation/plan-history.ts";
import { shrink } from "../../src/simulation/shrink.ts";

/** Bodies with a click of this ad. */
function bodiesOf({ actions }: History, ad: string): Action[] {
  return actions.filter(
    (action) =>
      action.kind === "send" && action.batch.items.some(({ fields }) => fields["ad_id"] === ad),
  );
}

describe("shrinking", () => {
  it("leaves the actions, items and faults that a failure needs, and no others", async () => {
    const history = planHistory(12);
    const fails = async (smaller: History): Promise<string | undefined> =>
      bodiesOf(smaller, "ad-1").length >= 2 && smaller.faults.length >= 1 ? "fails" : undefined;
    assert.equal(await fails(history), "fails");
    const { history: shrunk, failure, runs } = await shrink(history, "fails", fails, 2_000);
    assert.equal(failure, "fails");
    assert.equal(shrunk.actions.length, 2);
    assert.equal(shrunk.faults.length, 1);
    for (const action of shrunk.actions) {
      assert.ok(action.kind === "send" && action.batch.items.length === 1);
    }
    assert.ok(runs <= 2_000);
  });

  it("stops after so many tries, with what it has", async () => {
    let tries = 0;
    const { runs } = await shrink(
      planHistory(12),
      "fails",
      async () => {
        tries++;
        return undefined;
      },
      10,
    );
    assert.equal(tries, 10);
    assert.equal(runs, 10);
  });
});
