import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../src/clock/clock.ts";
import { Repeating } from "../../src/clock/repeating.ts";
import { VirtualTime } from "../../src/simulation/world/virtual-time.ts";
import { Random } from "../../src/traffic/random.ts";

/** Work that takes 30 ms, 100 ms after the time before; when each began. */
function repeated() {
  const time = new VirtualTime(new Random(1));
  const clock: Clock = {
    nowMs: () => time.nowMs,
    monotonicMs: () => time.nowMs,
    after: (timeMs, call) => time.after(timeMs, call),
    turn: async () => {},
  };
  const began: number[] = [];
  const repeating = new Repeating(clock, 100, async () => {
    began.push(time.nowMs);
    await time.pause(30);
  });
  const pass = (timeMs: number): Promise<void> => time.drive(time.pause(timeMs));
  return { began, repeating, pass, time };
}

describe("what is done again and again", () => {
  it("begins so long after the end of the time before", async () => {
    const { began, pass } = repeated();
    await pass(400);
    assert.deepEqual(began, [100, 230, 360]);
  });

  it("begins at once where it is wanted, or right after what is under way", async () => {
    const { began, repeating, pass } = repeated();
    await pass(50);
    repeating.now();
    repeating.now();
    await pass(200);
    assert.deepEqual(began, [50, 80, 210]);
  });

  it("comes to its end with what is under way, and not again", async () => {
    const { began, repeating, pass, time } = repeated();
    await pass(110);
    await time.drive(repeating[Symbol.asyncDispose]());
    assert.equal(time.nowMs, 130);
    repeating.now();
    await pass(500);
    assert.deepEqual(began, [100]);
  });
});
