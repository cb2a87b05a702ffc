/** Tells of a click queue that is out of reach: once, however many meet it and however often, until all of them reach it again. */
export class QueueOutages {
  private readonly onProblem: (what: string, error: unknown) => void;
  private readonly met = new Set<unknown>();

  private readonly onNotice: (what: string) => void;

  constructor(
    onProblem: (what: string, error: unknown) => void,
    onNotice: (what: string) => void = () => {},
  ) {
    this.onProblem = onProblem;
    this.onNotice = onNotice;
  }

  /** `who` has met it. */
  away(who: unknown, error: unknown): void {
    if (this.met.size === 0)
      this.onProblem("the click queue is out of reach, counting waits for it", error);
    this.met.add(who);
  }

  /** `who` has reached the queue. */
  back(who: unknown): void {
    if (this.met.delete(who) && this.met.size === 0)
      this.onNotice("the click queue is in reach again");
  }
}
