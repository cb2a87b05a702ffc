import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { setTimeout as timeout } from "node:timers/promises";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { partitionOf } from "../../src/model/partition.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { hourMs, minuteMs } from "../../src/model/time.ts";
import { recordsTable } from "../../src/queue/sqlite/schema.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
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
    }
    {
      using database = new DatabaseSync(`${directory.path}/queue.sqlite`);
      database.exec(`UPDATE ${recordsTable(0)} SET crc = crc + 1`);
    }
    const gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const around = (store: ClickStore): ClickStore =>
      changedStore(store, {
        async commit(commit) {
          await gate.promise;
          await store.commit(commit);
          order.push("committed");
        },
      });
    const run = await startPipeline(directory.path, testConfig, limits, { around });
    await eventually("partition 0 has failed", () =>
      run.problems.some((problem) => problem.includes("checksum")) ? true : undefined,
    );
    const stopped = run[Symbol.asyncDispose]().then(() => order.push("stopped"));
    await Promise.race([stopped, timeout(100)]);
    gate.resolve();
    await stopped;
    assert.deepEqual(order, ["committed", "stopped"]);
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
