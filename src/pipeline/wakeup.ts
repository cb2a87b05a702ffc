/** A bell for one sleeper: `ring` ends the sleep in progress, or the next one at once. */
export class Wakeup {
  private rung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** Resolves when rung or after `timeMs` (Infinity: only when rung). */
  async sleep(timeMs: number): Promise<void> {
    if (!this.rung && timeMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = timeMs === Infinity ? undefined : setTimeout(resolve, timeMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = undefined;
    }
    this.rung = false;
  }
}
