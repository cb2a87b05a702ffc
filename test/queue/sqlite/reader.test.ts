import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isCoded, newRecord, patternBytes } from "../../support/queue-records.ts";
import { openSqliteQueue, type SqliteQueueUnderTest } from "../../support/sqlite-queue.ts";

const all = { clicksMax: 1_000_000, recordsMax: 100_000 };

/** Partition 1 holds five records, small ones and one that fills pages of its own. */
async function openFilled(): Promise<SqliteQueueUnderTest> {
  const queue = await openSqliteQueue(2);
  const sizes = [200, 300, 50_000, 200, 100];
  await queue.writer.append(sizes.map((size) => newRecord(1, patternBytes(size), 7)));
  await queue.writer.append([newRecord(0, patternBytes(200), 7)]);
  return queue;
}

async function assertDamaged(queue: SqliteQueueUnderTest, offset: number): Promise<void> {
  await assert.rejects(
    queue.reader.read(1, 0, all),
    isCoded("data_corrupt", new RegExp(`partition 1, offset ${offset}:`)),
  );
  // What lies before the damage can still be read.
  const sound = await queue.reader.read(1, 0, { ...all, recordsMax: offset });
  assert.equal(sound.length, offset);
}

describe("reading a damaged SQLite queue", () => {
  for (const offset of [1, 2, 4]) {
    it(`finds a flipped bit in the bytes of record ${offset}`, async () => {
      await using queue = await openFilled();
      queue.damage(`
        UPDATE records_1 SET bytes = CAST(substr(bytes, 1, 77) || X'00' || substr(bytes, 79) AS BLOB)
        WHERE offset = ${offset}
      `);
      await assertDamaged(queue, offset);
    });
  }

  for (const change of [
    "click_count = 8",
    "clicks_end = clicks_end + 1",
    "received_at_ms = received_at_ms + 1",
    "crc = crc + 1",
    "bytes = X''",
  ]) {
    it(`finds ${change}`, async () => {
      await using queue = await openFilled();
      queue.damage(`UPDATE records_1 SET ${change} WHERE offset = 3`);
      await assertDamaged(queue, 3);
    });
  }

  it("finds a record that has gone", async () => {
    await using queue = await openFilled();
    queue.damage("DELETE FROM records_1 WHERE offset = 1");
    await assertDamaged(queue, 1);
  });

  it("finds the records gone that the log should begin with", async () => {
    await using queue = await openFilled();
    queue.damage("DELETE FROM records_1 WHERE offset < 2");
    await assert.rejects(
      queue.reader.read(1, 0, all),
      isCoded("data_corrupt", /partition 1, offset 0:/),
    );
  });

  it("finds a record in the place of another", async () => {
    await using queue = await openFilled();
    queue.damage(`
      DELETE FROM records_1 WHERE offset = 3;
      UPDATE records_1 SET offset = 3 WHERE offset = 4;
    `);
    await assertDamaged(queue, 3);
  });

  it("finds a record of another partition", async () => {
    await using queue = await openFilled();
    queue.damage(
      "DELETE FROM records_1 WHERE offset = 0; INSERT INTO records_1 SELECT * FROM records_0",
    );
    await assert.rejects(
      queue.reader.read(1, 0, all),
      isCoded("data_corrupt", /partition 1, offset 0:/),
    );
  });
});

describe("reading a SQLite queue", () => {
  it("returns at most 16 MB beyond the first record at once", async () => {
    await using queue = await openSqliteQueue(1);
    const record = newRecord(0, patternBytes(6 << 20));
    for (let i = 0; i < 4; i++) await queue.writer.append([record]);
    assert.equal((await queue.reader.read(0, 0, all)).length, 3);
    assert.equal((await queue.reader.read(0, 3, all)).length, 1);
  });
});
