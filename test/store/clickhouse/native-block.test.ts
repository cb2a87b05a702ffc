import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { blockOfRows, ColumnWriter } from "../../../src/store/clickhouse/column-writer.ts";
import { NativeBlock, readBlocks } from "../../../src/store/clickhouse/native-block.ts";
import type { Column } from "../../../src/store/clickhouse/schema.ts";

const columns: readonly Column[] = [
  { name: "small", type: "UInt8" },
  { name: "whole", type: "Int32" },
  { name: "wide", type: "Int64" },
  { name: "text", type: "String" },
  { name: "maybe", type: "Nullable(String)" },
];

const text = fc.oneof(
  fc.string({ maxLength: 5 }),
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.constantFrom("", "x".repeat(127), "x".repeat(128), "é".repeat(100), "y".repeat(20_000)),
);
const row = fc.tuple(
  fc.integer({ min: 0, max: 255 }),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.maxSafeInteger(),
  text,
  fc.option(text),
);

function rowsOf(block: NativeBlock): unknown[][] {
  const [texts, maybes] = [block.texts(3), block.texts(4)];
  return Array.from({ length: block.rowCount }, (_, i) => [
    block.uint8(0)[i],
    block.int32(1)[i],
    block.int64(2)[i],
    texts[i],
    maybes[i],
  ]);
}

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const block of readBlocks(stream)) rows.push(...rowsOf(block));
  return rows;
}

describe("blocks of columns", () => {
  it("are read as they were written, however they are cut into pieces", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { maxLength: 30 }), { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
        async (blocks, sizes) => {
          const bytes = Buffer.concat(blocks.map((rows) => blockOfRows(columns, rows).encode()));
          assert.deepEqual(await collect(inPieces(bytes, sizes)), blocks.flat());
        },
      ),
      { numRuns: 100 },
    );
  });

  it("that end too early, or are the text of an error, are refused with what came", async () => {
    const bytes = blockOfRows(columns, [[1, 2, 3, "four", null]]).encode();
    for (let end = 1; end < bytes.length; end++)
      await assert.rejects(collect(inPieces(bytes.subarray(0, end), [7])));
    const message = "Code: 241. DB::Exception: Memory limit exceeded";
    await assert.rejects(collect(inPieces(Buffer.from(message), [50])), (error: Error) =>
      error.message.includes("Memory limit exceeded"),
    );
  });

  it("keep addresses of 128 bits and their order of words", async () => {
    const words = [0x01020304, 0xfffefdfc, 0, 0x80000001];
    const writer = new ColumnWriter({ name: "id", type: "FixedString(16)" });
    writer.uint128(Uint32Array.from(words), 0);
    const encoded = new NativeBlock(1, [writer.build()]).encode();
    for await (const read of readBlocks(inPieces(encoded, [3])))
      assert.deepEqual([...read.uint128(0)], words);
  });

  it("are the same rows where some are taken out of them", async () => {
    await fc.assert(
      fc.property(
        fc.array(fc.tuple(row, fc.boolean()), { minLength: 1, maxLength: 30 }),
        (rows) => {
          const block = blockOfRows(
            columns,
            rows.map(([own]) => own),
          );
          const taken = rows.flatMap(([, isTaken], i) => (isTaken ? [i] : []));
          assert.deepEqual(
            rowsOf(block.rowsAt(taken)),
            taken.map((i) => rowsOf(block)[i]),
          );
        },
      ),
    );
  });
});
