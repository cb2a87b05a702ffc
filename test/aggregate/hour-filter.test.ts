import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { HourFilter } from "../../src/aggregate/hour-filter.ts";
import { OlderIds } from "../../src/aggregate/older-ids.ts";

function randomHashes(count: number): Uint32Array {
  const bytes = randomBytes(count * 16);
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

describe("the filter of an hour", () => {
  it("has every id it was given, in two bytes an id, and few others", () => {
    const count = 50_000;
    const filter = new HourFilter(count);
    const added = randomHashes(count);
    const others = randomHashes(count);
    for (let i = 0; i < count; i++) filter.add(added, i * 4);
    let falseHits = 0;
    for (let i = 0; i < count; i++) {
      assert.ok(filter.mayHave(added, i * 4));
      if (filter.mayHave(others, i * 4)) falseHits++;
    }
    assert.ok(filter.bytes <= 2 * count, `${filter.bytes} bytes`);
    assert.ok(falseHits < count / 200, `${falseHits} of ${count} are false hits`);
  });
});

describe("the older tier", () => {
  it("outgrows its first filter without losing an id or its accuracy", () => {
    const older = new OlderIds(0);
    const count = 20_000;
    const added = randomHashes(count);
    for (let i = 0; i < count; i++) older.add(5, added, i * 4);
    for (let i = 0; i < count; i++) assert.ok(older.mayHave(5, added, i * 4));
    const others = randomHashes(count);
    let falseHits = 0;
    for (let i = 0; i < count; i++) if (older.mayHave(5, others, i * 4)) falseHits++;
    assert.ok(falseHits < count / 50, `${falseHits} of ${count} are false hits`);
    assert.equal(older.size, count);
  });

  it("says perhaps of every id of a minute it has no filter for, and drops what whole hours had", () => {
    const older = new OlderIds(610);
    const [known, unknown] = [randomHashes(1), randomHashes(1)];
    older.add(700, known, 0);
    assert.equal(older.mayHave(700, known, 0), true);
    assert.equal(older.mayHave(700, unknown, 0), false);
    assert.equal(older.mayHave(609, unknown, 0), true);
    older.add(609, known, 0);
    assert.equal(older.size, 1, "what the store is asked for anyway takes no memory");
    older.dropBefore(701);
    assert.equal(older.mayHave(700, unknown, 0), true);
    assert.equal(older.mayHave(701, unknown, 0), false);
    older.dropBefore(720);
    assert.equal(older.bytes, 0);
    assert.equal(older.size, 0);
  });
});
