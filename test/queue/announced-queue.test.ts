import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import { announced } from "../../src/queue/announced-queue.ts";
import type { ClickQueueWriter } from "../../src/queue/click-queue.ts";

/** A queue whose calls end as told, and what its listener heard. */
function listened(outcome: () => Promise<never> | Promise<void>) {
  const heard: string[] = [];
  const queue: ClickQueueWriter = {
    partitionCount: 2,
    spread: 1,
    append: async (records) => {
      await outcome();
      return records.map(({ partition }, offset) => ({ partition, offset }));
    },
    trim: outcome,
    sizeBytes: async () => 0,
    async [Symbol.asyncDispose]() {},
  };
  const listener = {
    appended: (partition: number) => heard.push(`appended ${partition}`),
    failed: ({ code }: CodedError) => heard.push(`failed ${code}`),
  };
  return { heard, queue: announced(queue, listener) };
}

const record = { partition: 1, bytes: new Uint8Array(1), clickCount: 1, receivedAtMs: 0 };

describe("an announced queue", () => {
  it("tells of each partition that has grown, once an append", async () => {
    const { heard, queue } = listened(async () => {});
    assert.equal((await queue.append([record, record, { ...record, partition: 0 }])).length, 3);
    assert.deepEqual(heard, ["appended 1", "appended 0"]);
  });

  it("tells of a failed sync wherever it comes, and of nothing that passes", async () => {
    let code: CodedError["code"] = "storage_failed";
    const { heard, queue } = listened(async () => {
      throw new CodedError(code, "no");
    });
    await assert.rejects(queue.append([record]), { code });
    await assert.rejects(queue.trim(0, 1), { code });
    code = "queue_full";
    await assert.rejects(queue.append([record]), { code });
    assert.deepEqual(heard, ["failed storage_failed", "failed storage_failed"]);
  });
});
