/**
 * Follows the log files of a source. What it reads goes through the door that HTTP bodies come through; where it has come to
 * is written down once that is durable, so each line counts once, whatever dies when (docs/decisions/0029-log-watcher.md).
 */

import { join } from "node:path";
import { watch } from "chokidar";
import type { Clock } from "../../clock/clock.ts";
import { pause } from "../../clock/clock.ts";
import type { LogSource, WatcherStatus } from "../../model/log-source.ts";
import type { BadLine } from "./bad-lines.ts";
import { BadLines } from "./bad-lines.ts";
import type { FoundFile } from "./find-files.ts";
import { directoryOf, findFiles, mayConcern } from "./find-files.ts";
import { FollowedFile } from "./followed-file.ts";
import { LineClicks } from "./line-clicks.ts";
import type { LogLine } from "./line-cutter.ts";
import { FileMatcher } from "./match-files.ts";
import type { TakeClicks } from "./send-lines.ts";
import { sendLines } from "./send-lines.ts";
import type { FileState } from "./watch-state.ts";
import { occurrenceOf, WatchState } from "./watch-state.ts";

export interface LogWatcherOptions {
  readonly source: LogSource;
  readonly clock: Clock;
  /** Where positions and bad lines are kept; of one watcher alone. */
  readonly directory: string;
  readonly take: TakeClicks;
  readonly onProblem: (what: string) => void;
}

/** Where nothing tells of a change. */
const lookEveryMs = 1_000;
/** Between two looks, however often something changes. */
const lookEveryMsMin = 50;
const againAfterMs = 2_000;
/** Between what is told of one thing. */
const tellEveryMs = 10_000;
/** Of a file, before it is looked again what there is. */
const turnsMax = 64;
const saveEveryMs = 200;
/** Files that are held open; the others are opened when they change. */
const openFilesMax = 64;
/** A file without a name is held as long after its last line. */
const holdGoneMs = 3_000;

/** In the place of a line that can't be a click. */
const noClick = Buffer.from("not JSON");

export class LogWatcher implements AsyncDisposable {
  private readonly options: LogWatcherOptions;
  private readonly lineClicks: LineClicks;
  private readonly badLines: BadLines;
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;
  private readonly followed = new Map<FileState, FollowedFile>();
  /** By file, of those that have no name any more: when they last had something. */
  private readonly goneSinceMs = new Map<FileState, number>();
  private readonly toldMs = new Map<string, number>();
  private readonly sums = { lines: 0, clicks: 0, skipped: 0, bad: 0 };
  private waitsFor: string | undefined;
  private isPaused = false;
  private isWoken = false;
  private wake = (): void => void (this.isWoken = true);
  /** Bytes that were not read of files whose content is not found any more. */
  private readonly missing = new Map<FileState, number>();
  private savedMs = -Infinity;
  private saved = new WeakSet<FileState>();

  constructor(options: LogWatcherOptions) {
    this.options = options;
    const { source, directory } = options;
    this.lineClicks = new LineClicks(source);
    this.badLines = new BadLines(join(directory, `${source.name}.bad.ndjson`));
    this.running = this.run();
  }

  /** While there is no room for what would come. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
  }

  get status(): WatcherStatus {
    const { sums } = this;
    const files = [...this.followed.values()].filter((file) => !file.isGone);
    const lags = files.map((file) => file.lagBytes);
    return {
      source: this.options.source.name,
      files: files.length,
      lag_files: lags.filter((bytes) => bytes > 0).length,
      lag_bytes: lags.reduce((sum, bytes) => sum + bytes, 0),
      lines: sums.lines,
      clicks: sums.clicks,
      skipped_lines: sums.skipped,
      bad_lines: sums.bad,
      lost_bytes: this.missing.values().reduce((sum, bytes) => sum + bytes, 0),
      waits_for: this.waitsFor ?? null,
    };
  }

  /** What is on its way and not taken yet is sent again by who follows next. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    const { clock, source, directory } = this.options;
    const { signal } = this.stop;
    await using watching = new AsyncDisposableStack();
    watching.defer(() => this.closeAll());
    let state: WatchState | undefined;
    let matcher: FileMatcher | undefined;
    while (!signal.aborted) {
      try {
        if (!state) {
          state = watching.use(await WatchState.open(directory, source.name, this.tell));
          matcher = this.matcherOf(state);
          this.watchChanges(watching);
        }
        const hadSome = await this.round(state, matcher!);
        if (!hadSome) await this.untilWoken();
      } catch (error) {
        if (signal.aborted) break;
        const what = error instanceof Error ? error.message : String(error);
        this.waitsFor = what;
        this.tell(`logs of ${source.name} can't be followed, will be tried again: ${what}`);
        await pause(clock, againAfterMs, signal);
      }
    }
  }

  /** Changes are heard of at once; what is not heard of is found a little later. */
  private watchChanges(resources: AsyncDisposableStack): void {
    const directories = new Set(this.options.source.files.map(directoryOf));
    const { files } = this.options.source;
    const watcher = watch([...directories], {
      depth: 0,
      ignoreInitial: true,
      ignored: (path, stats) => stats?.isFile() === true && !mayConcern(path, files),
    });
    watcher.on("all", () => this.wake()).on("error", () => {});
    resources.defer(() => watcher.close());
  }

  private matcherOf({ files }: WatchState): FileMatcher {
    const { source, clock } = this.options;
    const { lineClicks } = this;
    return new FileMatcher({
      source: source.name,
      clock,
      files,
      headerOf: lineClicks.hasHeader ? (line) => lineClicks.header(line) : undefined,
      isHeld: (file) => file.inode !== "" && this.followed.get(file)?.isOpen === true,
    });
  }

  /** Looks at what is there and reads it, the oldest first; false where there was nothing to read. */
  private async round(state: WatchState, matcher: FileMatcher): Promise<boolean> {
    const found = await findFiles(this.options.source.files);
    const matched = await matcher.match(found);
    await this.follow(matched);
    // The how many-th with its first lines a file is must be the same after a death.
    if (state.files.some((file) => !this.saved.has(file))) await this.save(state);
    this.waitsFor = undefined;
    let hadSome = false;
    for (const file of this.inOrder(matched)) {
      let isAtEnd = false;
      for (let turns = 0; file.hasMore && !isAtEnd; turns++) {
        // What is there may have changed meanwhile.
        if (this.stop.signal.aborted || turns === turnsMax) return true;
        const turn = await file.read();
        if (turn === "replaced") {
          this.lose(file);
          matcher.forget(file.state);
          return true;
        }
        if (turn.lines.length > 0) {
          if (file.mark(turn.lines, state.files)) await this.save(state);
          await this.takeOrClose(file, turn.lines);
          file.moveBehind(turn.lines);
          hadSome = true;
          this.goneSinceMs.delete(file.state);
        } else if (!turn.isAtEnd) break;
        ({ isAtEnd } = turn);
        if (isAtEnd) file.noteEnd();
        if (this.options.clock.monotonicMs() - this.savedMs > saveEveryMs) await this.save(state);
      }
      if (isAtEnd && file.isGone) await this.letGo(file);
    }
    if (hadSome) await this.save(state);
    await this.closeSome();
    return hadSome;
  }

  private async save(state: WatchState): Promise<void> {
    await state.save((file) => this.followed.has(file));
    this.saved = new WeakSet(state.files);
    this.savedMs = this.options.clock.monotonicMs();
  }

  /** Those without a name first: they may go away. */
  private inOrder(matched: ReadonlyMap<FileState, FoundFile>): FollowedFile[] {
    const gone = [...this.followed.values()].filter((file) => file.isGone);
    return [...gone, ...[...matched.keys()].map((file) => this.followed.get(file)!)];
  }

  private async follow(matched: ReadonlyMap<FileState, FoundFile>): Promise<void> {
    for (const [file, followed] of this.followed) {
      if (matched.has(file)) continue;
      if (file.inode === "" || !followed.isOpen) {
        this.lose(followed);
        await followed.close();
        this.followed.delete(file);
      } else await followed.see(undefined);
    }
    for (const [file, found] of matched) {
      const followed = this.followed.get(file) ?? new FollowedFile(this.options.source.name, file);
      this.followed.set(file, followed);
      this.missing.delete(file);
      await followed.see(found);
    }
  }

  /** Unless its content is found elsewhere. */
  private lose({ lagBytes, state }: FollowedFile): void {
    if (lagBytes === 0 || this.missing.has(state)) return;
    this.missing.set(state, lagBytes);
    this.tell(
      `${state.path} was cut or removed when ${lagBytes} bytes of it were not read yet; they are looked for in what it was rotated into`,
    );
  }

  /** Somebody may write to a file that has no name any more. */
  private async letGo(file: FollowedFile): Promise<void> {
    const nowMs = this.options.clock.monotonicMs();
    const sinceMs = this.goneSinceMs.get(file.state) ?? nowMs;
    this.goneSinceMs.set(file.state, sinceMs);
    if (nowMs - sinceMs < holdGoneMs) return;
    await file.close();
    this.goneSinceMs.delete(file.state);
    this.followed.delete(file.state);
  }

  private async closeSome(): Promise<void> {
    const open = [...this.followed.values()].filter((file) => file.isOpen && !file.isGone);
    const idle = open.filter((file) => !file.hasMore);
    for (const file of idle.slice(0, Math.max(0, open.length - openFilesMax))) await file.close();
  }

  private async closeAll(): Promise<void> {
    for (const file of this.followed.values()) await file.close();
  }

  /** What was read and not taken is read again. */
  private async takeOrClose(file: FollowedFile, lines: readonly LogLine[]): Promise<void> {
    try {
      await this.take(file, lines);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Resolves once what is a click of these lines is durable, and what should be one and is none is in the ledger. */
  private async take(file: FollowedFile, lines: readonly LogLine[]): Promise<void> {
    const { clock, take } = this.options;
    const { signal } = this.stop;
    while (this.isPaused && !signal.aborted) {
      this.waitsFor = "there is no memory left for ids; see dedup.max_bytes";
      await pause(clock, againAfterMs, signal);
    }
    const items: { readonly line: LogLine; readonly json: Buffer; problem?: string }[] = [];
    for (const line of lines) {
      const occurrence = occurrenceOf(file.state, line.number);
      const click = this.lineClicks.click(line, file.state.header, occurrence);
      if (click.kind === "click") items.push({ line, json: click.json });
      else if (click.kind === "bad") items.push({ line, json: noClick, problem: click.problem });
    }
    const onWait = (reason: string | undefined): void => {
      this.waitsFor = reason;
      if (reason !== undefined) this.tell(`clicks of ${this.options.source.name} wait: ${reason}`);
    };
    const { accepted, problems } = await sendLines(
      items.map(({ json }) => json),
      { clock, take, signal, onWait },
    );
    const bad = [...problems].map(([index, problem]): BadLine => {
      const { line, problem: own } = items[index]!;
      const { start: offset, number } = line;
      return { file: file.state.path, offset, line: number, reason: own ?? problem };
    });
    await this.tellBad(bad.toSorted((a, b) => a.offset - b.offset));
    this.sums.lines += lines.length;
    this.sums.clicks += accepted;
    this.sums.skipped += lines.length - items.length;
    this.sums.bad += bad.length;
  }

  private async tellBad(bad: readonly BadLine[]): Promise<void> {
    const [first] = bad;
    if (!first) return;
    const more = bad.length > 1 ? ` (and ${bad.length - 1} more)` : "";
    // What stands in a click is for the file alone.
    const [why] = first.reason.split(":");
    this.tell(
      `a line is no click: ${first.file}, line ${first.line}, byte ${first.offset}: ${why}${more}`,
      "bad",
    );
    await this.badLines.add(bad, this.options.clock.nowMs()).catch((error: Error) => {
      this.tell(`bad lines can't be noted: ${error.message}`);
    });
  }

  private async untilWoken(): Promise<void> {
    const { clock } = this.options;
    const { signal } = this.stop;
    await pause(clock, lookEveryMsMin, signal);
    if (this.isWoken || signal.aborted) {
      this.isWoken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = clock.after(lookEveryMs, resolve);
      this.wake = (): void => {
        timer.cancel();
        resolve();
      };
    });
    this.wake = (): void => void (this.isWoken = true);
  }

  /** One in a while of a kind. */
  private readonly tell = (what: string, kind = what): void => {
    const { clock, onProblem } = this.options;
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.toldMs.get(kind) ?? -Infinity) < tellEveryMs) return;
    if (this.toldMs.size >= 100) this.toldMs.clear();
    this.toldMs.set(kind, nowMs);
    onProblem(what);
  };
}
