import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeLogRecord, encodeLogRecord } from "../../src/model/log-record-codec.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import type {
  ClickQueueReader,
  ClickQueueWriter,
  NewRecord,
  StoredRecord,
} from "../../src/queue/click-queue.ts";
import { isCoded, newRecord, patternBytes } from "../support/queue-records.ts";
import { randomLog } from "../support/random-clicks.ts";

/** A queue of an adapter, empty at first. Disposing of it closes it and takes it away. */
export interface QueueUnderTest extends AsyncDisposable {
  writer: ClickQueueWriter;
  reader: ClickQueueReader;
  /** Whether receipt is told by a clock of the queue's own. */
  readonly hasClock?: boolean;
  /** Closes writer and reader and opens new ones on the same log. */
  reopen(): Promise<void>;
}

const all = { clicksMax: 1_000_000, recordsMax: 100_000 };

/** The promises of the port, for any adapter. `open` makes a queue of so many partitions. */
export function describeClickQueue(
  name: string,
  open: (partitionCount: number) => Promise<QueueUnderTest>,
): void {
  describe(`${name} as a click queue`, () => {
    describeAppend(open);
    describeRead(open);
    describeTrim(open);
    describeBacklog(open);
    describeHistory(open);
  });
}

type Open = (partitionCount: number) => Promise<QueueUnderTest>;

function describeAppend(open: Open): void {
  it("begins with empty partitions", async () => {
    await using queue = await open(3);
    assert.equal(queue.writer.partitionCount, 3);
    assert.equal(queue.reader.partitionCount, 3);
    for (const partition of [0, 1, 2]) {
      assert.deepEqual(await queue.reader.bounds(partition), { firstOffset: 0, nextOffset: 0 });
      assert.deepEqual(await queue.reader.read(partition, 0, all), []);
    }
  });

  it("gives each partition's records offsets without gaps, in the order of the groups", async () => {
    await using queue = await open(2);
    assert.deepEqual(
      await queue.writer.append([textRecord(1, "a"), textRecord(0, "b"), textRecord(1, "c")]),
      [
        { partition: 1, offset: 0 },
        { partition: 0, offset: 0 },
        { partition: 1, offset: 1 },
      ],
    );
    assert.deepEqual(await queue.writer.append([textRecord(1, "d")]), [
      { partition: 1, offset: 2 },
    ]);
    assert.deepEqual(await queue.reader.bounds(1), { firstOffset: 0, nextOffset: 3 });
    assert.deepEqual(textsOf(await queue.reader.read(0, 0, all)), ["b"]);
    assert.deepEqual(textsOf(await queue.reader.read(1, 0, all)), ["a", "c", "d"]);
  });

  it("takes an empty group for nothing", async () => {
    await using queue = await open(1);
    assert.deepEqual(await queue.writer.append([]), []);
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 0, nextOffset: 0 });
  });

  it("appends nothing of a group that it refuses", async () => {
    await using queue = await open(2);
    await assert.rejects(queue.writer.append([textRecord(0, "a"), textRecord(2, "b")]), RangeError);
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 0, nextOffset: 0 });
    assert.deepEqual(await queue.writer.append([textRecord(0, "c")]), [
      { partition: 0, offset: 0 },
    ]);
    assert.deepEqual(textsOf(await queue.reader.read(0, 0, all)), ["c"]);
  });

  it("takes groups that were asked for at once one after the other", async () => {
    await using queue = await open(2);
    const groups = Array.from({ length: 50 }, (_, i) => [
      textRecord(0, `${i}`),
      textRecord(1, `${i}`),
    ]);
    await Promise.all(groups.map((group) => queue.writer.append(group)));
    const expected = groups.map((_, i) => `${i}`);
    assert.deepEqual(textsOf(await queue.reader.read(0, 0, all)), expected);
    assert.deepEqual(textsOf(await queue.reader.read(1, 0, all)), expected);
  });
}

function describeRead(open: Open): void {
  it("returns the bytes of every size as they were appended", async () => {
    await using queue = await open(1);
    const sizes = [0, 1, 100, 4_000, 8_150, 8_192, 70_000, 3_000_000];
    const records = sizes.map((size) => newRecord(0, patternBytes(size), size));
    await queue.writer.append(records);
    for (const [offset, { bytes, clickCount }] of records.entries()) {
      const [stored] = await queue.reader.read(0, offset, { clicksMax: 1, recordsMax: 1 });
      assert.deepEqual(plain(stored!), { offset, bytes, clickCount });
    }
  });

  it("carries log records of every kind", async () => {
    await using queue = await open(1);
    const log = randomLog(1, { recordCount: 60, configChanges: true, adAttributes: true });
    assert.deepEqual(
      new Set(log.map(({ kind }) => kind)),
      new Set(["clicks", "tick", "rejects", "control"]),
    );
    await queue.writer.append(log.map((record) => logRecord(record)));
    const stored = await queue.reader.read(0, 0, all);
    assert.deepEqual(
      stored.map(({ bytes }) => decodeLogRecord(bytes)),
      log.map((record) => decodeLogRecord(encodeLogRecord(record))),
    );
  });

  it("begins at any offset and ends with the record that meets a limit", async () => {
    await using queue = await open(1);
    const texts = ["a", "b", "c", "d", "e", "f"];
    await queue.writer.append(texts.map((text) => textRecord(0, text, 10)));
    const read = async (from: number, clicksMax: number, recordsMax: number) =>
      textsOf(await queue.reader.read(0, from, { clicksMax, recordsMax })).join("");
    assert.equal(await read(0, 1_000, 2), "ab");
    assert.equal(await read(2, 1_000, 2), "cd");
    assert.equal(await read(5, 1_000, 2), "f");
    assert.equal(await read(1, 30, 100), "bcd");
    assert.equal(await read(1, 31, 100), "bcde");
    assert.equal(await read(1, 1, 100), "b");
  });

  it("returns records without clicks up to the record limit", async () => {
    await using queue = await open(1);
    await queue.writer.append(["a", "b", "c"].map((text) => textRecord(0, text, 0)));
    assert.deepEqual(textsOf(await queue.reader.read(0, 0, { clicksMax: 1, recordsMax: 2 })), [
      "a",
      "b",
    ]);
  });

  it("refuses offsets that are not in the log", async () => {
    await using queue = await open(1);
    await queue.writer.append([textRecord(0, "a")]);
    assert.deepEqual(await queue.reader.read(0, 1, all), []);
    await assert.rejects(queue.reader.read(0, 2, all), isCoded("data_corrupt"));
    await assert.rejects(queue.reader.read(0, -1, all), isCoded("data_corrupt"));
    await assert.rejects(queue.reader.read(1, 0, all), RangeError);
  });

  it("finds everything again when it is opened anew", async () => {
    await using queue = await open(2);
    await queue.writer.append([textRecord(0, "a", 3), textRecord(1, "b", 4)]);
    await queue.reopen();
    assert.deepEqual(await queue.writer.append([textRecord(1, "c", 5)]), [
      { partition: 1, offset: 1 },
    ]);
    assert.deepEqual(textsOf(await queue.reader.read(0, 0, all)), ["a"]);
    assert.deepEqual(textsOf(await queue.reader.read(1, 0, all)), ["b", "c"]);
    const { oldestReceivedAtMs, ...backlog } = await queue.reader.backlog(1, 0);
    assert.deepEqual(backlog, { records: 2, clicks: 9 });
    if (!queue.hasClock) assert.equal(oldestReceivedAtMs, 1_000);
  });
}

function describeTrim(open: Open): void {
  it("forgets what was trimmed and nothing else", async () => {
    await using queue = await open(2);
    await queue.writer.append(
      ["a", "b", "c"].flatMap((text) => [textRecord(0, text), textRecord(1, text)]),
    );
    await queue.writer.trim(0, 2);
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 2, nextOffset: 3 });
    assert.deepEqual(textsOf(await queue.reader.read(0, 2, all)), ["c"]);
    await assert.rejects(queue.reader.read(0, 1, all), isCoded("data_corrupt"));
    assert.deepEqual(await queue.reader.bounds(1), { firstOffset: 0, nextOffset: 3 });
    assert.deepEqual(textsOf(await queue.reader.read(1, 0, all)), ["a", "b", "c"]);
  });

  it("goes on with the next offset when all was trimmed, also when opened anew", async () => {
    await using queue = await open(1);
    await queue.writer.append([textRecord(0, "a"), textRecord(0, "b")]);
    await queue.writer.trim(0, 2);
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 2, nextOffset: 2 });
    assert.deepEqual(await queue.reader.read(0, 2, all), []);
    await queue.reopen();
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 2, nextOffset: 2 });
    assert.deepEqual(await queue.writer.append([textRecord(0, "c")]), [
      { partition: 0, offset: 2 },
    ]);
    assert.deepEqual(textsOf(await queue.reader.read(0, 2, all)), ["c"]);
  });

  it("takes a trim to where the log begins for done and refuses one beyond its end", async () => {
    await using queue = await open(1);
    await queue.writer.append([textRecord(0, "a"), textRecord(0, "b")]);
    await queue.writer.trim(0, 1);
    await queue.writer.trim(0, 1);
    await queue.writer.trim(0, 0);
    await assert.rejects(queue.writer.trim(0, 3), RangeError);
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 1, nextOffset: 2 });
  });

  it("goes on appending while a long trim runs", async () => {
    await using queue = await open(1);
    await queue.writer.append(Array.from({ length: 20_000 }, () => textRecord(0, "a")));
    const trimmed = queue.writer.trim(0, 20_000);
    const appended = await queue.writer.append([textRecord(0, "b")]);
    await trimmed;
    assert.deepEqual(appended, [{ partition: 0, offset: 20_000 }]);
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 20_000, nextOffset: 20_001 });
  });
}

function describeBacklog(open: Open): void {
  it("tells what lies behind an offset", async () => {
    await using queue = await open(1);
    const startMs = Date.now();
    const behind = async (offset: number) => {
      const backlog = await queue.reader.backlog(0, offset);
      const { oldestReceivedAtMs: oldestMs } = backlog;
      if (!queue.hasClock || oldestMs === undefined) return backlog;
      assert.ok(oldestMs >= startMs && oldestMs <= Date.now(), `it was received at ${oldestMs}`);
      const { firstOffset } = await queue.reader.bounds(0);
      const [oldest] = await queue.reader.read(0, Math.max(offset, firstOffset), all);
      assert.equal(oldest!.receivedAtMs, oldestMs);
      const told = new TextDecoder().decode(oldest!.bytes);
      return { ...backlog, oldestReceivedAtMs: writtenMs[told] };
    };
    const writtenMs: Readonly<Record<string, number>> = { a: 100, b: 200, d: 400 };
    const nothing = { records: 0, clicks: 0, oldestReceivedAtMs: undefined };
    assert.deepEqual(await behind(0), nothing);
    await queue.writer.append([
      { ...textRecord(0, "a", 10), receivedAtMs: 100 },
      { ...textRecord(0, "b", 0), receivedAtMs: 200 },
      { ...textRecord(0, "c", 7), receivedAtMs: 300 },
    ]);
    assert.deepEqual(await behind(0), { records: 3, clicks: 17, oldestReceivedAtMs: 100 });
    assert.deepEqual(await behind(1), { records: 2, clicks: 7, oldestReceivedAtMs: 200 });
    assert.deepEqual(await behind(3), nothing);
    await queue.writer.trim(0, 1);
    // What is trimmed is no longer behind anything.
    assert.deepEqual(await behind(0), { records: 2, clicks: 7, oldestReceivedAtMs: 200 });
    assert.deepEqual(await behind(1), { records: 2, clicks: 7, oldestReceivedAtMs: 200 });
    await queue.writer.trim(0, 3);
    await queue.reopen();
    await queue.writer.append([{ ...textRecord(0, "d", 5), receivedAtMs: 400 }]);
    assert.deepEqual(await behind(3), { records: 1, clicks: 5, oldestReceivedAtMs: 400 });
  });
}

type Action =
  | { readonly type: "append"; readonly partitions: readonly number[]; readonly size: number }
  | { readonly type: "trim"; readonly partition: number; readonly share: number }
  | { readonly type: "reopen" };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("append" as const),
      partitions: fc.array(fc.nat(1), { minLength: 1, maxLength: 12 }),
      size: fc.nat(20_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("trim" as const),
      partition: fc.nat(1),
      share: fc.nat(100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("reopen" as const) }) },
);

function describeHistory(open: Open): void {
  it("holds after any history what arrays would hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
        await using queue = await open(2);
        const logs: Uint8Array[][] = [[], []];
        const starts = [0, 0];
        for (const step of actions) {
          if (step.type === "reopen") await queue.reopen();
          if (step.type === "append") {
            const group = step.partitions.map((partition, i) =>
              newRecord(partition, patternBytes(step.size + i), 1),
            );
            await queue.writer.append(group);
            for (const { partition, bytes } of group) logs[partition]!.push(bytes);
          }
          if (step.type === "trim") {
            const { partition, share } = step;
            const held = logs[partition]!.length - starts[partition]!;
            starts[partition]! += Math.floor((held * share) / 100);
            await queue.writer.trim(partition, starts[partition]!);
          }
          for (const partition of [0, 1])
            await assertHolds(queue.reader, partition, starts[partition]!, logs);
        }
      }),
      { numRuns: 15 },
    );
  });
}

async function assertHolds(
  reader: ClickQueueReader,
  partition: number,
  firstOffset: number,
  logs: readonly (readonly Uint8Array[])[],
): Promise<void> {
  const log = logs[partition]!;
  assert.deepEqual((await reader.ends())[partition], log.length);
  assert.deepEqual(await reader.bounds(partition), { firstOffset, nextOffset: log.length });
  const held = log
    .slice(firstOffset)
    .map((bytes, i) => ({ offset: firstOffset + i, bytes, clickCount: 1 }));
  const read = await reader.read(partition, firstOffset, all);
  assert.deepEqual(read.map(plain), held);
  const { records, clicks } = await reader.backlog(partition, firstOffset);
  assert.deepEqual({ records, clicks }, { records: held.length, clicks: held.length });
}

function textRecord(partition: number, text: string, clickCount = 1): NewRecord {
  return newRecord(partition, new TextEncoder().encode(text), clickCount);
}

function logRecord(record: LogRecord): NewRecord {
  return {
    partition: 0,
    bytes: encodeLogRecord(record),
    clickCount: record.kind === "clicks" ? record.batch.rowCount : 0,
    receivedAtMs: record.receivedAtMs,
  };
}

/** Without its receipt, where the queue tells it. */
function plain({ offset, bytes, clickCount }: StoredRecord): StoredRecord {
  return { offset, bytes, clickCount };
}

function textsOf(records: readonly StoredRecord[]): string[] {
  return records.map(({ bytes }) => new TextDecoder().decode(bytes));
}
