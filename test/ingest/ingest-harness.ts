import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/clock/system-clock.ts";
import { Ingest } from "../../src/ingest/accept.ts";
import type { IngestSettings } from "../../src/ingest/accept.ts";
import type { IngestAnswer, IngestBody } from "../../src/ingest/ingest-service.ts";
import { eventIdAt } from "../../src/model/click-batch.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { decodeLogRecord } from "../../src/model/log-record-codec.ts";
import type { ClicksRecord, LogRecord } from "../../src/model/log-record.ts";
import type { ClickQueueReader, ClickQueueWriter, NewRecord } from "../../src/queue/click-queue.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { receivedAtMs } from "./decoding.ts";

export const testSettings: IngestSettings = {
  layout: defaultDimensions,
  unknownFields: "ignore",
  missingEventId: "derive",
  maxFutureMs: 60_000,
  bodyBytesMax: 50_000_000,
  decompressedBytesMax: 50_000_000,
  itemsMax: 400_000,
};

export interface IngestHarness extends AsyncDisposable {
  readonly ingest: Ingest;
  readonly clock: { nowMs: number };
  /** Appends of the queue so far, by their records. */
  readonly appends: NewRecord[][];
  /** Called before each append; where it throws, the append does. */
  onAppend: () => Promise<void> | void;
  log(partition?: number): Promise<LogRecord[]>;
}

/** An ingest on a queue of its own in SQLite. */
export async function startIngest(
  options: {
    partitionCount?: number;
    spread?: number;
    maxBytes?: number;
    settings?: Partial<IngestSettings>;
  } = {},
): Promise<IngestHarness> {
  const { partitionCount = 1, spread = 1, maxBytes = 1e9 } = options;
  const directory = await temporaryDirectory();
  const path = join(directory.path, "queue.db");
  const writer = await openSqliteQueueWriter({ path, partitionCount, maxBytes });
  const clock = { nowMs: receivedAtMs };
  const appends: NewRecord[][] = [];
  const observed: ClickQueueWriter = {
    partitionCount,
    spread,
    async append(records) {
      appends.push([...records]);
      await harness.onAppend();
      return await writer.append(records);
    },
    trim: (partition, beforeOffset) => writer.trim(partition, beforeOffset),
    sizeBytes: () => writer.sizeBytes(),
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
  const ingest = new Ingest(
    observed,
    { ...systemClock, nowMs: () => clock.nowMs },
    { ...testSettings, ...options.settings },
  );
  const harness: IngestHarness = {
    ingest,
    clock,
    appends,
    onAppend: () => {},
    async log(partition = 0) {
      await using reader = await openSqliteQueueReader({ path });
      return await readAll(reader, partition);
    },
    async [Symbol.asyncDispose]() {
      await ingest[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
  return harness;
}

async function readAll(reader: ClickQueueReader, partition: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (;;) {
    const read = await reader.read(partition, records.length, { clicksMax: 1e9, recordsMax: 1000 });
    if (read.length === 0) return records;
    records.push(...read.map(({ bytes }) => decodeLogRecord(bytes)));
  }
}

export function ndjsonBody(
  lines: readonly (string | object)[],
  changes: Partial<IngestBody> = {},
): IngestBody {
  const text = lines
    .map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`)
    .join("");
  return {
    bytes: new TextEncoder().encode(text),
    contentType: "application/x-ndjson",
    contentEncoding: "identity",
    source: "http",
    history: false,
    ...changes,
  };
}

/** Clicks with ids `prefix0`, `prefix1`, …, spread over as many ads. */
export function clicks(count: number, prefix: string, adCount = count): object[] {
  return Array.from({ length: count }, (_, i) => ({
    ad_id: `ad-${i % adCount}`,
    click_timestamp: receivedAtMs - 1000,
    event_id: `${prefix}${i}`,
    country: "DE",
  }));
}

export function clicksRecord(record: LogRecord | undefined): ClicksRecord {
  assert.equal(record?.kind, "clicks");
  return record as ClicksRecord;
}

/** The event ids that lie where an answer says. */
export async function idsIn(harness: IngestHarness, answer: IngestAnswer): Promise<string[]> {
  const ids: string[] = [];
  for (const { partition, offset, fromRow, toRow } of answer.ranges) {
    const { batch } = clicksRecord((await harness.log(partition))[offset]);
    for (let row = fromRow; row < toRow; row++) ids.push(eventIdAt(batch, row));
  }
  return ids;
}

export const eventIds = (sent: readonly object[]): string[] =>
  sent.map((click) => (click as { event_id: string }).event_id);
