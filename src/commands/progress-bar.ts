/** Progress of long work on standard error: a bar on a terminal, plain lines elsewhere. */

const barWidth = 24;
const redrawMs = 100;
const plainLineMs = 5_000;

export interface ProgressOptions {
  readonly label: string;
  /** What is counted, for the rate: `clicks`. */
  readonly unit: string;
  readonly output?: NodeJS.WriteStream;
}

export class ProgressBar {
  private readonly options: ProgressOptions;
  private readonly output: NodeJS.WriteStream;
  private readonly startMs = performance.now();
  private drawnMs = -Infinity;

  constructor(options: ProgressOptions) {
    this.options = options;
    this.output = options.output ?? process.stderr;
  }

  /** `share`: of the whole, 0 to 1; `count`: units so far. */
  update(share: number, count: number): void {
    const nowMs = performance.now();
    if (nowMs - this.drawnMs < (this.output.isTTY ? redrawMs : plainLineMs)) return;
    if (this.drawnMs === -Infinity && !this.output.isTTY) {
      // Short work needs no lines.
      this.drawnMs = nowMs;
      return;
    }
    this.drawnMs = nowMs;
    this.write(this.line(Math.min(1, share), count, (nowMs - this.startMs) / 1000));
  }

  /** A line of its own, above the bar where there is one. */
  print(message: string): void {
    if (this.output.isTTY) this.output.write(`\r\u001b[K${message}\n`);
    else this.output.write(`${message}\n`);
  }

  /** Takes the bar away. */
  finish(): void {
    if (this.output.isTTY) this.output.write("\r\u001b[K");
  }

  private line(share: number, count: number, seconds: number): string {
    const { label, unit } = this.options;
    const rate = Math.round(count / Math.max(seconds, 0.001));
    const remaining = share > 0 ? duration((seconds / share) * (1 - share)) : "?";
    const numbers = `${Math.floor(share * 100)} %  ${formatCount(count)} ${unit}  ${formatCount(rate)}/s  ${remaining} left`;
    if (!this.output.isTTY) return `${label}: ${numbers}`;
    const filled = Math.round(share * barWidth);
    return `${label} [${"#".repeat(filled)}${"-".repeat(barWidth - filled)}] ${numbers}`;
  }

  private write(line: string): void {
    if (!this.output.isTTY) this.output.write(`${line}\n`);
    else this.output.write(`\r\u001b[K${line.slice(0, Math.max(20, this.output.columns - 1))}`);
  }
}

function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
