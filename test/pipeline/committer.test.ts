import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Effects } from "../../src/aggregate/effects.ts";
import { SharedState } from "../../src/aggregate/state.ts";
import { systemClock } from "../../src/clock/system-clock.ts";
import type { Commit } from "../../src/model/commit.ts";
import { CodedError } from "../../src/model/errors.ts";
import type { CommitListener } from "../../src/pipeline/committer.ts";
import { Committer } from "../../src/pipeline/committer.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { testConfig } from "../support/random-clicks.ts";

const quick = { msMin: 1, msMax: 2 };

/**
 * A committer over a store that does as `commit` says, to `together` of those that it is offered; what was told to the
 * listener, in order.
 */
function committerOver(
  commit: (...commits: Commit[]) => Promise<void>,
  listener: Partial<CommitListener> = {},
  retryDelays = quick,
  together = 1,
) {
  const told: string[] = [];
  const abort = new AbortController();
  const store: Pick<ClickStore, "commit"> = {
    async commit(...offered) {
      const taken = offered.slice(0, together);
      await commit(...taken);
      return taken.length;
    },
  };
  const shared = new SharedState(new Uint8Array(32), [testConfig], new Map());
  const committer = new Committer(
    systemClock,
    store as ClickStore,
    shared,
    10,
    {
      committed: ({ sequence }) => told.push(`committed ${sequence}`),
      tryFailed: (what, error, tries) => told.push(`${what} failed ${tries}: ${String(error)}`),
      wentThrough: (what, tries) => told.push(`${what} went through at ${tries}`),
      ...listener,
    },
    abort.signal,
    retryDelays,
  );
  const submit = (partition: number, nextOffset: number): Promise<void> =>
    committer.submit(new Effects([]), { partition, nextOffset, watermarkMs: 0 });
  return { committer, shared, submit, told, abort };
}

describe("the committer", () => {
  it("gives the same commit again until it is in, and what follows only then", async () => {
    const given: Commit[] = [];
    let failures = 3;
    const { submit, shared, told } = committerOver(async (commit) => {
      given.push(commit);
      if (failures-- > 0) throw new Error("away");
    });
    shared.dictionary("ad_id").internText("ad-1");
    const first = submit(0, 5);
    shared.dictionary("ad_id").internText("ad-2");
    await Promise.all([first, submit(1, 7)]);
    assert.deepEqual(
      given.map(({ sequence }) => sequence),
      [11, 11, 11, 11, 12],
    );
    assert.ok(given.slice(0, 4).every((commit) => commit === given[0]));
    assert.deepEqual(
      [given[0]!, given[4]!].map(({ dictionaries }) => dictionaries),
      [
        [{ dictionary: "ad_id", firstKey: 1, values: ["ad-1"] }],
        [{ dictionary: "ad_id", firstKey: 2, values: ["ad-2"] }],
      ],
    );
    const tries = [1, 2, 3].map((n) => `commit failed ${n}: Error: away`);
    assert.deepEqual(told, [...tries, "commit went through at 4", "committed 11", "committed 12"]);
  });

  it("offers all that has come meanwhile, and tells of what was taken of it", async () => {
    const given: number[][] = [];
    const gate = Promise.withResolvers<void>();
    let failures = 1;
    const { submit, told } = committerOver(
      async (...commits) => {
        given.push(commits.map(({ sequence }) => sequence));
        await gate.promise;
        if (commits.length > 1 && failures-- > 0) throw new Error("away");
      },
      {},
      quick,
      3,
    );
    const submitted = [0, 1, 2, 3, 4].map((partition) => submit(partition, 1));
    gate.resolve();
    await Promise.all(submitted);
    await submit(0, 2);
    assert.deepEqual(given, [[11], [12, 13, 14], [12, 13, 14], [15], [16]]);
    const done = [11, 12, 13, 14, 15, 16].map((sequence) => `committed ${sequence}`);
    const away = ["commit failed 1: Error: away", "commit went through at 2"];
    assert.deepEqual(told, [done[0], ...away, ...done.slice(1)]);
  });

  it("calls nothing done that the store has not taken", async () => {
    const { submit, told } = committerOver(
      async (...commits) => {
        if (commits.some(({ sequence }) => sequence > 13))
          throw new CodedError("data_corrupt", "broken");
      },
      {},
      quick,
      2,
    );
    const results = await Promise.allSettled([0, 1, 2, 3].map((partition) => submit(partition, 1)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "fulfilled", "fulfilled", "rejected"],
    );
    assert.deepEqual(told.slice(0, 3), ["committed 11", "committed 12", "committed 13"]);
    await assert.rejects(submit(0, 2), { code: "data_corrupt" });
  });

  it("gives up where the store can never take it, and commits nothing after", async () => {
    let calls = 0;
    const { committer, submit } = committerOver(async () => {
      calls++;
      throw new CodedError("data_corrupt", "broken");
    });
    const commits = [submit(0, 1), submit(1, 1)];
    for (const commit of commits) await assert.rejects(commit, { code: "data_corrupt" });
    await committer.idle();
    assert.equal(calls, 1);
  });

  it("does not take a listener's failure for the store's, nor commit again", async () => {
    let calls = 0;
    const { submit, told } = committerOver(
      async () => {
        calls++;
      },
      {
        committed: () => {
          throw new Error("a bug");
        },
      },
    );
    await assert.rejects(submit(0, 1), /a bug/);
    assert.equal(calls, 1);
    assert.deepEqual(told, []);
  });

  it("stops waiting for a store that is away when it is told to", async () => {
    const { submit, abort, committer } = committerOver(
      async () => {
        throw new Error("away");
      },
      { tryFailed: () => abort.abort(new Error("stopped")) },
      { msMin: 3_600_000, msMax: 3_600_000 },
    );
    await assert.rejects(submit(0, 1), /stopped/);
    await committer.idle();
  });

  it("asks the store a question again until it answers, and gives up where it never will", async () => {
    const { committer, told } = committerOver(async () => {});
    let failures = 2;
    const answer = await committer.ask(async () => {
      if (failures-- > 0) throw new Error("away");
      return 7;
    });
    assert.equal(answer, 7);
    const tries = [1, 2].map((n) => `look-up failed ${n}: Error: away`);
    assert.deepEqual(told, [...tries, "look-up went through at 3"]);
    const never = committer.ask(async () => {
      throw new CodedError("data_corrupt", "broken");
    });
    await assert.rejects(never, { code: "data_corrupt" });
  });

  it("carries a configuration with the first commit after it, whoever's that is", async () => {
    const given: Commit[] = [];
    const { submit, shared } = committerOver(async (commit) => {
      given.push(commit);
    });
    const newer = { ...testConfig, generation: 2, fromMinute: 10 };
    await submit(0, 1);
    shared.addConfig(newer);
    await submit(1, 1);
    await submit(0, 2);
    assert.deepEqual(
      given.map(({ configs }) => configs),
      [[], [newer], []],
    );
  });
});
