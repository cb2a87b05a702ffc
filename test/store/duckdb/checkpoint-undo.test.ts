import assert from "node:assert/strict";
import { open as openFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  blockBytes,
  decodeUndo,
  encodeUndo,
  isWholeBlock,
  tornBlocks,
  undoPathOf,
} from "../../../src/store/duckdb/checkpoint-undo.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const firstBlockAt = 3 * 4_096;
const noonMs = 1_772_366_400_000;

/** A store of two commits, each with a checkpoint after it. */
async function twoCheckpoints(path: string): Promise<void> {
  await using store = await openDuckDbStore({ path, memoryBytesMax: 128e6, threads: 1 });
  const maker = new CommitMaker();
  for (let i = 0; i < 2; i++) {
    const click = { ad_id: "ad", event_id: `event ${i}`, click_timestamp: noonMs };
    await store.commit(maker.next({ clicks: [click] }));
    await store.checkpoint();
  }
}

async function readBlock(path: string, id: number): Promise<Buffer> {
  const at = firstBlockAt + id * blockBytes;
  return (await readFile(path)).subarray(at, at + blockBytes);
}

async function spoil(path: string, id: number): Promise<void> {
  await using file = await openFile(path, "r+");
  await file.write(
    Buffer.alloc(4_096, 0xa5),
    0,
    4_096,
    firstBlockAt + (id + 1) * blockBytes - 4_096,
  );
}

describe("what is kept of the blocks that a checkpoint overwrites", () => {
  it("knows DuckDB's checksum of a block", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await twoCheckpoints(path);
    const block = await readBlock(path, 0);
    assert.ok(isWholeBlock(block));
    for (const at of [0, 7, 8, 9, 100_000, blockBytes - 1]) {
      const flipped = Buffer.from(block);
      flipped[at]! ^= 4;
      assert.ok(!isWholeBlock(flipped), `a bit flipped at ${at}`);
    }
    assert.ok(!isWholeBlock(block.subarray(8)));
  });

  it("is what the file had, and is there after every checkpoint", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await twoCheckpoints(path);
    const copy = decodeUndo(await readFile(undoPathOf(path)))!;
    assert.ok(copy.blocks.length > 0);
    for (const { bytes } of copy.blocks) assert.ok(isWholeBlock(bytes));
  });

  it("names a torn block while its checkpoint is the last, and not once another has finished", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await twoCheckpoints(path);
    const copy = decodeUndo(await readFile(undoPathOf(path)))!;
    const { id } = copy.blocks[0]!;
    const tornIds = async () => (await tornBlocks(path)).map((block) => block.id);
    assert.deepEqual(await tornIds(), []);
    await spoil(path, id);
    assert.deepEqual(await tornIds(), [id]);
    const headersBefore = Buffer.from(copy.headers);
    headersBefore[headersBefore.length - 1]! ^= 1;
    await writeFile(undoPathOf(path), encodeUndo({ ...copy, headers: headersBefore }));
    assert.deepEqual(await tornIds(), []);
  });

  it("is no copy where any byte of it is another, or some are missing", () => {
    const headers = Buffer.alloc(8_192, 1);
    const whole = encodeUndo({ headers, blocks: [{ id: 3, bytes: Buffer.alloc(blockBytes, 7) }] });
    const copy = decodeUndo(whole);
    assert.deepEqual(copy?.headers, headers);
    assert.deepEqual(
      copy?.blocks.map(({ id, bytes }) => [id, bytes.length, bytes[0], bytes.at(-1)]),
      [[3, blockBytes, 7, 7]],
    );
    for (const at of [0, 7, 8, 12, 15, 16, 5_000, 8_208, 8_216, whole.length - 1]) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1;
      assert.equal(decodeUndo(flipped), undefined, `a bit flipped at ${at}`);
    }
    for (const length of [0, 7, 16, 8_208, 8_216, whole.length - 1]) {
      assert.equal(decodeUndo(whole.subarray(0, length)), undefined, `${length} bytes`);
    }
    assert.equal(decodeUndo(Buffer.concat([whole, Buffer.alloc(1)])), undefined);
  });
});
