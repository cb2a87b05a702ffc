/** A process on the simulated machine: all that it waits for ends with it. */

import type { Clock, Timer } from "../../clock/clock.ts";
import type { Machine, Mortal } from "./machine.ts";
import type { ProcessStep } from "./steps.ts";

/** What a simulated device reports instead of doing its work; adapters translate it into the port's errors. */
export class DeviceError extends Error {
  readonly kind: "disk_full" | "sync_error" | "outage" | "queue_outage" | "lost_answer";

  constructor(kind: DeviceError["kind"]) {
    super(
      {
        disk_full: "no space left on the device",
        sync_error: "the sync failed",
        outage: "the store is away",
        queue_outage: "the log is out of reach",
        lost_answer: "the answer was lost",
      }[kind],
    );
    this.kind = kind;
  }
}

/** Where simulated devices are used from: takes their time, and is where faults strike. */
export interface Steps {
  /**
   * Reaches a step and does what it is for. Rejects with a DeviceError; never settles where the process dies of it.
   */
  step(step: ProcessStep, effect?: () => void): Promise<void>;
}

/** For using the devices without faults, as the contract suites do. */
export const undisturbed: Steps = {
  async step(_step, effect) {
    effect?.();
  },
};

/** One of its own each time: what waits for it must be forgotten with the process. */
function never(): Promise<never> {
  return new Promise(() => {});
}

const slowMsMax = 20_000;
const stepMsMax = 2;
/** Some times as long as a process may be silent for before others go on without it. */
const freezeMsMax = 25_000;
const lateMsMax = 40_000;
/** It reads all clicks of its minutes: enough for commits to come in between. */
const recountMsMax = 2_000;

export class SimulatedProcess implements Steps, Mortal {
  readonly machine: Machine;
  readonly clock: Clock;
  private isAlive = true;
  /** Nothing happens in it before. */
  private frozenUntilMs = -Infinity;

  constructor(machine: Machine) {
    this.machine = machine;
    const { time } = machine;
    this.clock = {
      nowMs: () => machine.wallMs,
      monotonicMs: () => time.nowMs,
      after: (timeMs, call) => this.after(timeMs, call),
      turn: () => this.wait(0),
    };
  }

  get alive(): boolean {
    return this.isAlive;
  }

  end(): void {
    this.isAlive = false;
  }

  async step(step: ProcessStep, effect: () => void = () => {}): Promise<void> {
    const { machine } = this;
    await this.wait(machine.draw(step) * (step === "recount" ? recountMsMax : stepMsMax));
    const fault = machine.strike(step);
    machine.note(step);
    switch (fault) {
      case "kill":
        machine.die(this);
        return never();
      case "lost_write":
      case "torn_write":
      case "reordered_write":
        machine.die(this, fault);
        return never();
      case "slow":
        await this.wait(1_000 + machine.draw("slow") * slowMsMax);
        break;
      case "disk_full":
        machine.fillDisk(machine.drawSpanMs("full"));
        break;
      case "outage":
        machine.loseStore(machine.drawSpanMs("away"));
        break;
      case "queue_outage":
        machine.loseQueue(machine.drawSpanMs("queue away"));
        break;
      case "sync_error":
        throw new DeviceError("sync_error");
      case "lost_answer":
        effect();
        throw new DeviceError("lost_answer");
      case "late_effect":
        machine.later(machine.draw("late effect") * lateMsMax, effect);
        throw new DeviceError("lost_answer");
      case "freeze":
        this.frozenUntilMs = machine.time.nowMs + machine.draw("frozen") * freezeMsMax;
        await this.wait(0);
        break;
      default:
      // The machine has changed the disk or the clock.
    }
    const refusal = machine.refusalOf(step);
    if (refusal) throw new DeviceError(refusal);
    effect();
  }

  private after(timeMs: number, call: () => void): Timer {
    const { time } = this.machine;
    const fire = (): void => {
      if (!this.isAlive) return;
      if (time.nowMs >= this.frozenUntilMs) call();
      else timer = time.after(this.frozenUntilMs - time.nowMs, fire);
    };
    let timer = time.after(timeMs, fire);
    return { cancel: () => timer.cancel() };
  }

  /** Never resolves where the process dies meanwhile. */
  private wait(timeMs: number): Promise<void> {
    if (!this.isAlive) return never();
    return new Promise((resolve) => this.clock.after(timeMs, resolve));
  }
}
