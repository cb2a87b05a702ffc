import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../src/clock/system-clock.ts";
import { LagReader } from "../../src/engine/read-lags.ts";
import { CodedError } from "../../src/model/errors.ts";
import type { Backlog, ClickQueueReader } from "../../src/queue/click-queue.ts";

const answerMsMax = 2_000;
const nothing = { lag_records: null, lag_clicks: null, lag_seconds: null };

/** The lags of a queue that answers so. */
function lagsOf(backlog: () => Promise<Backlog>): LagReader {
  const queue = { partitionCount: 2, backlog } as Partial<ClickQueueReader> as ClickQueueReader;
  return new LagReader(systemClock, queue, { nextOffset: () => 0 });
}

const behind = (records: number): Backlog => ({
  records,
  clicks: 10 * records,
  oldestReceivedAtMs: Date.now() - 1_000,
});

describe("the lag of a queue", () => {
  it("is told of each partition", async () => {
    const backlog = behind(3);
    const lags = await lagsOf(async () => backlog).read();
    assert.deepEqual(
      lags.map(({ partition, lag_records, lag_clicks }) => [partition, lag_records, lag_clicks]),
      [
        [0, 3, 30],
        [1, 3, 30],
      ],
    );
    assert.ok(lags.every(({ lag_seconds: seconds }) => seconds! >= 1 && seconds! < 10));
  });

  it("is not waited for where the queue does not answer, by however many ask", async () => {
    const lags = lagsOf(() => new Promise(() => {}));
    const startMs = performance.now();
    for (const found of await Promise.all([lags.read(), lags.read(), lags.read()]))
      assert.deepEqual(found, [
        { partition: 0, ...nothing },
        { partition: 1, ...nothing },
      ]);
    assert.ok(performance.now() - startMs < answerMsMax);
  });

  it("is not known where the queue is out of reach, and is an error where it is damaged", async () => {
    const failing = (code: "queue_unavailable" | "data_corrupt"): LagReader =>
      lagsOf(() => Promise.reject(new CodedError(code, "no")));
    assert.equal((await failing("queue_unavailable").read())[0]!.lag_records, null);
    await assert.rejects(failing("data_corrupt").read(), { code: "data_corrupt" });
  });

  it("is looked at once at a time, and never before it was asked for", async () => {
    const looks: PromiseWithResolvers<Backlog>[] = [];
    const lags = lagsOf(() => {
      const look = Promise.withResolvers<Backlog>();
      looks.push(look);
      return look.promise;
    });
    const first = lags.read();
    await systemClock.turn();
    const later = [lags.read(), lags.read()];
    await systemClock.turn();
    // Of two partitions.
    assert.equal(looks.length, 2);
    for (const look of looks) look.resolve(behind(1));
    assert.equal((await first)[0]!.lag_records, 1);
    await systemClock.turn();
    assert.equal(looks.length, 4);
    for (const look of looks.slice(2)) look.resolve(behind(2));
    for (const found of await Promise.all(later)) assert.equal(found[0]!.lag_records, 2);
    assert.equal(looks.length, 4);
  });
});
