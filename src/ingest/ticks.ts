/** Calls for ticks again and again, so that time goes on in silence too. */
export class TickSource implements AsyncDisposable {
  private readonly tick: () => Promise<unknown>;
  private readonly timer: NodeJS.Timeout;
  private running: Promise<void> | undefined;

  constructor(tick: () => Promise<unknown>, everyMs: number) {
    this.tick = tick;
    this.timer = setInterval(() => this.run(), everyMs);
    // Ticks are no reason to keep the process.
    this.timer.unref();
  }

  /** Resolves when the last tick has come to its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private run(): void {
    this.running ??= this.runOnce();
  }

  private async runOnce(): Promise<void> {
    try {
      await this.tick();
    } catch {
      // The queue refused it, as it refuses clicks, whose senders are told; the next one comes soon.
    } finally {
      this.running = undefined;
    }
  }
}
