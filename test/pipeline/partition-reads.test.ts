import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import type { ClickQueueReader } from "../../src/queue/click-queue.ts";
import { eventually } from "../support/eventually.ts";
import type { PipelineRun } from "../support/pipeline-run.ts";
import { appendAll, changedStore, openLog, startPipeline } from "../support/pipeline-run.ts";
import { randomLog, testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const limits = { delayMsMax: 50, clicksMax: 1_000_000 };
const retryDelays = { msMin: 1, msMax: 4 };
const stopMsMax = 2_000;
const patienceMs = 30_000;

type Read = ClickQueueReader["read"];

/** Of the configuration and some clicks. */
function someRecords(): LogRecord[] {
  const records = randomLog(3, { recordCount: 8, configChanges: false, adAttributes: false });
  const receivedAtMs = records[0]!.receivedAtMs - 1;
  return [
    { kind: "control", receivedAtMs, control: { type: "config", config: testConfig } },
    ...records,
  ];
}

/** Puts itself before the reads of a queue. */
function reading(before: (read: Read) => Read) {
  return (queue: ClickQueueReader): ClickQueueReader =>
    changedStore(queue, { read: before(queue.read.bind(queue)) });
}

async function countsUpTo(run: PipelineRun, partition: number, offset: number): Promise<void> {
  assert.ok(await run.pipeline.committed.wait([{ partition, offset }], patienceMs));
}

const away = (): CodedError => new CodedError("queue_unavailable", "no broker answers");

describe("a log that is out of reach", () => {
  it("is read on once it is back, with nothing lost or twice, and is told of once", async () => {
    await using directory = await temporaryDirectory();
    const partitionCount = 2;
    await using log = await openLog(directory.path, partitionCount);
    const records = someRecords();
    let isAway = false;
    let failures = 0;
    const starts: number[][] = [[], []];
    const aroundQueue = reading((read) => async (partition, fromOffset, room) => {
      if (isAway) {
        failures++;
        throw away();
      }
      const found = await read(partition, fromOffset, room);
      if (found.length > 0) starts[partition]!.push(fromOffset);
      return found;
    });
    await using run = await startPipeline(directory.path, testConfig, limits, {
      aroundQueue,
      retryDelays,
    });
    for (const partition of [0, 1]) {
      await appendAll(log, records.slice(0, 4), partition);
      run.pipeline.notify(partition);
      await countsUpTo(run, partition, 3);
    }
    isAway = true;
    for (const partition of [0, 1]) {
      await appendAll(log, records.slice(4), partition);
      run.pipeline.notify(partition);
    }
    await eventually("it is tried again and again", () => failures > 20 || undefined);
    isAway = false;
    for (const partition of [0, 1]) await countsUpTo(run, partition, records.length - 1);
    assert.deepEqual(run.problems, ["the click queue is out of reach, counting waits for it"]);
    for (const read of starts) assert.equal(new Set(read).size, read.length);
  });

  it("does not hold up what is in hand, and what comes late is counted once", async () => {
    await using directory = await temporaryDirectory();
    await using log = await openLog(directory.path);
    const records = someRecords();
    await appendAll(log, records);
    // Control records are committed at once, clicks when they are due.
    const last = records.findLastIndex(
      ({ kind }, i) => kind === "clicks" && i < records.length - 1,
    );
    assert.ok(last > 0);
    const held = Promise.withResolvers<void>();
    let reads = 0;
    const aroundQueue = reading((read) => async (partition, fromOffset, room) => {
      reads++;
      if (fromOffset > 0) await held.promise;
      const recordsMax = fromOffset > 0 ? room.recordsMax : last + 1;
      return await read(partition, fromOffset, { ...room, recordsMax });
    });
    // Not yet due when the next read begins, on slow machines too.
    const slowLimits = { ...limits, delayMsMax: 3_000 };
    await using run = await startPipeline(directory.path, testConfig, slowLimits, { aroundQueue });
    await countsUpTo(run, 0, last);
    assert.equal(run.pipeline.reading[0]!.nextOffset, last + 1);
    // However often a micro-batch was due meanwhile, nobody asks for the same records twice.
    assert.equal(reads, 2);
    held.resolve();
    await countsUpTo(run, 0, records.length - 1);
    assert.deepEqual(run.problems, []);
  });

  for (const [how, read] of [
    ["fails", async () => Promise.reject(away())],
    ["hangs", () => new Promise<never>(() => {})],
  ] as const) {
    it(`holds up no stop where it ${how}`, async () => {
      await using directory = await temporaryDirectory();
      await using _ = await openLog(directory.path);
      let asked = false;
      const run = await startPipeline(directory.path, testConfig, limits, {
        retryDelays: { msMin: 60_000, msMax: 60_000 },
        aroundQueue: reading(() => () => {
          asked = true;
          return read();
        }),
      });
      await eventually("it is asked", () => asked || undefined);
      const startMs = performance.now();
      await run[Symbol.asyncDispose]();
      assert.ok(performance.now() - startMs < stopMsMax);
    });
  }

  it("is not taken for one that is damaged, which ends the counting", async () => {
    await using directory = await temporaryDirectory();
    await using _ = await openLog(directory.path);
    let reads = 0;
    await using run = await startPipeline(directory.path, testConfig, limits, {
      retryDelays,
      aroundQueue: reading(() => async () => {
        reads++;
        throw new CodedError("data_corrupt", "its checksum does not match");
      }),
    });
    await eventually("it has ended", () => run.problems.length > 0 || undefined);
    assert.deepEqual(run.problems, ["CodedError: its checksum does not match"]);
    assert.equal(reads, 1);
  });
});
