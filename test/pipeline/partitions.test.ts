import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { setTimeout as timeout } from "node:timers/promises";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import { CodedError } from "../../src/model/errors.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { partitionOf } from "../../src/model/partition.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { hourMs, minuteMs } from "../../src/model/time.ts";
import { recordsTable } from "../../src/queue/sqlite/schema.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
import type { PipelineRun } from "../support/pipeline-run.ts";
import { appendAll, changedStore, openLog, startPipeline } from "../support/pipeline-run.ts";
import { testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const startMs = Date.UTC(2026, 0, 15, 12);
const limits = { delayMsMax: 1, clicksMax: 100_000 };
const patienceMs = 30_000;
/** An ad of partition 1 of 2. */
const adOfOne = Array.from({ length: 20 }, (_, i) => `ad-${i}`).find(
  (ad) => partitionOf(Buffer.from(ad), 2) === 1,
)!;

function control(receivedAtMs: number, config: SemanticConfig): LogRecord {
  return { kind: "control", receivedAtMs, control: { type: "config", config } };
}

const random = new Random(1);
function clicks(
  receivedAtMs: number,
  dimensions: DimensionLayout,
  values: Readonly<Record<string, string>>,
  count = 1,
): LogRecord {
  const batch = new ClickBatchBuilder(dimensions);
  for (let i = 0; i < count; i++) {
    const event_id = random.uuid();
    batch.add({ ad_id: adOfOne, click_timestamp: receivedAtMs, event_id, dimensions: values });
  }
  return { kind: "clicks", receivedAtMs, source: "http", history: false, batch: batch.build() };
}

function damage(directory: string, partition: number, offset: number): void {
  using database = new DatabaseSync(`${directory}/queue.sqlite`);
  database.exec(`UPDATE ${recordsTable(partition)} SET crc = crc + 1 WHERE offset = ${offset}`);
}

function hasFailed(run: PipelineRun): boolean {
  return run.problems.some((problem) => problem.includes("checksum"));
}

/** Stops it while what is behind the gate is not done; a stop that does not wait for that would be through by then. */
async function assertStopsAfter(
  run: PipelineRun,
  gate: { readonly resolve: () => void },
  order: string[],
): Promise<void> {
  const stopped = run[Symbol.asyncDispose]().then(() => order.push("stopped"));
  await Promise.race([stopped, timeout(150)]);
  gate.resolve();
  await stopped;
}

describe("several partitions in one process", () => {
  it("take a new dimension that another one's log brings in the middle of a micro-batch", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path, 2);
    const dimensions = [
      ...testConfig.dimensions,
      { name: "os", in: "minute", type: "string" } as const,
    ];
    const fromMinute = startMs / minuteMs + 3;
    const newer = { ...testConfig, generation: 2, fromMinute, dimensions };
    for (const partition of [0, 1])
      await appendAll(queue, [control(startMs, testConfig)], partition);
    await appendAll(queue, [clicks(startMs, testConfig.dimensions, { country: "DE" })], 1);
    await using run = await startPipeline(directory.path, testConfig, limits);
    const { pipeline } = run;
    assert.ok(await pipeline.committed.wait([{ partition: 1, offset: 1 }], patienceMs));

    await appendAll(queue, [control(startMs + 1, newer)], 0);
    pipeline.notify(0);
    assert.ok(await pipeline.committed.wait([{ partition: 0, offset: 1 }], patienceMs));
    const laterMs = startMs + 4 * minuteMs;
    await appendAll(
      queue,
      [
        clicks(startMs + 2, testConfig.dimensions, { country: "DE" }),
        control(startMs + 3, newer),
        clicks(laterMs, dimensions, { country: "DE", os: "ios" }),
      ],
      1,
    );
    pipeline.notify(1);
    assert.ok(await pipeline.committed.wait([{ partition: 1, offset: 4 }], patienceMs));
    const { rows } = await run.store.aggregate({
      source: "minute",
      fromMinute: startMs / minuteMs,
      toMinute: startMs / minuteMs + 10,
      groupBy: ["country", "os"],
      order: "key",
      limit: 10,
    });
    assert.deepEqual(
      rows.map(({ group, count }) => [group, count]),
      [
        [["DE", null], 2],
        [["DE", "ios"], 1],
      ],
    );
    assert.deepEqual(run.problems, []);
  });

  it("are all at rest when the pipeline has stopped, though one of them has failed before", async () => {
    await using directory = await temporaryDirectory();
    {
      await using queue = await openLog(directory.path, 2);
      for (const partition of [0, 1])
        await appendAll(queue, [control(startMs, testConfig)], partition);
      // Late, so that the store is asked before it can be decided.
      const late = clicks(startMs + hourMs, testConfig.dimensions, {});
      const tick: LogRecord = { kind: "tick", receivedAtMs: startMs + 2 * hourMs };
      await appendAll(queue, [tick, late], 1);
    }
    damage(directory.path, 0, 0);
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const around = (store: ClickStore): ClickStore =>
      changedStore(store, {
        async bucketStates(buckets) {
          await gate.promise;
          order.push("answered");
          return store.bucketStates(buckets);
        },
      });
    const run = await startPipeline(directory.path, testConfig, limits, { around });
    await eventually("partition 0 has failed", () => (hasFailed(run) ? true : undefined));
    await assertStopsAfter(run, gate, order);
    assert.deepEqual(order, ["answered", "stopped"]);
  });

  it("are at rest when the pipeline has stopped, though one failed while its commit was on its way", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path);
    await appendAll(queue, [control(startMs, testConfig)]);
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const around = (store: ClickStore): ClickStore =>
      changedStore(store, {
        async commit(commit) {
          if (commit.clicks.length > 0) {
            order.push("begun");
            await gate.promise;
          }
          await store.commit(commit);
          if (commit.clicks.length > 0) order.push("committed");
          return 1;
        },
      });
    const run = await startPipeline(directory.path, testConfig, limits, { around });
    assert.ok(await run.pipeline.committed.wait([{ partition: 0, offset: 0 }], patienceMs));
    await appendAll(queue, [clicks(startMs, testConfig.dimensions, {})]);
    run.pipeline.notify(0);
    await eventually("a commit is on its way", () => (order.length > 0 ? true : undefined));
    await appendAll(queue, [clicks(startMs, testConfig.dimensions, {})]);
    damage(directory.path, 0, 2);
    run.pipeline.notify(0);
    await eventually("the partition has failed", () => (hasFailed(run) ? true : undefined));
    await assertStopsAfter(run, gate, order);
    assert.deepEqual(order, ["begun", "committed", "stopped"]);
  });

  it("tell at once that a commit never can be done, though no record comes after it", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path);
    await appendAll(queue, [control(startMs, testConfig)]);
    const around = (store: ClickStore): ClickStore =>
      changedStore(store, {
        async commit(commit) {
          if (commit.clicks.length > 0) throw new CodedError("data_corrupt", "bytes have changed");
          return store.commit(commit);
        },
      });
    await using run = await startPipeline(directory.path, testConfig, limits, { around });
    assert.ok(await run.pipeline.committed.wait([{ partition: 0, offset: 0 }], patienceMs));
    await appendAll(queue, [clicks(startMs, testConfig.dimensions, {})]);
    run.pipeline.notify(0);
    const ended = (): true | undefined =>
      run.problems.some((problem) => problem.endsWith("bytes have changed")) ? true : undefined;
    await eventually("the pipeline has ended", ended);
  });

  it("close the gate while dedup has no room, also after a restart, and open it as time makes room", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path, 2);
    for (const partition of [0, 1])
      await appendAll(queue, [control(startMs, testConfig)], partition);
    await appendAll(queue, [clicks(startMs, testConfig.dimensions, {}, 50_000)], 1);
    const told: boolean[] = [];
    const options = { dedupBytesMax: 1_300_000, onDedupFull: (full: boolean) => told.push(full) };
    {
      await using run = await startPipeline(directory.path, testConfig, limits, options);
      assert.ok(await run.pipeline.committed.wait([{ partition: 1, offset: 1 }], patienceMs));
      assert.deepEqual(told, [true]);
    }
    told.length = 0;
    await using run = await startPipeline(directory.path, testConfig, limits, options);
    assert.ok(await run.pipeline.rebuilt);
    assert.deepEqual(told, [true]);
    for (const partition of [0, 1]) {
      await appendAll(queue, [{ kind: "tick", receivedAtMs: startMs + 4 * hourMs }], partition);
      run.pipeline.notify(partition);
    }
    const positions = [
      { partition: 0, offset: 1 },
      { partition: 1, offset: 2 },
    ];
    assert.ok(await run.pipeline.committed.wait(positions, patienceMs));
    assert.deepEqual(told, [true, false]);
  });
});
