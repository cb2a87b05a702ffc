import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hourMs, minuteMs } from "../../../src/model/time.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import type { DecidedClick } from "../../support/store-clicks.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const noonMs = 1_772_366_400_000;

/** Strings of every length around what fits in place, some of them missing, in an order that mixes them. */
function rowOf(i: number): DecidedClick {
  const length = (i * 7) % 40;
  const text = length === 0 ? undefined : `${i % 3 === 0 ? "é" : "x"}`.repeat(length) + (i % 11);
  const uuid = `0000000${i % 10}-0000-4000-8000-${i.toString(16).padStart(12, "0")}`;
  return {
    ad_id: `ad-${i % 5}`,
    event_id: i % 4 === 0 ? `${text ?? "id"} ${i}` : uuid,
    click_timestamp: noonMs + (i % 3 === 2 ? 13 * hourMs : 0) + i,
    dimensions: {
      ...(text === undefined ? {} : { user_id: text }),
      ...(i % 5 === 0
        ? {}
        : { ip: i % 2 === 0 ? `10.0.${i % 250}.1` : `2001:db8::${(i % 250) + 1}` }),
    },
  };
}

describe("appending columns", () => {
  it("keeps every value of every row over chunks, records and days", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await using store = await openDuckDbStore({ path, memoryBytesMax: 128_000_000, threads: 2 });
    const maker = new CommitMaker();
    const rows = Array.from({ length: 6000 }, (_, i) => rowOf(i));
    const records = [
      rows.slice(0, 1),
      rows.slice(1, 2050),
      rows.slice(2050, 2051),
      rows.slice(2051),
    ];
    await store.commit(maker.next({ records }));

    const expected = new Map<string, number>();
    for (const { ad_id, dimensions } of rows) {
      const key = JSON.stringify([
        ad_id,
        dimensions?.["user_id"] ?? null,
        dimensions?.["ip"] ?? null,
      ]);
      expected.set(key, (expected.get(key) ?? 0) + 1);
    }
    const found = await store.aggregate({
      source: "raw",
      fromMinute: noonMs / minuteMs,
      toMinute: noonMs / minuteMs + 2000,
      groupBy: ["ad_id", "user_id", "ip"],
      order: "key",
      limit: 10_000,
    });
    assert.deepEqual(
      new Map(found.rows.map(({ group, count }) => [JSON.stringify(group), count])),
      expected,
    );

    const texts: string[] = [];
    let idCount = 0;
    for await (const chunk of store.scanIdentities(0, noonMs * 2)) {
      idCount += chunk.rowCount;
      texts.push(...chunk.eventIdTexts.filter((text) => text !== null));
    }
    assert.equal(idCount, rows.length);
    const sent = rows.map((row) => row.event_id).filter((_, i) => i % 4 === 0);
    assert.deepEqual(texts.sort(), sent.sort());
  });

  it("tells each row's outcome by its place in its record", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await using store = await openDuckDbStore({ path, memoryBytesMax: 128_000_000, threads: 2 });
    const outcomes = ["counted", "duplicate", "expired", "quarantined"] as const;
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      ...rowOf(i),
      outcome: outcomes[i % 4]!,
    }));
    await store.commit(
      new CommitMaker().next({ records: [rows.slice(0, 1500), rows.slice(1500)] }),
    );
    for (const [record, row] of [
      [0, 0],
      [0, 1499],
      [1, 0],
      [1, 1023],
    ] as const) {
      const counts = await store.outcomesOf(0, record, row, row + 1);
      const name = rows[record * 1500 + row]!.outcome;
      assert.equal(counts?.[name], 1, `row ${row} of record ${record}`);
      assert.equal(
        Object.values(counts ?? {}).reduce((a, b) => a + b),
        1,
      );
    }
  });
});
