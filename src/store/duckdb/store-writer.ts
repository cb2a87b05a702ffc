/**
 * Everything that changes the store: commits, schema changes, compaction, checkpoints, and how they take turns.
 *
 * Commits take turns under `commits`. All else takes turns under `maintenance`, and `commits` within it where it
 * must keep commits out for a moment; never the other way round. A copy of the last checkpoint keeps only other
 * checkpoints out: under `checkpoints`, which comes before both.
 */

import { Turns } from "../../clock/turns.ts";
import type { Commit, PartitionProgress } from "../../model/commit.ts";
import { CodedError } from "../../model/errors.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import type { RecordedClose } from "../click-store.ts";
import { closesOf } from "../closed-periods.ts";
import { assertSequences } from "../commit-sequences.ts";
import { Catalog } from "./catalog.ts";
import { appendCommit, neededTables } from "./commit.ts";
import type { WriterState } from "./commit.ts";
import { compactMinutes, compactSmallTables, daysToCompact, transaction } from "./compact.ts";
import type { Engine } from "./engine.ts";
import { writeErasures } from "./erase.ts";
import { writeOutcomeChanges } from "./outcome-changes.ts";
import { messageOf } from "./store-error.ts";
import { deleteBooks, deleteRows, planPurge, tablesToDrop } from "./purge.ts";
import { readCloses, readConfigs, readProgress, readWriterState } from "./read.ts";
import type { StoreContext } from "./queries.ts";
import { rowsByTable } from "./rows-by-table.ts";
import type { RowsByTable } from "./rows-by-table.ts";
import type { Part } from "./schema.ts";
import { commitsKept } from "./thin-commit-log.ts";
import { countScattered, scatteredDays, scatteredRowsMax, settleDays } from "./settle.ts";

/** A checkpoint that finds other transactions in its way is tried again, this often and this far apart. */
const checkpointTriesMax = 40;
const checkpointTriesWhileCommitsWaitMax = 10;
const checkpointRetryMs = 25;

/** Days whose rows are moved to their tables in one transaction. */
const daysMovedAtOnceMax = 32;

/** So many rows are written in about 20 ms. */
const rowsWrittenWhileCommitsWaitMax = 20_000;

export class StoreWriter {
  /** Dimensions that were ever declared to hold addresses. */
  readonly addressDimensions = new Set<string>();
  private readonly engine: Engine;
  private readonly commits = new Turns();
  private readonly maintenance = new Turns();
  private readonly checkpoints = new Turns();
  private isCopied = false;
  private state: WriterState;
  /** False after a failure that may or may not have committed. */
  private isStateKnown = true;
  private part: Part = 0;
  private progress: readonly PartitionProgress[];
  private readonly progressBySequence = new Map<number, readonly PartitionProgress[]>();
  private closes: readonly RecordedClose[];
  /** Rows in raw_scattered when compaction last looked. */
  private scatteredRows = 0;
  /** Rows of clicks since the last checkpoint began. */
  private uncheckpointedRows = 0;

  private constructor(
    engine: Engine,
    state: WriterState,
    progress: readonly PartitionProgress[],
    configs: readonly SemanticConfig[],
    closes: readonly RecordedClose[],
  ) {
    this.engine = engine;
    this.state = state;
    this.progress = progress;
    this.progressBySequence.set(state.sequence, progress);
    this.closes = closes;
    this.learn(configs);
  }

  static async load(engine: Engine): Promise<StoreWriter> {
    const state = await readWriterState(engine.writer);
    const progress = await readProgress(engine.writer, state.sequence);
    const configs = await readConfigs(engine.writer);
    return new StoreWriter(engine, state, progress, configs, await readCloses(engine.writer));
  }

  /** Of the last commit that is known to be through. */
  get sequence(): number {
    return this.state.sequence;
  }

  get context(): StoreContext {
    return { catalog: this.engine.catalog, addressDimensions: this.addressDimensions };
  }

  /** Undefined where the commit is long past or not yet known to be through. */
  progressAt(sequence: number): readonly PartitionProgress[] | undefined {
    return this.progressBySequence.get(sequence);
  }

  /** Up to a commit that is known to be through. */
  closesAt(sequence: number): readonly RecordedClose[] {
    const isAll = (this.closes.at(-1)?.asOf ?? 0) <= sequence;
    return isAll ? this.closes : this.closes.filter(({ asOf }) => asOf <= sequence);
  }

  async commit(commit: Commit): Promise<void> {
    const rows = rowsByTable(commit);
    const needed = neededTables(commit, rows);
    for (;;) {
      if (this.engine.catalog.missing(needed).length > 0) {
        await this.changeSchema(() => this.engine.catalog.missing(needed));
      }
      const write = async (): Promise<boolean> => {
        if (this.engine.catalog.missing(needed).length > 0) return false;
        await this.writeCommit(commit, rows);
        return true;
      };
      // These change rows in place, which no checkpoint or move may have in hand.
      const isDone =
        commit.outcomeChanges.length + commit.erasures.length > 0
          ? await this.maintenance.take(() => this.commits.take(write))
          : await this.commits.take(write);
      if (isDone) return;
    }
  }

  async compact(endMinute: number): Promise<void> {
    const { maintenance, catalog } = this.engine;
    await this.checkpointsAlone(async () => {
      const days = await daysToCompact(maintenance, endMinute);
      await this.eachFewDays(days, async (some) => {
        await this.changeSchemaNow(() => catalog.missingMinutes(some));
        await compactMinutes(maintenance, catalog, some, endMinute);
      });
      await compactSmallTables(maintenance);
      await this.settleScattered();
    });
  }

  /** Commits go on, but for those that need new tables. */
  withoutSchemaChanges<T>(work: () => Promise<T>): Promise<T> {
    return this.maintenance.take(work);
  }

  /** Rows that stand alone are deleted beside commits, which wait only while tables of whole days are dropped. */
  async purge(): Promise<void> {
    const { maintenance, catalog } = this.engine;
    await this.maintenance.take(async () => {
      const plan = await planPurge(maintenance, catalog);
      if (plan.rawDays.length + plan.minuteDays.length > 0) {
        await deleteRows(maintenance, catalog, plan);
        await this.changeSchemaNow(() => tablesToDrop(catalog, plan));
      }
      await deleteBooks(maintenance, catalog);
    });
  }

  private async settleScattered(): Promise<void> {
    const { maintenance, catalog } = this.engine;
    const count = await countScattered(maintenance);
    const isAtRest = count === this.scatteredRows;
    this.scatteredRows = count;
    if (count === 0 || (count <= scatteredRowsMax && !isAtRest)) return;
    const days = await scatteredDays(maintenance);
    await this.eachFewDays(days, async (some) => {
      await this.changeSchemaNow(() => catalog.missingOfDays(some));
      await settleDays(maintenance, catalog, some);
    });
  }

  /** New rows of many tables take much memory until they are written, so a checkpoint comes between. */
  private async eachFewDays(
    days: readonly number[],
    work: (days: readonly number[]) => Promise<void>,
  ): Promise<void> {
    for (let i = 0; i < days.length; i += daysMovedAtOnceMax) {
      await work(days.slice(i, i + daysMovedAtOnceMax));
      if (days.length > daysMovedAtOnceMax) await this.checkpointWhileCommitsWait();
    }
  }

  /**
   * Two checkpoints: the first, beside commits, writes nearly everything; the second, for which commits wait, has
   * little left to write. Only the second gives back the space of deleted rows and joins the small row groups that
   * checkpoints leave behind.
   */
  async checkpoint(): Promise<PartitionProgress[]> {
    return await this.checkpointsAlone(() => this.checkpointNow());
  }

  /**
   * Makes a checkpoint that stays the last one while `work` runs. Commits go on, and get the tables they need: these
   * are in DuckDB's log alone until the next checkpoint.
   */
  async withCheckpoint<T>(work: () => Promise<T>): Promise<T> {
    return await this.checkpoints.take(async () => {
      try {
        await this.maintenance.take(async () => {
          await this.checkpointNow();
          this.isCopied = true;
        });
        return await work();
      } finally {
        this.isCopied = false;
      }
    });
  }

  private checkpointsAlone<T>(work: () => Promise<T>): Promise<T> {
    return this.checkpoints.take(() => this.maintenance.take(work));
  }

  /** For holders of `maintenance`. */
  private async checkpointNow(): Promise<PartitionProgress[]> {
    await this.prepareNextDay();
    // Commits go to the other part from here on, which this checkpoint finds as the last one left it.
    const { covered, rowCount } = await this.commits.take(async () => {
      this.part = this.part === 0 ? 1 : 0;
      const rows = this.uncheckpointedRows;
      this.uncheckpointedRows = 0;
      return { covered: this.progress, rowCount: rows };
    });
    const isLarge = rowCount > rowsWrittenWhileCommitsWaitMax;
    if (isLarge) await this.checkpointBesideCommits();
    const isTidy = await this.checkpointWhileCommitsWait();
    // Where somebody is in the way of the short one, the long way round is still there.
    if (!isLarge && !isTidy) await this.checkpointBesideCommits();
    return [...covered];
  }

  /** Where nobody commits any more; nothing happens where there was no commit since the last. */
  async checkpointAtEnd(): Promise<void> {
    await this.checkpointsAlone(() => this.runCheckpoint(checkpointTriesMax));
  }

  /**
   * While an insert is open elsewhere, DuckDB leaves the rows of deleted ones where they are, and in return lets
   * commits go on.
   */
  private async checkpointBesideCommits(): Promise<void> {
    const { engine } = this;
    const { pin } = engine;
    await pin.run("BEGIN; INSERT INTO checkpoint_mark VALUES (0)");
    try {
      if (await engine.withOneThread(() => this.runCheckpoint(checkpointTriesMax))) return;
      throw new CodedError("storage_failed", "a checkpoint found other transactions in its way");
    } finally {
      await pin.run("ROLLBACK").catch(() => undefined);
    }
  }

  /** What can be done before they wait is done before. */
  private async checkpointWhileCommitsWait(): Promise<boolean> {
    await this.prepareUndo();
    return await this.commits.take(() => this.checkpointAlone());
  }

  /** False where something that began before it stood in its way. */
  private async checkpointAlone(): Promise<boolean> {
    // DuckDB does nothing where there was no commit since the last checkpoint.
    await transaction(this.engine.maintenance, async () => {
      await this.engine.maintenance.run("DELETE FROM checkpoint_mark");
      await this.engine.maintenance.run("INSERT INTO checkpoint_mark VALUES (0)");
    });
    return await this.runCheckpoint(checkpointTriesWhileCommitsWaitMax);
  }

  /** The one place where a checkpoint of an open store begins. */
  private async runCheckpoint(triesMax: number): Promise<boolean> {
    await this.prepareUndo();
    for (let tries = 1; ; tries++) {
      try {
        await this.engine.maintenance.run("CHECKPOINT");
        return true;
      } catch (error) {
        if (!/Cannot CHECKPOINT/i.test(messageOf(error))) throw error;
        if (tries === triesMax) return false;
        await new Promise((resolve) => setTimeout(resolve, checkpointRetryMs));
      }
    }
  }

  private prepareUndo(): Promise<void> {
    const { undo, maintenance } = this.engine;
    return undo.prepare(maintenance);
  }

  /** So that midnight finds its tables. */
  private async prepareNextDay(): Promise<void> {
    const newest = this.engine.catalog.days.at(-1);
    if (newest === undefined) return;
    const today = Math.floor(Date.now() / 86_400_000);
    // Only while the newest day is the present one: an import of old days does not need it.
    if (newest !== today) return;
    const statements = this.engine.catalog.missingOfDays([newest + 1]);
    if (statements.length > 0) await this.commits.take(() => this.defineTables(statements));
  }

  private async changeSchema(statementsOf: () => string[]): Promise<void> {
    await this.maintenance.take(() => this.changeSchemaNow(statementsOf));
  }

  /** For holders of `maintenance`. */
  private async changeSchemaNow(statementsOf: () => string[]): Promise<void> {
    await this.commits.take(async () => {
      const statements = statementsOf();
      if (statements.length > 0) await this.applyStatements(statements);
    });
  }

  /**
   * A log with schema changes in it may not replay, so a checkpoint follows at once where it can. Where it cannot,
   * the next one comes on its schedule, and until then the queue holds what the log does.
   */
  private async applyStatements(statements: readonly string[]): Promise<void> {
    await this.defineTables(statements);
    if (this.isCopied) return;
    await this.runCheckpoint(checkpointTriesWhileCommitsWaitMax);
  }

  private async defineTables(statements: readonly string[]): Promise<void> {
    const { maintenance, catalog } = this.engine;
    await transaction(maintenance, async () => {
      for (const statement of statements) await maintenance.run(statement);
    });
    catalog.replaceWith(await Catalog.load(maintenance));
  }

  private async writeCommit(commit: Commit, rows: RowsByTable): Promise<void> {
    const { writer, appenders, catalog } = this.engine;
    if (!this.isStateKnown) await this.relearn();
    if (commit.sequence <= this.state.sequence) return;
    assertSequences([commit], this.state.sequence);
    try {
      await writer.run("BEGIN");
      const next = appendCommit(appenders, catalog, this.part, commit, rows, this.state);
      await writeOutcomeChanges(writer, appenders, catalog, this.part, commit);
      await writeErasures(writer, catalog, commit.erasures);
      await writer.run("COMMIT");
      this.uncheckpointedRows += next.nextPosition - this.state.nextPosition;
      this.state = next;
    } catch (error) {
      this.isStateKnown = false;
      await writer.run("ROLLBACK").catch(() => undefined);
      throw error;
    }
    this.learn(commit.configs);
    if (commit.closes.length > 0) this.closes = [...this.closes, ...closesOf(commit)];
    this.noteProgress(commit);
  }

  private async relearn(): Promise<void> {
    this.state = await readWriterState(this.engine.writer);
    this.progress = await readProgress(this.engine.writer, this.state.sequence);
    this.progressBySequence.set(this.state.sequence, this.progress);
    this.closes = await readCloses(this.engine.writer);
    this.isStateKnown = true;
  }

  private noteProgress({ sequence, progress }: Commit): void {
    const others = this.progress.filter(({ partition }) => partition !== progress.partition);
    this.progress = [...others, progress].sort((a, b) => a.partition - b.partition);
    this.progressBySequence.set(sequence, this.progress);
    this.progressBySequence.delete(sequence - commitsKept);
  }

  private learn(configs: readonly SemanticConfig[]): void {
    for (const { dimensions } of configs) {
      for (const { name, type } of dimensions) if (type === "ip") this.addressDimensions.add(name);
    }
  }
}
