import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Restatement } from "../../src/model/commit.ts";
import { RestatedBuckets } from "../../src/query/restated-buckets.ts";
import type { ClickStoreReader, RestatementRow } from "../../src/store/click-store.ts";
import { PlainDictionaries } from "./hot-fixture.ts";

const dictionary = new PlainDictionaries();
const firstMinute = 29_000_000;

/** The journal of a store, counting how often it is asked. */
class StoredJournal {
  asked = 0;
  readonly rows: RestatementRow[] = [];
  readonly reader: ClickStoreReader;

  constructor(rows: readonly RestatementRow[]) {
    this.rows.push(...rows);
    const reader: Pick<ClickStoreReader, "extent" | "restatements"> = {
      extent: () => Promise.resolve({ firstMinute, lastMinute: firstMinute + 10_000 }),
      restatements: ({ fromMinute, toMinute, adId }) => {
        this.asked++;
        const isIn = (row: RestatementRow): boolean =>
          row.minute >= fromMinute &&
          row.minute < toMinute &&
          (adId === undefined || row.adId === adId);
        return Promise.resolve({ asOf: 0, rows: this.rows.filter(isIn) });
      },
    };
    this.reader = reader as ClickStoreReader;
  }
}

function stored(minute: number, adId: string, revision: number, asOf: number): RestatementRow {
  return { minute, adId, revision, asOf, before: 0, after: 1, reason: "late", receivedAtMs: 0 };
}

function restated(minute: number, adId: string, revision: number): Restatement {
  const adKey = dictionary.intern("ad_id", adId);
  return {
    minute,
    adKey,
    revision,
    before: 0,
    after: 1,
    reason: "late",
    partition: 0,
    offset: 0,
    receivedAtMs: 0,
  };
}

const range = (fromMinute: number, toMinute: number) => ({ fromMinute, toMinute });

describe("the restated buckets", () => {
  const recent = firstMinute + 10_000;

  it("sum the last revision of each bucket, of one ad or of all, without asking the store about recent minutes", async () => {
    const journal = new StoredJournal([
      stored(recent, "a", 1, 3),
      stored(recent, "a", 2, 4),
      stored(recent - 1, "b", 1, 4),
    ]);
    const buckets = new RestatedBuckets(journal.reader, dictionary, 5);
    await buckets.load();
    buckets.apply({
      sequence: 6,
      restatements: [restated(recent, "a", 3), restated(recent + 1, "a", 1)],
    });
    const { asked } = journal;
    const all = range(recent - 5, recent + 5);
    assert.deepEqual((await buckets.view(all, 6, "a")).summarize(all), {
      restated: true,
      revision: 4,
    });
    assert.deepEqual((await buckets.view(all, 6, undefined)).summarize(all), {
      restated: true,
      revision: 5,
    });
    assert.deepEqual((await buckets.view(all, 6, "c")).summarize(all), {
      restated: false,
      revision: 0,
    });
    const part = range(recent - 5, recent);
    assert.deepEqual((await buckets.view(all, 6, undefined)).summarize(part), {
      restated: true,
      revision: 1,
    });
    assert.equal(journal.asked, asked);
  });

  it("show what was known at a commit, whatever came after it", async () => {
    const journal = new StoredJournal([
      stored(recent, "a", 1, 3),
      stored(firstMinute, "a", 1, 3),
      stored(firstMinute, "a", 2, 5),
    ]);
    const buckets = new RestatedBuckets(journal.reader, dictionary, 5);
    await buckets.load();
    const view = await buckets.view(range(recent, recent + 1), 5, "a");
    buckets.apply({ sequence: 6, restatements: [restated(recent, "a", 2)] });
    assert.equal(view.summarize(range(recent, recent + 1)).revision, 1);
    const old = range(firstMinute, firstMinute + 1);
    assert.equal((await buckets.view(old, 4, "a")).summarize(old).revision, 1);
    assert.equal((await buckets.view(old, 5, "a")).summarize(old).revision, 2);
  });

  it("ask the store about a commit that was not applied yet", async () => {
    const journal = new StoredJournal([]);
    const buckets = new RestatedBuckets(journal.reader, dictionary, 5);
    await buckets.load();
    journal.rows.push(stored(recent, "a", 1, 6));
    const one = range(recent, recent + 1);
    assert.equal((await buckets.view(one, 6, "a")).summarize(one).revision, 1);
    assert.equal((await buckets.view(one, 5, "a")).summarize(one).revision, 0);
  });

  it("leave the oldest minutes to the store when there are too many", async () => {
    const journal = new StoredJournal([]);
    const buckets = new RestatedBuckets(journal.reader, dictionary, 5);
    await buckets.load();
    const many = Array.from({ length: 250_000 }, (_, i) =>
      restated(recent - 2500 + Math.floor(i / 100), "a", (i % 100) + 1),
    );
    buckets.apply({ sequence: 6, restatements: many });
    for (let revision = 1; revision <= 100; revision++)
      journal.rows.push(stored(recent - 2500, "a", revision, 6));
    const { asked } = journal;
    const oldest = range(recent - 2500, recent - 2499);
    assert.equal((await buckets.view(oldest, 6, "a")).summarize(oldest).revision, 100);
    assert.equal(journal.asked, asked + 1);
    const newest = range(recent - 100, recent);
    assert.equal((await buckets.view(newest, 6, "a")).summarize(newest).revision, 10_000);
    assert.equal(journal.asked, asked + 1);
  });
});
