/**
 * Drives one partition: reads its log, folds micro-batches and hands them to the committer. While a micro-batch
 * is being committed the next one is folded; a record that needs the store's past waits until the store has it.
 */

import type { Clock } from "../clock/clock.ts";
import { Effects } from "../aggregate/effects.ts";
import { mapClicks } from "../aggregate/map.ts";
import type { PartitionState } from "../aggregate/state.ts";
import { minuteDimensionNames } from "../aggregate/state.ts";
import { step } from "../aggregate/step.ts";
import type { StoreAnswers } from "../aggregate/step-clicks.ts";
import { droppableBeforeDay } from "../aggregate/step-retention.ts";
import { surveyClicks } from "../aggregate/survey.ts";
import { CodedError } from "../model/errors.ts";
import type {
  ClicksRecord,
  Control,
  ControlRecord,
  CorrectionControl,
  LogRecord,
  RecountControl,
} from "../model/log-record.ts";
import { decodeLogRecord } from "../model/log-record-codec.ts";
import { minuteOf } from "../model/time.ts";
import { partOf } from "../model/partition.ts";
import type { ClickQueueReader, StoredRecord } from "../queue/click-queue.ts";
import type { ClickStore } from "../store/click-store.ts";
import { answerCorrection, answerNeeds } from "./answer-needs.ts";
import { answerErase } from "./answer-erase.ts";
import { answerRecompute } from "./answer-recompute.ts";
import { freeMemory } from "../runtime/free-memory.ts";
import type { Committer } from "./committer.ts";
import type { PartitionReads } from "./partition-reads.ts";
import { Wakeup } from "./wakeup.ts";

export interface MicroBatchLimits {
  /** A micro-batch is committed this long after its first record was read, at the latest. */
  readonly delayMsMax: number;
  readonly clicksMax: number;
}

export interface Reading {
  readonly partition: number;
  readonly nextOffset: number;
  readonly lastLiveMs: number;
}

/** Records a micro-batch may hold, so that many small ones stay bounded too. */
const recordsMax = 4_096;
/** Folding yields to queries after this long. */
const sliceMs = 8;

export class PartitionRunner {
  private readonly clock: Clock;
  private readonly state: PartitionState;
  private readonly queue: ClickQueueReader;
  private readonly store: ClickStore;
  private readonly reads: PartitionReads;
  private readonly committer: Committer;
  private readonly limits: MicroBatchLimits;
  private readonly wakeup: Wakeup;
  /** Of what comes next. */
  private nextOffset: number;
  /** When live clicks were read last, by this process's clock. */
  private lastLiveMs: number;
  private effects: Effects;
  private recordCount = 0;
  private inFlight: Promise<void> = Promise.resolve();
  private stopping = false;

  constructor(
    clock: Clock,
    state: PartitionState,
    nextOffset: number,
    queue: ClickQueueReader,
    reads: PartitionReads,
    store: ClickStore,
    committer: Committer,
    limits: MicroBatchLimits,
  ) {
    this.clock = clock;
    this.wakeup = new Wakeup(clock);
    this.state = state;
    this.nextOffset = nextOffset;
    this.lastLiveMs = clock.nowMs();
    this.queue = queue;
    this.reads = reads;
    this.store = store;
    this.committer = committer;
    this.limits = limits;
    this.effects = this.newEffects();
  }

  /** How far its log has been read, and when live clicks were read last (epoch ms; at first its start). */
  get reading(): Reading {
    const { nextOffset, lastLiveMs, state } = this;
    return { partition: state.partition, nextOffset, lastLiveMs };
  }

  /** Tells that the partition's log has grown. */
  notify(): void {
    this.wakeup.ring();
  }

  /** Ends `run` after the micro-batch in hand is committed. */
  stop(): void {
    this.stopping = true;
    this.wakeup.ring();
    this.reads.stop();
  }

  /** Until stopped. Rejects where the log is damaged or a commit can never succeed. */
  async run(): Promise<void> {
    while (!this.stopping) {
      await this.gather();
      await this.inFlight;
      this.inFlight = this.flush();
      // What can't be committed is told now: the next record to wait for may be long in coming.
      this.inFlight.catch(() => this.stop());
    }
    await this.inFlight;
  }

  /**
   * Progress that lies outside the log means that log and store do not belong together: halt before anybody is
   * answered, count nothing wrong.
   */
  async checkBounds(): Promise<void> {
    const { partition } = this.state;
    const { firstOffset, nextOffset } = await this.queue.bounds(partition);
    if (this.nextOffset >= firstOffset && this.nextOffset <= nextOffset) return;
    throw new CodedError(
      "data_corrupt",
      `the store has applied partition ${partition} up to offset ${this.nextOffset}, ` +
        `but its log holds ${firstOffset} to ${nextOffset}: queue and store are not of one data directory`,
    );
  }

  /** Folds records until the micro-batch is full or due, also where the log is out of reach meanwhile. */
  private async gather(): Promise<void> {
    let dueMs = Infinity;
    let sliceEndMs = this.clock.monotonicMs() + sliceMs;
    for (;;) {
      const nowMs = this.clock.monotonicMs();
      const full =
        this.effects.clickCount >= this.limits.clicksMax || this.recordCount >= recordsMax;
      if (full || nowMs >= dueMs || (this.stopping && this.recordCount > 0)) return;
      const room = {
        clicksMax: this.limits.clicksMax - this.effects.clickCount,
        recordsMax: recordsMax - this.recordCount,
      };
      const records = await this.reads.read(this.nextOffset, room, dueMs);
      if (records === undefined) return;
      if (records.length === 0) {
        if (this.stopping) return;
        await this.wakeup.sleep(dueMs - nowMs);
        continue;
      }
      if (dueMs === Infinity) dueMs = nowMs + this.limits.delayMsMax;
      for (const record of records) {
        await this.take(record);
        if (this.clock.monotonicMs() > sliceEndMs) {
          await this.clock.turn();
          sliceEndMs = this.clock.monotonicMs() + sliceMs;
        }
      }
    }
  }

  private async take(stored: StoredRecord): Promise<void> {
    const record = recordOf(stored);
    if (record.kind === "clicks" && !record.history) this.lastLiveMs = this.clock.nowMs();
    // A configuration may change the columns of the minute rows, which belong to one micro-batch.
    const isControl = record.kind === "control";
    if (isControl) await this.flushNow();
    if (record.kind === "clicks") {
      await this.takeClicks(stored.offset, record);
    } else if (!isControl || !(await this.takeAsking(stored.offset, record))) {
      step(this.state, { kind: "other", offset: stored.offset, record }, this.effects);
      // Ticks too: while dedup has no room no clicks come, and time is what makes room.
      // A tick comes in silence, when nothing waits for a sweep to end.
      const idsMax = record.kind === "tick" ? Infinity : undefined;
      this.state.tidyDedup(record.receivedAtMs, -Infinity, idsMax);
    }
    this.nextOffset = stored.offset + 1;
    this.recordCount++;
    if (isControl) await this.flushNow();
  }

  /** A record that asks the store anything must meet there what all records before it have brought about. */
  private async takeClicks(offset: number, record: ClicksRecord): Promise<void> {
    this.state.tidyDedup(record.receivedAtMs, minuteOf(newestTime(record)));
    const clicks = mapClicks(this.state.shared, offset, record);
    const needs = surveyClicks(this.state, clicks);
    let answers: StoreAnswers | undefined;
    if (needs) {
      await this.flushNow();
      answers = await this.committer.ask(() => answerNeeds(this.store, this.part, clicks, needs));
    }
    step(this.state, { kind: "clicks", clicks, answers }, this.effects);
    freeMemory(clicks.identities);
  }

  /** Controls about what was recorded before. False for any other. */
  private async takeAsking(
    offset: number,
    { receivedAtMs, control }: ControlRecord,
  ): Promise<boolean> {
    const { store, state, queue } = this;
    if (isCorrection(control)) {
      const correction = { offset, receivedAtMs, control };
      const answers = await this.committer.ask(() =>
        answerCorrection(store, state, this.part, correction),
      );
      step(state, { kind: "correction", correction, answers }, this.effects);
      return true;
    }
    if (control.type === "retention") {
      const beforeDay = droppableBeforeDay(state, control.raw_before_day);
      const receipts = await this.committer.ask(() =>
        store.newestReceipts(state.partition, beforeDay),
      );
      step(state, { kind: "retention", control, receipts }, this.effects);
      return true;
    }
    if (control.type === "erase") {
      const erase = { offset, receivedAtMs, control, part: this.part };
      const holders = await this.committer.ask(() => answerErase(store, state, queue, control));
      step(state, { kind: "erase", erase, holders }, this.effects);
      return true;
    }
    if (!isRecount(control)) return false;
    const recompute = { offset, receivedAtMs, control };
    const answers = await this.committer.ask(() => answerRecompute(store, state, queue, recompute));
    step(state, { kind: "recompute", recompute, answers }, this.effects);
    return true;
  }

  private get part(): number | undefined {
    return partOf(this.state.partition, this.queue);
  }

  private async flushNow(): Promise<void> {
    await this.inFlight;
    await this.flush();
  }

  private async flush(): Promise<void> {
    if (this.recordCount === 0) return;
    const { effects } = this;
    this.effects = this.newEffects();
    this.recordCount = 0;
    await this.committer.submit(effects, {
      partition: this.state.partition,
      nextOffset: this.nextOffset,
      watermarkMs: this.state.watermark.ms,
    });
  }

  private newEffects(): Effects {
    return new Effects(minuteDimensionNames(this.state.shared.configs));
  }
}

/** Its receipt is told by the queue's clock where it has one. */
function recordOf({ bytes, receivedAtMs }: StoredRecord): LogRecord {
  const record = decodeLogRecord(bytes);
  return receivedAtMs === undefined ? record : { ...record, receivedAtMs };
}

function isCorrection(control: Control): control is CorrectionControl {
  return control.type === "void" || control.type === "release";
}

function isRecount(control: Control): control is RecountControl {
  return control.type === "recompute" || control.type === "rollback";
}

function newestTime(record: ClicksRecord): number {
  let newest = 0;
  for (const time of record.batch.clickTimestamps) if (time > newest) newest = time;
  return newest;
}
