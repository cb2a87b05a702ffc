import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planHistory } from "../../src/simulation/plan-history.ts";
import { runHistory } from "../../src/simulation/run-history.ts";

/** Enough for one history that lost all of its own to weigh little. */
const backupsLooked = 60;

describe("backups of the simulated service", () => {
  it("are planned in some histories, nearly all are made, and a service restored from each tells the same", async (t) => {
    let planned = 0;
    let made = 0;
    for (let seed = 1; planned < backupsLooked; seed++) {
      const history = planHistory(seed);
      const backups = history.actions.filter(({ kind }) => kind === "backup").length;
      if (backups === 0) continue;
      planned += backups;
      const { failure, trace } = await runHistory(history, { keepsTrace: true });
      assert.equal(failure, undefined, `seed ${seed}`);
      made += trace!.filter((line) => line.endsWith("backed up")).length;
    }
    t.diagnostic(`${made} of ${planned}`);
    assert.ok(made >= planned * 0.7, `${made} of ${planned} were made`);
  });
});
