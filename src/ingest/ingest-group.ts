/**
 * One group commit in the making: bodies decoded into shared batches by source, the records of others beside them,
 * and after the append the answer of each.
 */

import type { ClickBatchBuilder } from "../model/click-batch-builder.ts";
import { CodedError } from "../model/errors.ts";
import type { ItemErrorCode } from "../model/errors.ts";
import { encodeLogRecord } from "../model/log-record-codec.ts";
import type { LogRecord, Position } from "../model/log-record.ts";
import type { Partitioning } from "../model/partition.ts";
import type { NewRecord } from "../queue/click-queue.ts";
import type { DecodedBody, JsonDecoder } from "./decode-json.ts";
import { decompress } from "./decompress.ts";
import { ClickGatherer } from "./gather-clicks.ts";
import type { BuilderPool, PartRange } from "./gather-clicks.ts";
import type { IngestAnswer, IngestBody } from "./ingest-service.ts";
import type { BatchProtector } from "./protect-batch.ts";

/** Rows of a record at most; an import's are larger, since nobody waits for a single one. */
const recordRowsMax = 16_384;
export const historyRecordRowsMax = 131_072;

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly decompressedBytesMax: number;
  readonly itemsMax: number;
}

/** Rows of one (source, history). */
interface SourceClicks {
  readonly source: string;
  readonly history: boolean;
  readonly gatherer: ClickGatherer;
  /** Index of the record of the first part; set by `records`. */
  firstRecord: number;
}

/** A body that was decoded; `answer` once the positions of the group's records are known. */
export interface GatheredBody {
  readonly decoded: DecodedBody;
  answer(positions: readonly Position[]): IngestAnswer;
}

export class IngestGroup {
  readonly receivedAtMs: number;
  rowCount = 0;
  /** Content of the bodies, decompressed. */
  bytes = 0;
  private readonly decoder: JsonDecoder;
  private readonly limits: BodyLimits;
  private readonly partitioning: Partitioning;
  private readonly pool: BuilderPool;
  private readonly protector: BatchProtector | undefined;
  private readonly sources = new Map<string, SourceClicks>();
  /** By source, in one record each. */
  private readonly rejectCounts = new Map<string, Partial<Record<ItemErrorCode, number>>>();

  constructor(options: {
    readonly receivedAtMs: number;
    readonly decoder: JsonDecoder;
    readonly limits: BodyLimits;
    readonly partitioning: Partitioning;
    readonly pool: BuilderPool;
    readonly protector: BatchProtector | undefined;
  }) {
    this.receivedAtMs = options.receivedAtMs;
    this.decoder = options.decoder;
    this.limits = options.limits;
    this.partitioning = options.partitioning;
    this.pool = options.pool;
    this.protector = options.protector;
  }

  /** Decodes a body into the group. Throws where it is refused as a whole; then nothing of it is left. */
  gather(body: IngestBody): GatheredBody {
    const { bodyBytesMax, decompressedBytesMax } = this.limits;
    if (body.bytes.length > bodyBytesMax) {
      throw new CodedError(
        "body_too_large",
        `the body has ${body.bytes.length} bytes, at most ${bodyBytesMax} are taken`,
        {
          details: { bytes_max: bodyBytesMax },
        },
      );
    }
    const content = decompress(body.bytes, body.contentEncoding, decompressedBytesMax);
    this.bytes += content.length;
    const clicks = this.clicksOf(body.source, body.history);
    const { gatherer } = clicks;
    const mark = gatherer.mark();
    let decoded: DecodedBody;
    try {
      decoded = this.decodeContent(content, body.contentType, gatherer);
    } catch (error) {
      gatherer.rollBack(mark);
      throw error;
    }
    this.rowCount += decoded.accepted;
    if (decoded.rejected > 0) this.countRejects(body.source, decoded.rejectCounts);
    const ranges = gatherer.rangesSince(mark);
    return {
      decoded,
      answer: (positions) => answerOf(decoded, ranges, positions, clicks.firstRecord),
    };
  }

  /** The records of everything gathered; the builders are given back. */
  records(): NewRecord[] {
    const { receivedAtMs } = this;
    const records: NewRecord[] = [];
    for (const clicks of this.sources.values()) {
      const { source, history, gatherer } = clicks;
      clicks.firstRecord = records.length;
      for (const { partition, builder } of gatherer.parts) {
        const came = builder.view();
        const batch = this.protector?.protect(came) ?? came;
        const record = { kind: "clicks", receivedAtMs, source, history, batch } as const;
        records.push(newRecord(partition, record));
      }
      gatherer.release();
    }
    for (const [source, counts] of this.rejectCounts) {
      records.push(newRecord(0, { kind: "rejects", receivedAtMs, source, counts }));
    }
    return records;
  }

  /** The partitions that live clicks were gathered for. */
  livePartitions(): Set<number> {
    const partitions = new Set<number>();
    for (const { history, gatherer } of this.sources.values()) {
      if (!history) for (const { partition } of gatherer.parts) partitions.add(partition);
    }
    return partitions;
  }

  private decodeContent(
    content: Uint8Array,
    contentType: string,
    gatherer: ClickGatherer,
  ): DecodedBody {
    const limits = { receivedAtMs: this.receivedAtMs, itemsMax: this.limits.itemsMax };
    switch (contentType.toLowerCase()) {
      case "application/json":
        return this.decoder.decodeJson(content, limits, gatherer);
      case "application/x-ndjson":
        return this.decoder.decodeLines(content, limits, gatherer);
      default: {
        const expected = "application/json or application/x-ndjson";
        throw new CodedError(
          "unsupported_media_type",
          `the body is ${JSON.stringify(contentType)}, expected is ${expected}`,
        );
      }
    }
  }

  private countRejects(source: string, counts: DecodedBody["rejectCounts"]): void {
    const sums = this.rejectCounts.get(source) ?? {};
    for (const [code, count] of Object.entries(counts) as [ItemErrorCode, number][]) {
      sums[code] = (sums[code] ?? 0) + count;
    }
    this.rejectCounts.set(source, sums);
  }

  private clicksOf(source: string, history: boolean): SourceClicks {
    const key = `${history ? "history" : "live"} ${source}`;
    let clicks = this.sources.get(key);
    if (clicks === undefined) {
      const rowsMax = history ? historyRecordRowsMax : recordRowsMax;
      const gatherer = new ClickGatherer(this.partitioning, rowsMax, this.pool);
      clicks = { source, history, gatherer, firstRecord: 0 };
      this.sources.set(key, clicks);
    }
    return clicks;
  }
}

export function newRecord(partition: number, record: LogRecord): NewRecord {
  const clickCount = record.kind === "clicks" ? record.batch.rowCount : 0;
  return {
    partition,
    bytes: encodeLogRecord(record),
    clickCount,
    receivedAtMs: record.receivedAtMs,
  };
}

function answerOf(
  decoded: DecodedBody,
  ranges: readonly PartRange[],
  positions: readonly Position[],
  firstRecord: number,
): IngestAnswer {
  return {
    received: decoded.received,
    accepted: decoded.accepted,
    rejected: decoded.rejected,
    derived_ids: decoded.derivedIds,
    errors: decoded.errors,
    ranges: ranges.map(({ part, fromRow, toRow }) => {
      const { partition, offset } = positions[firstRecord + part]!;
      return { partition, offset, fromRow, toRow };
    }),
  };
}

/** Builders kept for the next group. */
const pooledBuildersMax = 4;

export class LimitedBuilderPool implements BuilderPool {
  private readonly create: () => ClickBatchBuilder;
  private readonly idle: ClickBatchBuilder[] = [];

  constructor(create: () => ClickBatchBuilder) {
    this.create = create;
  }

  take(): ClickBatchBuilder {
    return this.idle.pop() ?? this.create();
  }

  giveBack(builder: ClickBatchBuilder): void {
    // One that an import has blown up is let go.
    if (this.idle.length === pooledBuildersMax || builder.capacity > recordRowsMax) return;
    builder.reset();
    this.idle.push(builder);
  }
}
