import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pause } from "../../src/clock/clock.ts";
import { systemClock } from "../../src/clock/system-clock.ts";

describe("a pause", () => {
  it("lasts its time", async () => {
    const startMs = systemClock.monotonicMs();
    await pause(systemClock, 20, new AbortController().signal);
    assert.ok(systemClock.monotonicMs() - startMs >= 19);
  });

  it("ends at once when it is told to stop, or was before", async () => {
    const abort = new AbortController();
    const paused = pause(systemClock, 3_600_000, abort.signal);
    abort.abort();
    await paused;
    await pause(systemClock, 3_600_000, abort.signal);
  });
});

describe("the system's clock", () => {
  it("does not call what was cancelled", async () => {
    const called: string[] = [];
    systemClock.after(1, () => called.push("cancelled")).cancel();
    const later = Promise.withResolvers<void>();
    systemClock.after(5, later.resolve);
    await later.promise;
    assert.deepEqual(called, []);
  });
});
