/** A log that is written to, and rotated in every way there is, with a naive count of its lines. */

import { closeSync, existsSync, openSync, writeSync } from "node:fs";
import { copyFile, readFile, readdir, rename, truncate, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Random } from "../../src/traffic/random.ts";

export interface LineMaker {
  /** A line that is a click, one that is none, and one that should be and is bad. Ads stand in clicks alone. */
  readonly click: (ad: string, random: Random) => string;
  readonly skipped: (random: Random) => string;
  readonly bad: (random: Random) => string;
}

export type TurnKind = "rename" | "copytruncate" | "compress";

const ads = 20;

export class TurnedLog implements Disposable {
  readonly path: string;
  /** By ad. */
  readonly expected = new Map<string, number>();
  badLines = 0;
  private readonly random: Random;
  private readonly lines: LineMaker;
  private file: number;
  /** Of the current file. */
  private linesInFile = 0;
  private firstLine = "";

  constructor(path: string, random: Random, lines: LineMaker) {
    this.path = path;
    this.random = random;
    this.lines = lines;
    this.file = openSync(path, "a");
  }

  get clicks(): number {
    return this.expected.values().reduce((sum, count) => sum + count, 0);
  }

  /** The last line may come in two writes, and lines may be equal. */
  write(count: number): void {
    const { random } = this;
    for (let i = 0; i < count; i++) {
      const line = this.nextLine();
      const cut = random.chance(0.2) ? random.below(line.length) : 0;
      if (cut > 0) writeSync(this.file, line.slice(0, cut));
      writeSync(this.file, `${line.slice(cut)}\n`);
      if (this.linesInFile++ === 0) this.firstLine = line;
    }
  }

  async turn(kind: TurnKind): Promise<void> {
    if (kind === "rename") await this.rename();
    else if (kind === "copytruncate") await this.copyTruncate();
    else await this.compress();
  }

  [Symbol.dispose](): void {
    closeSync(this.file);
  }

  private nextLine(): string {
    const { random, lines } = this;
    if (random.chance(0.05)) {
      this.badLines++;
      return lines.bad(random);
    }
    if (random.chance(0.1)) return lines.skipped(random);
    return this.click(lines.click(`ad-${random.below(ads)}`, random));
  }

  private click(line: string): string {
    const ad = /ad-\d+/.exec(line)![0];
    this.expected.set(ad, (this.expected.get(ad) ?? 0) + 1);
    return line;
  }

  /** As logrotate does by `create`: who writes goes on writing to the old file until it opens the new one. */
  private async rename(): Promise<void> {
    await this.shift();
    await rename(this.path, `${this.path}.1`);
    if (this.random.chance(0.5)) this.write(this.random.below(5));
    closeSync(this.file);
    this.file = openSync(this.path, "a");
    this.begin();
  }

  /** As by `copytruncate`, with nothing written between the copy and the cut: that would be lost to everybody. */
  private async copyTruncate(): Promise<void> {
    await this.shift();
    await copyFile(this.path, `${this.path}.1`);
    await truncate(this.path);
    this.begin();
  }

  /** Every second file begins as the one before it did, and goes on otherwise. One that is nothing but a beginning can't be told. */
  private begin(): void {
    const { firstLine, random } = this;
    const isAlike = this.linesInFile > 1 && /ad-\d+/.test(firstLine) && random.chance(0.5);
    this.linesInFile = 0;
    for (const line of [...(isAlike ? [firstLine] : []), this.lines.click("ad-0", random)]) {
      writeSync(this.file, `${this.click(line)}\n`);
      if (this.linesInFile++ === 0) this.firstLine = line;
    }
  }

  /** Of the plain ones that are rotated one, which is gone only once its other form is whole. */
  private async compress(): Promise<void> {
    const plain = (await this.rotated()).filter((name) => /\.\d+$/.test(name));
    if (plain.length === 0) return await this.rename();
    const path = join(dirname(this.path), this.random.pick(plain));
    const content = await readFile(path);
    const [ending, bytes] = this.random.chance(0.5)
      ? ([".gz", gzipSync(content)] as const)
      : ([".zst", zstdCompressSync(content)] as const);
    const half = bytes.subarray(0, bytes.length >> 1);
    await writeFile(path + ending, half);
    await writeFile(path + ending, bytes.subarray(half.length), { flag: "a" });
    await unlink(path);
  }

  private async shift(): Promise<void> {
    const numbers = (await this.rotated()).map((name) => Number(/\.(\d+)/.exec(name)![1]));
    for (const number of numbers.toSorted((a, b) => b - a))
      for (const ending of ["", ".gz", ".zst"]) {
        const from = `${this.path}.${number}${ending}`;
        if (existsSync(from)) await rename(from, `${this.path}.${number + 1}${ending}`);
      }
  }

  private async rotated(): Promise<string[]> {
    const own = basename(this.path);
    const entries = await readdir(dirname(this.path));
    return entries.filter((name) => name.startsWith(`${own}.`));
  }
}
