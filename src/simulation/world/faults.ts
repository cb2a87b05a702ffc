import type { Fault, Step, Strike } from "./steps.ts";
import { strikeName } from "./steps.ts";

/** A strike that lies in wait: the first time its step is reached from `armedAtMs` on, it happens. */
export interface PlannedFault extends Strike {
  /** Simulated ms. */
  readonly armedAtMs: number;
}

/** The faults of one history. */
export class Faults {
  private readonly waiting = new Map<Step, PlannedFault[]>();
  private readonly struck = new Map<string, number>();
  private isOver = false;

  constructor(planned: readonly PlannedFault[]) {
    for (const fault of planned.toSorted((a, b) => a.armedAtMs - b.armedAtMs))
      this.waiting.set(fault.step, [...(this.waiting.get(fault.step) ?? []), fault]);
  }

  /** The fault that strikes at this step now. */
  at(step: Step, nowMs: number): Fault | undefined {
    const first = this.waiting.get(step)?.[0];
    if (this.isOver || first === undefined || first.armedAtMs > nowMs) return undefined;
    this.waiting.get(step)!.shift();
    return first.fault;
  }

  /** Counts a strike that had an effect. */
  note(strike: Strike): void {
    const name = strikeName(strike);
    this.struck.set(name, (this.struck.get(name) ?? 0) + 1);
  }

  /** No more of them: what is broken heals. */
  end(): void {
    this.isOver = true;
  }

  /** By strike, how often it happened. */
  get strikes(): ReadonlyMap<string, number> {
    return this.struck;
  }
}
