/** The ClickStore port over a DuckDB file. */

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Turns } from "../../clock/turns.ts";
import type { Commit, MinuteChanges, PartitionProgress } from "../../model/commit.ts";
import type {
  AdAttributes,
  AggregateQuery,
  AggregateResult,
  BucketState,
  ClicksPage,
  ClicksQuery,
  ClickStore,
  IdentityChunk,
  IdentityProbes,
  JournalSums,
  JournalSumsQuery,
  LedgerRow,
  MinuteChunk,
  OutcomeCounts,
  RecordedClicksQuery,
  RecordedDroppedDay,
  RecordedOperation,
  PastSnapshot,
  RecoveredState,
  RecountResult,
  RestatementsPage,
  RestatementsQuery,
  Snapshot,
} from "../click-store.ts";
import type { HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { Visibility } from "../visibility.ts";
import type { ChangedCount, ChangesQuery, HistoryStart } from "../changes.ts";
import type { StoreCopies, StoreCopy } from "../store-copies.ts";
import type { RecomputationQuery, RestatedRowsQuery } from "../recomputation.ts";
import type { ExportedDay, ExportQuery, StoreExports } from "../store-exports.ts";
import type { MoveSource, MovableStore } from "../store-moves.ts";
import { aggregate, KeyCache } from "./aggregate.ts";
import { readChanges } from "./changes.ts";
import { readClicks } from "./clicks.ts";
import type { Connection, Statement } from "./connection.ts";
import { readHolders } from "./erase.ts";
import { readHistories } from "./histories.ts";
import { copyCheckpoint, lookAtCopy } from "./copy-checkpoint.ts";
import { readDroppedDays } from "./dropped-days.ts";
import { placeExport, prepareExport } from "./export-day.ts";
import { readJournalSums } from "./journal-sums.ts";
import { DuckDbMoves } from "./moves.ts";
import {
  readAdAttributes,
  readCloses,
  readExtent,
  readLastRecompute,
  readLedger,
  readOperation,
  readOutcomes,
  readProgress,
  readRestatements,
  readSnapshotAt,
  recover,
} from "./read.ts";
import { readRecordedClicks } from "./recorded-clicks.ts";
import { readRecomputation, readRestatedRows } from "./recomputation.ts";
import { recount } from "./recount.ts";
import { identitiesOf, identitiesToSql, minutesOf, minutesToSql } from "./scan.ts";
import type { Opened } from "./session.ts";
import { Session } from "./session.ts";

export interface DuckDbStoreOptions {
  /** The database file; its directory must exist. */
  readonly path: string;
  readonly memoryBytesMax: number;
  readonly threads: number;
  /** What queries may spill to disk; default 10 GB. */
  readonly temporaryBytesMax?: number;
  /**
   * Queries that run at once, default 2. Each takes one of the process's pool threads (4, or UV_THREADPOOL_SIZE);
   * commits, maintenance and look-ups need one each.
   */
  readonly readersMax?: number;
  /** Told of what an operator should know and the store could mend. */
  readonly warn?: (message: string) => void;
}

/**
 * Opens the store, makes it where there is none. Rejects with `data_format_newer`, `data_corrupt` or
 * `data_dir_locked`.
 */
export async function openDuckDbStore(
  options: DuckDbStoreOptions,
): Promise<ClickStore & StoreCopies & StoreExports & MovableStore> {
  const session = await Session.open({
    temporaryBytesMax: 10_000_000_000,
    readersMax: 2,
    warn: () => undefined,
    ...options,
  });
  return new DuckDbStore(options.path, session);
}

/**
 * Tries of a query before tables may not change under it any more. They change about once a day, in an import of many days
 * at commit after commit.
 */
const triesMax = 3;

class DuckDbStore implements ClickStore, StoreCopies, StoreExports, MovableStore {
  private readonly path: string;
  private readonly session: Session;
  private readonly keyCache = new KeyCache();
  private readonly exports = new Turns();

  constructor(path: string, session: Session) {
    this.path = path;
    this.session = session;
  }

  recover(): Promise<RecoveredState> {
    return this.read((connection, { engine }) => recover(connection, engine.catalog));
  }

  async commit(commit: Commit): Promise<number> {
    await this.session.use(({ writer }) => writer.commit(commit));
    return 1;
  }

  compact(endMinute: number): Promise<void> {
    return this.session.use(({ writer }) => writer.compact(endMinute));
  }

  checkpoint(): Promise<PartitionProgress[]> {
    return this.session.use(({ writer }) => writer.checkpoint());
  }

  async copyTo(path: string, signal: AbortSignal): Promise<StoreCopy> {
    return await this.session.use(async ({ engine, writer }) => {
      const digest = await writer.withCheckpoint(() => copyCheckpoint(engine, path, signal));
      return { ...digest, ...(await lookAtCopy(path, this.session.options)) };
    });
  }

  async exportDay(query: ExportQuery, signal: AbortSignal): Promise<ExportedDay> {
    // What is prepared lies at one place.
    return await this.exports.take(async () => {
      const { asOf, rows, path } = await this.read((connection, opened) =>
        prepareExport(connection, opened.writer.context, this.path, query, signal),
      );
      const bytes = path === undefined ? 0 : await placeExport(path, query.path);
      return { asOf, rows, bytes };
    });
  }

  async aggregate(query: AggregateQuery): Promise<AggregateResult> {
    return await this.read(async (connection, opened) => {
      const context = opened.writer.context;
      const { asOf, rows } = await aggregate(connection, context, this.keyCache, query);
      return { rows, ...(await stateAt(connection, opened, asOf)) };
    });
  }

  async clicks(query: ClicksQuery): Promise<ClicksPage> {
    return await this.read(async (connection, opened) => {
      const { asOf, ...page } = await readClicks(connection, opened.writer.context, query);
      return { ...page, ...(await stateAt(connection, opened, asOf)) };
    });
  }

  async recount(fromMinute: number, toMinute: number, limit: number): Promise<RecountResult> {
    return await this.read(async (connection, opened) => {
      const { catalog } = opened.engine;
      const result = await recount(connection, catalog, { fromMinute, toMinute }, limit);
      return { ...result, ...(await stateAt(connection, opened, result.asOf)) };
    });
  }

  scanIdentities(fromMs: number, toMs: number): AsyncIterable<IdentityChunk> {
    return this.session.stream(({ engine: { readers, catalog } }) =>
      readers.stream(() => identitiesToSql(catalog, fromMs, toMs), identitiesOf),
    );
  }

  scanMinutes(
    fromMinute: number,
    toMinute: number,
    visibility?: Visibility,
  ): AsyncIterable<MinuteChunk> {
    return this.session.stream(({ engine: { readers, catalog } }) => {
      let dimensions: readonly string[] = [];
      const statement = (): Statement => {
        const made = minutesToSql(catalog, fromMinute, toMinute, visibility);
        ({ dimensions } = made);
        return made;
      };
      return readers.stream(statement, (chunk) => minutesOf(chunk, dimensions));
    });
  }

  snapshotAt(asOf: number): Promise<PastSnapshot | undefined> {
    return this.read((connection) => readSnapshotAt(connection, asOf));
  }

  findIdentities(wanted: IdentityProbes): Promise<Uint8Array> {
    return this.session.use(({ probes }) => probes.findIdentities(wanted));
  }

  recordedClicks(query: RecordedClicksQuery): Promise<readonly RecordedClick[]> {
    const { identities } = query;
    if (identities)
      return this.session.use(({ probes }) => probes.recordedClicks(query, identities));
    return this.read((connection, { engine }) =>
      readRecordedClicks(connection, engine.catalog, query),
    );
  }

  newestReceipts(partition: number, beforeDay: number): Promise<readonly DayReceipt[]> {
    return this.session.use(({ probes }) => probes.newestReceipts(partition, beforeDay));
  }

  holders(query: HoldersQuery): Promise<readonly ValueHolder[]> {
    return this.read((connection, { engine }) => readHolders(connection, engine.catalog, query));
  }

  droppedDays(): Promise<readonly RecordedDroppedDay[]> {
    return this.read((connection) => readDroppedDays(connection));
  }

  purge(): Promise<void> {
    return this.session.use(({ writer }) => writer.purge());
  }

  bucketStates(buckets: readonly { minute: number; adKey: number }[]): Promise<BucketState[]> {
    return this.session.use(({ probes }) => probes.bucketStates(buckets));
  }

  journalSums(query: JournalSumsQuery): Promise<readonly JournalSums[]> {
    return this.read((connection) => readJournalSums(connection, query));
  }

  restatements(query: RestatementsQuery): Promise<RestatementsPage> {
    return this.read((connection) => readRestatements(connection, query));
  }

  recomputation(query: RecomputationQuery): Promise<MinuteChanges | undefined> {
    return this.read((connection, { engine }) =>
      readRecomputation(connection, engine.catalog, query),
    );
  }

  restatedRows(query: RestatedRowsQuery): Promise<MinuteChanges> {
    return this.read((connection, { engine }) =>
      readRestatedRows(connection, engine.catalog, query),
    );
  }

  lastRecompute(partition?: number): Promise<RecordedOperation | undefined> {
    return this.read((connection) => readLastRecompute(connection, partition));
  }

  operation(id: string): Promise<RecordedOperation[]> {
    return this.read((connection) => readOperation(connection, id));
  }

  changes(query: ChangesQuery): Promise<readonly ChangedCount[]> {
    return this.read((connection, opened) => readChanges(connection, opened.writer.context, query));
  }

  histories(): Promise<readonly HistoryStart[]> {
    return this.read((connection) => readHistories(connection));
  }

  ledger(fromMinute: number, toMinute: number): Promise<LedgerRow[]> {
    return this.read((connection) => readLedger(connection, fromMinute, toMinute));
  }

  adAttributes(adId: string): Promise<AdAttributes | undefined> {
    return this.read((connection) => readAdAttributes(connection, adId));
  }

  outcomesOf(
    partition: number,
    offset: number,
    fromRow: number,
    toRow: number,
  ): Promise<OutcomeCounts | undefined> {
    const record = { partition, offset, fromRow, toRow };
    return this.read((connection, { engine }) => readOutcomes(connection, engine.catalog, record));
  }

  extent(): Promise<{ firstMinute: number; lastMinute: number } | undefined> {
    return this.read((connection, { engine }) => readExtent(connection, engine.catalog));
  }

  moves(): MoveSource {
    return new DuckDbMoves(this.session);
  }

  /** The file, its log, and what queries have spilled. */
  async sizeBytes(): Promise<number> {
    const directory = dirname(this.path);
    const own = (await readdir(directory)).filter((name) => name.startsWith(basename(this.path)));
    const sizes = await Promise.all(own.map((name) => sizeOf(join(directory, name))));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
  }

  /**
   * What is read while tables are added may have missed one of them, or have asked for one that its snapshot does not
   * have yet, so it is read again.
   */
  private read<T>(work: (connection: Connection, opened: Opened) => Promise<T>): Promise<T> {
    return this.session.use((opened) =>
      opened.engine.readers.use(async (connection) => {
        const { catalog } = opened.engine;
        const tryOnce = async (): Promise<{ readonly result: T } | undefined> => {
          const { version } = catalog;
          try {
            const result = await work(connection, opened);
            return version === catalog.version ? { result } : undefined;
          } catch (error) {
            if (version === catalog.version) throw error;
            return undefined;
          }
        };
        for (let tries = 1; tries < triesMax; tries++) {
          const done = await tryOnce();
          if (done) return done.result;
        }
        const done = await opened.writer.withoutSchemaChanges(tryOnce);
        if (!done) throw new Error("tables have changed while they could not");
        return done.result;
      }),
    );
  }
}

async function stateAt(
  connection: Connection,
  { writer }: Opened,
  asOf: number,
): Promise<Snapshot> {
  const progress = writer.progressAt(asOf);
  if (progress) return { asOf, progress, closes: writer.closesAt(asOf) };
  const closes = await readCloses(connection, asOf);
  return { asOf, progress: await readProgress(connection, asOf), closes };
}

async function sizeOf(path: string): Promise<number> {
  // A file may go between the listing and this.
  const found = await stat(path).catch(() => undefined);
  if (!found) return 0;
  if (!found.isDirectory()) return found.size;
  const names = await readdir(path).catch((): string[] => []);
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
