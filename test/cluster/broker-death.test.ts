import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import type { Position } from "../../src/model/log-record.ts";
import type { ClickQueueReader, ClickQueueWriter } from "../../src/queue/click-queue.ts";
import { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
import { newRecord } from "../support/queue-records.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";
import { openKafkaQueue } from "./kafka-queue.ts";

const partitionCount = 4;
const brokerCount = 3;
const deaths = 4;
const recordsBetween = 300;
const all = { clicksMax: 1e9, recordsMax: 1e6 };

/** What was acknowledged, by partition and offset. */
class Books {
  readonly acked: readonly Map<number, string>[] = Array.from(
    { length: partitionCount },
    () => new Map<number, string>(),
  );
  refusedGroups = 0;
  private sent = 0;
  private readonly writer: ClickQueueWriter;
  private readonly random: Random;

  constructor(writer: ClickQueueWriter, random: Random) {
    this.writer = writer;
    this.random = random;
  }

  get ackedRecords(): number {
    return this.acked.reduce((sum, { size }) => sum + size, 0);
  }

  /** Groups of records, each with a text of its own, until told to end. */
  async keepAppending(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const texts = Array.from(
        { length: this.random.between(1, 40) },
        () => [this.random.below(partitionCount), `record ${++this.sent}`] as const,
      );
      const records = texts.map(([partition, text]) =>
        newRecord(partition, new TextEncoder().encode(text)),
      );
      try {
        this.note(await this.writer.append(records), texts);
      } catch (error) {
        assert.ok(error instanceof CodedError && error.code === "queue_unavailable", String(error));
        this.refusedGroups++;
      }
    }
  }

  private note(
    positions: readonly Position[],
    texts: readonly (readonly [partition: number, text: string])[],
  ): void {
    for (const [i, { partition, offset }] of positions.entries()) {
      const [sentTo, text] = texts[i]!;
      assert.equal(partition, sentTo);
      assert.equal(this.acked[partition]!.has(offset), false, "an offset given twice");
      this.acked[partition]!.set(offset, text);
    }
  }
}

/** So many more records, from here on. */
async function grows(books: Books): Promise<void> {
  const wanted = books.ackedRecords + recordsBetween;
  const isThere = (): true | undefined => (books.ackedRecords >= wanted ? true : undefined);
  await eventually("appends go on", isThere, 90_000);
}

async function textsOf(reader: ClickQueueReader, partition: number): Promise<string[]> {
  const { firstOffset, nextOffset } = await reader.bounds(partition);
  assert.equal(firstOffset, 0);
  const texts: string[] = [];
  while (texts.length < nextOffset) {
    const records = await reader.read(partition, texts.length, all);
    for (const { offset, bytes } of records) {
      assert.equal(offset, texts.length);
      texts.push(new TextDecoder().decode(bytes));
    }
  }
  return texts;
}

const missing = await missingForKafka();

if (missing === undefined)
  describe("the Kafka queue while brokers die", () => {
    let cluster: KafkaCluster;
    before(async () => {
      cluster = await KafkaCluster.start(brokerCount);
    });
    after(() => cluster[Symbol.asyncDispose]());

    it("keeps every acknowledged record at its offset, and is read all the while", async (t) => {
      const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1e9);
      t.diagnostic(`TEST_SEED=${seed} makes the same choices again`);
      const random = new Random(seed);
      await using queue = await openKafkaQueue(cluster, partitionCount);
      const books = new Books(queue.writer, random);
      let isOver = false;
      const appending = books.keepAppending(() => isOver);
      try {
        for (let death = 0; death < deaths; death++) {
          const id = random.between(1, brokerCount);
          await grows(books);
          await cluster.kill(id);
          await grows(books);
          for (let partition = 0; partition < partitionCount; partition++)
            await textsOf(queue.reader, partition);
          cluster.startBroker(id);
          await cluster.allTakePart();
        }
      } finally {
        isOver = true;
        await appending;
      }
      for (const [partition, acked] of books.acked.entries()) {
        const texts = await textsOf(queue.reader, partition);
        for (const [offset, text] of acked) assert.equal(texts[offset], text);
        // What was refused may be there; where nothing was, nothing else is.
        if (books.refusedGroups === 0) assert.equal(texts.length, acked.size);
      }
      t.diagnostic(
        `${books.ackedRecords} records acknowledged through ${deaths} deaths, ${books.refusedGroups} groups refused`,
      );
    });
  });
