import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { LogRecord } from "../../src/model/log-record.ts";
import { outcomeNames } from "../../src/model/outcome.ts";
import { FoldedLog } from "../support/fold.ts";
import { Oracle } from "../../src/simulation/oracle/oracle.ts";
import { briefConfig, randomCut, randomLog, testConfig } from "../support/random-clicks.ts";

const minuteDimensionNames = ["country", "device"];

/** The log as a service writes it: its first record is the configuration, which starts the watermark. */
function begun(records: readonly LogRecord[], config = testConfig): LogRecord[] {
  const receivedAtMs = records[0]!.receivedAtMs - 1;
  return [{ kind: "control", receivedAtMs, control: { type: "config", config } }, ...records];
}

function fold(runs: readonly (readonly LogRecord[])[], config = testConfig): FoldedLog {
  const folded = new FoldedLog(config);
  for (const run of runs) folded.fold(run);
  return folded;
}

function assertEqualsOracle(folded: FoldedLog, oracle: Oracle): void {
  for (const click of oracle.clicks) {
    const outcome = outcomeNames[folded.outcomes.get(`${click.offset}:${click.row}`)!];
    assert.equal(outcome, click.outcome, `record ${click.offset}, row ${click.row}`);
  }
  assert.equal(folded.outcomes.size, oracle.clicks.length);
  assert.equal(folded.state.watermark.ms, oracle.watermarkMs);
  assert.deepEqual(sorted(folded.minuteCounts()), sorted(oracleMinuteCounts(oracle)));
  assert.deepEqual(sorted(folded.ledger()), sorted(oracle.ledger));
  const conflicts = folded.commits.reduce((sum, commit) => sum + commit.duplicateConflicts, 0);
  assert.equal(conflicts, oracle.duplicateConflicts);
  assert.deepEqual(journalOf(folded), oracle.journal.map(journalEntry).toSorted());
}

function oracleMinuteCounts(oracle: Oracle): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome, minute, adId, dimensions } of oracle.clicks) {
    if (outcome !== "counted" && outcome !== "restated") continue;
    const key = JSON.stringify([
      minute,
      adId,
      ...minuteDimensionNames.map((name) => dimensions[name] ?? null),
    ]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function journalEntry(entry: {
  offset: number;
  minute: number;
  adId: string;
  before: number;
  after: number;
  revision: number;
}): string {
  const { offset, minute, adId, before, after, revision } = entry;
  return JSON.stringify({ offset, minute, adId, before, after, revision });
}

function journalOf(folded: FoldedLog): string[] {
  const ads = folded.state.shared.dictionary("ad_id");
  return folded.commits
    .flatMap((commit) => commit.restatements)
    .map((entry) => journalEntry({ ...entry, adId: ads.textOf(entry.adKey)! }))
    .toSorted();
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

describe("the fold", () => {
  it("decides every click, count, ledger row and journal entry as the oracle does, however the log is cut", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 40 }), (seed, cutSeed, longest) => {
        const log = begun(randomLog(seed, { configChanges: true, adAttributes: true }));
        assertEqualsOracle(fold(randomCut(log, cutSeed, longest)), new Oracle(testConfig, log));
      }),
      { numRuns: 300 },
    );
  });

  it("does so for long logs that cross the recent tier and the horizon many times", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const log = begun(randomLog(seed, { recordCount: 1_500, eventIdCount: 400 }));
        assertEqualsOracle(fold(randomCut(log, seed, 30)), new Oracle(testConfig, log));
      }),
      { numRuns: 10 },
    );
  });

  it("does so where the horizon is five minutes, also where settings change it", () => {
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), (seed, configChanges) => {
        const options = { recordCount: 300, eventIdCount: 100, config: briefConfig, configChanges };
        const log = begun(randomLog(seed, options), briefConfig);
        const oracle = new Oracle(briefConfig, log);
        assertEqualsOracle(fold(randomCut(log, seed, 30), briefConfig), oracle);
      }),
      { numRuns: 60 },
    );
  });

  it("meets every outcome in the logs it is tested with", () => {
    const seen = new Set<string>();
    let conflicts = 0;
    for (let seed = 0; seed < 20; seed++) {
      const log = begun(randomLog(seed, { recordCount: 200, configChanges: true }));
      const oracle = new Oracle(testConfig, log);
      for (const { outcome } of oracle.clicks) seen.add(outcome);
      conflicts += oracle.duplicateConflicts;
    }
    assert.ok(conflicts > 0);
    assert.deepEqual([...seen].toSorted(), [
      "counted",
      "duplicate",
      "expired",
      "quarantined",
      "restated",
    ]);
  });
});
