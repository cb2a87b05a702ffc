import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";

import { finalBeforeMinute } from "../../../src/model/finality.ts";
import type { SemanticConfig } from "../../../src/model/semantic-config.ts";
import { minuteMs } from "../../../src/model/time.ts";
import { Session } from "../../../src/store/duckdb/session.ts";
import { readProgress } from "../../../src/store/duckdb/read.ts";
import { finalityRises, thinCommitLog } from "../../../src/store/duckdb/thin-commit-log.ts";
import { Random } from "../../../src/traffic/random.ts";
import { testConfig } from "../../support/random-clicks.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** The later one lets its minutes be final at once. */
const configs: readonly SemanticConfig[] = [
  { ...testConfig, generation: 1, allowedLatenessMs: 2 * minuteMs },
  { ...testConfig, generation: 2, fromMinute: 60, allowedLatenessMs: 0 },
];
const dated = [
  { sequence: 1, config: configs[0]! },
  { sequence: 700, config: configs[1]! },
];

/** Some seconds a commit, over two partitions. */
function randomCommits(count: number) {
  const random = new Random(5);
  const watermarks = [0, 0];
  return Array.from({ length: count }, (_, i) => {
    const partition = random.pick([0, 0, 0, 1]);
    watermarks[partition]! += random.chance(0.5) ? 0 : random.between(0, 15_000);
    return { sequence: i + 1, partition, watermarkMs: watermarks[partition]! };
  });
}

const finalAt = (sequence: number, watermarkMs: number | undefined): number => {
  const known = dated.filter((config) => config.sequence <= sequence);
  if (watermarkMs === undefined) return -Infinity;
  return finalBeforeMinute(
    known.map(({ config }) => config),
    watermarkMs,
  );
};

describe("the log of commits", () => {
  it("is thinned to the commits at which finality rose", () => {
    const commits = [
      { sequence: 1, partition: 0, watermarkMs: 5 * minuteMs },
      { sequence: 2, partition: 0, watermarkMs: 5 * minuteMs + 1 },
      { sequence: 3, partition: 1, watermarkMs: -Infinity },
      { sequence: 4, partition: 0, watermarkMs: 6 * minuteMs },
      { sequence: 5, partition: 1, watermarkMs: 3 * minuteMs },
      { sequence: 6, partition: 1, watermarkMs: 4 * minuteMs - 1 },
    ];
    assert.deepEqual(finalityRises(commits, dated), [1, 4, 5]);
    assert.deepEqual(finalityRises(commits, []), []);
  });

  it("tells what was final as of every commit, however often it was thinned", async () => {
    const commits = randomCommits(3_600);
    await using directory = await temporaryDirectory();
    const session = await Session.open({
      path: join(directory.path, "store.duckdb"),
      memoryBytesMax: 128_000_000,
      threads: 1,
      temporaryBytesMax: 1_000_000_000,
      readersMax: 1,
      warn: (text) => assert.fail(text),
    });
    await session.use(async ({ engine: { maintenance }, writer }) => {
      const maker = new CommitMaker();
      await writer.commit(maker.next({ configs: [configs[0]!] }));
      const rowsOf = async (): Promise<number> =>
        (await maintenance.rows("SELECT count(*) FROM commit_log"))[0]![0] as number;
      for (const [i, { sequence, partition, watermarkMs }] of commits.entries()) {
        const row = [sequence, 0, partition, 0, watermarkMs].join(", ");
        if (i > 0) await maintenance.run(`INSERT INTO commit_log VALUES (${row})`);
        if (sequence === 700) {
          const settings = JSON.stringify(configs[1]);
          await maintenance.run("INSERT INTO config VALUES (2, 700, $1)", [settings]);
        }
        if (sequence === 900 || sequence === 930) {
          const closing = ["'c'", 60, "'UTC'", sequence === 900 ? 0 : 1, 0, sequence].join(", ");
          await maintenance.run(`INSERT INTO closed_period VALUES (${closing})`);
        }
        if (i % 450 === 449) await thinCommitLog(maintenance);
      }
      // Whose the commits are that came while the partitions closed one after the other stays known.
      const kept = await maintenance.rows(
        `SELECT "sequence" FROM commit_log WHERE "sequence" >= 900 AND "sequence" <= 930`,
      );
      assert.equal(kept.length, 31);
      const rows = await rowsOf();
      assert.ok(rows < 2_300, `${rows} rows are left of ${commits.length}`);
      await thinCommitLog(maintenance);
      assert.equal(await rowsOf(), rows);
      for (const { sequence } of commits.filter((_, i) => i > 0 && i % 37 === 0)) {
        const progress = await readProgress(maintenance, sequence);
        for (const partition of [0, 1]) {
          const exact = commits.findLast(
            (commit) => commit.partition === partition && commit.sequence <= sequence,
          );
          const found = progress.find((entry) => entry.partition === partition);
          assert.equal(
            finalAt(sequence, found?.watermarkMs),
            finalAt(sequence, exact?.watermarkMs),
            `commit ${sequence}, partition ${partition}`,
          );
        }
      }
    });
    await session.close();
  });
});
