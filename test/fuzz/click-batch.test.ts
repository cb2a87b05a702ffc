import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkBatch } from "../../src/ingest/check-batch.ts";
import type { ClickBatch } from "../../src/model/click-batch.ts";
import { decodeClickBatch, encodeClickBatch } from "../../src/model/click-batch-codec.ts";
import { CodedError } from "../../src/model/errors.ts";
import { decodeLogRecord, encodeLogRecord } from "../../src/model/log-record-codec.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { rowLayout, rowsOf } from "../support/click-rows.ts";
import { allocatedBytes } from "./allocation-meter.ts";
import { readCorpus } from "./corpus.ts";
import { fuzz } from "./fuzz.ts";
import { receivedAtMs } from "../ingest/decoding.ts";

/** Bytes a decoder may ask for: a code of one byte in the input takes four, and offsets as many again. */
const growthMax = 24;
const constantBytesMax = 4096;

/** The result, or undefined where the decoder has refused the bytes as it should. */
function decoded<Result>(decode: () => Result): Result | undefined {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof RangeError, `not a refusal: ${(error as Error).stack}`);
    return undefined;
  }
}

/** Written again it is a form that stays itself, and still means the same. */
function assertSameMeaning(batch: ClickBatch): void {
  const written = encodeClickBatch(batch);
  const again = decodeClickBatch(written);
  assert.deepEqual(rowsOf(again), rowsOf(batch));
  assert.deepEqual(encodeClickBatch(again), written);
}

/** Whatever the check lets pass is what ingest would have taken from JSON too. */
function assertModelKept(batch: ClickBatch): void {
  for (const { ad, eventId, clickTimestampMs, values } of rowsOf(batch)) {
    assertText(ad, 256);
    assertText(eventId, 128);
    assert.ok(Number.isInteger(clickTimestampMs) && clickTimestampMs >= 0);
    assert.ok(clickTimestampMs <= receivedAtMs);
    for (const [name, value] of Object.entries(values)) {
      assertText(value, 256);
      if (name === "country") assert.match(value, /^[A-Z]{2}$/);
    }
  }
}

function assertText(text: string | undefined, bytesMax: number): void {
  assert.ok(text !== undefined && text !== "" && Buffer.byteLength(text) <= bytesMax);
  assert.ok(!text.includes("\ufffd") || text.isWellFormed());
}

function checkClickBatch(bytes: Uint8Array): string {
  let batch: ClickBatch | undefined;
  const allocated = allocatedBytes(() => {
    batch = decoded(() => decodeClickBatch(bytes));
  });
  assert.ok(
    allocated <= bytes.length * growthMax + constantBytesMax,
    `${allocated} bytes were asked for to read ${bytes.length}`,
  );
  if (batch === undefined) return "refused";
  assertSameMeaning(batch);
  try {
    checkBatch(batch, rowLayout, receivedAtMs);
  } catch (error) {
    assert.ok(error instanceof CodedError, String((error as Error).stack));
    assert.ok(["invalid_parameter", "unknown_dimension"].includes(error.code), error.code);
    assert.ok(error.field !== undefined);
    return "decoded";
  }
  assertModelKept(batch);
  return "valid";
}

function checkLogRecord(bytes: Uint8Array): string {
  let record: LogRecord | undefined;
  const allocated = allocatedBytes(() => {
    record = decoded(() => decodeLogRecord(bytes));
  });
  assert.ok(allocated <= bytes.length * growthMax + constantBytesMax, `${allocated} bytes`);
  if (record === undefined) return "refused";
  const written = encodeLogRecord(record);
  const again = decodeLogRecord(written);
  if (record.kind === "clicks" && again.kind === "clicks") {
    assertSameMeaning(record.batch);
    const { batch: _, ...head } = record;
    const { batch: __, ...headAgain } = again;
    assert.deepEqual(headAgain, head);
  } else {
    assert.deepEqual(again, record);
  }
  assert.deepEqual(encodeLogRecord(again), written);
  // A flag that is not known would change what a record means.
  assert.ok(bytes[2]! <= 1 && bytes[3] === 0, "unknown flags were passed over");
  if (record.kind === "rejects")
    for (const count of Object.values(record.counts)) assert.ok(count >= 0, `a count of ${count}`);
  return record.kind;
}

describe("hostile binary forms", () => {
  it("of batches are refused, or decode to rows that stay the same when written again", async (t) => {
    const tally = await fuzz({
      decoder: "click-batch",
      mutants: 12_000,
      dictionary: [],
      check: checkClickBatch,
      make: (_random, mutator) => mutator.nextInPlace(),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["refused", "decoded", "valid"])
      assert.ok(tally.get(word)! > 500, `${word}: ${tally.get(word)}`);
  });

  it("of records are refused, or decode to a record that stays the same when written again", async (t) => {
    const tally = await fuzz({
      decoder: "log-record",
      mutants: 10_000,
      dictionary: ['{"source":"', '"counts":{', '"type":"config"', '"changes":['],
      check: checkLogRecord,
      make: (_random, mutator) => mutator.nextInPlace(),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["refused", "clicks", "rejects", "control"])
      assert.ok(tally.get(word)! > 50, `${word}: ${tally.get(word)}`);
  });

  it("are written the one way they can be, so that what was written is read and written alike", () => {
    let written = 0;
    for (const { name, bytes } of [...readCorpus("click-batch"), ...readCorpus("log-record")]) {
      if (!name.startsWith("written-")) continue;
      const isRecord = name.startsWith("written-record");
      const again = isRecord
        ? encodeLogRecord(decodeLogRecord(bytes))
        : encodeClickBatch(decodeClickBatch(bytes));
      assert.deepEqual(Buffer.from(again), Buffer.from(bytes), name);
      written++;
    }
    assert.ok(written >= 10);
  });

  it("that claim a huge count in a hundred bytes ask for no more than those hundred bytes may", () => {
    const batch = readCorpus("click-batch").find(({ name }) => name === "written-one-row")!.bytes;
    for (let at = 0; at + 4 <= batch.length; at += 4) {
      for (const claim of [0xffff_ffff, 0x7fff_ffff, 0x1000_0000, 0x0010_0000]) {
        const bytes = Uint8Array.from(batch);
        new DataView(bytes.buffer).setUint32(at, claim, true);
        checkClickBatch(bytes);
      }
    }
  });
});
