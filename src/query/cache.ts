interface Kept {
  readonly answer: { readonly as_of: number };
  readonly bytes: number;
}

export interface AnswerCacheLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/**
 * Answers as of the current commit, by query; every commit forgets them all. Equal queries that are being answered
 * share one answer, unless a commit lies between them: who knows a commit to be done must see it. The caller tells
 * the commit (`asOf`) that is current.
 */
export class AnswerCache {
  private readonly limits: AnswerCacheLimits;
  /** The least recently used first. */
  private readonly kept = new Map<string, Kept>();
  private readonly inFlight = new Map<string, Promise<{ readonly as_of: number }>>();
  private asOf: number;
  private bytesKept = 0;

  constructor(
    asOf: number,
    limits: AnswerCacheLimits = { entriesMax: 4096, bytesMax: 32 * 1024 * 1024 },
  ) {
    this.asOf = asOf;
    this.limits = limits;
  }

  get bytes(): number {
    return this.bytesKept;
  }

  /** A commit was applied. */
  advance(asOf: number): void {
    this.asOf = asOf;
    this.kept.clear();
    this.inFlight.clear();
    this.bytesKept = 0;
  }

  /** `key` stands for the query with its range resolved and must differ for every kind of answer. */
  answer<Answer extends { readonly as_of: number }>(
    key: string,
    compute: () => Promise<Answer>,
    bytesOf: (answer: Answer) => number,
  ): Promise<Answer> {
    const kept = this.kept.get(key);
    if (kept) {
      this.kept.delete(key);
      this.kept.set(key, kept);
      return Promise.resolve(kept.answer as Answer);
    }
    const running = this.inFlight.get(key);
    if (running) return running as Promise<Answer>;
    const started = compute().then((answer) => {
      if (answer.as_of === this.asOf) this.keep(key, answer, bytesOf(answer) + 2 * key.length);
      return answer;
    });
    const ended = (): void => {
      if (this.inFlight.get(key) === started) this.inFlight.delete(key);
    };
    this.inFlight.set(key, started);
    started.then(ended, ended);
    return started;
  }

  private keep(key: string, answer: { readonly as_of: number }, bytes: number): void {
    if (bytes > this.limits.bytesMax / 4) return;
    this.bytesKept += bytes - (this.kept.get(key)?.bytes ?? 0);
    this.kept.set(key, { answer, bytes });
    for (const [oldest, { bytes: freed }] of this.kept) {
      if (this.kept.size <= this.limits.entriesMax && this.bytesKept <= this.limits.bytesMax)
        return;
      this.kept.delete(oldest);
      this.bytesKept -= freed;
    }
  }
}
