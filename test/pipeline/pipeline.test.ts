import assert from "node:assert/strict";
import { rename, rm } from "node:fs/promises";
import { describe, it } from "node:test";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { outcomeNames } from "../../src/model/outcome.ts";
import { hourMs } from "../../src/model/time.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { Random } from "../../src/traffic/random.ts";
import { Oracle } from "../../src/simulation/oracle/oracle.ts";
import { appendAll, changedStore, openLog, startPipeline } from "../support/pipeline-run.ts";
import { randomLog, testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const patienceMs = 60_000;

function begun(records: readonly LogRecord[]): LogRecord[] {
  const receivedAtMs = records[0]!.receivedAtMs - 1;
  return [
    { kind: "control", receivedAtMs, control: { type: "config", config: testConfig } },
    ...records,
  ];
}

async function assertStoreEqualsOracle(store: ClickStore, oracle: Oracle): Promise<void> {
  const minutes = [...new Set(oracle.clicks.map(({ minute }) => minute))].toSorted((a, b) => a - b);
  const [fromMinute, toMinute] = [minutes[0]!, minutes.at(-1)! + 1];
  for (const source of ["minute", "raw"] as const) {
    const { rows } = await store.aggregate({
      source,
      fromMinute,
      toMinute,
      groupBy: ["ad_id", "country", "device"],
      bucketStarts: minutes,
      order: "key",
      limit: 1_000_000,
    });
    const expected = oracle.breakdown(
      { fromMinute, toMinute },
      ["ad_id", "country", "device"],
      minutes,
    );
    assert.deepEqual(rows, expected, source);
  }
  const ledger = new Map(
    (await store.ledger(0, toMinute + 1_440)).map(
      ({ source, receivedMinute, received, outcomes }) => [
        `${source}|${receivedMinute}`,
        { received, ...outcomes },
      ],
    ),
  );
  for (const [key, row] of oracle.ledger) {
    const names = ["received", ...outcomeNames] as const;
    for (const name of names) assert.equal(ledger.get(key)?.[name], row[name], `${key} ${name}`);
  }
  assert.equal(ledger.size, oracle.ledger.size);
  const journal = (await store.restatements({ fromMinute, toMinute })).rows.map((entry) =>
    JSON.stringify([entry.minute, entry.adId, entry.before, entry.after, entry.revision]),
  );
  const expectedJournal = oracle.journal.map((entry) =>
    JSON.stringify([entry.minute, entry.adId, entry.before, entry.after, entry.revision]),
  );
  assert.deepEqual(journal.toSorted(), expectedJournal.toSorted());
  const { differingRows, comparedClicks } = await store.recount(fromMinute, toMinute, 10);
  assert.equal(differingRows, 0);
  assert.equal(comparedClicks, oracle.count({ fromMinute, toMinute }));
}

describe("the pipeline over a real queue and store", () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`equals the oracle through restarts at random places (seed ${seed})`, async () => {
      await using directory = await temporaryDirectory();
      const log = begun(
        randomLog(seed, { recordCount: 150, configChanges: true, adAttributes: true }),
      );
      const random = new Random(seed);
      await using queue = await openLog(directory.path);
      for (let at = 0; at < log.length;) {
        const end = Math.min(log.length, at + random.between(10, 60));
        await appendAll(queue, log.slice(at, end));
        const limits = { delayMsMax: random.between(1, 20), clicksMax: random.between(1, 200) };
        await using run = await startPipeline(directory.path, testConfig, limits);
        assert.ok(
          await run.pipeline.committed.wait([{ partition: 0, offset: end - 1 }], patienceMs),
        );
        assert.deepEqual(run.problems, []);
        at = end;
      }
      await using run = await startPipeline(directory.path, testConfig, {
        delayMsMax: 10,
        clicksMax: 1_000,
      });
      await assertStoreEqualsOracle(run.store, new Oracle(testConfig, log));
    });
  }

  it("gives a commit again whose fate is unknown, and it counts once", async () => {
    await using directory = await temporaryDirectory();
    const log = begun(randomLog(9, { recordCount: 80 }));
    await using queue = await openLog(directory.path);
    await appendAll(queue, log);
    const random = new Random(9);
    let lostAnswers = 0;
    const forgetful = (store: ClickStore): ClickStore =>
      changedStore(store, {
        async commit(commit) {
          const fate = random.below(4);
          if (fate === 0) throw new Error("the store is away");
          await store.commit(commit);
          if (fate !== 1) return 1;
          lostAnswers++;
          throw new Error("the answer was lost");
        },
      });
    await using run = await startPipeline(
      directory.path,
      testConfig,
      { delayMsMax: 1, clicksMax: 20 },
      { around: forgetful, retryDelays: { msMin: 1, msMax: 4 } },
    );
    assert.ok(
      await run.pipeline.committed.wait([{ partition: 0, offset: log.length - 1 }], patienceMs),
    );
    assert.ok(lostAnswers > 0);
    assert.ok(run.problems.every((problem) => problem.startsWith("commit failed")));
    await assertStoreEqualsOracle(run.store, new Oracle(testConfig, log));
  });

  it("gives the memory of ids back as time goes on, also where only ticks come", async () => {
    await using directory = await temporaryDirectory();
    const startMs = Date.UTC(2026, 0, 15, 12);
    const batch = new ClickBatchBuilder(testConfig.dimensions);
    const random = new Random(5);
    for (let i = 0; i < 50_000; i++) {
      const event_id = random.uuid();
      batch.add({ ad_id: "ad-1", click_timestamp: startMs, event_id, dimensions: {} });
    }
    const clicks: LogRecord = {
      kind: "clicks",
      receivedAtMs: startMs,
      source: "http",
      history: false,
      batch: batch.build(),
    };
    await using queue = await openLog(directory.path);
    await appendAll(queue, begun([clicks]));
    await using run = await startPipeline(directory.path, testConfig, {
      delayMsMax: 1,
      clicksMax: 100_000,
    });
    assert.ok(await run.pipeline.committed.wait([{ partition: 0, offset: 1 }], patienceMs));
    const full = run.pipeline.dedup;
    assert.equal(full.ids, 50_000);
    await appendAll(queue, [{ kind: "tick", receivedAtMs: startMs + 4 * hourMs }]);
    run.pipeline.notify(0);
    assert.ok(await run.pipeline.committed.wait([{ partition: 0, offset: 2 }], patienceMs));
    assert.equal(run.pipeline.dedup.ids, 50_000);
    assert.ok(
      run.pipeline.dedup.bytes < full.bytes / 2,
      `${run.pipeline.dedup.bytes} of ${full.bytes} bytes`,
    );
    await appendAll(queue, [{ kind: "tick", receivedAtMs: startMs + 9 * hourMs }]);
    run.pipeline.notify(0);
    assert.ok(await run.pipeline.committed.wait([{ partition: 0, offset: 3 }], patienceMs));
    assert.equal(run.pipeline.dedup.ids, 0);
  });

  it("refuses to start where the store has applied more than the log holds", async () => {
    await using directory = await temporaryDirectory();
    await using other = await temporaryDirectory();
    const log = begun(randomLog(3, { recordCount: 10 }));
    {
      await using queue = await openLog(directory.path);
      await appendAll(queue, log);
      await using run = await startPipeline(directory.path, testConfig, {
        delayMsMax: 1,
        clicksMax: 20,
      });
      assert.ok(
        await run.pipeline.committed.wait([{ partition: 0, offset: log.length - 1 }], patienceMs),
      );
    }
    await rename(`${directory.path}/store.duckdb`, `${other.path}/store.duckdb`);
    await rm(`${directory.path}/queue.sqlite`);
    await using queue = await openLog(other.path);
    await appendAll(queue, log.slice(0, 2));
    await assert.rejects(
      startPipeline(other.path, testConfig, { delayMsMax: 1, clicksMax: 20 }),
      /queue and store are not of one data directory/,
    );
  });
});
