import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../src/clock/system-clock.ts";
import { Wakeup } from "../../src/pipeline/wakeup.ts";

describe("a wakeup", () => {
  it("ends the sleep in progress", async () => {
    const wakeup = new Wakeup(systemClock);
    const sleep = wakeup.sleep(Infinity);
    wakeup.ring();
    await sleep;
  });

  it("ends the next sleep at once where nobody slept when it rang, and only that one", async () => {
    const wakeup = new Wakeup(systemClock);
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
    await new Wakeup(systemClock).sleep(20);
    assert.ok(performance.now() - startMs >= 19);
    await new Wakeup(systemClock).sleep(-1);
  });
});
