import { join } from "node:path";

import type { LogRecord } from "../../src/model/log-record.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { QueryEngine } from "../../src/query/query-engine.ts";
import type { QueryEngineOptions } from "../../src/query/query-engine.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import { FoldedLog } from "../support/fold.ts";
import { Oracle } from "../../src/simulation/oracle/oracle.ts";
import { testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export const testSecret = new Uint8Array(32).fill(5);

/** A log that is folded into a real store, engines over that store, and the oracle beside them. */
export class QueriedLog implements AsyncDisposable {
  readonly store: ClickStore;
  readonly oracle: Oracle;
  readonly folded: FoldedLog;
  /** What the engines take for the current time. */
  nowMs = Date.UTC(2026, 0, 16);
  private readonly engines: QueryEngine[] = [];
  private readonly directory: AsyncDisposable;
  private committedCount = 0;

  private constructor(directory: AsyncDisposable, store: ClickStore, config: SemanticConfig) {
    this.directory = directory;
    this.store = store;
    this.oracle = new Oracle(config);
    this.folded = new FoldedLog(config);
  }

  static async open(config: SemanticConfig = testConfig): Promise<QueriedLog> {
    const directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const store = await openDuckDbStore({ path, memoryBytesMax: 500_000_000, threads: 1 });
    const log = new QueriedLog(directory, store, config);
    // A service finds its configuration in its log.
    await log.commit([], { configs: [config] });
    return log;
  }

  /** `hotBytesMax` 0: everything is asked of the store. */
  async engine(options: Partial<QueryEngineOptions> = {}): Promise<QueryEngine> {
    const { store, folded, committedCount } = this;
    const last = folded.commits.at(-1)!;
    const engine = await QueryEngine.open({
      store,
      dictionary: folded.state.shared.view,
      recovered: {
        sequence: committedCount,
        progress: [last.progress],
        configs: folded.state.shared.configs,
        closes: (await store.recover()).closes,
        droppedDays: await store.droppedDays(),
      },
      partitionCount: 1,
      clock: () => this.nowMs,
      hotBytesMax: 100_000_000,
      secret: testSecret,
      serviceNumbers: () =>
        Promise.resolve({
          status: "ready",
          dedup: { ids: 1, bytes: 2, max_bytes: 3 },
          store_bytes: 4,
          queue_bytes: 5,
          resident_bytes: 6,
          uptime_seconds: 7,
          audit: { checked_buckets: 0, mismatched_buckets: 0, last_run: null, mismatches: [] },
          lags: [{ partition: 0, lag_records: 8, lag_clicks: 9, lag_seconds: 10 }],
        }),
      committed: { wait: () => Promise.resolve(true), outcomesOf: () => undefined },
      trimmed: { wait: () => Promise.resolve(true) },
      changes: {
        newer: { wait: () => Promise.resolve(false) },
        turns: { take: (read) => read() },
      },
      ...options,
    });
    await engine.loadRecent();
    this.engines.push(engine);
    return engine;
  }

  /** Folds records as one micro-batch, commits it to the store and tells the engines. */
  async commit(
    records: readonly LogRecord[],
    more: { configs?: readonly SemanticConfig[] } = {},
  ): Promise<void> {
    this.folded.fold(records);
    for (const record of records) this.oracle.apply(record);
    for (const folded of this.folded.commits.slice(this.committedCount)) {
      const commit = { ...folded, ...more };
      await this.store.commit(commit);
      for (const engine of this.engines) engine.apply(commit);
      this.committedCount++;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}
