/** Ingest: from bodies to durable records. */

import type { Clock } from "../clock/clock.ts";
import { decodeClickBatch } from "../model/click-batch-codec.ts";
import { ClickBatchBuilder } from "../model/click-batch-builder.ts";
import type { ClickBatch } from "../model/click-batch.ts";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import { isProtecting } from "../model/dimensions.ts";
import type { Control, Position } from "../model/log-record.ts";
import { sourceBytesMax } from "../model/source.ts";
import type { ClickQueueWriter, NewRecord } from "../queue/click-queue.ts";
import type { ClickRules } from "./admit-click.ts";
import { checkBatch } from "./check-batch.ts";
import { DeclaredFields } from "./declared-fields.ts";
import { JsonDecoder } from "./decode-json.ts";
import type { GatheredBody } from "./ingest-group.ts";
import {
  historyRecordRowsMax,
  IngestGroup,
  LimitedBuilderPool,
  newRecord,
} from "./ingest-group.ts";
import type { BodyLimits } from "./ingest-group.ts";
import { GroupCommitter } from "./group-commit.ts";
import type { IngestAnswer, IngestBody, IngestService } from "./ingest-service.ts";
import type { ProtectionSettings } from "./protect-batch.ts";
import { BatchProtector } from "./protect-batch.ts";
import { splitByPartition } from "./split-batch.ts";
import { splitControl } from "./split-control.ts";
import { TickSource } from "./ticks.ts";

export interface IngestSettings extends ClickRules, BodyLimits {
  readonly layout: DimensionLayout;
}

export interface TickOptions {
  readonly idleLagMs: number;
  readonly everyMs: number;
  /** Where others append to the log too: see `tick`. */
  readonly silent?: (idleLagMs: number) => Promise<readonly number[]>;
}

/** A group is closed once it has as much as this. */
const groupRowsMax = 32_768;
const groupBytesMax = 16 << 20;
const groupJobsMax = 4096;

interface BodyJob {
  readonly kind: "body";
  readonly body: IngestBody;
  readonly resolve: (answer: IngestAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Records that are made when their group is: they carry the group's time of receipt. */
interface RecordsJob {
  readonly kind: "records";
  readonly rowCount: number;
  readonly make: (receivedAtMs: number, livePartitions: ReadonlySet<number>) => NewRecord[];
  readonly resolve: (positions: Position[]) => void;
  readonly reject: (error: unknown) => void;
}

type Job = BodyJob | RecordsJob;

/** What was taken in since the start. */
export interface IngestTotals {
  readonly groups: number;
  readonly bodies: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly derivedIds: number;
  /** Undeclared fields of accepted clicks. */
  readonly unknownFields: number;
}

export class Ingest implements IngestService, AsyncDisposable {
  private readonly queue: ClickQueueWriter;
  private readonly clock: Clock;
  private readonly settings: IngestSettings;
  private readonly decoder: JsonDecoder;
  private readonly pool: LimitedBuilderPool;
  private protector: BatchProtector | undefined;
  private readonly committer: GroupCommitter<Job>;
  private readonly tickSources = new Set<TickSource>();
  /** By partition: receipt of the last live clicks, epoch ms; the start of this process where none came yet. */
  private readonly lastLiveMs: number[];
  private readonly sums = {
    groups: 0,
    bodies: 0,
    accepted: 0,
    rejected: 0,
    derivedIds: 0,
    unknownFields: 0,
  };
  private isClosed = false;
  /** Why nothing is appended any more: a sync has failed, after which it is unknown what is durable, or the end is near. */
  private failure: CodedError | undefined;

  /** `clock`: that of receipt too. The queue stays the caller's to close. */
  constructor(queue: ClickQueueWriter, clock: Clock, settings: IngestSettings) {
    this.queue = queue;
    this.clock = clock;
    this.settings = settings;
    this.decoder = new JsonDecoder(new DeclaredFields(settings.layout), settings);
    this.pool = new LimitedBuilderPool(() => new ClickBatchBuilder(settings.layout));
    this.committer = new GroupCommitter(clock, (take) => this.commitGroup(take));
    this.lastLiveMs = Array.from({ length: queue.partitionCount }, () => clock.nowMs());
  }

  get totals(): IngestTotals {
    return { ...this.sums };
  }

  /** To be called before the first click where any dimension is, or was, protected. */
  protect(protection: ProtectionSettings): void {
    this.protector = new BatchProtector(this.settings.layout, protection);
  }

  async accept(body: IngestBody): Promise<IngestAnswer> {
    checkSource(body.source);
    this.checkProtected();
    return await new Promise((resolve, reject) =>
      this.add({ kind: "body", body, resolve, reject }),
    );
  }

  async appendControl(control: Control): Promise<Position[]> {
    const byPartition = splitControl(control, this.queue);
    return await this.appendRecords(0, (receivedAtMs) =>
      byPartition.map(([partition, part]) =>
        newRecord(partition, { kind: "control", receivedAtMs, control: part }),
      ),
    );
  }

  async appendBatch(batchBytes: Uint8Array, source: string): Promise<Position[]> {
    checkSource(source);
    this.checkProtected();
    const { layout, maxFutureMs } = this.settings;
    const batch = decodeForeignBatch(batchBytes);
    checkBatch(batch, layout, this.clock.nowMs() + maxFutureMs);
    const parts = splitByPartition(batch, layout, this.queue).map((part) =>
      Object.assign(part, { batch: this.protector?.protect(part.batch) ?? part.batch }),
    );
    return await this.appendRecords(batch.rowCount, (receivedAtMs) =>
      parts.map((part) =>
        newRecord(part.partition, {
          kind: "clicks",
          receivedAtMs,
          source,
          history: true,
          batch: part.batch,
        }),
      ),
    );
  }

  /**
   * Appends a tick to each partition that had no live clicks for `idleLagMs`; the partitions that got one. Clicks
   * that are on their way come first. `silent`: the partitions where others that append to the log too brought none.
   */
  async tick(idleLagMs: number, silent?: readonly number[]): Promise<number[]> {
    const isLive = (partition: number): boolean =>
      silent !== undefined && !silent.includes(partition);
    const positions = await this.appendRecords(0, (receivedAtMs, livePartitions) =>
      this.lastLiveMs.flatMap((lastMs, partition) =>
        receivedAtMs - lastMs < idleLagMs || livePartitions.has(partition) || isLive(partition)
          ? []
          : newRecord(partition, { kind: "tick", receivedAtMs }),
      ),
    );
    return positions.map(({ partition }) => partition);
  }

  /** Starts ticking; stops with the result or with this ingest. */
  ticks({ idleLagMs, everyMs, silent }: TickOptions): TickSource {
    const tick = async (): Promise<unknown> => this.tick(idleLagMs, await silent?.(idleLagMs));
    const source = new TickSource(this.clock, tick, everyMs);
    this.tickSources.add(source);
    return source;
  }

  /** Refuses what comes from now on (`not_ready`) and finishes what is waiting. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    for (const source of this.tickSources) await source[Symbol.asyncDispose]();
    await this.committer.idle();
  }

  /** Nothing is kept plain because something was not known yet. */
  private checkProtected(): void {
    if (this.protector || !isProtecting(this.settings.layout)) return;
    throw new CodedError("not_ready", "the secret that hashes dimensions is not known yet");
  }

  private appendRecords(rowCount: number, make: RecordsJob["make"]): Promise<Position[]> {
    return new Promise((resolve, reject) =>
      this.add({ kind: "records", rowCount, make, resolve, reject }),
    );
  }

  private add(job: Job): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosed) throw new CodedError("not_ready", "ingest has been stopped");
    this.committer.add(job);
  }

  /** Takes a group, appends it and settles its jobs. */
  private async commitGroup(take: () => Job | undefined): Promise<void> {
    const group = new IngestGroup({
      receivedAtMs: this.clock.nowMs(),
      decoder: this.decoder,
      limits: this.settings,
      partitioning: this.queue,
      pool: this.pool,
      protector: this.protector,
    });
    const jobs: { readonly job: BodyJob; readonly body: GatheredBody }[] = [];
    const recordJobs: RecordsJob[] = [];
    for (let jobCount = 0; jobCount < groupJobsMax; jobCount++) {
      if (group.rowCount >= groupRowsMax || group.bytes >= groupBytesMax) break;
      const job = take();
      if (job === undefined) break;
      if (job.kind === "records") {
        recordJobs.push(job);
        group.rowCount += job.rowCount;
        continue;
      }
      try {
        jobs.push({ job, body: group.gather(job.body) });
      } catch (error) {
        job.reject(refusal(error));
      }
    }
    try {
      const livePartitions = group.livePartitions();
      const records = group.records();
      const made = recordJobs.map((job) => {
        const own = job.make(group.receivedAtMs, livePartitions);
        const start = records.length;
        records.push(...own);
        return { job, start, end: records.length };
      });
      const positions = await this.append(records);
      for (const partition of livePartitions) this.lastLiveMs[partition] = group.receivedAtMs;
      this.count(jobs.map(({ body }) => body));
      for (const { job, body } of jobs) job.resolve(body.answer(positions));
      for (const { job, start, end } of made) job.resolve(positions.slice(start, end));
    } catch (error) {
      const all = [...jobs.map(({ job }) => job), ...recordJobs];
      if (hasCode(error, "record_too_large") && all.length > 1) {
        // One of them is to blame, and must not cost the others.
        for (const job of all) await this.commitGroup(onlyOnce(job));
        return;
      }
      if (hasCode(error, "storage_failed")) this.failure ??= error;
      // What waits at the end would wait for a queue that is away group by group.
      if (this.isClosed && hasCode(error, "queue_unavailable")) this.failure ??= error;
      for (const job of all) job.reject(error);
    }
  }

  private async append(records: readonly NewRecord[]): Promise<Position[]> {
    if (this.failure !== undefined) throw this.failure;
    return records.length === 0 ? [] : await this.queue.append(records);
  }

  private count(bodies: readonly GatheredBody[]): void {
    const { sums } = this;
    sums.groups++;
    sums.bodies += bodies.length;
    for (const { decoded } of bodies) {
      sums.accepted += decoded.accepted;
      sums.rejected += decoded.rejected;
      sums.derivedIds += decoded.derivedIds;
      sums.unknownFields += decoded.unknownFields;
    }
  }
}

function checkSource(source: string): void {
  const length = Buffer.byteLength(source);
  if (length >= 1 && length <= sourceBytesMax && source.isWellFormed()) return;
  throw new CodedError(
    "invalid_parameter",
    `the name of a source has 1 to ${sourceBytesMax} bytes, this one ${length}`,
    {
      field: "source",
    },
  );
}

function decodeForeignBatch(bytes: Uint8Array): ClickBatch {
  let batch: ClickBatch;
  try {
    batch = decodeClickBatch(bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError("malformed_encoding", `the bytes are no click batch: ${why}`, { cause });
  }
  if (batch.rowCount > historyRecordRowsMax) {
    const message = `the batch has ${batch.rowCount} rows, at most ${historyRecordRowsMax} are taken`;
    throw new CodedError("batch_too_large", message, {
      details: { rows_max: historyRecordRowsMax },
    });
  }
  return batch;
}

function hasCode(error: unknown, code: ErrorCode): error is CodedError {
  return error instanceof CodedError && error.code === code;
}

function onlyOnce(job: Job): () => Job | undefined {
  let left: Job | undefined = job;
  return () => {
    const taken = left;
    left = undefined;
    return taken;
  };
}

/** Errors without a code are bugs: they cost their body and no other. */
function refusal(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  return new CodedError("internal_error", "the body could not be decoded", { cause: error });
}
