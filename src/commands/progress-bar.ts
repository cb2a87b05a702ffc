/** Progress of long work on standard error: a bar on a terminal, plain lines elsewhere. */

const barWidth = 24;
const redrawMs = 100;
const plainLineMs = 5_000;
const lookEveryMs = 250;
/** Cells of a bar that moves, where nobody knows how far it is. */
const movingCells = 6;

export interface ProgressOptions {
  readonly label: string;
  /** What is counted, for the rate: `clicks`. Absent where nothing is. */
  readonly unit?: string;
  readonly output?: NodeJS.WriteStream;
}

export class ProgressBar {
  private readonly options: ProgressOptions;
  private readonly output: NodeJS.WriteStream;
  private readonly startMs = performance.now();
  private drawnMs = -Infinity;
  private isFinished = false;

  constructor(options: ProgressOptions) {
    this.options = options;
    this.output = options.output ?? process.stderr;
  }

  /**
   * Does the work with a bar beside it. `share`: how much of it is done, 0 to 1, as far as anybody knows; it may fail.
   */
  static async during<T>(
    options: ProgressOptions,
    work: Promise<T>,
    share: () => Promise<number | undefined> = async () => undefined,
  ): Promise<T> {
    const bar = new ProgressBar(options);
    bar.update(undefined, 0);
    let isLooking = false;
    const timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      void share()
        .catch(() => undefined)
        .then((known) => {
          isLooking = false;
          if (!bar.isFinished) bar.update(known, 0);
        });
    }, lookEveryMs);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      bar.finish();
    }
  }

  /** `share`: of the whole, 0 to 1, undefined where nobody knows; `count`: units so far. */
  update(share: number | undefined, count: number): void {
    const nowMs = performance.now();
    if (nowMs - this.drawnMs < (this.output.isTTY ? redrawMs : plainLineMs)) return;
    if (this.drawnMs === -Infinity && !this.output.isTTY) {
      // Short work needs no lines.
      this.drawnMs = nowMs;
      return;
    }
    this.drawnMs = nowMs;
    const known = share === undefined ? undefined : Math.min(1, share);
    this.write(this.line(known, count, (nowMs - this.startMs) / 1000));
  }

  /** A line of its own, above the bar where there is one. */
  print(message: string): void {
    if (this.output.isTTY) this.output.write(`\r\u001b[K${message}\n`);
    else this.output.write(`${message}\n`);
  }

  /** Takes the bar away for good. */
  finish(): void {
    this.isFinished = true;
    this.clear();
  }

  /** Makes room for a line on standard output, where there is a bar. */
  clear(): void {
    if (this.output.isTTY) this.output.write("\r\u001b[K");
  }

  private line(share: number | undefined, count: number, seconds: number): string {
    const { label, unit } = this.options;
    const numbers: string[] = [];
    if (share !== undefined) numbers.push(`${Math.floor(share * 100)} %`);
    if (unit !== undefined) {
      const rate = Math.round(count / Math.max(seconds, 0.001));
      numbers.push(`${formatCount(count)} ${unit}`, `${formatCount(rate)}/s`);
    }
    if (share === undefined) numbers.push(`${duration(seconds)} so far`);
    else numbers.push(`${share > 0 ? duration((seconds / share) * (1 - share)) : "?"} left`);
    const text = numbers.join("  ");
    return this.output.isTTY ? `${label} [${barOf(share, seconds)}] ${text}` : `${label}: ${text}`;
  }

  private write(line: string): void {
    if (!this.output.isTTY) this.output.write(`${line}\n`);
    else this.output.write(`\r\u001b[K${line.slice(0, Math.max(20, this.output.columns - 1))}`);
  }
}

function barOf(share: number | undefined, seconds: number): string {
  const filled = share === undefined ? movingCells : Math.round(share * barWidth);
  const before = share === undefined ? Math.floor(seconds * 4) % (barWidth - movingCells + 1) : 0;
  return "-".repeat(before) + "#".repeat(filled) + "-".repeat(barWidth - before - filled);
}

function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
