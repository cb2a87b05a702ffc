/** Answers queries over a store that another process commits to: the query engine, and what moves it on from commit to commit. */

import type { Clock, Timer } from "../clock/clock.ts";
import { Repeating } from "../clock/repeating.ts";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import { CommittedRecords } from "../pipeline/committed-records.ts";
import { QueryEngine } from "../query/query-engine.ts";
import type { QueryService } from "../query/query-service.ts";
import { askByName, queryServiceBy } from "../query/query-service.ts";
import type { ServiceNumbers } from "../query/status-answer.ts";
import type { ClickQueueReader } from "../queue/click-queue.ts";
import type { FollowedStore } from "../store/followed-store.ts";
import { auditNumbers } from "./audit-numbers.ts";
import { CommitBell } from "./commit-bell.ts";
import { PacedTurns } from "./paced-turns.ts";
import { LagReader } from "./read-lags.ts";
import type { SelfWatchOptions } from "./self-watch.ts";
import { SelfWatch } from "./self-watch.ts";
import { TrimmedBounds } from "./trimmed-bounds.ts";

/** Queue and store are the follower's own from here on: it closes them, also where it can't start. */
export interface FollowerOptions {
  readonly clock: Clock;
  readonly store: FollowedStore;
  /** Tells how far the process that counts is behind. */
  readonly queue: ClickQueueReader;
  /** Stands in where the store knows of no configuration yet. */
  readonly placeholderConfig: SemanticConfig;
  /** Memory for recent minutes. */
  readonly hotBytesMax: number;
  /** Absent: it does not doubt what it reads. */
  readonly audit?: Pick<SelfWatchOptions, "bucketsAMinute" | "onHealth">;
  /** What the process knows of itself beside. */
  readonly numbers?: () => Promise<Partial<ServiceNumbers>>;
  /** Told of every change: whether the store can't be asked for newer commits. */
  readonly onAway: (isAway: boolean) => void;
  readonly onProblem: (what: string, error: unknown) => void;
  readonly onNotice?: ((what: string) => void) | undefined;
}

export interface Follower extends AsyncDisposable {
  /** Rejects with `store_unavailable` while the store is away: what it has committed meanwhile can't be told. */
  readonly query: QueryService;
  /** Rejects where it can't go on: the database is not the one any more that it has read. */
  readonly stopped: Promise<never>;
  /** Looks for newer commits now rather than soon. */
  look(): void;
}

/** A commit waits so long for being seen, on average half of it. */
const lookEveryMs = 100;
/** So long what was seen last is near enough to now. */
const awayAfterMs = 3_000;

/** Resolves when queries can be answered. */
export async function openFollower(options: FollowerOptions): Promise<Follower> {
  const { clock, onAway, onProblem } = options;
  await using resources = new AsyncDisposableStack();
  const queue = resources.use(options.queue);
  const store = resources.use(options.store);
  const recovered = await store.recover();
  const configs =
    recovered.configs.length > 0 ? recovered.configs : ([options.placeholderConfig] as const);
  const committed = new CommittedRecords(clock, recovered.progress);
  const newer = new CommitBell(clock, recovered.sequence);
  const lags = new LagReader(clock, queue, committed);
  const stopping = new AbortController();
  resources.defer(() => stopping.abort());
  const query = await QueryEngine.open({
    store,
    dictionary: store.dictionary,
    recovered: { ...recovered, configs },
    partitionCount: queue.partitionCount,
    clock: () => clock.nowMs(),
    hotBytesMax: options.hotBytesMax,
    secret: store.secret,
    serviceNumbers: () => serviceNumbers(options, lags, watch),
    committed,
    trimmed: new TrimmedBounds(clock, queue, stopping.signal),
    changes: { newer, turns: new PacedTurns(clock) },
    aheadMsMax: awayAfterMs,
  });
  await query.loadRecent();
  const watch =
    options.audit &&
    new SelfWatch({
      ...options.audit,
      clock,
      store,
      query,
      seed: recovered.sequence,
      onProblem: (what, error) => onProblem(what, error),
    });
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  const following = resources.use(
    new Following(clock, {
      async look() {
        for (;;) {
          const commits = await store.newer();
          for (const commit of commits) {
            query.apply(commit);
            committed.note(commit);
            newer.ring(commit.sequence);
            watch?.update();
          }
          // Who was away for long takes them in pieces, and is not there again before the last.
          if (!store.hasMore) return;
        }
      },
      failed: (error) => onProblem("the store can't be followed", error),
      followsAgain: () => options.onNotice?.("the store is followed again"),
      onAway,
      lost: (error) => stopped.reject(error),
    }),
  );
  if (watch) {
    resources.use(watch);
    void watch.run();
  }
  const owned = resources.move();
  return {
    look: () => following.lookNow(),
    stopped: stopped.promise,
    query: guarded(query, () => {
      if (!following.isAway) return;
      throw new CodedError("store_unavailable", "the store is away, and with it what is newest");
    }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface FollowingSteps {
  /** Takes in all that is new. */
  readonly look: () => Promise<void>;
  /** Told of the first failure in a row that may pass. */
  readonly failed: (error: unknown) => void;
  /** Told of the first look after it that was good. */
  readonly followsAgain: () => void;
  readonly onAway: (isAway: boolean) => void;
  /** Told of one after which the numbers can't be trusted. */
  readonly lost: (error: unknown) => void;
}

/** The store has not answered, or not well: it may next time. */
const passingCodes: ReadonlySet<ErrorCode> = new Set([
  "store_unavailable",
  "storage_failed",
  "queue_unavailable",
]);

/** Looks for newer commits again and again. */
class Following implements AsyncDisposable {
  isAway = false;
  private readonly clock: Clock;
  private readonly steps: FollowingSteps;
  private hasFailed = false;
  private readonly looks: Repeating;
  /** Goes off unless a look ends well before: one that hangs says nothing. */
  private awayTimer: Timer;
  private isStopped = false;

  constructor(clock: Clock, steps: FollowingSteps) {
    this.clock = clock;
    this.steps = steps;
    this.awayTimer = this.expectGoodLook();
    this.looks = new Repeating(clock, lookEveryMs, () => this.look());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    this.awayTimer.cancel();
    await this.looks[Symbol.asyncDispose]();
  }

  lookNow(): void {
    this.looks.now();
  }

  private async look(): Promise<void> {
    const { steps } = this;
    try {
      await steps.look();
    } catch (error) {
      if (!(error instanceof CodedError) || !passingCodes.has(error.code)) {
        this.isStopped = true;
        this.looks.end();
        steps.lost(error);
        return;
      }
      if (!this.hasFailed) steps.failed(error);
      this.hasFailed = true;
      return;
    }
    if (this.hasFailed) steps.followsAgain();
    this.hasFailed = false;
    if (this.isStopped) return;
    this.awayTimer.cancel();
    this.awayTimer = this.expectGoodLook();
    this.setAway(false);
  }

  private expectGoodLook(): Timer {
    return this.clock.after(awayAfterMs, () => this.setAway(true));
  }

  private setAway(isAway: boolean): void {
    if (isAway === this.isAway) return;
    this.isAway = isAway;
    this.steps.onAway(isAway);
  }
}

/** Every call after a check. */
function guarded(query: QueryService, check: () => void): QueryService {
  return queryServiceBy(async (name, args) => {
    check();
    return await askByName(query, name, args);
  });
}

async function serviceNumbers(
  { store, numbers }: FollowerOptions,
  lags: LagReader,
  watch: SelfWatch | undefined,
): Promise<ServiceNumbers> {
  return {
    ...(await numbers?.()),
    ...(watch && { audit: auditNumbers(watch.audit) }),
    status: "ready",
    store_bytes: await store.sizeBytes(),
    resident_bytes: process.memoryUsage.rss(),
    uptime_seconds: process.uptime(),
    lags: await lags.read(),
  };
}
