/** One file that is followed: gives the lines behind its place, and moves on once they are decided on. */

import { compareBytes } from "./compare-files.ts";
import { startOf } from "./compare-files.ts";
import type { FileBytes, PlainBytes } from "./file-bytes.ts";
import { openCompressed, openPlain } from "./file-bytes.ts";
import type { FoundFile } from "./find-files.ts";
import type { LinePlace, LogLine } from "./line-cutter.ts";
import { LineCutter } from "./line-cutter.ts";
import { looks } from "./match-files.ts";
import type { FileState } from "./watch-state.ts";
import { addMark, marksMax, placeOf, savedPlace } from "./watch-state.ts";

/** Of one turn, so that files take turns and little is held; a line may be longer. */
const turnBytesMax = 524_288;
const anchorLines = 8;

export type Turn =
  | { readonly lines: readonly LogLine[]; readonly isAtEnd: boolean }
  /** It has other content by now than what was read before. */
  | "replaced";

export class FollowedFile {
  readonly state: FileState;
  /** Undefined where no name leads to it any more. */
  private found: FoundFile | undefined;
  private inode = "";
  private readonly source: string;
  private plain: PlainBytes | undefined;
  private compressed: { readonly bytes: FileBytes; readonly cutter: LineCutter } | undefined;
  /** What it looked like when there was nothing more to read. */
  private endedAs = "";
  /** Before each of the last few lines. */
  private readonly places: LinePlace[] = [];

  constructor(source: string, state: FileState) {
    this.source = source;
    this.state = state;
  }

  /** True where it is read from though it may have no name. */
  get isOpen(): boolean {
    return this.plain !== undefined;
  }

  get isGone(): boolean {
    return this.found === undefined;
  }

  get hasMore(): boolean {
    const { found } = this;
    if (!found) return this.isOpen;
    return this.endedAs !== looks(found) && this.state.doneAs !== looks(found);
  }

  get lagBytes(): number {
    const { found, state } = this;
    if (!found) return 0;
    if (found.compression === "none") return Math.max(0, found.size - state.place.bytes);
    return this.hasMore ? found.size : 0;
  }

  /** What there is of it now; undefined where no name leads to it: then it is read on as long as it is open. */
  async see(found: FoundFile | undefined): Promise<void> {
    if (found && found.inode !== this.inode) await this.close();
    if (found) this.inode = found.inode;
    this.found = found;
  }

  /** Lines that come next. */
  async read(): Promise<Turn> {
    const { found } = this;
    if (found && found.compression !== "none") return await this.readCompressed(found);
    if (found) this.plain ??= await openPlain(found, 0);
    // It was moved in this moment: the next look tells.
    if (!this.plain) return { lines: [], isAtEnd: false };
    return await this.readPlain(this.plain);
  }

  /**
   * Notes the first lines of the file, as far as these are among them; true where there are new ones. They are to be saved before
   * they are sent: then what may have been sent of a file is what it is known by. `files`: all that are known.
   */
  mark(lines: readonly LogLine[], files: readonly FileState[]): boolean {
    const { state } = this;
    const before = state.marks.length;
    for (const { number, hash } of lines.slice(0, marksMax))
      if (number === state.marks.length + 1 && number <= marksMax)
        addMark(state, hash.toString("hex"), files);
    return state.marks.length > before;
  }

  /** Told that these lines, which a turn gave, are decided on. */
  moveBehind(lines: readonly LogLine[]): void {
    const { state, places } = this;
    const last = lines.at(-1);
    if (!last) return;
    const ends = [placeOf(state.place), ...lines.map(placeBehind)];
    places.push(...ends.slice(-anchorLines - 1, -1));
    places.splice(0, places.length - anchorLines);
    state.place = savedPlace(placeBehind(last));
    state.anchor = savedPlace(places[0]!);
  }

  /** Told that a turn gave all there was. */
  noteEnd(): void {
    const { found, state } = this;
    if (!found) return;
    this.endedAs = looks(found);
    if (this.compressed?.bytes.isWhole) state.doneAs = this.endedAs;
  }

  async close(): Promise<void> {
    this.endedAs = "";
    await this.plain?.[Symbol.asyncDispose]();
    await this.compressed?.bytes[Symbol.asyncDispose]();
    this.plain = undefined;
    this.compressed = undefined;
  }

  private async readPlain(plain: PlainBytes): Promise<Turn> {
    const { state } = this;
    const from = placeOf(state.place);
    const cutter = new LineCutter(from);
    const lines: LogLine[] = [];
    const bytes = plain.from(from.bytes);
    let taken = 0;
    let chunk = await bytes.read();
    for (; chunk; chunk = await bytes.read()) {
      lines.push(...cutter.push(chunk));
      taken += chunk.length;
      if (taken >= turnBytesMax && lines.length > 0) break;
    }
    // After the reads: what was read then went on from what was read before.
    if (!(await this.isStill(plain, lines))) return "replaced";
    return { lines, isAtEnd: chunk === undefined };
  }

  private async isStill(plain: PlainBytes, lines: readonly LogLine[]): Promise<boolean> {
    const { state } = this;
    if (state.place.bytes > 0) {
      const anchor = placeOf(state.anchor);
      const bytes = plain.from(anchor.bytes);
      const { place } = state;
      return (await compareBytes(bytes, anchor, { marks: [], place })).likeness === "same";
    }
    return lines
      .slice(0, marksMax)
      .every(
        ({ number, hash }) =>
          (state.marks[number - 1] ?? hash.toString("hex")) === hash.toString("hex"),
      );
  }

  private async readCompressed(found: FoundFile): Promise<Turn> {
    const { state } = this;
    if (!this.compressed) {
      const start = startOf(this.source);
      const opened = await openCompressed(found);
      if (!opened) return { lines: [], isAtEnd: false };
      this.compressed = { bytes: opened, cutter: new LineCutter(start) };
    }
    const { bytes, cutter } = this.compressed;
    const until = placeOf(state.place);
    const lines: LogLine[] = [];
    let taken = 0;
    let isReplaced = false;
    const take = (line: LogLine): void => {
      const mark = state.marks[line.number - 1];
      isReplaced ||= mark !== undefined && mark !== line.hash.toString("hex");
      if (line.start >= until.bytes) lines.push(line);
      else if (line.end >= until.bytes)
        isReplaced ||= line.end > until.bytes || !line.hash.equals(until.hash);
    };
    for (;;) {
      const chunk = await bytes.read();
      for (const line of chunk ? cutter.push(chunk) : bytes.isWhole ? cutter.finish() : [])
        take(line);
      if (isReplaced) break;
      taken += chunk?.length ?? 0;
      if (chunk && (taken < turnBytesMax || lines.length === 0)) continue;
      if (!chunk && !bytes.isWhole) {
        // Nothing that follows has come yet; then it is read from the start.
        await this.close();
      }
      return { lines, isAtEnd: chunk === undefined };
    }
    await this.close();
    return "replaced";
  }
}

function placeBehind({ end, number, hash }: LogLine): LinePlace {
  return { bytes: end, lines: number, hash };
}
