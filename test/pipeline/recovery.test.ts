import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PartitionState, SharedState } from "../../src/aggregate/state.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { hourMs } from "../../src/model/time.ts";
import { systemClock } from "../../src/clock/system-clock.ts";
import { rebuildDedup } from "../../src/pipeline/recovery.ts";
import { Random } from "../../src/traffic/random.ts";
import { appendAll, openLog, startPipeline } from "../support/pipeline-run.ts";
import { testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const startMs = Date.UTC(2026, 0, 15, 12);
const limits = { delayMsMax: 1, clicksMax: 10_000 };

function control(receivedAtMs: number): LogRecord {
  return { kind: "control", receivedAtMs, control: { type: "config", config: testConfig } };
}

/** Clicks of one ad, one record an hour, received as they happen. */
function hourlyClicks(hours: number, idsAnHour: number): LogRecord[] {
  const random = new Random(1);
  return Array.from({ length: hours }, (_, hour) => {
    const batch = new ClickBatchBuilder(testConfig.dimensions);
    const time = startMs + hour * hourMs;
    for (let i = 0; i < idsAnHour; i++) {
      const event_id = i % 2 === 0 ? random.uuid() : `e-${random.uuid()}`;
      batch.add({ ad_id: `ad-${i % 7}`, click_timestamp: time, event_id, dimensions: {} });
    }
    return {
      kind: "clicks",
      receivedAtMs: time,
      source: "http",
      history: false,
      batch: batch.build(),
    };
  });
}

describe("recovery", () => {
  it("rebuilds both tiers of the dedup index: what is sent again is known again", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path);
    const clicks = hourlyClicks(5, 200);
    const log = [control(startMs), ...clicks];
    await appendAll(queue, log);
    let ids: number;
    {
      await using run = await startPipeline(directory.path, testConfig, limits);
      assert.ok(
        await run.pipeline.committed.wait([{ partition: 0, offset: log.length - 1 }], 30_000),
      );
      ids = run.pipeline.dedup.ids;
      assert.equal(ids, 1_000);
    }
    await using run = await startPipeline(directory.path, testConfig, limits);
    assert.ok(await run.pipeline.rebuilt);
    assert.equal(run.pipeline.dedup.ids, ids);
    await appendAll(
      queue,
      clicks.map((record) => ({ ...record, receivedAtMs: startMs + 4 * hourMs })),
    );
    run.pipeline.notify(0);
    const end = log.length + clicks.length - 1;
    assert.ok(await run.pipeline.committed.wait([{ partition: 0, offset: end }], 30_000));
    const ledger = await run.store.ledger(0, 1e9);
    assert.equal(
      ledger.reduce((sum, { outcomes }) => sum + outcomes.duplicate, 0),
      1_000,
    );
  });

  it("rebuilds what partitions have recorded though another has not begun", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path);
    const log = [control(startMs), ...hourlyClicks(5, 100)];
    await appendAll(queue, log);
    await using run = await startPipeline(directory.path, testConfig, limits);
    assert.ok(
      await run.pipeline.committed.wait([{ partition: 0, offset: log.length - 1 }], 30_000),
    );
    const { dictionaries, progress } = await run.store.recover();
    const shared = new SharedState(new Uint8Array(32).fill(3), [testConfig], dictionaries);
    const begun = new PartitionState(0, shared, progress[0]!.watermarkMs);
    const other = new PartitionState(1, shared, progress[0]!.watermarkMs);
    const notBegun = new PartitionState(2, shared, -Infinity);
    await rebuildDedup({
      clock: systemClock,
      store: run.store,
      states: [begun, other, notBegun],
      partitioning: { partitionCount: 3, spread: 1 },
    });
    const known = begun.dedup.size + other.dedup.size;
    assert.ok(known > 0 && known <= 500, `${known} ids`);
    const all = new PartitionState(0, shared, progress[0]!.watermarkMs);
    await rebuildDedup({
      clock: systemClock,
      store: run.store,
      states: [all],
      partitioning: { partitionCount: 1, spread: 1 },
    });
    assert.equal(all.dedup.size, 500);
  });

  it("needs nothing of an empty store", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path, 2);
    await using run = await startPipeline(directory.path, testConfig, limits);
    assert.equal(queue.partitionCount, 2);
    assert.equal(run.pipeline.dedup.ids, 0);
    assert.deepEqual(run.problems, []);
  });
});
