/** What outlives the processes: time, the disk, and the faults that strike at it. */

import { crc32 } from "node:zlib";
import { Random } from "../../traffic/random.ts";
import type { PowerLoss } from "./disk.ts";
import { SimulatedDisk } from "./disk.ts";
import { Faults } from "./faults.ts";
import type { PlannedFault } from "./faults.ts";
import { fileNames } from "./file-names.ts";
import { OldCopy } from "./old-copy.ts";
import type { Fault, ProcessStep, Step } from "./steps.ts";
import { sharedStepsOfFault, stepsOfFault, strikeName } from "./steps.ts";
import { Trace } from "./trace.ts";
import { VirtualTime } from "./virtual-time.ts";

/** What runs on the machine until it dies. */
export interface Mortal {
  readonly alive: boolean;
  /** Ends it without a chance to finish anything. */
  end(): void;
}

export interface MachineOptions {
  readonly seed: number;
  /** Wall clock at the start, epoch ms. */
  readonly startMs: number;
  readonly faults: readonly PlannedFault[];
  readonly keepsTrace: boolean;
  /** Whether queue and store are servers that several processes use. */
  readonly isShared?: boolean;
}

/** A stop that takes longer is ended by force. */
const stopMsMax = 60_000;
/** The wall clock is never further off than this. */
const clockErrorMsMax = 90_000;

const fullSteps: ReadonlySet<Step> = new Set(stepsOfFault.disk_full);
/** At which an outage is met. */
const stepsAway = {
  own: {
    store: new Set<Step>(stepsOfFault.outage),
    queue: new Set<Step>(stepsOfFault.queue_outage),
  },
  shared: {
    store: new Set<Step>(sharedStepsOfFault.outage),
    queue: new Set<Step>(sharedStepsOfFault.queue_outage),
  },
};
/** What a flipped byte at a step is in. */
const flippedFiles: Readonly<Partial<Record<Step, string>>> = {
  "append.done": fileNames.queue,
  "commit.done": fileNames.storeLog,
  "checkpoint.done": fileNames.snapshot,
};

export class Machine {
  private readonly seed: number;
  readonly time: VirtualTime;
  readonly disk: SimulatedDisk;
  readonly faults: Faults;
  readonly trace: Trace;
  readonly oldCopy: OldCopy;
  /** Told of a process that has died. */
  onDeath: (process: Mortal) => void = () => {};
  private readonly startMs: number;
  private readonly away: (typeof stepsAway)["own"];
  private clockErrorMs = 0;
  private fullUntilMs = -Infinity;
  private awayUntilMs = -Infinity;
  private queueAwayUntilMs = -Infinity;
  private underWay = 0;

  constructor({ seed, startMs, faults, keepsTrace, isShared = false }: MachineOptions) {
    this.seed = seed;
    this.away = isShared ? stepsAway.shared : stepsAway.own;
    this.time = new VirtualTime(new Random(seed + 1));
    this.disk = new SimulatedDisk(new Random(seed + 2));
    this.oldCopy = new OldCopy(this.disk);
    this.faults = new Faults(faults);
    this.trace = new Trace(keepsTrace);
    this.startMs = startMs;
  }

  get wallMs(): number {
    return Math.floor(this.startMs + this.time.nowMs + this.clockErrorMs);
  }

  /**
   * A number of `[0, 1)` that depends on the moment and on what it is for, not on how many were drawn before: where a
   * part of a history is cut out, the rest goes on as it did.
   */
  draw(what: string): number {
    let hash = crc32(`${what} ${this.time.nowMs}`, this.seed);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
  }

  /** How long something lasts: mostly seconds, at times many minutes. */
  drawSpanMs(what: string): number {
    return this.draw(what) * (this.draw(`${what} long`) < 0.25 ? 900_000 : 30_000);
  }

  note(what: string): void {
    this.trace.note(this.time.nowMs, what);
  }

  /** The fault that strikes at this step, if any. Those of the disk and the clock have had their effect already. */
  strike(step: Step): Fault | undefined {
    const fault = this.faults.at(step, this.time.nowMs);
    if (fault === undefined || !this.affects(fault, step)) return undefined;
    this.note(strikeName({ fault, step }));
    this.faults.note({ fault, step });
    return fault;
  }

  /** Ends a process, with the power where that goes too. */
  die(process: Mortal, loss?: PowerLoss): void {
    if (!process.alive) return;
    process.end();
    if (loss) this.disk.losePower(loss);
    this.onDeath(process);
  }

  /** Ends a process once it has stopped in good order, or by force where that takes too long. */
  async dieStopped(process: Mortal, stop: Promise<void>): Promise<void> {
    const stopped = stop.catch((error: unknown) => this.note(String(error)));
    await Promise.race([stopped, this.time.pause(stopMsMax)]);
    this.die(process);
  }

  fillDisk(forMs: number): void {
    this.fullUntilMs = this.time.nowMs + forMs;
  }

  loseStore(forMs: number): void {
    this.awayUntilMs = this.time.nowMs + forMs;
  }

  loseQueue(forMs: number): void {
    this.queueAwayUntilMs = this.time.nowMs + forMs;
  }

  /** Whoever has asked for it, and whatever becomes of that process. */
  later(afterMs: number, effect: () => void): void {
    this.underWay++;
    this.time.after(afterMs, () => {
      this.underWay--;
      effect();
    });
  }

  /** Whether nothing is on its way that nobody waits for. */
  get isStill(): boolean {
    return this.underWay === 0;
  }

  /** No more faults, and those that last are over. */
  heal(): void {
    this.faults.end();
    this.fullUntilMs = -Infinity;
    this.awayUntilMs = -Infinity;
    this.queueAwayUntilMs = -Infinity;
    this.clockErrorMs = 0;
  }

  /** A service has started on what is there. */
  settle(): void {
    this.oldCopy.settle();
    this.disk.settle();
  }

  /** What an operator does about damage: false where there is none to mend. */
  mend(): boolean {
    const hasPutBack = this.oldCopy.putBack();
    return this.disk.mend() || hasPutBack;
  }

  /** Why a step can't be done for now. */
  refusalOf(step: ProcessStep): "disk_full" | "outage" | "queue_outage" | undefined {
    if (fullSteps.has(step) && this.time.nowMs < this.fullUntilMs) return "disk_full";
    if (this.away.store.has(step) && this.time.nowMs < this.awayUntilMs) return "outage";
    if (this.away.queue.has(step) && this.time.nowMs < this.queueAwayUntilMs) return "queue_outage";
    return undefined;
  }

  /** False where there is nothing that it could change. */
  private affects(fault: Fault, step: Step): boolean {
    switch (fault) {
      case "bit_flip":
        return this.disk.flip(flippedFiles[step]!);
      case "clock_jump":
        this.clockErrorMs = Math.round((2 * this.draw("clock") - 1) * clockErrorMsMax);
        return true;
      case "lost_log": {
        const log = this.disk.file(fileNames.storeLog);
        if (log.chunks.length === 0) return false;
        log.truncate(0);
        return true;
      }
      case "old_copy":
        return this.oldCopy.restore();
      default:
        return true;
    }
  }
}
