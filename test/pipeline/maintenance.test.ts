import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PartitionProgress } from "../../src/model/commit.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { minuteMs } from "../../src/model/time.ts";
import { eventually } from "../support/eventually.ts";
import { appendAll, changedStore, openLog, startPipeline } from "../support/pipeline-run.ts";
import type { PipelineRunOptions } from "../support/pipeline-run.ts";
import { randomLog, testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const limits = { delayMsMax: 1, clicksMax: 50 };
const often = { checkpointMsMax: 10, checkpointClicksMax: 20 };
const log = randomLog(2, { recordCount: 60 });

/** Runs the log through a pipeline that trims as the service does. */
async function run(options: PipelineRunOptions, meanwhile: () => Promise<void>): Promise<string[]> {
  await using directory = await temporaryDirectory();
  await using queue = await openLog(directory.path);
  await appendAll(queue, log);
  const trim = async (progress: readonly PartitionProgress[]): Promise<void> => {
    for (const { partition, nextOffset } of progress) await queue.trim(partition, nextOffset);
  };
  await using pipelineRun = await startPipeline(directory.path, testConfig, limits, {
    maintenance: often,
    trim,
    ...options,
  });
  const last = { partition: 0, offset: log.length - 1 };
  assert.ok(await pipelineRun.pipeline.committed.wait([last], 30_000));
  await meanwhile();
  return pipelineRun.problems;
}

describe("maintenance", () => {
  it("trims the log only as far as a checkpoint covers it, and all of it in the end", async () => {
    let covered = 0;
    const trims: { to: number; covered: number }[] = [];
    const around = (store: ClickStore): ClickStore =>
      changedStore(store, {
        async checkpoint() {
          const progress = await store.checkpoint();
          covered = progress[0]?.nextOffset ?? 0;
          return progress;
        },
      });
    const trim = async ([progress]: readonly PartitionProgress[]): Promise<void> => {
      if (progress) trims.push({ to: progress.nextOffset, covered });
    };
    const problems = await run({ around, trim }, async () => {
      await eventually("all is trimmed", () =>
        trims.at(-1)?.to === log.length ? true : undefined,
      );
    });
    assert.deepEqual(problems, []);
    assert.ok(trims.every(({ to, covered: reached }) => to === reached));
  });

  it("tries a checkpoint that fails again, though no commit comes after it", async () => {
    let failures = 2;
    let isTrimmed = false;
    const around = (store: ClickStore): ClickStore =>
      changedStore(store, {
        async checkpoint() {
          const progress = await store.checkpoint();
          if (progress[0]?.nextOffset === log.length && failures-- > 0) throw new Error("no");
          return progress;
        },
      });
    const trim = async ([progress]: readonly PartitionProgress[]): Promise<void> => {
      if (progress?.nextOffset === log.length) isTrimmed = true;
    };
    const problems = await run({ around, trim }, async () => {
      await eventually("the last is trimmed", () => (isTrimmed ? true : undefined));
    });
    assert.deepEqual(problems, Array(2).fill("checkpoint failed, will be tried again"));
  });

  it("tries a trim that fails again, though no commit comes after it", async () => {
    let failures = 2;
    let isTrimmed = false;
    const trim = async ([progress]: readonly PartitionProgress[]): Promise<void> => {
      if (progress?.nextOffset !== log.length) return;
      if (failures-- > 0) throw new Error("no");
      isTrimmed = true;
    };
    const problems = await run({ trim }, async () => {
      await eventually("the last is trimmed", () => (isTrimmed ? true : undefined));
    });
    assert.deepEqual(problems, Array(2).fill("trim failed, will be tried again"));
  });

  it("trims after a restart what an earlier process had committed and not trimmed", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path);
    await appendAll(queue, log);
    const last = { partition: 0, offset: log.length - 1 };
    {
      await using first = await startPipeline(directory.path, testConfig, limits);
      assert.ok(await first.pipeline.committed.wait([last], 30_000));
    }
    let trimmedTo = 0;
    await using second = await startPipeline(directory.path, testConfig, limits, {
      maintenance: often,
      trim: async ([progress]) => {
        trimmedTo = progress?.nextOffset ?? 0;
      },
    });
    await eventually("it is trimmed", () => (trimmedTo === log.length ? true : undefined));
    assert.deepEqual(second.problems, []);
  });

  it("compacts only buckets that are final by what is committed", async () => {
    const seen: { endMinute: number; watermarkMs: number }[] = [];
    let watermarkMs = -Infinity;
    const around = (store: ClickStore): ClickStore =>
      changedStore(store, {
        async commit(commit) {
          await store.commit(commit);
          watermarkMs = commit.progress.watermarkMs;
          return 1;
        },
        async compact(endMinute) {
          seen.push({ endMinute, watermarkMs });
          await store.compact(endMinute);
        },
      });
    await run({ around }, async () => {
      await eventually("something is compacted", () => (seen.length > 0 ? true : undefined));
    });
    for (const { endMinute, watermarkMs: committedMs } of seen)
      assert.ok(endMinute * minuteMs + testConfig.allowedLatenessMs <= committedMs);
  });
});
