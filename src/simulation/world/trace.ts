import { createHash } from "node:crypto";

/** What happened, in order. Its hash is the same for the same seed; the lines themselves are kept where asked for. */
export class Trace {
  readonly lines: string[] | undefined;
  private readonly digest = createHash("sha256");
  private pending = "";

  constructor(keepsLines: boolean) {
    this.lines = keepsLines ? [] : undefined;
  }

  note(atMs: number, what: string): void {
    const line = `${atMs.toFixed(3)} ${what}`;
    this.lines?.push(line);
    this.pending += `${line}\n`;
    if (this.pending.length < 16_384) return;
    this.digest.update(this.pending);
    this.pending = "";
  }

  hash(): string {
    return this.digest.copy().update(this.pending).digest("hex").slice(0, 32);
  }
}
