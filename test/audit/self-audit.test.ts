import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { AuditMismatch } from "../../src/audit/audit-mismatch.ts";
import { SelfAudit } from "../../src/audit/self-audit.ts";
import type { SelfAuditOptions } from "../../src/audit/self-audit.ts";
import type { Clock } from "../../src/clock/clock.ts";
import { systemClock } from "../../src/clock/system-clock.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import { click, noon } from "../contract/click-store/harness.ts";
import { eventually } from "../support/eventually.ts";
import { changedStore } from "../support/pipeline-run.ts";
import { CommitMaker } from "../support/store-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const bucketsAMinute = 60;
/** Pauses are a hundredth, so that a test need not wait. */
const fastClock: Clock = {
  ...systemClock,
  after: (timeMs, call) => systemClock.after(timeMs / 100, call),
};

/** A self-audit over a real store with three clicks in two minutes, and what it told. */
class AuditedStore implements AsyncDisposable {
  readonly told: { what: string; error: unknown }[] = [];
  readonly store: ClickStore;
  readonly maker = new CommitMaker();
  changes = 0;
  private readonly resources: AsyncDisposable;

  private constructor(store: ClickStore, resources: AsyncDisposable) {
    this.store = store;
    this.resources = resources;
  }

  static async open(): Promise<AuditedStore> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await temporaryDirectory());
    const path = join(directory.path, "store.duckdb");
    const store = resources.use(await openDuckDbStore({ path, memoryBytesMax: 256e6, threads: 1 }));
    const audited = new AuditedStore(store, resources.move());
    const clicks = [click("a", 0, { country: "US" }), click("b", 5), click("b", 5)];
    await store.commit(audited.maker.next({ clicks }));
    return audited;
  }

  /** Counts clicks more often than they came, as no commit should. */
  async miscount(minute: number): Promise<void> {
    const { minutes } = this.maker.next({ clicks: [click("b", minute)] });
    await this.store.commit({ ...this.maker.next({ minutes }), sequence: ++this.sequence });
  }

  run(options: Partial<SelfAuditOptions> = {}): SelfAudit {
    const selfAudit = new SelfAudit({
      clock: fastClock,
      store: this.store,
      bucketsAMinute,
      seed: 1,
      finalThroughMinute: () => noon + 10,
      onProblem: (what, error) => this.told.push({ what, error }),
      onChange: () => this.changes++,
      ...options,
    });
    void selfAudit.run();
    return selfAudit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources[Symbol.asyncDispose]();
  }

  private sequence = 1;
}

const checked = (selfAudit: SelfAudit, more: number): Promise<unknown> => {
  const enough = selfAudit.checkedBuckets + more;
  return eventually("more buckets are checked", () =>
    selfAudit.checkedBuckets >= enough ? true : undefined,
  );
};

describe("the self-audit", () => {
  it("finds nothing where all is right, and notes when it looked", async () => {
    await using audited = await AuditedStore.open();
    await using selfAudit = audited.run();
    assert.equal(selfAudit.lastRunMs, undefined);
    await checked(selfAudit, 20);
    assert.ok(Math.abs(selfAudit.lastRunMs! - Date.now()) < 60_000);
    assert.deepEqual([selfAudit.mismatchedBuckets, audited.told, audited.changes], [0, [], 0]);
  });

  it("names the bucket and the difference, and tells of it again only when that changes", async () => {
    await using audited = await AuditedStore.open();
    await audited.miscount(5);
    await using selfAudit = audited.run();
    const found = (): readonly AuditMismatch[] =>
      audited.told.map(({ error }) => error).filter((error) => error instanceof AuditMismatch);
    await eventually("it is told", () => (found().length === 1 ? true : undefined));
    await checked(selfAudit, 30);
    assert.equal(found().length, 1);
    assert.equal(
      found()[0]!.message,
      'in minute 2026-03-01T12:05:00Z 1 rows differ: {"ad_id":"b","country":null,"device":null} ' +
        "has 2 raw clicks and is counted 3 times",
    );
    await audited.miscount(5);
    await eventually("the change is told", () => (found().length === 2 ? true : undefined));
    assert.match(found()[1]!.message, /counted 4 times/);
    assert.deepEqual(
      selfAudit.mismatches.map(({ minute }) => minute - noon),
      [5],
    );
    assert.deepEqual([selfAudit.mismatchedBuckets, audited.changes], [1, 2]);
  });

  it("looks again at what differed, and tells when it is right", async () => {
    await using audited = await AuditedStore.open();
    let isWrong = true;
    const store = changedStore(audited.store, {
      async recount(from, to, limit) {
        const result = await audited.store.recount(from, to, limit);
        return isWrong && from === noon ? { ...result, differingRows: 1 } : result;
      },
    });
    await using selfAudit = audited.run({ store });
    await eventually("it is found", () => (selfAudit.mismatches.length === 1 ? true : undefined));
    isWrong = false;
    await eventually("it is found right", () =>
      selfAudit.mismatches.length === 0 ? true : undefined,
    );
    assert.equal(
      audited.told.at(-1)?.what,
      "the counts of minute 2026-03-01T12:00:00Z are right again",
    );
    assert.deepEqual([selfAudit.mismatchedBuckets, audited.changes], [1, 2]);
  });

  it("tells of a store that can't be asked once, and goes on when it can", async () => {
    await using audited = await AuditedStore.open();
    let failures = 0;
    const store = changedStore(audited.store, {
      recount: (from, to, limit) =>
        ++failures <= 5
          ? Promise.reject(new Error("away"))
          : audited.store.recount(from, to, limit),
    });
    await using selfAudit = audited.run({ store });
    await checked(selfAudit, 10);
    assert.deepEqual(
      audited.told.map(({ what, error }) => `${what}: ${String(error)}`),
      ["the self-audit failed, will be tried again: Error: away"],
    );
  });

  it("ends at once, also while the store does not answer", async () => {
    await using audited = await AuditedStore.open();
    let isAsked = false;
    const store = changedStore(audited.store, {
      recount() {
        isAsked = true;
        return new Promise(() => {});
      },
    });
    const selfAudit = new SelfAudit({
      clock: fastClock,
      store,
      bucketsAMinute,
      seed: 1,
      finalThroughMinute: () => noon + 10,
      onProblem: () => {},
      onChange: () => {},
    });
    const run = selfAudit.run();
    await eventually("the store is asked", () => (isAsked ? true : undefined));
    await selfAudit[Symbol.asyncDispose]();
    await run;
    assert.equal(selfAudit.checkedBuckets, 0);
  });

  it("asks for nothing that is not final, and for nothing at all where it is off", async () => {
    await using audited = await AuditedStore.open();
    const asked = new Set<number>();
    const store = changedStore(audited.store, {
      recount(from, to, limit) {
        asked.add(from - noon);
        return audited.store.recount(from, to, limit);
      },
    });
    await using off = audited.run({ store, bucketsAMinute: 0 });
    await using nothingFinal = audited.run({ store, finalThroughMinute: () => undefined });
    await using selfAudit = audited.run({ finalThroughMinute: () => noon + 5 });
    await checked(selfAudit, 20);
    assert.deepEqual([off.checkedBuckets, nothingFinal.checkedBuckets, asked.size], [0, 0, 0]);
    await using some = audited.run({ store, finalThroughMinute: () => noon + 5 });
    await checked(some, 20);
    assert.ok([...asked].every((minute) => minute < 5) && asked.has(0));
  });
});
