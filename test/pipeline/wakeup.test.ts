import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Wakeup } from "../../src/pipeline/wakeup.ts";

describe("a wakeup", () => {
  it("ends the sleep in progress", async () => {
    const wakeup = new Wakeup();
    const sleep = wakeup.sleep(Infinity);
    wakeup.ring();
    await sleep;
  });

  it("ends the next sleep at once where nobody slept when it rang, and only that one", async () => {
    const wakeup = new Wakeup();
    wakeup.ring();
    wakeup.ring();
    await wakeup.sleep(Infinity);
    let isAwake = false;
    const second = wakeup.sleep(Infinity).then(() => (isAwake = true));
    await new Promise(setImmediate);
    assert.equal(isAwake, false);
    wakeup.ring();
    await second;
  });

  it("ends a sleep after its time", async () => {
    const startMs = performance.now();
    await new Wakeup().sleep(20);
    assert.ok(performance.now() - startMs >= 19);
    await new Wakeup().sleep(-1);
  });
});
