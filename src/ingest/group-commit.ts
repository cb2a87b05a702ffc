/**
 * Group commit: while one group is being made durable the next one gathers, so that many small bodies share one sync.
 */

import type { Clock } from "../clock/clock.ts";
import { CodedError } from "../model/errors.ts";

/** Jobs that wait at most; whoever comes then is refused. */
const waitingJobsMax = 65_536;

export class GroupCommitter<Job> {
  private readonly clock: Clock;
  private readonly commit: (take: () => Job | undefined) => Promise<void>;
  private waiting: Job[] = [];
  private taken = 0;
  private running: Promise<void> | undefined;

  /**
   * `commit` settles a group: the jobs that it takes, one at least; what it leaves is for the next one. It must not
   * reject; it tells each job what became of it.
   */
  constructor(clock: Clock, commit: (take: () => Job | undefined) => Promise<void>) {
    this.clock = clock;
    this.commit = commit;
  }

  /** Throws `overloaded` where too many jobs wait. */
  add(job: Job): void {
    if (this.waiting.length - this.taken >= waitingJobsMax) {
      throw new CodedError(
        "overloaded",
        `${waitingJobsMax} requests wait for the click queue; send again later`,
      );
    }
    this.waiting.push(job);
    this.running ??= this.run();
  }

  /** Resolves when nothing is waiting or being committed. */
  async idle(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  private async run(): Promise<void> {
    while (this.taken < this.waiting.length) {
      // A turn of the event loop lets in what has arrived meanwhile: it joins this group.
      await this.clock.turn();
      await this.commit(() => this.take());
    }
    this.running = undefined;
  }

  private take(): Job | undefined {
    if (this.taken === this.waiting.length) return undefined;
    const job = this.waiting[this.taken++];
    if (this.taken === this.waiting.length) {
      this.waiting = [];
      this.taken = 0;
    } else if (this.taken === forgottenJobs) {
      this.waiting.splice(0, forgottenJobs);
      this.taken = 0;
    }
    return job;
  }
}

/** So many jobs that were taken are kept before the list of those that wait moves up. */
const forgottenJobs = 1024;
