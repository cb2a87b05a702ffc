/** Where the lines stand that were no clicks, a line of JSON each: for whoever wants to know what to mend. */

import { appendFile, rename, stat } from "node:fs/promises";

/** Then it is renamed to `….1`, in the place of the one before. */
const bytesMax = 10_000_000;

export interface BadLine {
  readonly file: string;
  /** In the file's content, decompressed. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

export class BadLines {
  private readonly path: string;
  private size: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  async add(lines: readonly BadLine[], nowMs: number): Promise<void> {
    if (lines.length === 0) return;
    const at = new Date(nowMs).toISOString();
    const text = lines.map((line) => `${JSON.stringify({ at, ...line })}\n`).join("");
    this.size ??= await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
    if (this.size > 0 && this.size + text.length > bytesMax) {
      await rename(this.path, `${this.path}.1`);
      this.size = 0;
    }
    await appendFile(this.path, text, { mode: 0o600 });
    this.size += Buffer.byteLength(text);
  }
}
