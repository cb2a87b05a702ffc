import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCampaign } from "../../src/simulation/campaign.ts";
import { explainFailure } from "../../src/simulation/explain-failure.ts";
import { planHistory } from "../../src/simulation/plan-history.ts";
import { runHistory } from "../../src/simulation/run-history.ts";
import { planSharedHistory } from "../../src/simulation/shared/plan-shared-history.ts";

/** `npm test` runs the first of them; `.ci/run` each day others, and who has a night all. */
const runs = Number(process.env["TEST_SEEDS"] ?? 500);
const firstSeed = Number(process.env["TEST_FIRST_SEED"] ?? 1);
/** They take twice the time of the others. */
const sharedRuns = Math.ceil(runs / 25);
const repeatEvery = 20;
/** Of 10,000 histories. */
const strikesLeast = 100;
/** Of 400 histories. */
const sharedStrikesLeast = 4;

/** What a share of all histories has to have of what all have so often: its share, less what chance may take of a part (3 sigma). */
function leastOf(ofAll: number, share: number): number {
  const part = Math.min(1, share);
  return share * ofAll - 3 * Math.sqrt(ofAll * part * (1 - part));
}

describe("the simulated service", () => {
  it("has one history for a seed, to the last step", async () => {
    // The last: an ad's clicks lie in the partitions that their hashes say.
    for (const history of [planHistory(3), planHistory(4), planSharedHistory(20)]) {
      const [first, second] = [
        await runHistory(history, { keepsTrace: true }),
        await runHistory(history, { keepsTrace: true }),
      ];
      assert.ok(first.trace!.length > 500, `${first.trace!.length} steps`);
      assert.deepEqual(first.trace, second.trace);
      assert.equal(first.traceHash, second.traceHash);
    }
    const [one, other] = [await runHistory(planHistory(3)), await runHistory(planHistory(4))];
    assert.notEqual(one.traceHash, other.traceHash);
  });

  it(`equals the oracle in everything it tells, over ${runs} histories`, async (context) => {
    const report = await runCampaign({ kind: "one", firstSeed, runs, threads: 2, repeatEvery });
    const { failure } = report;
    if (failure) assert.fail(await explainFailure("one", failure.seed, failure.what));
    assert.equal(report.runs, runs);
    context.diagnostic(
      `${runs} histories, ${report.clicks} clicks (median ${report.clicksMedian}), ` +
        `${report.faults} faults (median ${report.faultsMedian}), ${report.starts} starts`,
    );
    assert.ok(report.clicksMedian >= 300, `the median history has ${report.clicksMedian} clicks`);
    assert.ok(report.faultsMedian >= 3, `the median history has ${report.faultsMedian} faults`);
    assert.ok(
      report.repeated >= Math.floor(runs / repeatEvery),
      `${report.repeated} were run twice`,
    );
    const least = leastOf(strikesLeast, runs / 10_000);
    const rare = [...report.strikes].filter(([, count]) => count < least);
    assert.deepEqual(rare, [], "strikes that hardly ever happen");
  });

  it(`equals the oracle over ${sharedRuns} histories of several processes that share a store`, async (context) => {
    const options = { firstSeed, runs: sharedRuns, threads: 2, repeatEvery } as const;
    const report = await runCampaign({ ...options, kind: "several" });
    const { failure } = report;
    if (failure) assert.fail(await explainFailure("several", failure.seed, failure.what));
    context.diagnostic(
      `${report.runs} histories, ${report.clicks} clicks, ${report.faults} faults, ${report.starts} starts`,
    );
    assert.equal(report.runs, sharedRuns);
    assert.ok(report.clicksMedian >= 250, `the median history has ${report.clicksMedian} clicks`);
    assert.ok(report.faultsMedian >= 3, `the median history has ${report.faultsMedian} faults`);
    assert.ok(report.repeated >= Math.floor(sharedRuns / repeatEvery));
    const least = leastOf(sharedStrikesLeast, sharedRuns / 400);
    const rare = [...report.strikes].filter(([, count]) => count < least);
    assert.deepEqual(rare, [], "strikes that hardly ever happen");
  });
});
