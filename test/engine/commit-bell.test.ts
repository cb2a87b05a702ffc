import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../src/clock/system-clock.ts";
import { CommitBell } from "../../src/engine/commit-bell.ts";

/** Longer than any test: who waits for it is woken before. */
const longMs = 600_000;

describe("waiting for a newer commit", () => {
  it("is over at once where there is one, and after its time where none comes", async () => {
    const bell = new CommitBell(systemClock, 7);
    assert.equal(await bell.wait(6, longMs), true);
    assert.equal(await bell.wait(7, 1), false);
    assert.equal(await bell.wait(8, 0), false);
  });

  it("is over for all who wait when one comes, and leaves nothing behind", async () => {
    let timers = 0;
    const counting = {
      ...systemClock,
      after(timeMs: number, call: () => void) {
        timers++;
        const timer = systemClock.after(timeMs, call);
        let isOver = false;
        return {
          cancel() {
            timer.cancel();
            if (!isOver) timers--;
            isOver = true;
          },
        };
      },
    };
    const bell = new CommitBell(counting, 7);
    const waiting = [bell.wait(7, longMs), bell.wait(7, longMs)];
    assert.equal(timers, 2);
    bell.ring(8);
    assert.deepEqual(await Promise.all(waiting), [true, true]);
    assert.equal(timers, 0);
  });
});
