import type { Clock, Timer } from "./clock.ts";

/** Does something again and again, each time so long after the time before has come to its end. */
export class Repeating implements AsyncDisposable {
  private readonly clock: Clock;
  private readonly everyMs: number;
  private readonly work: () => Promise<void>;
  /** Undefined while it is at work. */
  private timer: Timer | undefined;
  private working: Promise<void> = Promise.resolve();
  private isEnded = false;
  /** Once more at once rather than after a while. */
  private isWanted = false;

  /** `work` never rejects. */
  constructor(clock: Clock, everyMs: number, work: () => Promise<void>) {
    this.clock = clock;
    this.everyMs = everyMs;
    this.work = work;
    this.schedule();
  }

  /** Where it is at work it begins again right after. */
  now(): void {
    this.isWanted = true;
    if (!this.timer || this.isEnded) return;
    this.timer.cancel();
    this.begin();
  }

  /** Not again; what is under way goes on to its end. */
  end(): void {
    this.isEnded = true;
    this.timer?.cancel();
  }

  /** Resolves when nothing is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await this.working;
  }

  private schedule(): void {
    if (this.isEnded) return;
    if (this.isWanted) this.begin();
    else this.timer = this.clock.after(this.everyMs, () => this.begin());
  }

  private begin(): void {
    this.timer = undefined;
    this.isWanted = false;
    this.working = this.work().finally(() => this.schedule());
  }
}
