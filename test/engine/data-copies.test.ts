import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DataCopies } from "../../src/engine/data-copies.ts";

const progress = [{ partition: 0, nextOffset: 7, watermarkMs: 0 }];

describe("copies of store and queue", () => {
  it("are made store first, and a trim waits until both are there", async () => {
    const copies = new DataCopies();
    const steps: string[] = [];
    const trim = copies.besideCopies(async () => void steps.push("trim"));
    const storeDone = Promise.withResolvers<void>();
    const copying = copies.make({
      async copyStore() {
        steps.push("store");
        await storeDone.promise;
        return { progress };
      },
      async copyQueue(from) {
        assert.deepEqual(from, progress);
        steps.push("queue");
        return "the queue";
      },
    });
    const trimmed = trim(progress);
    await new Promise(setImmediate);
    assert.deepEqual(steps, ["store"]);
    storeDone.resolve();
    assert.deepEqual(await copying, { store: { progress }, queue: "the queue" });
    await trimmed;
    assert.deepEqual(steps, ["store", "queue", "trim"]);
  });

  it("that fail let the next trim through", async () => {
    const copies = new DataCopies();
    const failing = copies.make({
      copyStore: async () => Promise.reject(new Error("no room")),
      copyQueue: async () => undefined,
    });
    let isTrimmed = false;
    await copies.besideCopies(async () => void (isTrimmed = true))(progress);
    await assert.rejects(failing, /no room/);
    assert.ok(isTrimmed);
  });

  it("are given up at a stop, which waits for that", async () => {
    const copies = new DataCopies();
    let isGivenUp = false;
    const copying = copies.make({
      async copyStore(signal) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        isGivenUp = true;
        throw signal.reason;
      },
      copyQueue: async () => assert.fail("the queue is not copied"),
    });
    copying.catch(() => {});
    await new Promise(setImmediate);
    await copies.stop();
    assert.ok(isGivenUp);
    await assert.rejects(copying, { code: "not_ready" });
    const target = { copyStore: async () => ({ progress }), copyQueue: async () => 0 };
    await assert.rejects(copies.make(target), { code: "not_ready" });
  });
});
