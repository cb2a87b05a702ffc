/**
 * Everything that changes the store: commits, schema changes, compaction, checkpoints, and how they take turns.
 *
 * Commits take turns under `commits`. All else takes turns under `maintenance`, and `commits` within it where it
 * must keep commits out for a moment; never the other way round.
 */

import type { Commit, PartitionProgress } from "../../model/commit.ts";
import { CodedError } from "../../model/errors.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { Catalog } from "./catalog.ts";
import { appendCommit, neededTables } from "./commit.ts";
import type { WriterState } from "./commit.ts";
import {
  commitsKept,
  compactMinutes,
  compactSmallTables,
  daysToCompact,
  transaction,
} from "./compact.ts";
import type { Engine } from "./engine.ts";
import { Mutex } from "./mutex.ts";
import { readConfigs, readProgress, readWriterState } from "./read.ts";
import type { Part } from "./schema.ts";

/** A checkpoint that other transactions are in the way of is tried again, this often and this far apart. */
const checkpointTriesMax = 200;
const checkpointRetryMs = 25;

/** So many rows are written in about 20 ms. */
const rowsWrittenWhileCommitsWaitMax = 20_000;

export class StoreWriter {
  /** Dimensions that were ever declared to hold addresses. */
  readonly addressDimensions = new Set<string>();
  private readonly engine: Engine;
  private readonly commits = new Mutex();
  private readonly maintenance = new Mutex();
  private state: WriterState;
  /** False after a failure that may or may not have committed. */
  private isStateKnown = true;
  private part: Part = 0;
  private progress: readonly PartitionProgress[];
  private readonly progressBySequence = new Map<number, readonly PartitionProgress[]>();
  /** Rows of clicks since the last checkpoint began. */
  private uncheckpointedRows = 0;

  private constructor(
    engine: Engine,
    state: WriterState,
    progress: readonly PartitionProgress[],
    configs: readonly SemanticConfig[],
  ) {
    this.engine = engine;
    this.state = state;
    this.progress = progress;
    this.learn(configs);
  }

  static async load(engine: Engine): Promise<StoreWriter> {
    const state = await readWriterState(engine.writer);
    const progress = await readProgress(engine.writer, state.sequence);
    return new StoreWriter(engine, state, progress, await readConfigs(engine.writer));
  }

  /** Of the last commit that is known to be through. */
  get sequence(): number {
    return this.state.sequence;
  }

  /** Undefined where the commit is long past or not yet known to be through. */
  progressAt(sequence: number): readonly PartitionProgress[] | undefined {
    return this.progressBySequence.get(sequence);
  }

  async commit(commit: Commit): Promise<void> {
    const needed = neededTables(commit);
    for (;;) {
      if (this.engine.catalog.missing(needed).length > 0) {
        await this.changeSchema((catalog) => catalog.missing(needed));
      }
      const isDone = await this.commits.run(async () => {
        if (this.engine.catalog.missing(needed).length > 0) return false;
        await this.writeCommit(commit);
        return true;
      });
      if (isDone) return;
    }
  }

  async compact(endMinute: number): Promise<void> {
    const { maintenance, catalog } = this.engine;
    await this.maintenance.run(async () => {
      const days = await daysToCompact(maintenance, endMinute);
      const statements = catalog.missingForCompaction(days);
      if (statements.length > 0) await this.commits.run(() => this.applyStatements(statements));
      if (days.length > 0) {
        await compactMinutes(maintenance, catalog, days, endMinute);
      }
      await compactSmallTables(maintenance);
    });
  }

  /**
   * Two checkpoints: the first, beside commits, writes nearly everything; the second, for which commits wait, has
   * little left to write. Only the second gives back the space of deleted rows and joins the small row groups that
   * checkpoints leave behind.
   */
  async checkpoint(): Promise<PartitionProgress[]> {
    return await this.maintenance.run(async () => {
      await this.prepareNextDay();
      // Commits go to the other part from here on, which this checkpoint finds as the last one left it.
      const { covered, rowCount } = await this.commits.run(async () => {
        this.part = this.part === 0 ? 1 : 0;
        const rows = this.uncheckpointedRows;
        this.uncheckpointedRows = 0;
        return { covered: this.progress, rowCount: rows };
      });
      if (rowCount > rowsWrittenWhileCommitsWaitMax) await this.checkpointBesideCommits();
      await this.commits.run(() => this.checkpointAlone());
      return [...covered];
    });
  }

  /**
   * While an insert is open elsewhere, DuckDB leaves the rows of deleted ones where they are, and in return lets
   * commits go on.
   */
  private async checkpointBesideCommits(): Promise<void> {
    const { pin } = this.engine;
    await pin.run("BEGIN; INSERT INTO checkpoint_mark VALUES (0)");
    try {
      await this.runCheckpoint();
    } finally {
      await pin.run("ROLLBACK");
    }
  }

  private async checkpointAlone(): Promise<void> {
    // DuckDB does nothing where there was no commit since the last checkpoint.
    await transaction(this.engine.maintenance, async () => {
      await this.engine.maintenance.run("DELETE FROM checkpoint_mark");
      await this.engine.maintenance.run("INSERT INTO checkpoint_mark VALUES (0)");
    });
    await this.runCheckpoint();
  }

  private async runCheckpoint(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.engine.maintenance.run("CHECKPOINT");
        return;
      } catch (error) {
        const isInTheWay = error instanceof Error && /Cannot CHECKPOINT/i.test(error.message);
        if (!isInTheWay || tries === checkpointTriesMax) throw error;
        await new Promise((resolve) => setTimeout(resolve, checkpointRetryMs));
      }
    }
  }

  /** So that midnight finds its tables. */
  private async prepareNextDay(): Promise<void> {
    const newest = this.engine.catalog.days.at(-1);
    if (newest === undefined) return;
    const today = Math.floor(Date.now() / 86_400_000);
    // Only while the newest day is the present one: an import of old days does not need it.
    if (newest !== today) return;
    const statements = this.engine.catalog.missingFor(newest + 1);
    if (statements.length > 0) await this.commits.run(() => this.defineTables(statements));
  }

  private async changeSchema(statementsOf: (catalog: Catalog) => string[]): Promise<void> {
    await this.maintenance.run(() =>
      this.commits.run(async () => {
        const statements = statementsOf(this.engine.catalog);
        if (statements.length > 0) await this.applyStatements(statements);
      }),
    );
  }

  /** A log with schema changes in it may not replay, so a checkpoint follows at once. */
  private async applyStatements(statements: readonly string[]): Promise<void> {
    await this.defineTables(statements);
    await this.runCheckpoint();
  }

  private async defineTables(statements: readonly string[]): Promise<void> {
    const { maintenance, catalog } = this.engine;
    await transaction(maintenance, async () => {
      for (const statement of statements) await maintenance.run(statement);
    });
    catalog.replaceWith(await Catalog.load(maintenance));
  }

  private async writeCommit(commit: Commit): Promise<void> {
    const { writer, appenders, catalog } = this.engine;
    if (!this.isStateKnown) await this.relearn();
    if (commit.sequence <= this.state.sequence) return;
    if (commit.sequence !== this.state.sequence + 1) {
      throw new CodedError(
        "data_corrupt",
        `commit ${commit.sequence} given to a store whose last commit is ${this.state.sequence}`,
      );
    }
    try {
      await writer.run("BEGIN");
      const next = appendCommit(appenders, catalog, this.part, commit, this.state);
      await writer.run("COMMIT");
      this.uncheckpointedRows += next.nextPosition - this.state.nextPosition;
      this.state = next;
    } catch (error) {
      this.isStateKnown = false;
      await writer.run("ROLLBACK").catch(() => undefined);
      throw error;
    }
    this.learn(commit.configs);
    this.noteProgress(commit);
  }

  private async relearn(): Promise<void> {
    this.state = await readWriterState(this.engine.writer);
    this.progress = await readProgress(this.engine.writer, this.state.sequence);
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
