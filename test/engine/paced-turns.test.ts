import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../src/clock/clock.ts";
import { PacedTurns } from "../../src/engine/paced-turns.ts";
import { VirtualTime } from "../../src/simulation/world/virtual-time.ts";
import { Random } from "../../src/traffic/random.ts";

function paced() {
  const time = new VirtualTime(new Random(1));
  const clock: Clock = {
    nowMs: () => time.nowMs,
    monotonicMs: () => time.nowMs,
    after: (timeMs, call) => time.after(timeMs, call),
    turn: () => Promise.resolve(),
  };
  return { time, turns: new PacedTurns(clock) };
}

describe("paced turns", () => {
  it("are one at a time, and rest in between for twice the time of the last, or 100 ms", async () => {
    const { time, turns } = paced();
    const begun: number[] = [];
    const work = (takesMs: number) => () =>
      new Promise<number>((resolve) => {
        begun.push(time.nowMs);
        time.after(takesMs, () => resolve(takesMs));
      });
    const all = Promise.all([10, 10, 400, 1].map((takesMs) => turns.take(work(takesMs))));
    assert.deepEqual(await time.drive(all), [10, 10, 400, 1]);
    assert.deepEqual(begun, [0, 30, 60, 560]);
  });

  it("go on after one that failed", async () => {
    const { time, turns } = paced();
    const failed = turns.take(() => Promise.reject(new Error("away")));
    await assert.rejects(time.drive(failed), /away/);
    assert.equal(await time.drive(turns.take(() => Promise.resolve(1))), 1);
  });
});
