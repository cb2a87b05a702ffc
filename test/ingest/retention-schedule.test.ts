import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../src/clock/clock.ts";
import { systemClock } from "../../src/clock/system-clock.ts";
import { RetentionSchedule } from "../../src/ingest/retention-schedule.ts";
import type { Control } from "../../src/model/log-record.ts";
import { dayMs, hourMs } from "../../src/model/time.ts";
import { eventually } from "../support/eventually.ts";

const times = { rawMs: 90 * dayMs, minuteMs: 400 * dayMs };

/** A clock that is wound by the test: whoever waits is called when it is told to be. */
class WoundClock implements Clock {
  now = 20_000 * dayMs + 5;
  waiting: { readonly timeMs: number; readonly call: () => void }[] = [];
  readonly monotonicMs = (): number => this.now;
  readonly turn = (): Promise<void> => systemClock.turn();
  nowMs = (): number => this.now;

  after(timeMs: number, call: () => void): { cancel(): void } {
    const entry = { timeMs, call };
    this.waiting.push(entry);
    return { cancel: () => (this.waiting = this.waiting.filter((other) => other !== entry)) };
  }

  /** Once somebody waits, lets as much time pass as that takes; ms. */
  async wind(): Promise<number> {
    const next = await eventually("somebody waits", () => this.waiting.shift());
    this.now += next.timeMs;
    next.call();
    return next.timeMs;
  }
}

describe("the schedule of retention", () => {
  it("says at the start and once a day which days need not be kept", async () => {
    const clock = new WoundClock();
    const said: Control[] = [];
    const schedule = new RetentionSchedule(clock, async (control) => said.push(control), times);
    for (let hours = 0; hours < 49; hours++) assert.equal(await clock.wind(), hourMs);
    await eventually("the last look is over", () => clock.waiting[0]);
    await schedule[Symbol.asyncDispose]();
    assert.deepEqual(
      said,
      [20_000, 20_001, 20_002].map((today) => ({
        type: "retention",
        raw_before_day: today - 90,
        minute_before_day: today - 400,
      })),
    );
  });

  it("asks again soon where the queue takes nothing, and appends nothing once it is stopped", async () => {
    const clock = new WoundClock();
    let isFull = true;
    let tries = 0;
    const append = async (): Promise<void> => {
      tries++;
      if (isFull) throw new Error("full");
    };
    const schedule = new RetentionSchedule(clock, append, times);
    assert.ok((await clock.wind()) < hourMs);
    isFull = false;
    assert.ok((await clock.wind()) < hourMs);
    assert.equal(await clock.wind(), hourMs);
    await eventually("it waits again", () => clock.waiting[0]);
    await schedule[Symbol.asyncDispose]();
    assert.deepEqual([tries, clock.waiting.length], [3, 0]);
  });
});
